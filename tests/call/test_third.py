"""How it went with a third."""

from dataclasses import replace

import pytest

from ringbridge.call.cause import Cause
from ringbridge.call.event import LegAnswered, LegEnded, TransferRequested
from ringbridge.call.model import Call, ThirdPrice
from ringbridge.call.third import StoredThird, as_stored_third, total_micros
from tests.call.test_machine import ASKED_THIRD, DESTINATION, JOINED, SPOKEN, THIRD, USER, run

PRICE = ThirdPrice(60_000, 600_000, 0.0)
ASKED = TransferRequested(DESTINATION, ASKED_THIRD, price=PRICE)


def last(call: Call) -> StoredThird:
    return as_stored_third(call, call.thirds[-1])


def test_a_call_that_was_never_transferred_has_no_thirds() -> None:
    assert run(*JOINED)[0].thirds == ()


def test_a_third_that_is_dialled_has_neither_outcome_nor_cost() -> None:
    third = last(run(*JOINED, ASKED)[0])
    assert (third.number, third.state, third.outcome) == (ASKED_THIRD.number, "dialing", None)
    assert (third.talk_seconds, third.micros) == (0.0, None)


def test_a_third_that_talked_has_completed_it() -> None:
    call, _ = run(*JOINED, ASKED, LegAnswered(THIRD), LegEnded(THIRD, Cause.NORMAL))
    third = last(call)
    assert third.outcome == "completed"
    assert third.talk_seconds > 0.0
    assert third.micros == third.talk_seconds * 1_000
    assert replace(third, cause="interrupted").outcome == "interrupted"
    assert last(run(*JOINED, ASKED, LegAnswered(THIRD))[0]).outcome is None


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (LegEnded(THIRD, Cause.BUSY, 486), "destination_busy"),
        (LegEnded(THIRD, Cause.NETWORK_FAILURE, 500), "destination_unreachable"),
        # Who waits hangs up, and the third rings no more.
        (LegEnded(DESTINATION, Cause.NORMAL), "canceled"),
    ],
)
def test_a_third_that_did_not_answer_has_the_outcome_of_a_destination(event: LegEnded, outcome: str) -> None:
    third = last(run(*JOINED, ASKED, event)[0])
    assert (third.outcome, third.micros, third.talk_seconds) == (outcome, 0, 0.0)
    unpriced = TransferRequested(DESTINATION, ASKED_THIRD)
    assert last(run(*JOINED, unpriced, event)[0]).micros is None


def test_each_third_of_a_call_is_kept() -> None:
    busy = LegEnded(THIRD, Cause.BUSY, 486)
    again = TransferRequested(USER, ASKED_THIRD._replace(number="+15125550009"))
    call, _ = run(*JOINED, ASKED, busy, SPOKEN, again)
    assert [third.transfer.third.number for third in call.thirds] == [ASKED_THIRD.number, "+15125550009"]
    assert [as_stored_third(call, third).outcome for third in call.thirds] == ["destination_busy", None]


def test_a_call_costs_what_its_legs_and_the_thirds_that_were_up_do() -> None:
    third = last(run(*JOINED, ASKED)[0])
    up = replace(third, answered_at=1.0, micros=5)
    unknown, unanswered = replace(up, micros=None), replace(third, answered_at=None, micros=None)
    assert total_micros(7, ()) == 7
    assert total_micros(7, (up, unanswered, up)) == 17
    assert total_micros(7, (replace(unanswered, micros=3),)) == 10
    assert total_micros(7, (up, unknown)) is None
    assert total_micros(None, (up,)) is None
