"""Draws the call machine's table as the page docs/call-states.md. `scripts/draw-call-states` writes it."""

from ringbridge.call import machine
from ringbridge.call.cause import Cause
from ringbridge.call.event import HoldRequested, LegEnded, LegRinging, Started, TransferRequested
from ringbridge.call.machine import TRANSITIONS, EventKey, ignore, refuse
from ringbridge.call.model import Call, State
from tests.call.test_machine import (
    ASKED,
    ASKED_THIRD,
    ASKING,
    CALL,
    DESTINATION,
    DIALED,
    DUE,
    EVERY_EVENT,
    JOINED,
    THIRD,
    USER,
    run,
    timely,
)

TRANSFERRING = (*JOINED, TransferRequested(DESTINATION, ASKED_THIRD))

HEAD = """# The states of a call

Drawn from the table in `src/ringbridge/call/machine.py` by `scripts/draw-call-states`; a test compares the two.

```mermaid
stateDiagram-v2
    [*] --> accepted
"""


def words(key: EventKey) -> str:
    """The column of the table in words: the leg, if any, and what happened."""
    if isinstance(key, tuple):
        return f"{key[1].value}: {key[0].__name__}"
    return key.__name__


def page() -> str:
    """The whole page: a diagram of the moves between states, and the table with what is done."""
    examples: dict[State, tuple[Call, ...]] = {
        State.ACCEPTED: (CALL,),
        State.RINGING_USER: (run(Started())[0], run(Started(), call=ASKING)[0]),
        State.CONFIRMING: (run(*ASKED, call=ASKING)[0],),
        State.DIALING_DESTINATION: (run(*DIALED)[0],),
        State.RINGING_DESTINATION: (run(*DIALED, LegRinging(DESTINATION))[0],),
        State.CONNECTED: (run(*JOINED)[0],),
        State.HELD: (run(*JOINED, HoldRequested(DESTINATION))[0],),
        State.TRANSFERRING: (run(*TRANSFERRING)[0], run(*TRANSFERRING, LegEnded(USER, Cause.NORMAL))[0]),
        State.RETURNING: (run(*TRANSFERRING, LegEnded(THIRD, Cause.BUSY))[0],),
        State.ANNOUNCING: (run(*DIALED, DUE)[0],),
        State.ENDED: (run(*JOINED, LegEnded(USER, Cause.NORMAL))[0],),
    }
    moves: list[str] = []
    rows: list[str] = []
    for (state, key), transition in TRANSITIONS.items():
        if transition in (ignore, refuse):
            continue
        event = next(event for event in EVERY_EVENT if machine.event_key(event) == key)
        after = [machine.step(call, timely(call, event), 200.0)[0].state.value for call in examples[state]]
        moves += [f"    {state.value} --> {then}: {words(key)}" for then in after if then != state.value]
        then = " or ".join(dict.fromkeys(after))
        rows.append(f"| {state.value} | {words(key)} | {transition.__name__} | {then} |")
    late = sorted(f"{state.value} + {words(key)}" for (state, key), to in TRANSITIONS.items() if to is ignore)
    table = "| in state | when | do | then |\n| --- | --- | --- | --- |\n" + "\n".join(rows)
    return (
        HEAD
        + "\n".join(dict.fromkeys(moves))
        + "\n    ended --> [*]\n```\n\n"
        + table
        + "\n\nLate news, ignored on purpose: "
        + "; ".join(late)
        + ".\n\nRequests are refused in every state for which none of these rows has them; so is what is wanted of a leg that has ended. News of such a leg are ignored.\n"
    )


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
