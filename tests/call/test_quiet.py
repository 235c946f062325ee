"""Quiet hours by the clock of whoever is called."""

from datetime import UTC, datetime

import pytest

from ringbridge.call.quiet import is_quiet

DALLAS = "+18175629657"
LONDON = "+442079460958"


def at(hour: int, minute: int = 0) -> float:
    """A moment of a winter's day, UTC: in Dallas six hours less."""
    return datetime(2026, 1, 15, hour, minute, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("number", "moment", "quiet"),
    [
        (DALLAS, at(2, 59), False),
        (DALLAS, at(3), True),
        (DALLAS, at(13, 59), True),
        (DALLAS, at(14), False),
        (LONDON, at(20, 59), False),
        (LONDON, at(21), True),
        (LONDON, at(7, 59), True),
        (LONDON, at(8), False),
    ],
)
def test_hours_over_midnight_are_those_where_the_number_is(number: str, moment: float, quiet: bool) -> None:
    assert is_quiet(number, "21:00-08:00", moment) is quiet


def test_hours_within_a_day() -> None:
    assert [is_quiet(LONDON, "12:00-14:00", at(hour)) for hour in (11, 12, 13, 14)] == [
        False,
        True,
        True,
        False,
    ]


def test_summer_time_is_known() -> None:
    noon = datetime(2026, 7, 15, 12, 30, tzinfo=UTC).timestamp()

    assert is_quiet(LONDON, "13:00-14:00", noon)


def test_a_number_of_many_zones_is_quiet_while_one_of_them_is() -> None:
    # Free numbers of North America ring from Newfoundland to Samoa.
    assert is_quiet("+18005551234", "21:00-08:00", at(18))
    assert not is_quiet("+18005551234", "21:00-22:00", at(18))


def test_a_number_that_nobody_can_place_is_always_quiet() -> None:
    assert is_quiet("+80012345678", "21:00-08:00", at(12))


def test_without_quiet_hours_nobody_asks() -> None:
    assert not is_quiet("+80012345678", "", at(12))


def test_a_zone_that_this_machine_does_not_know_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringbridge.call.quiet.time_zones_for_number", lambda _: ("Mars/Olympus",))

    assert is_quiet(LONDON, "21:00-08:00", at(12))
