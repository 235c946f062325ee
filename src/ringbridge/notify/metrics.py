"""Prometheus metrics, fed by the calls themselves, so that no other file counts.

No label holds an account or a number: their count has no bound, and numbers are people's. Trunks are few.
"""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ringbridge.call.cause import Outcome
from ringbridge.call.model import Call

TRY_RESULTS = ("delivered", "failed", "given_up")
"""How a try to tell a webhook of an event goes: taken, to be tried again, or the last."""

_SECONDS_TO_ANSWER = (0.5, 1, 2, 5, 10, 15, 20, 30, 45, 60)
_SECONDS_OF_TALK = (5, 15, 30, 60, 120, 300, 600, 1800, 3600)


class Metrics:
    """Implements `call.ports.CallObserver`, and renders what it counted."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._accepted = Counter(
            "ringbridge_calls_accepted", "Calls that were stored and dialled.", registry=self._registry
        )
        ended = Counter(
            "ringbridge_calls_ended", "Calls that are over, by outcome.", ["outcome"], registry=self._registry
        )
        # Bound once: looking a label up costs three times the count itself, and shows a zero before the first call.
        self._ended = {outcome: ended.labels(outcome.value) for outcome in Outcome}
        self._user_answer = Histogram(
            "ringbridge_user_answer_seconds",
            "From the request to the user's answer.",
            buckets=_SECONDS_TO_ANSWER,
            registry=self._registry,
        )
        self._destination_answer = Histogram(
            "ringbridge_destination_answer_seconds",
            "From the user's answer to the destination's.",
            buckets=_SECONDS_TO_ANSWER,
            registry=self._registry,
        )
        self._talk = Histogram(
            "ringbridge_talk_seconds",
            "How long the two were joined.",
            buckets=_SECONDS_OF_TALK,
            registry=self._registry,
        )

        tries = Counter(
            "ringbridge_webhook_tries",
            "Requests to webhooks, by result.",
            ["result"],
            registry=self._registry,
        )
        self._webhook_tries = {result: tries.labels(result) for result in TRY_RESULTS}
        self._webhooks_disabled = Counter(
            "ringbridge_webhooks_disabled",
            "Webhooks that were disabled because their receivers took nothing or said that they are gone.",
            registry=self._registry,
        )

    def accepted(self, call: Call) -> None:
        """See `call.ports.CallObserver`."""
        self._accepted.inc()

    def ended(self, call: Call) -> None:
        """See `call.ports.CallObserver`."""
        if call.ending is not None:
            self._ended[call.ending.outcome].inc()
        user_at, destination_at = call.user_leg.answered_at, call.destination_leg.answered_at
        if user_at is not None:
            self._user_answer.observe(user_at - call.accepted_at)
        if user_at is not None and destination_at is not None:
            self._destination_answer.observe(destination_at - user_at)
            self._talk.observe(call.talk_seconds)

    def webhook_tried(self, result: str) -> None:
        """See `notify.dispatcher.Observer`."""
        self._webhook_tries[result].inc()

    def webhook_disabled(self) -> None:
        """See `notify.dispatcher.Observer`."""
        self._webhooks_disabled.inc()

    def interrupted(self) -> None:
        """See `call.ports.CallObserver`."""
        self._ended[Outcome.INTERRUPTED].inc()

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show a value that is read when the metrics are."""
        Gauge(f"ringbridge_{name}", text, registry=self._registry).set_function(read)

    def gauge_of_each(
        self, name: str, text: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None:
        """Show a value of each of what there is when the metrics are read, by its name."""
        self._registry.register(_Each(f"ringbridge_{name}", text, label, read))

    def render(self) -> bytes:
        """Everything counted so far, in Prometheus' text format."""
        return generate_latest(self._registry)


class _Each(Collector):
    """A gauge whose labels come and go: those that are gone are not shown."""

    def __init__(self, name: str, text: str, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        self._name = name
        self._text = text
        self._label = label
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """See `Collector`."""
        family = GaugeMetricFamily(self._name, self._text, labels=[self._label])
        for value, number in self._read().items():
            family.add_metric([value], number)
        yield family
