"""Of two reasons not to place a call, the caller is told the one that comes first: theirs before ours."""

from dataclasses import replace
from itertools import combinations

import pytest

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import CallError
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.request import CallRequest
from tests.service.double import CALLER, CountingObserver, MemoryDirectory, MemoryStore, ScriptedEngine

USER_LINE, DESTINATION_LINE = "+1 (817) 562-9657", "15125292329"

IN_ORDER = {
    "draining": "ServerDraining",
    "user_line": "InvalidUserLine",
    "destination_line": "InvalidDestination",
    "same": "same_as_user_line",
    "policy": "destination_not_allowed",
    "trunk": "no_trunk",
    "engine": "engine_down",
    "limits": "TooManyCalls",
    "store": "StoreUnavailable",
}
"""The faults, and how each is known: by the kind of the error, or by its code where the kind has several."""


def faulty_limits(faults: set[str]) -> AccountLimits:
    limits = AccountLimits(countries=("GB",)) if "policy" in faults else AccountLimits()
    return replace(limits, concurrent=0) if "limits" in faults else limits


@pytest.mark.parametrize(
    ("first", "second"), [(name, name) for name in IN_ORDER] + list(combinations(IN_ORDER, 2))
)
async def test_the_first_of_two_faults_is_told(first: str, second: str) -> None:
    faults = {first, second}
    engine, store, directory = ScriptedEngine(), MemoryStore(), MemoryDirectory()
    engine.is_healthy = "engine" not in faults
    store.fails = "store" in faults
    directory.limits_of_all = faulty_limits(faults)
    if "trunk" in faults:
        directory.all_trunks = ()
    user_line = "nobody" if "user_line" in faults else USER_LINE
    destination_line = USER_LINE if "same" in faults else DESTINATION_LINE
    if "destination_line" in faults:
        destination_line = "nobody"

    async with CallService(
        engine=engine, store=store, directory=directory, clock=Clock(), observer=CountingObserver()
    ) as calls:
        if "draining" in faults:
            calls.refuse_new_calls()
        with pytest.raises(CallError) as refused:
            await calls.place(CALLER, CallRequest(user_line=user_line, destination_line=destination_line))

    assert IN_ORDER[first] in (type(refused.value).__name__, refused.value.code)
    assert (store.accepted, engine.performed, calls.running) == ([], [], 0)
