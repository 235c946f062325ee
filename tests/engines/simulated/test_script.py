"""Each number of docs/keys.md, run through the machine of calls with a clock that is moved by hand."""

import re
from pathlib import Path

import pytest

from ringbridge.call import machine
from ringbridge.call.cause import Cause
from ringbridge.call.event import (
    DeadlinePassed,
    Event,
    HangUp,
    LegAnswered,
    LegEnded,
    LegRinging,
    Originate,
    Play,
    Started,
    TransferRequested,
)
from ringbridge.call.model import Call, CallLimits, LegName, Party, Prompt, Route, State
from ringbridge.call.simulation import SIMULATED
from ringbridge.engines.simulated.script import SCRIPTS, acts_after, is_overtaken

PAGE = Path(__file__).parents[3] / "docs" / "keys.md"
ROUTE = Route(trunk=SIMULATED, target="sip:simulated.invalid", caller_number="+12015550199")


def a_call(ending: str, *, confirm: bool = True) -> Call:
    return Call(
        id="call-1",
        account_id="1009683",
        key_id="k",
        user=Party(number="204", routes=(ROUTE,)),
        destination=Party(number=f"+1201555{ending}", routes=(ROUTE,)),
        accepted_at=0.0,
        accepted_utc=0.0,
        confirm=confirm,
        limits=CallLimits(call_seconds=100.0),
    )


def play(call: Call) -> tuple[Call, float]:
    """The call at its end, and when that was."""
    now = 0.0
    due: list[tuple[float, Event]] = [(0.0, Started())]
    while call.state is not State.ENDED:
        deadline = [] if call.deadline_at is None else [(call.deadline_at, DeadlinePassed(call.deadline_at))]
        now, event = min((*due, *deadline), key=lambda item: item[0])
        due = [item for item in due if item != (now, event)]
        call, effects = machine.step(call, event, now)
        for effect in effects:
            due = [item for item in due if not is_overtaken(item[1], effect)]
            due += [(now + after_seconds, event) for after_seconds, event in acts_after(call, effect)]
    return call, now


@pytest.mark.parametrize(
    ("ending", "outcome", "cause", "by", "seconds"),
    [
        ("0100", "completed", "normal", "destination", 7.0),
        ("0101", "destination_busy", "busy", "destination", 3.95),
        ("0102", "destination_no_answer", "no_answer", "server", 62.95),
        ("0103", "destination_declined", "declined", "destination", 3.95),
        ("0104", "destination_unreachable", "unreachable", "destination", 3.15),
        ("0105", "destination_invalid", "invalid_number", "destination", 3.15),
        ("0106", "destination_unreachable", "network_failure", "destination", 3.15),
        ("0107", "completed", "normal", "destination", 7.0),
        ("0108", "completed", "normal", "destination", 27.0),
        ("0109", "completed", "call_limit", "server", 104.0),
        ("0110", "user_busy", "busy", "user", 1.0),
        ("0111", "user_no_answer", "no_answer", "server", 30.0),
        ("0112", "user_declined", "declined", "user", 1.0),
        ("0113", "user_unreachable", "unreachable", "user", 0.2),
        ("0114", "not_confirmed", "not_confirmed", "server", 11.0),
        ("0115", "user_hung_up", "normal", "user", 3.0),
        ("0116", "completed", "normal", "user", 7.0),
        ("0117", "completed", "media_timeout", "server", 7.0),
        ("9999", "completed", "normal", "destination", 7.0),
    ],
)
def test_each_number_ends_its_call_as_the_page_says(
    ending: str, outcome: str, cause: str, by: str, seconds: float
) -> None:
    call, at = play(a_call(ending))
    assert call.ending is not None
    assert (call.ending.outcome.value, call.ending.cause.value, call.ending.by.value) == (outcome, cause, by)
    assert at == pytest.approx(seconds)
    rows = dict(re.findall(r"^\| `(\d{4})` \|.*\| `(\w+)` \|$", PAGE.read_text(), re.MULTILINE))
    assert set(rows) == set(SCRIPTS)
    assert rows.get(ending, "completed") == outcome


def test_a_line_that_does_not_ask_is_a_second_faster() -> None:
    assert play(a_call("0100", confirm=False))[1] == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("ending", "state"),
    [
        ("0100", State.CONNECTED),
        ("0101", State.RETURNING),
        ("0102", State.TRANSFERRING),
        ("0107", State.CONNECTED),
    ],
)
def test_a_third_does_what_the_destination_of_its_number_would(ending: str, state: State) -> None:
    call = a_call("0109", confirm=False)
    for event in (Started(), LegAnswered(LegName.USER), LegAnswered(LegName.DESTINATION)):
        call, _ = machine.step(call, event, 1.0)
    third = Party(number=f"+1201555{ending}", routes=(ROUTE,))
    call, effects = machine.step(call, TransferRequested(LegName.DESTINATION, third), 2.0)
    for act in [act for effect in effects for act in acts_after(call, effect)]:
        call, _ = machine.step(call, act.event, 2.0 + act.after_seconds)
    assert call.state is state


def test_a_third_brings_nobody_else_to_hang_up() -> None:
    call = a_call("0109", confirm=False)
    for event in (Started(), LegAnswered(LegName.USER), LegAnswered(LegName.DESTINATION)):
        call, _ = machine.step(call, event, 1.0)
    third = Party(number="+12015550115", routes=(ROUTE,))
    call, _ = machine.step(call, TransferRequested(LegName.DESTINATION, third), 2.0)
    assert {act.event for act in acts_after(call, Originate(LegName.THIRD))} == {LegRinging(LegName.THIRD)}


def test_only_what_an_effect_makes_impossible_is_overtaken() -> None:
    ringing, ended = LegRinging(LegName.USER), LegEnded(LegName.DESTINATION, Cause.NORMAL)
    hang_up = HangUp(LegName.USER, Cause.NORMAL)
    assert [is_overtaken(event, hang_up) for event in (ringing, ended)] == [True, False]
    assert not is_overtaken(ringing, Play(Prompt.HOLD))
    assert not is_overtaken(ringing, Originate(LegName.USER))
