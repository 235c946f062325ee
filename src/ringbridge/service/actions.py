"""What a client may ask of a call while it runs, beyond its end. The call machine says when it means anything."""

from ringbridge.call import machine
from ringbridge.call.errors import CallError
from ringbridge.call.event import DigitsRequested, HangUpRequested, HoldRequested, ResumeRequested
from ringbridge.call.history import StoredCall, as_stored
from ringbridge.call.model import State
from ringbridge.service.authentication import Caller
from ringbridge.service.calls import CallService

Action = HoldRequested | ResumeRequested | DigitsRequested | HangUpRequested


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

        Raises WrongState; a call that no longer runs, or never did, is over.
        """
        runner = self._calls.runner(caller, call_id)
        if runner is None:
            raise WrongState(State.ENDED.value)
        if not machine.accepts(runner.call, action):
            raise WrongState(runner.call.state.value)
        runner.deliver(action)
        return as_stored(runner.call, runner.history)
