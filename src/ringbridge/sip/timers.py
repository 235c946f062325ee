"""The timer values of RFC 3261 section 17 and RFC 6026: three settings, and all that follows from them.

All values are seconds. They are a frozen value, not running timers: those live in `schedule`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """T1, T2 and T4 of RFC 3261 table 4."""

    t1_seconds: float = 0.5
    """Estimate of the round-trip time; the first retransmission comes after it."""
    t2_seconds: float = 4.0
    """Longest time between two retransmissions of anything but an INVITE."""
    t4_seconds: float = 5.0
    """Longest time that a message stays in the network."""

    @property
    def transaction_seconds(self) -> float:
        """64*T1: Timers B, F, H, J, L and M, and how long a 2xx waits for its ACK (13.3.1.4)."""
        return 64 * self.t1_seconds

    def linger_seconds(self, *, is_reliable: bool) -> float:
        """Timers I and K: how long repeats of a finished transaction are absorbed; none on a stream."""
        return 0.0 if is_reliable else self.t4_seconds

    def failed_invite_linger_seconds(self, *, is_reliable: bool) -> float:
        """Timer D: how long a refused INVITE answers repeats with its ACK.

        RFC 3261 asks for at least 32 s, which is 64*T1 by default: the time the peer's Timer H runs.
        """
        return 0.0 if is_reliable else self.transaction_seconds

    def answered_linger_seconds(self, *, is_reliable: bool) -> float:
        """Timer J: how long a final answer is repeated for a repeated request."""
        return 0.0 if is_reliable else self.transaction_seconds
