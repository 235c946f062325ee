"""The clocks of this process, in one place, so that nothing else reads them.

Timers and durations are counted on the monotonic clock, which no administrator and no NTP daemon sets; UTC is only
for what leaves the process.
"""

import time


class Clock:
    """Reads the monotonic clock and the clock on the wall."""

    def now(self) -> float:
        """Monotonic seconds; only differences mean anything."""
        return time.monotonic()

    def utc_now(self) -> float:
        """UTC seconds since 1970."""
        return time.time()
