"""Webhooks: where an account wants to be told of its calls, and what became of it, as values. Pure.

All times are UTC seconds since 1970.
"""

import base64
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from ringbridge.call.errors import CallError
from ringbridge.call.history import EVENT_NAMES, CallEvent
from ringbridge.call.model import Call
from ringbridge.call.simulation import is_simulated

MOST_WEBHOOKS = 20
"""How many an account may have: each is a request for each event of each call."""

PREVIOUS_SECRET_SECONDS = 86_400.0
"""How long the secret before the last rotation signs, too."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - it is no secret itself
SECRET_OCTETS = 32

_OF_CALLS = "call:"
_OF_TEST_CALLS = "test_call:"
_EVENT_ID = re.compile(r"evt_([0-9A-Za-z-]{1,64})_([1-9][0-9]{0,8})")


class InvalidWebhook(CallError):
    """The webhook cannot be kept as it is wanted; the text says why."""

    code = "invalid_webhook"


class TooManyWebhooks(CallError):
    """The account has all the webhooks that it may have."""

    code = "too_many_webhooks"


class TooManyTests(CallError):
    """The account tried its receivers too often. `retry_after_seconds` is when it may again."""

    code = "too_many_tests"

    def __init__(self, *, retry_after_seconds: float) -> None:
        super().__init__("The account tried its webhooks too often.")
        self.retry_after_seconds = retry_after_seconds


class SenderUnavailable(CallError):
    """What sends to receivers does not answer."""

    code = "sender_unavailable"


class WebhookFormat(Enum):
    """What the body of a request looks like: our own, or that of net2phone's webhooks."""

    RINGBRIDGE = "ringbridge"
    NET2PHONE = "net2phone"


NET2PHONE_EVENTS = {
    "destination_ringing": "call_ringing",
    "destination_early_media": "call_ringing",
    "connected": "call_answered",
}
"""The events that net2phone's format has a word for, and the word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where the events of an account's calls are sent. events: the names that are wanted; none means all.

    secret: signs each request; until `previous_secret_until` the previous one signs, too.
    disabled_at, disabled_reason: since when and why nothing is sent; None while it is.
    is_test: a test key made it: it hears of test calls only.
    """

    id: str
    account_id: str
    url: str
    name: str | None = None
    format: WebhookFormat = WebhookFormat.RINGBRIDGE
    events: tuple[str, ...] = ()
    secret: str = field(repr=False)
    previous_secret: str | None = field(default=None, repr=False)
    previous_secret_until: float | None = None
    created_at: float
    disabled_at: float | None = None
    disabled_reason: str | None = None
    is_test: bool = False

    def wants(self, event_name: str) -> bool:
        """Whether events of this name are sent to it. In net2phone's format they may be wanted by its words, too."""
        if self.format is WebhookFormat.RINGBRIDGE:
            return not self.events or event_name in self.events
        word = NET2PHONE_EVENTS.get(event_name)
        return word is not None and (
            not self.events or any(word in (name, NET2PHONE_EVENTS.get(name)) for name in self.events)
        )

    def is_told(self, call: Call, event: CallEvent) -> bool:
        """Whether this event is sent to it. net2phone's receivers hear once that it rings, by whatever shows it first."""
        if self.is_test and not is_simulated(call):
            return False
        if self.format is WebhookFormat.NET2PHONE and event.name == "destination_early_media":
            return self.wants(event.name) and call.destination_leg.ringing_at == event.at
        return self.wants(event.name)

    @property
    def is_of_calls(self) -> bool:
        """Whether it stands for those that calls bring with them; none of these is kept, so none can be disabled."""
        return owner_of_call_webhook(self.id) is not None

    def secrets(self, utc_now: float) -> tuple[str, ...]:
        """The secrets that sign at `utc_now`, the newest first."""
        if self.previous_secret is None or utc_now >= (self.previous_secret_until or 0.0):
            return (self.secret,)
        return (self.secret, self.previous_secret)


class CallWebhookOwner(NamedTuple):
    """Whose calls bring a webhook with them. Live and test calls are told apart: each have a secret of their own."""

    account_id: str
    is_test: bool

    @property
    def webhook_id(self) -> str:
        """The id that the webhooks of all these calls share."""
        return f"{_OF_TEST_CALLS if self.is_test else _OF_CALLS}{self.account_id}"


