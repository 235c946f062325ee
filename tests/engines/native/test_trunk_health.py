"""Which servers do their work, as calls and OPTIONS tell."""

from ringbridge.call.breaker import FAILURES, TRIAL_SECONDS
from ringbridge.engines.native.trunk_health import TrunkHealth
from ringbridge.sip.hop import Hop

AT = ("carrier", Hop("UDP", "192.0.2.1", 5060))
OTHER = ("other", AT[1])


def failing(times: int = FAILURES) -> TrunkHealth:
    health = TrunkHealth()
    for _ in range(times):
        health.failed(AT, 0.0)
    return health


def test_a_server_that_fails_is_down_for_one_trunk() -> None:
    health = failing()

    assert (health.is_down(AT), health.admits(AT, 1.0)) == (True, False)
    assert (health.is_down(OTHER), health.admits(OTHER, 1.0)) == (False, True)


def test_a_call_that_is_carried_brings_it_back() -> None:
    health = failing()
    health.succeeded(AT, 1.0)
    health.failed(AT, 1.0)

    assert health.admits(AT, 1.0)


def test_options_that_are_answered_bring_it_back_until_a_call_fails() -> None:
    health = failing()
    health.pinged(AT, 1.0)
    assert health.admits(AT, 1.0)

    health.failed(AT, 1.0)
    assert not health.admits(AT, 1.0)


def test_a_trial_is_one_call() -> None:
    health = failing()
    health.tried(AT, TRIAL_SECONDS)
    health.tried(OTHER, TRIAL_SECONDS)

    assert not health.admits(AT, TRIAL_SECONDS)
    assert health.admits(OTHER, TRIAL_SECONDS)


def test_what_was_asked_before_does_not_end_the_quiet() -> None:
    health = TrunkHealth()
    health.failed(AT, 0.0, 30)
    health.pinged(AT, 1.0)
    health.succeeded(AT, 1.0)

    assert (health.is_quiet(AT, 1.0), health.admits(AT, 29.0)) == (True, False)
    health.succeeded(AT, 30.0)
    assert not health.is_down(AT)


def test_what_is_not_known_any_more_is_forgotten() -> None:
    health = failing()
    health.keep({AT})
    assert health.is_down(AT)
    health.keep({OTHER})
    assert not health.is_down(AT)
