"""When a stream that was there has stopped.

What counts is packets, not what is in them: comfort noise (RFC 3389), a muted microphone, a new source and a jump in
the numbering are all life. Whoever is on hold, or has not answered yet, is not expected to send; and of whoever never
sent anything nothing can be told, because there are phones that only listen and calls that need no sound.
"""


class SilenceWatch:
    """One stream, told of by counts. `seconds` is how long it may be silent; `now` is in seconds of any clock."""

    __slots__ = ("_is_expected", "_packets", "_seconds", "_since")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_expected = False
        self._packets = 0
        self._since = 0.0

    def expect(self, expected: bool, now: float) -> None:
        """From now on the stream should be there, or need not be. Silence counts from here."""
        if expected and not self._is_expected:
            self._since = now
        self._is_expected = expected

    def counted(self, packets: int, now: float) -> bool:
        """`packets` have come in all. True when the stream has stopped for too long, and again for as long as it lasts."""
        if packets != self._packets:
            self._packets = packets
            self._since = now
        if not self._packets or not self._is_expected or now - self._since < self._seconds:
            return False
        self._since = now
        return True
