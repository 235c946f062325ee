import pytest

from ringbridge.call.cause import Cause, Outcome, cause_of_status, destination_outcome, q850_of, user_outcome


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (302, Cause.NETWORK_FAILURE),
        (403, Cause.FORBIDDEN),
        (404, Cause.INVALID_NUMBER),
        (408, Cause.NO_ANSWER),
        (480, Cause.UNREACHABLE),
        (484, Cause.INVALID_NUMBER),
        (486, Cause.BUSY),
        (488, Cause.INCOMPATIBLE_MEDIA),
        (503, Cause.NETWORK_FAILURE),
        (600, Cause.BUSY),
        (603, Cause.DECLINED),
        (699, Cause.DECLINED),
    ],
)
def test_every_final_status_has_one_cause(status: int, cause: Cause) -> None:
    assert cause_of_status(status) is cause


def test_the_network_s_own_cause_says_more_than_the_status_it_was_mapped_to() -> None:
    assert cause_of_status(480, q850=19) is Cause.NO_ANSWER
    assert cause_of_status(500, q850=17) is Cause.BUSY
    assert cause_of_status(503, q850=34) is Cause.CONGESTION


def test_a_cause_that_says_nothing_leaves_the_status_its_word() -> None:
    assert cause_of_status(486, q850=16) is Cause.BUSY
    assert cause_of_status(486, q850=127) is Cause.BUSY


def test_a_person_s_own_refusal_is_not_outvoted_by_the_network() -> None:
    assert cause_of_status(603, q850=17) is Cause.DECLINED


def test_every_cause_has_an_outcome_on_either_leg() -> None:
    assert {user_outcome(cause) for cause in Cause} == {
        Outcome.USER_BUSY,
        Outcome.USER_NO_ANSWER,
        Outcome.USER_DECLINED,
        Outcome.USER_UNREACHABLE,
        Outcome.CANCELED,
        Outcome.INTERRUPTED,
        Outcome.FAILED,
    }
    assert destination_outcome(Cause.INVALID_NUMBER) is Outcome.DESTINATION_INVALID
    assert destination_outcome(Cause.NETWORK_FAILURE) is Outcome.DESTINATION_UNREACHABLE
    assert destination_outcome(Cause.BUSY) is Outcome.DESTINATION_BUSY


def test_the_far_end_is_told_why() -> None:
    assert q850_of(Cause.BUSY) == 17
    assert q850_of(Cause.CANCELED) == 16
    assert q850_of(Cause.NOT_CONFIRMED) == 16
    assert q850_of(Cause.CONGESTION) == 34
    assert q850_of(Cause.MEDIA_TIMEOUT) == 102
