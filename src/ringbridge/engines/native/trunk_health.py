"""Which servers of which trunks do their work. Pure.

One server may carry several trunks, and refuse the calls of one only: each has its own breaker there.
"""

from collections.abc import Collection

import structlog

from ringbridge.call.breaker import Breaker
from ringbridge.sip.hop import Hop

log = structlog.get_logger()

At = tuple[str, Hop]
"""A trunk's name and one of its servers."""

CLOSED = Breaker()


class TrunkHealth:
    """The breakers of those servers that failed lately; the others' are closed. `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._breakers: dict[At, Breaker] = {}

    def admits(self, at: At, now: float) -> bool:
        """Whether a call may go there."""
        return self._breakers.get(at, CLOSED).admits(now)

    def is_down(self, at: At) -> bool:
        """Whether calls go elsewhere, but for a trial."""
        return self._breakers.get(at, CLOSED).is_open

    def is_quiet(self, at: At, now: float) -> bool:
        """Whether the server has asked to be left alone."""
        return self._breakers.get(at, CLOSED).is_quiet(now)

    def tried(self, at: At, now: float) -> None:
        """A call goes there."""
        if at in self._breakers:
            self._breakers[at] = self._breakers[at].tried(now)

    def succeeded(self, at: At, now: float) -> None:
        """A call was carried there."""
        if not self.is_quiet(at, now):
            self._change(at, CLOSED)

    def pinged(self, at: At, now: float) -> None:
        """OPTIONS was answered there."""
        if not self.is_quiet(at, now):
            self._change(at, self._breakers.get(at, CLOSED).pinged())

    def failed(self, at: At, now: float, retry_after_seconds: int | None = None) -> None:
        """The server does not do its work, and perhaps asked to be left alone for so long."""
        self._change(at, self._breakers.get(at, CLOSED).failed(now, retry_after_seconds))

    def keep(self, known: Collection[At]) -> None:
        """Forget all but these."""
        self._breakers = {at: breaker for at, breaker in self._breakers.items() if at in known}

    def _change(self, at: At, after: Breaker) -> None:
        before = self._breakers.pop(at, CLOSED)
        if after != CLOSED:
            self._breakers[at] = after
        trunk, hop = at
        if after.is_open and not before.is_open:
            log.warning("trunk.down", trunk=trunk, host=hop.host, port=hop.port)
        elif before.is_open and not after.is_open:
            log.info("trunk.back", trunk=trunk, host=hop.host, port=hop.port)
