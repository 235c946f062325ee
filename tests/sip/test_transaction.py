"""The tables themselves: complete for what can happen, and every state can be reached and left."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest

from ringbridge.sip.transaction import (
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    ClientAction,
    ClientInput,
    ClientState,
    ServerAction,
    ServerInput,
    ServerState,
)

TABLES: dict[str, tuple[Mapping[tuple[Any, Any], Any], Enum]] = {
    "INVITE client": (INVITE_CLIENT, ClientState.CALLING),
    "non-INVITE client": (NON_INVITE_CLIENT, ClientState.TRYING),
    "INVITE server": (INVITE_SERVER, ServerState.PROCEEDING),
    "non-INVITE server": (NON_INVITE_SERVER, ServerState.TRYING),
}


def reachable(table: Mapping[tuple[Any, Any], Any], start: Enum) -> set[Enum]:
    """Every state that some inputs lead to from a start."""
    found = {start}
    while True:
        new = {step.state for (state, _), step in table.items() if state in found} - found
        if not new:
            return found
        found |= new


@pytest.mark.parametrize("name", TABLES)
def test_every_state_of_a_table_can_be_reached_and_ends(name: str) -> None:
    table, start = TABLES[name]
    states = reachable(table, start)

    assert {state for state, _ in table} <= states
    for state in states:
        assert "TERMINATED" in {end.name for end in reachable(table, state)}


@pytest.mark.parametrize("table", [INVITE_CLIENT, NON_INVITE_CLIENT])
def test_a_client_takes_every_answer_in_every_state_that_lives(
    table: dict[tuple[ClientState, ClientInput], object],
) -> None:
    states = {state for state, _ in table} - {ClientState.TERMINATED}
    answers = (
        ClientInput.PROVISIONAL,
        ClientInput.SUCCESS,
        ClientInput.FAILURE,
        ClientInput.SEND_FAILED,
        ClientInput.CONNECTION_LOST,
    )

    assert [(state, answer) for state in states for answer in answers if (state, answer) not in table] == []


@pytest.mark.parametrize("table", [INVITE_SERVER, NON_INVITE_SERVER])
def test_a_server_takes_a_repeated_request_in_every_state(
    table: dict[tuple[ServerState, ServerInput], object],
) -> None:
    assert [state for state, _ in table if (state, ServerInput.REQUEST) not in table] == []


def test_an_invite_server_takes_an_ack_in_every_state() -> None:
    assert [state for state, _ in INVITE_SERVER if (state, ServerInput.ACK) not in INVITE_SERVER] == []


def test_whatever_ends_a_transaction_has_it_forgotten_first() -> None:
    client_ends = [
        step.actions
        for table in (INVITE_CLIENT, NON_INVITE_CLIENT)
        for (state, _), step in table.items()
        if step.state is ClientState.TERMINATED and state is not ClientState.TERMINATED
    ]
    server_ends = [
        step.actions
        for table in (INVITE_SERVER, NON_INVITE_SERVER)
        for step in table.values()
        if step.state is ServerState.TERMINATED
    ]

    assert {actions[0] for actions in client_ends} == {ClientAction.END}
    assert {actions[0] for actions in server_ends} == {ServerAction.END}
