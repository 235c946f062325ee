from ringbridge.call.errors import CannotPlaceCalls, InvalidDestination, InvalidUserLine, TooManyCalls


def test_a_refusal_says_which_field_and_why() -> None:
    assert str(InvalidUserLine("unknown_line")) == "user_line: unknown_line"
    assert str(InvalidDestination("invalid_number")) == "destination_line: invalid_number"
    assert str(CannotPlaceCalls("no_trunk")) == "calls cannot be placed: no_trunk"


def test_a_limit_says_which_and_when_to_come_back() -> None:
    error = TooManyCalls("concurrent", most=3, retry_after_seconds=2.5)

    assert (str(error), error.limit, error.retry_after_seconds) == (
        "the limit concurrent is reached",
        "concurrent",
        2.5,
    )
