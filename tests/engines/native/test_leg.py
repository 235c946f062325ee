"""Which of several phones that ring at once is the leg, and what is told when none is."""

import pytest

from ringbridge.call.model import Party, Route
from ringbridge.engines.native.attempts import Attempts
from ringbridge.engines.native.leg import LegCarriage, best_refusal
from ringbridge.engines.native.resolver import Resolver
from ringbridge.engines.native.trunks import Trunks
from ringbridge.sip.event import RefusalSource, Refused


def refused(session: str, status: int, source: RefusalSource = RefusalSource.PEER) -> Refused:
    return Refused(session=session, status=status, reason="", q850=None, source=source)


def ringing(*sessions: str) -> LegCarriage:
    party = Party(number="201", routes=(Route(target="sip:201@192.0.2.7", caller_number="202"),))
    resolver = Resolver("192.0.2.1")
    trunks = Trunks(resolver, now=lambda: 0.0, ping_seconds=0.0, on_moved=lambda: None)
    leg = LegCarriage(Attempts(party, resolver=resolver, trunks=trunks, contacts=lambda line: ()))
    for session in sessions:
        leg.dial(session)
    return leg


def test_the_first_that_answers_is_the_leg_and_the_others_are_hung_up() -> None:
    leg = ringing("a", "b", "c")

    assert leg.answer("b") == ("a", "c")

    assert leg.session == "b"
    assert leg.open_sessions == ("b",)
    assert [leg.hears(session) for session in "abc"] == [False, True, False]


def test_a_refusal_is_told_once_nobody_else_can_answer() -> None:
    leg = ringing("a", "b")
    busy = refused("a", 486)
    assert leg.best_refusal() is None

    assert leg.refuse(busy) == (None, ())
    assert not leg.hears("a")
    assert leg.refuse(refused("b", 404)) == (busy, ())
    assert leg.best_refusal() is busy


def test_one_may_answer_after_another_has_refused() -> None:
    leg = ringing("a", "b")
    leg.refuse(refused("a", 486))

    assert leg.answer("b") == ()
    assert leg.session == "b"


def test_whoever_refuses_for_all_phones_ends_the_leg() -> None:
    leg = ringing("a", "b", "c")
    declined = refused("b", 603)

    assert leg.refuse(declined) == (declined, ("a", "c"))
    assert leg.open_sessions == ()


def test_a_status_that_nobody_said_is_not_for_all() -> None:
    leg = ringing("a", "b")

    assert leg.refuse(refused("a", 603, RefusalSource.LOCAL)) == (None, ())


def test_a_leg_that_is_over_leaves_nobody_ringing() -> None:
    leg = ringing("a", "b")

    assert leg.close() == ("a", "b")
    assert leg.close() == ()
    assert leg.is_over


def test_one_phone_only_is_heard_before_anybody_answers() -> None:
    leg = ringing("a", "b")

    assert [leg.takes_early_media(session) for session in "baab"] == [True, False, False, True]


@pytest.mark.parametrize(
    ("statuses", "best"),
    [
        ([486, 603, 480], 603),
        ([404, 480, 486], 486),
        ([408, 480], 480),
        ([487, 408, 500], 500),
        ([503, 404], 404),
        ([408, 487], 408),
    ],
)
def test_what_tells_most_of_the_person_is_told(statuses: list[int], best: int) -> None:
    assert best_refusal([refused("x", status) for status in statuses]).status == best


def test_what_somebody_said_is_told_rather_than_that_nobody_said_anything() -> None:
    silence = refused("a", 408, RefusalSource.TIMEOUT)
    unreachable = refused("b", 503, RefusalSource.TRANSPORT)
    said = refused("c", 503)

    assert best_refusal([silence, unreachable, said]) is said
