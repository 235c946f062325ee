"""The values that follow from T1, T2 and T4."""

from ringbridge.sip.timers import Timers


def test_a_transaction_is_given_64_times_t1() -> None:
    assert Timers().transaction_seconds == 32.0
    assert Timers(t1_seconds=0.1).transaction_seconds == 6.4


def test_a_finished_transaction_lingers_for_t4_where_packets_can_be_late() -> None:
    assert Timers().linger_seconds(is_reliable=False) == 5.0
    assert Timers(t4_seconds=1.0).linger_seconds(is_reliable=False) == 1.0


def test_a_refused_invite_and_an_answered_request_linger_as_long_as_the_peer_repeats() -> None:
    assert Timers().failed_invite_linger_seconds(is_reliable=False) == 32.0
    assert Timers().answered_linger_seconds(is_reliable=False) == 32.0


def test_nothing_lingers_on_a_stream() -> None:
    timers = Timers()

    assert timers.linger_seconds(is_reliable=True) == 0.0
    assert timers.failed_invite_linger_seconds(is_reliable=True) == 0.0
    assert timers.answered_linger_seconds(is_reliable=True) == 0.0
