"""For how long a client that follows a call looks for a server that is gone: a restart takes seconds."""

PATIENCE_SECONDS = 60.0
"""How long a server that was there may be away."""

AGAIN_SECONDS = 0.1
"""Before a stream that ended is taken up again."""

AWAY_SECONDS = 1.0
"""Between two looks for a server that is away."""


class Patience:
    """Counts from the moment at which a server that was there is found to be gone. One for each stream."""

    def __init__(self) -> None:
        self._was_there = False
        self._away_since: float | None = None

    def heard(self) -> None:
        """The server answered."""
        self._was_there = True
        self._away_since = None

    def is_over(self, now: float) -> bool:
        """Whether to give up, the server being away now (monotonic seconds): at once where it never was."""
        if not self._was_there:
            return True
        if self._away_since is None:
            self._away_since = now
        return now - self._away_since >= PATIENCE_SECONDS
