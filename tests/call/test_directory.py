import pytest

from ringbridge.call.directory import AccountLimits, Line, LineKind, Trunk, parse_limits
from ringbridge.call.errors import InvalidSetting


def test_limits_are_set_by_key_and_value() -> None:
    limits = parse_limits(
        AccountLimits(), ["concurrent=1000", "countries=us, CA", "duplicates_s=0", "call_s=60"]
    )

    assert limits == AccountLimits(concurrent=1000, countries=("US", "CA"), duplicates_s=0.0, call_s=60.0)


def test_what_is_not_named_stays() -> None:
    assert parse_limits(AccountLimits(rate=7), ["per_user=2"]) == AccountLimits(rate=7, per_user=2)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (
            "concurrent",
            "'concurrent' is not a limit. Write KEY=VALUE with one of: concurrent, per_user, rate,",
        ),
        ("speed=3", "'speed=3' is not a limit. Write KEY=VALUE with one of: "),
        ("rate=fast", "rate takes a whole number from 0 to 1000000"),
        ("rate=-1", "rate takes a whole number from 0 to 1000000"),
        ("rate=\u0663", "rate takes a whole number from 0 to 1000000"),
        ("rate=1000001", "rate takes a whole number from 0 to 1000000"),
        ("countries=USA", "countries takes two-letter codes parted by commas, for example countries=US,CA"),
        ("call_s=14401", "call_s takes seconds from 1 to 14400"),
        ("user_ring_s=soon", "user_ring_s takes seconds from 1 to 600"),
        ("duplicates_s=nan", "duplicates_s takes seconds from 0 to 600"),
    ],
)
def test_a_wrong_limit_is_refused_with_what_it_takes(word: str, text: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        parse_limits(AccountLimits(), [word])

    assert str(caught.value).startswith(text)


def test_the_password_of_a_trunk_is_not_shown() -> None:
    trunk = Trunk(id="t", name="n", uri="sip:h", username="u", password="5ec2e7")

    assert "5ec2e7" not in repr(trunk)


@pytest.mark.parametrize(
    ("kind", "confirm", "must_confirm"),
    [
        (LineKind.TRUNK, None, True),
        (LineKind.URI, None, False),
        (LineKind.DEVICE, None, False),
        (LineKind.TRUNK, False, False),
        (LineKind.URI, True, True),
    ],
)
def test_who_answers_over_a_trunk_is_asked_first_unless_the_line_says_otherwise(
    kind: LineKind, confirm: bool | None, must_confirm: bool
) -> None:
    line = Line(id="l1", account_id="1009683", number="204", kind=kind, confirm=confirm)

    assert line.must_confirm is must_confirm
