"""A call's story, told line by line while it happens: when since the click, who, what."""

import asyncio
import heapq

from rich.console import Console
from rich.text import Text

SERVER_STORY = {
    "accepted": "stored the call and answered 200",
    "user_dialing": "sends INVITE to the user's phone",
    "user_ringing": "hears that the user's phone rings",
    "user_early_media": "hears early media from the user's network",
    "user_answered": "plays the hold prompt to the user and sends INVITE to the destination",
    "user_confirmed": "hears the user press 1, plays the hold prompt and sends INVITE to the destination",
    "user_ended": "is done with the user's phone",
    "destination_dialing": "tries the destination over another trunk",
    "destination_ringing": "hears that the destination rings",
    "destination_early_media": "lets the user hear the destination's network",
    "destination_ended": "tells the user why it did not work",
    "connected": "joins the two",
    "digits_sent": "presses keys for one of them",
    "held": "puts one of them on hold",
    "resumed": "joins them again",
    "transferring": "sends INVITE to the third",
    "third_dialing": "tries the third over another trunk",
    "third_ringing": "hears that the third rings",
    "third_early_media": "hears early media from the third's network",
    "third_ended": "is done with the third",
    "transferred": "joins the third with who stays",
    "transfer_failed": "tells who waits why it did not work",
    "ended": "released both",
}
ASKING = "asks whoever answered the user's phone to press 1"

_STYLES = {
    "click": "bold",
    "server": "cyan",
    "user": "green",
    "destination": "magenta",
}

# News comes over several ways; what is told so much later than it happened still finds its place in the story.
PATIENCE_SECONDS = 0.15


class Timeline:
    """Prints to `console`, in the order of time; `started_at`, the click, and every other time are UTC seconds since 1970.

    Used on a running event loop. `flush` before printing anything else.
    """

    def __init__(self, console: Console, started_at: float) -> None:
        self._console = console
        self._started_at = started_at
        self._waiting: list[tuple[float, int, str, str]] = []
        self._told = 0
        self._timer: asyncio.TimerHandle | None = None

    def restart(self, started_at: float) -> None:
        """A new click, and a new story."""
        self.flush()
        self._started_at = started_at

    def tell(self, at: float, who: str, what: str) -> None:
        """One line. On a terminal the speaker is coloured."""
        self._told += 1
        heapq.heappush(self._waiting, (at, self._told, who, what))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self.flush)

    def tell_event(self, at: float, name: str, state: str) -> None:
        """What the server said of a call, and the state that it left the call in."""
        is_asking = state == "confirming" and name == "user_answered"
        self.tell(at, "server", ASKING if is_asking else SERVER_STORY.get(name, name.replace("_", " ")))

    def flush(self) -> None:
        """Print what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            at, _, who, what = heapq.heappop(self._waiting)
            line = Text(f"{max(0.0, at - self._started_at):7.3f} s  ")
            line.append(f"{who:<12}", style=_STYLES.get(who, ""))
            line.append(what)
            self._console.print(line, soft_wrap=True)
