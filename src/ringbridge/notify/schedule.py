"""When to try again to send an event that was not taken. Pure."""

PAUSES_SECONDS = (5.0, 60.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0)
"""After the first try, after the second, and so on: nine tries over 31 hours, so that a night and a morning may pass."""

LONGEST_WAIT_SECONDS = 86_400.0
"""What a receiver's Retry-After can ask for at most."""

# Of a pause, to either side, so that what failed together does not come back together.
_SPREAD = 0.1


def pause_seconds(attempts: int, fraction: float, retry_after_seconds: float = 0.0) -> float | None:
    """How long to wait after so many tries, None to give up. `fraction`, from 0 to 1, says where in the spread."""
    if attempts > len(PAUSES_SECONDS):
        return None
    pause = PAUSES_SECONDS[attempts - 1] * (1.0 + _SPREAD * (2.0 * fraction - 1.0))
    return max(pause, min(retry_after_seconds, LONGEST_WAIT_SECONDS))