def owner_of_call_webhook(webhook_id: str) -> CallWebhookOwner | None:
    """Whose calls bring this webhook with them; None for one that was made."""
    for prefix, is_test in ((_OF_CALLS, False), (_OF_TEST_CALLS, True)):
        if webhook_id.startswith(prefix):
            return CallWebhookOwner(webhook_id.removeprefix(prefix), is_test)
    return None


def call_webhook(owner: CallWebhookOwner, secret: str) -> Webhook:
    """The webhook of an owner's single calls, which say themselves where it leads."""
    return Webhook(
        id=owner.webhook_id,
        account_id=owner.account_id,
        url="",
        secret=secret,
        created_at=0.0,
        is_test=owner.is_test,
    )


def secret_of(octets: bytes) -> str:
    """A secret made of SECRET_OCTETS random octets, written as Standard Webhooks has it."""
    return SECRET_PREFIX + base64.b64encode(octets).decode()


def parse_event_names(names: list[str]) -> tuple[str, ...]:
    """The names of events that are wanted, each once; `call.ended` is `ended`. Raises InvalidWebhook."""
    wanted = [name.removeprefix("call.") for name in names]
    for name in wanted:
        if name not in EVENT_NAMES and name not in NET2PHONE_EVENTS.values():
            near = difflib.get_close_matches(name, EVENT_NAMES, 1)
            hint = f"did you mean {near[0]}?" if near else "docs/webhooks.md names them all."
            raise InvalidWebhook(f"{name[:60]!a} is no name of an event; {hint}")
    return tuple(dict.fromkeys(wanted))


class DeliveryKey(NamedTuple):
    """Which event of which call, to which webhook."""

    webhook_id: str
    call_id: str
    sequence: int

    @property
    def event_id(self) -> str:
        """What the receiver knows the event by: the same at each try, and the same for all webhooks."""
        return event_id(self.call_id, self.sequence)


def event_id(call_id: str, sequence: int) -> str:
    """The id of one event of a call. Without a full stop, which parts what is signed."""
    return f"evt_{call_id}_{sequence}"


def parse_event_id(text: str) -> tuple[str, int] | None:
    """The call's id and the sequence in the id of an event; None where it is none."""
    match = _EVENT_ID.fullmatch(text)
    return None if match is None else (match[1], int(match[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One event of a call as it is told to webhooks. outcome, cause, ended_by, talk_seconds: None unless it is the last.

    user_trunk: the trunk that the user's leg goes over, if any. attempt_of: the id of the scheduled call that it is one of.
    """

    account_id: str
    call_id: str
    sequence: int
    name: str
    at: float
    state: str
    user_number: str
    user_name: str | None
    user_leg: str
    destination_number: str
    destination_caller_number: str
    destination_leg: str
    user_trunk: str | None = None
    attempt_of: str | None = None
    metadata: Mapping[str, str] | None = None
    outcome: str | None = None
    cause: str | None = None
    ended_by: str | None = None
    talk_seconds: float | None = None

    @property
    def event_id(self) -> str:
        """See `DeliveryKey.event_id`."""
        return event_id(self.call_id, self.sequence)


class DueDelivery(NamedTuple):
    """An event that is to be sent now. attempts: how often it was tried before. call_url: where its call wants it sent."""

    key: DeliveryKey
    created_at: float
    attempts: int
    notice: Notice
    call_url: str | None = None


class Attempt(NamedTuple):
    """How a try to send went. next_attempt_at: when it is due again; None when it was taken or is given up.

    status: of HTTP, None where no whole answer came; error: what went wrong, in a few words.
    """

    key: DeliveryKey
    attempts: int
    at: float
    next_attempt_at: float | None
    status: int | None
    error: str | None
    is_delivered: bool


class Reply(NamedTuple):
    """What came back for one request. retry_after_seconds: how long the receiver asked to be left alone."""

    status: int | None
    error: str | None = None
    retry_after_seconds: float = 0.0

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has the event now."""
        return self.error is None and self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One line of a webhook's log: which event, how often it was tried, how the last try went, when it is due again."""

    key: DeliveryKey
    name: str
    created_at: float
    attempts: int
    next_attempt_at: float | None
    last_attempt_at: float | None
    last_status: int | None
    last_error: str | None
    delivered_at: float | None

    @property
    def state(self) -> str:
        """pending: it is or will be tried; delivered: the receiver took it; failed: it was given up."""
        if self.next_attempt_at is not None:
            return "pending"
        return "failed" if self.delivered_at is None else "delivered"
