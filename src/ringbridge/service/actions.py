"""What a client may ask of a call while it runs, beyond its end. The call machine says when it means anything."""

import structlog

from ringbridge.call import machine
from ringbridge.call.errors import CallError
from ringbridge.call.event import (
    DigitsRequested,
    HangUpRequested,
    HoldRequested,
    ResumeRequested,
    TransferRequested,
)
from ringbridge.call.history import StoredCall, as_stored
from ringbridge.call.model import Call, LegName, State
from ringbridge.service.authentication import Caller
from ringbridge.service.calls import CallService
from ringbridge.service.runner import Runner

Action = HoldRequested | ResumeRequested | DigitsRequested | HangUpRequested | TransferRequested

# What is asked of a call by one word, of whoever is called.
_DESTINATION = LegName.DESTINATION
_BY_WORD: dict[str, Action] = {
    "hold": HoldRequested(_DESTINATION),
    "resume": ResumeRequested(),
    "digits": DigitsRequested(_DESTINATION, "0"),
}

log = structlog.get_logger()


class WrongState(CallError):
    """What is asked for means nothing in the state that the call is in. `state` is its word."""

    code = "wrong_state"

    def __init__(self, state: str) -> None:
        super().__init__(f"The call is in state {state}, in which that cannot be done.")
        self.state = state


class CallActions:
    """The use cases of a call that runs."""

    def __init__(self, calls: CallService) -> None:
        self._calls = calls

    def act(self, caller: Caller, call_id: str, action: Action) -> StoredCall:
        """Have it done to a call of the caller's account, and give the call as it was before.

        Raises WrongState, TooManyActions, TooManyCalls; a call that no longer runs, or never did, is over.
        """
        runner = self._running(caller, call_id)
        _require(runner.call, action)
        # Whatever there was before, a hold can be ended and a leg released.
        if not isinstance(action, ResumeRequested | HangUpRequested):
            runner.count_action()
        return _delivered(runner, action)

    async def transfer(self, caller: Caller, call_id: str, leg: LegName, destination_line: str) -> StoredCall:
        """Have the leg talk to whom the client wrote, in place of the other one.

        The third is looked at as the destination of a new call from the user's line would be, and dialled like it. Raises
        what `place` does for that, WrongState and TooManyActions.
        """
        runner = self._running(caller, call_id)
        call = runner.call
        # Asked beforehand, with somebody in the third's place: what cannot be done needs no looking up.
        _require(call, TransferRequested(leg, call.destination))
        runner.count_action()
        wanted = await self._calls.admit_third(caller, call, leg, destination_line)
        # The record does not know whose key it was.
        said = {"call": call_id, "account": call.account_id, "key": caller.key.id}
        log.info("call.transfer_asked", **said, number=wanted.third.number)
        try:
            return _delivered(self._running(caller, call_id), wanted)
        except WrongState:
            # It was transferred or it ended while this third was looked at.
            last = runner.call.transfer
            self._calls.admission.keep_third(call_id, None if last is None else last.price)
            raise

    def possible(self, caller: Caller, call_id: str) -> frozenset[str]:
        """What may be asked of a call as it is now: `hold`, `resume`, `digits`, `transfer` of its destination, and `hangup`."""
        runner = self._calls.runner(caller, call_id)
        if runner is None:
            return frozenset()
        call = runner.call
        actions = _BY_WORD | {"transfer": TransferRequested(_DESTINATION, call.destination)}
        return frozenset(
            {"hangup", *(word for word, action in actions.items() if machine.accepts(call, action))}
        )

    def _running(self, caller: Caller, call_id: str) -> Runner:
        runner = self._calls.runner(caller, call_id)
        if runner is None:
            raise WrongState(State.ENDED.value)
        return runner


def _delivered(runner: Runner, action: Action) -> StoredCall:
    """The call as it is before the action."""
    _require(runner.call, action)
    runner.deliver(action)
    return as_stored(runner.call, runner.history)


def _require(call: Call, action: Action) -> None:
    if not machine.accepts(call, action):
        raise WrongState(call.state.value)
