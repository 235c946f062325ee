"""One call's page: how it went, stage by stage, what was sent and came back, what it cost, and who was told."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from starlette.responses import Response

from ringbridge.call.cause import Cause, Outcome
from ringbridge.call.errors import NotFound
from ringbridge.call.history import StoredEvent
from ringbridge.call.model import State
from ringbridge.call.record import Record
from ringbridge.call.user import Right
from ringbridge.portal.pages.history.explanations import (
    CAUSES,
    REFUSALS,
    REFUSING_CAUSES,
    Explanation,
)
from ringbridge.portal.pages.history.explanations import OUTCOMES as EXPLAINED
from ringbridge.portal.pages.history.ladder import ladder, status_text
from ringbridge.portal.pages.history.who import names
from ringbridge.portal.pages.history.words import ENDED_BY, EVENTS, LEG_STATES, STATES
from ringbridge.portal.view import View
from ringbridge.portal.words import OUTCOMES
from ringbridge.service.export import cost_text

_WRITTEN_SECONDS = 2.0
# A stage that was shorter was none that anybody noticed.
_SHOWN_SECONDS = 0.05


class Stage(NamedTuple):
    """How long a call was in one state without a pause."""

    state: str
    seconds: float


async def show_call(view: View) -> Response:
    services, call_id = view.services, view.request.path_params["call_id"]
    call = await services.calls.reader.find(view.caller, call_id)
    record = await services.records.find(view.caller, call_id)
    if call is not None and record is None and call.state == State.ENDED.value:
        # It was over a moment ago, and its record is on the way to the database.
        await services.calls.reader.find_ended(view.caller, call_id, _WRITTEN_SECONDS)
        record = await services.records.find(view.caller, call_id)
    if call is None and record is None:
        raise NotFound("There is no call with this id.")
    events = () if call is None else call.events
    sees_webhooks = view.may(Right.SEE_WEBHOOKS) and call is not None
    deliveries = (
        await services.webhooks.deliveries_of_call(call) if sees_webhooks and call is not None else []
    )
    webhooks = await services.webhooks.all(view.caller) if deliveries else []
    early = {
        name.removesuffix("_early_media"): at for _, name, at, *_ in events if name.endswith("_early_media")
    }
    return view.page(
        "history/call.html",
        call_id=call_id,
        call=call,
        record=record,
        events=events,
        stages=[stage for stage in stages_of(events) if stage.seconds >= _SHOWN_SECONDS],
        messages=[] if record is None else ladder(record, early),
        cost=None if record is None else cost_text(record.micros),
        sees_webhooks=sees_webhooks,
        deliveries=deliveries,
        webhooks={webhook.id: webhook.name or webhook.url for webhook in webhooks},
        people=await names(view),
        outcome=None if record is None else EXPLAINED[Outcome(record.outcome)],
        cause=None if record is None else _cause_beside(record),
        hung_up_user=record is not None and _is_user_hung_up(record),
        causes={cause.value: explanation for cause, explanation in CAUSES.items()},
        badges={outcome.value: badge for outcome, badge in OUTCOMES.items()},
        states=STATES,
        leg_states=LEG_STATES,
        event_words=EVENTS,
        ended_by=ENDED_BY,
        status_text=status_text,
        is_running=call is not None and call.state not in (State.ENDED.value, State.SCHEDULED.value),
    )


async def show_why(view: View) -> Response:
    """What every outcome, cause and refusal means."""
    ending = [cause for cause in Cause if cause not in REFUSING_CAUSES]
    return view.page(
        "history/why.html",
        outcomes=[(outcome.value, OUTCOMES[outcome], EXPLAINED[outcome]) for outcome in Outcome],
        causes=[(cause.value, CAUSES[cause]) for cause in ending],
        refusals=[
            *((cause.value, CAUSES[cause]) for cause in REFUSING_CAUSES),
            *REFUSALS.items(),
        ],
    )


def stages_of(events: Sequence[StoredEvent]) -> list[Stage]:
    """The states of a call in their order, but for the last, in which it is."""
    stages: list[Stage] = []
    for event, following in pairwise(events):
        seconds = following.at - event.at
        if stages and stages[-1].state == event.state:
            seconds += stages.pop().seconds
        stages.append(Stage(event.state, seconds))
    return stages


def _cause_beside(record: Record) -> Explanation | None:
    """What the cause says beyond the outcome, if anything: `destination_busy` has said `busy`."""
    says_no_more = record.outcome == Outcome.COMPLETED.value or record.outcome.endswith(record.cause)
    return None if says_no_more else CAUSES[Cause(record.cause)]


def _is_user_hung_up(record: Record) -> bool:
    """Whether the user's phone, once picked up, was hung up here because of how the destination's leg went.

    The cause of the user's leg is then that of the call, and says nothing of the user's phone.
    """
    picked_up_in_vain = record.user_answered_at is not None and record.destination_answered_at is None
    return (
        picked_up_in_vain
        and record.outcome.startswith("destination_")
        and record.user_cause in (record.cause, record.destination_cause)
    )
