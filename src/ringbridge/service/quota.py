"""How many live actions one call takes, so that neither its history nor what its phones are still to hear grows for ever."""

from ringbridge.call.errors import CallError, TooManyCalls

# A minute of keys pressed one by one, or a day's worth of holds.
MOST_ACTIONS = 500

# A number of twenty digits that somebody types, each key a request.
MOST_AT_ONCE = 20
ACTIONS_PER_SECOND = 5.0


class TooManyActions(CallError):
    """The call has had all that it gets. Its hold can still be ended, and its legs released."""

    code = "too_many_actions"


class ActionQuota:
    """What is left of the actions of one call. Times are monotonic seconds, and never go back."""

    __slots__ = ("_at", "_at_once", "_left")

    def __init__(self) -> None:
        self._left = MOST_ACTIONS
        self._at_once = float(MOST_AT_ONCE)
        self._at = 0.0

    def take(self, now: float) -> None:
        """One action more. Raises TooManyActions; TooManyCalls where it may be taken later."""
        if not self._left:
            raise TooManyActions(f"This call has had {MOST_ACTIONS} actions, which is the most.")
        refilled = self._at_once + (now - self._at) * ACTIONS_PER_SECOND
        self._at_once, self._at = min(refilled, float(MOST_AT_ONCE)), now
        if self._at_once < 1.0:
            wait_seconds = (1.0 - self._at_once) / ACTIONS_PER_SECOND
            raise TooManyCalls("actions", most=MOST_AT_ONCE, retry_after_seconds=wait_seconds)
        self._at_once -= 1.0
        self._left -= 1
