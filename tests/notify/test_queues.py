"""What is sent next, without sending anything."""

from ringbridge.notify.queues import Queues


def test_what_was_read_before_an_outcome_was_written_is_not_sent_again() -> None:
    queues = Queues()
    queues.wake("wh_1")
    assert queues.take(0.0, lambda _: True) == ["wh_1"]
    begun = queues.begin("wh_1", "call-1")
    assert begun is not None
    queue, place = begun
    # Its outcome is on the way to the database, when another look begins: at the rows as they still are.
    queue.calls["call-1"] += 1
    queues.end("wh_1", "call-1", queue, place)
    assert queues.take(0.0, lambda _: True) == ["wh_1"]
    queues.let_go("wh_1", "call-1")
    assert queues.begin("wh_1", "call-1") is None
    assert queues.begin("wh_1", "call-2") is not None
    # The next look sees what was written.
    assert queues.take(0.0, lambda _: True) == ["wh_1"]
    assert queues.begin("wh_1", "call-1") is not None
