"""Alarms in the order in which they are due. The clock is the caller's: nothing here waits.

A disarmed alarm stays in the heap until it comes to the top, or until half of the heap is such alarms: so arming
and disarming cost next to nothing, and a session timer of half an hour does not outlive its call for long.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

Action = Callable[[float], None]
"""What an alarm does; its argument is `now`."""

MIN_SWEEP = 64
"""A heap smaller than this is not worth sweeping."""


class Alarm:
    """One thing to do at one time; `action` is None once it was done or disarmed."""

    __slots__ = ("action", "at")

    def __init__(self, at: float, action: Action) -> None:
        self.at = at
        self.action: Action | None = action


class Schedule:
    """Every alarm of one endpoint."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Alarm]] = []
        self._serial = 0
        self._disarmed = 0

    def __len__(self) -> int:
        """How many alarms are armed."""
        return len(self._heap) - self._disarmed

    def arm(self, at: float, action: Action) -> Alarm:
        """Have `action(now)` done by the first `run_due` with `now >= at`."""
        alarm = Alarm(at, action)
        # The serial number keeps alarms of one time in the order in which they were armed.
        self._serial += 1
        heapq.heappush(self._heap, (at, self._serial, alarm))
        return alarm

    def disarm(self, alarm: Alarm | None) -> None:
        """Call an alarm off; None and one that is over do no harm."""
        if alarm is None or alarm.action is None:
            return
        alarm.action = None
        self._disarmed += 1
        if len(self._heap) >= MIN_SWEEP and self._disarmed * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].action is not None]
            heapq.heapify(self._heap)
            self._disarmed = 0

    def next_deadline(self) -> float | None:
        """When `run_due` has something to do, None if nothing is armed."""
        heap = self._heap
        while heap and heap[0][2].action is None:
            heapq.heappop(heap)
            self._disarmed -= 1
        return heap[0][0] if heap else None

    def run_due(self, now: float) -> None:
        """Do what is due, and what that arms for `now` or before."""
        while (deadline := self.next_deadline()) is not None and deadline <= now:
            alarm = heapq.heappop(self._heap)[2]
            action, alarm.action = alarm.action, None
            assert action is not None  # next_deadline has removed the disarmed ones
            action(now)
