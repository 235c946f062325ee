"""2xx answers of ours: repeated until their ACK, and for how long (B7)."""

from ringbridge.sip.event import Acknowledged, Ended, EndedBy
from tests.sip.network import ANSWER, CALLED, CALLER, assert_nothing_is_left, receive_call

REPEATS = [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


def test_a_200_whose_ack_never_comes_is_repeated_up_to_t2_and_ends_in_bye_after_64_t1() -> None:
    network, called, session = receive_call()
    del network.endpoints[CALLER]

    called.accept(session, ANSWER, 0.0)
    network.run(until=31.9)
    assert network.times(CALLED, "200 INVITE") == REPEATS
    assert len(network.events[CALLED]) == 1
    network.run(until=32.0)

    assert network.names(CALLED)[-1] == "BYE"
    assert network.events[CALLED][1:] == [
        Ended(session=session, by=EndedBy.NO_ACK, q850=None, sip_cause=None)
    ]
    network.run(until=100.0)
    assert network.times(CALLED, "200 INVITE") == REPEATS
    assert_nothing_is_left(called)


def test_an_ack_after_20_seconds_keeps_the_call() -> None:
    network, called, session = receive_call()
    caller = network.endpoints.pop(CALLER)
    called.accept(session, ANSWER, 0.0)
    network.run(until=20.0)

    network.endpoints[CALLER] = caller
    network.run(until=100.0)

    # The repeat at 23.5 is the first that is heard, and is acknowledged.
    assert network.times(CALLED, "200 INVITE") == REPEATS[:9]
    assert network.events[CALLED][1:] == [Acknowledged(session=session, body=b"")]
    assert called.dialog(session) is not None


def test_each_lost_ack_costs_one_repeat() -> None:
    network, called, session = receive_call()
    # The 200, its ACK; the 200 again, its ACK.
    network._lost = iter([False, True, False, True])

    called.accept(session, ANSWER, 0.0)
    network.run(until=10.0)

    assert network.times(CALLED, "200 INVITE") == [0.0, 0.5, 1.5]
    assert network.times(CALLER, "ACK") == [0.0, 0.5, 1.5]
