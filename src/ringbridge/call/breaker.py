"""Whether calls are sent to a server that has failed. Pure: a value and what becomes of it.

Closed while all is well; open after FAILURES in a row; half open once in a while: then one call goes there to see. An
answer to a call closes it again. One to OPTIONS lets calls go there, but the first that fails opens it again: many a server
that cannot carry calls still says that it is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

FAILURES = 3
TRIAL_SECONDS = 15.0
"""Between two trials, and how long one may take until the next. A call that is given up leaves no answer to wait for."""
MOST_QUIET_SECONDS = 60.0
"""A server that asks to be left alone for longer is not: the fault may be mended, or have been that of one call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """How a server has done. The one that is made without values is closed.

    trial_at: when the next trial may begin, while it is open. quiet_until: until when the server asks to be left alone
    (RFC 3261 section 21.5.4).
    """

    failures: int = 0
    trial_at: float = 0.0
    quiet_until: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls go elsewhere, but for a trial."""
        return self.failures >= FAILURES

    def admits(self, now: float) -> bool:
        """Whether a call may go there, for a trial or because all is well."""
        return not self.is_open or now >= self.trial_at

    def is_quiet(self, now: float) -> bool:
        """Whether the server is to be left alone, which an answer to what was asked before does not change."""
        return now < self.quiet_until

    def tried(self, now: float) -> Breaker:
        """A call goes there: while it is open, that is the trial."""
        return replace(self, trial_at=now + TRIAL_SECONDS) if self.is_open else self

    def failed(self, now: float, retry_after_seconds: int | None = None) -> Breaker:
        """It did not answer, or said that it cannot work; perhaps also for how long."""
        if not retry_after_seconds:
            return replace(self, failures=self.failures + 1, trial_at=now + TRIAL_SECONDS)
        quiet_until = now + min(retry_after_seconds, MOST_QUIET_SECONDS)
        return Breaker(
            failures=max(self.failures + 1, FAILURES), trial_at=quiet_until, quiet_until=quiet_until
        )

    def pinged(self) -> Breaker:
        """It has answered OPTIONS."""
        return replace(self, failures=min(self.failures, FAILURES - 1))
