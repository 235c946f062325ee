"""What is kept of requests that a limit or the policy refuses: a call that never was, with its end and record."""

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.errors import DestinationRefused, TooManyCalls
from ringbridge.call.model import Call, Ending, Party, Route, State
from ringbridge.call.ports import CallStore
from ringbridge.call.simulation import SIMULATED
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock
from ringbridge.service.identifier import new_call_id
from ringbridge.service.window import Window

# Of each account. Whoever is refused more often than this learns nothing new from it, and must not fill the disk.
MOST_PER_MINUTE = 1000


class BlockedCalls:
    """Stores refusals. Nobody waits for that: a refusal is answered whether it can be stored or not."""

    def __init__(self, store: CallStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._recent: Window[str] = Window(60.0)

    def refused_destination(self, caller: Caller, refusal: DestinationRefused, *, is_test: bool) -> None:
        """The account may not call that number, in a test call or another."""
        utc_now = self._clock.utc_now()
        routes = (Route(target="", caller_number="", trunk=SIMULATED if is_test else None),)
        call = Call(
            id=new_call_id(utc_now),
            account_id=caller.account.id,
            key_id=caller.key.id,
            user=Party(number=refusal.user_number, routes=routes),
            destination=Party(number=refusal.destination_number, routes=routes),
            accepted_at=self._clock.now(),
            accepted_utc=utc_now,
        )
        self._block(call, Cause(refusal.code))

    def refused_call(self, call: Call, refusal: TooManyCalls) -> None:
        """There is no room or no money for this call."""
        self._block(call, Cause(refusal.code))

    def _block(self, call: Call, cause: Cause) -> None:
        if self._recent.count(call.account_id, call.accepted_at) >= MOST_PER_MINUTE:
            return
        self._recent.add(call.account_id, call.accepted_at)
        ending = Ending(outcome=Outcome.BLOCKED, cause=cause, by=EndedBy.SERVER)
        self._store.block(
            call._replace(state=State.ENDED, ended_at=call.accepted_at, ending=ending, tariff=None)
        )
