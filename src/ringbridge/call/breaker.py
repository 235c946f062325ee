"""Whether calls are sent to a server that has failed. Pure: a value and what becomes of it.

Closed while all is well; open after FAILURES in a row; half open once in a while: then one call, or one OPTIONS, goes there
to see. An answer closes it again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

FAILURES = 3
TRIAL_SECONDS = 15.0
"""Between two trials, and how long one may take until the next. A call that is given up leaves no answer to wait for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """How a server has done. The one that is made without values is closed.

    trial_at: when the next trial may begin, while it is open.
    """

    failures: int = 0
    trial_at: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls go elsewhere, but for a trial."""
        return self.failures >= FAILURES

    def admits(self, now: float) -> bool:
        """Whether a call may go there, for a trial or because all is well."""
        return not self.is_open or now >= self.trial_at

    def tried(self, now: float) -> Breaker:
        """A call goes there: while it is open, that is the trial."""
        return replace(self, trial_at=now + TRIAL_SECONDS) if self.is_open else self

    def failed(self, now: float) -> Breaker:
        """It did not answer, or said that it cannot work."""
        return Breaker(failures=self.failures + 1, trial_at=now + TRIAL_SECONDS)
