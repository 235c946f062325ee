"""What the services make of somebody who acts in the portal: they get as far as their role, and no further."""

import pytest

from ringbridge.call.errors import InvalidUserLine
from ringbridge.call.history import CallFilter
from ringbridge.call.key import Scope
from ringbridge.call.user import Role, User
from ringbridge.service.authentication import Caller, MissingScope
from ringbridge.service.keys import BeyondOwnRights, KeyRequest
from ringbridge.service.request import CallRequest
from tests.portal.conftest import ACCOUNT_ID, EXTENSION, LINE_NUMBER, Desk

DESTINATION = "15125290100"
REQUEST = CallRequest(user_line=LINE_NUMBER, destination_line=DESTINATION)


async def caller_of(desk: Desk, user: User) -> Caller:
    account = await desk.directory.account(user.account_id)
    assert account is not None
    return Caller(account, user.acting_key())


@pytest.mark.parametrize("role", [Role.OWNER, Role.OPERATOR, Role.USER])
async def test_a_call_is_placed_and_found_again(desk: Desk, role: Role) -> None:
    caller = await caller_of(desk, desk.users[role])
    placed = await desk.calls.place(caller, REQUEST)
    assert await desk.calls.reader.find(caller, placed.call_id) is not None
    runner = desk.calls.runner(caller, placed.call_id)
    assert runner is not None
    assert (runner.call.account_id, runner.call.key_id) == (ACCOUNT_ID, f"user_id-{role.value}")
    assert [each.id for each in await desk.calls.reader.page(caller, CallFilter(), None, 10)] == [
        placed.call_id
    ]


async def test_an_auditor_places_no_call(desk: Desk) -> None:
    with pytest.raises(MissingScope):
        (await caller_of(desk, desk.users[Role.AUDITOR])).require(Scope.CALLS_CREATE)


async def test_a_user_calls_from_the_own_line_and_sees_its_calls(desk: Desk) -> None:
    desk.administration.add_line(EXTENSION)
    theirs = await desk.calls.place(
        await caller_of(desk, desk.users[Role.OWNER]),
        CallRequest(user_line="200", destination_line=DESTINATION),
    )
    user = await caller_of(desk, desk.users[Role.USER])
    with pytest.raises(InvalidUserLine):
        await desk.calls.place(user, CallRequest(user_line="200", destination_line=DESTINATION))
    assert await desk.calls.reader.find(user, theirs.call_id) is None
    assert await desk.calls.reader.page(user, CallFilter(), None, 10) == []


async def test_an_owner_makes_keys_and_an_operator_does_not(desk: Desk) -> None:
    wanted = KeyRequest(name="crm", scopes=frozenset(Scope), days=30)
    made = await desk.keys.create(await caller_of(desk, desk.users[Role.OWNER]), wanted)
    assert made.key.account_id == ACCOUNT_ID
    with pytest.raises(BeyondOwnRights):
        await desk.keys.create(await caller_of(desk, desk.users[Role.OPERATOR]), wanted)
