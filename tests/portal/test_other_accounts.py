"""Every route whose path names something, asked for by everybody with what is another account's: it is not there."""

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from ringbridge.call.key import Scope
from ringbridge.call.user import Role, User
from ringbridge.portal.areas import ROUTES
from ringbridge.portal.page import PageRoute
from ringbridge.service.keys import KeyRequest
from ringbridge.service.request import CallRequest
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.passkeys import SqlPasskeys
from ringbridge.store.user_sessions import SqlSessions
from ringbridge.store.users import SqlUsers
from tests.portal.authenticator import passkey_of
from tests.portal.conftest import EXTENSION, OTHER_ACCOUNT_ID, STRANGER_ID, Desk
from tests.portal.test_caller import caller_of
from tests.portal.test_integration_webhooks import added

# What a path may name that belongs to an account or to somebody.
OWNED = {
    "call_id",
    "event_id",
    "key_id",
    "line_id",
    "passkey_id",
    "session_id",
    "test_id",
    "user_id",
    "webhook_id",
}
# What all accounts share, what is no name, and what is secret by itself.
SHARED = {"form", "language", "name", "token", "trunk_id"}
# Enough for every form to be taken, if what it is about were there.
FIELDS = {
    "digits": "1",
    "hours": "1",
    "kind": "uri",
    "name": "Eve",
    "role": "owner",
    "since": "2026-01-01T00:00",
    "to": "15125290101",
    "uri": "sip:eve@192.0.2.66",
    "url": "https://good.example.com/",
}

NAMED: list[PageRoute] = [
    route for route in ROUTES if not route.is_open and OWNED & set(re.findall(r"{(\w+)}", route.path))
]


def test_every_name_in_a_path_is_known_here() -> None:
    assert {name for route in ROUTES for name in re.findall(r"{(\w+)}", route.path)} == OWNED | SHARED


@pytest.fixture
async def theirs(desk: Desk) -> Mapping[str, str]:
    """The ids of what the other account has, one of each kind."""
    stranger = SqlUsers(desk.database).find(STRANGER_ID)
    assert stranger is not None
    browser = await desk.client_of(stranger)
    desk.administration.add_line(replace(EXTENSION, account_id=OTHER_ACCOUNT_ID, id="line-other-200"))
    begun = await browser.post(f"/lines/line-{OTHER_ACCOUNT_ID}/tests")
    caller = await caller_of(desk, stranger)
    key = await desk.keys.create(
        caller, KeyRequest(name="CRM", scopes=frozenset({Scope.CALLS_CREATE}), days=90)
    )
    call = await desk.calls.place(caller, CallRequest(user_line="200", destination_line="15125290100"))
    (session,) = SqlSessions(desk.database).sessions(STRANGER_ID)
    SqlPasskeys(desk.database).add(passkey_of(STRANGER_ID))
    return {
        "call_id": call.call_id,
        "event_id": f"{call.call_id}_1",
        "key_id": key.key.id,
        "line_id": f"line-{OTHER_ACCOUNT_ID}",
        "passkey_id": passkey_of(STRANGER_ID).id,
        "session_id": session.id,
        "test_id": begun.location.rpartition("/")[2],
        "user_id": STRANGER_ID,
        "webhook_id": added(desk, OTHER_ACCOUNT_ID).id,
    }


async def ask(desk: Desk, user: User, route: PageRoute, theirs: Mapping[str, str]) -> int:
    """The status with which the route answers the user who asks with these ids."""
    path = re.sub(r"{(\w+)}", lambda match: theirs[match[1]], route.path)
    client = await desk.client_of(user)
    reply = await (client.get(path) if route.method == "GET" else client.post(path, FIELDS))
    return reply.status


async def test_to_its_own_people_it_is_there(desk: Desk, theirs: Mapping[str, str]) -> None:
    stranger = SqlUsers(desk.database).find(STRANGER_ID)
    assert stranger is not None
    pages = [route for route in NAMED if route.method == "GET" and not route.path.endswith("/events")]
    assert len(pages) > 10
    for route in pages:
        assert await ask(desk, stranger, route, theirs) == 200, route


@pytest.mark.parametrize("role", Role)
async def test_to_all_others_it_is_not(desk: Desk, theirs: Mapping[str, str], role: Role) -> None:
    user = desk.users[role]
    end = SqlAuditLog(desk.database).head().sequence
    for route in NAMED:
        expected = 404 if route.right is None or user.may(route.right) else 403
        assert await ask(desk, user, route, theirs) == expected, route
    # Nothing was changed on the way, but that the asker has signed in.
    entries = SqlAuditLog(desk.database).last(200)
    assert {entry.action for entry in entries if entry.sequence > end} == {"user.signed_in"}


async def test_what_is_somebody_elses_within_the_account_is_not_there_either(
    desk: Desk, theirs: Mapping[str, str]
) -> None:
    # Of the whole account only the line +18175629656 is theirs.
    user, owner = desk.users[Role.USER], desk.users[Role.OWNER]
    desk.administration.add_line(EXTENSION)
    await desk.client_of(owner)
    (session,) = SqlSessions(desk.database).sessions(owner.id)
    call = await desk.calls.place(
        await caller_of(desk, owner), CallRequest(user_line="200", destination_line="15125290100")
    )
    SqlPasskeys(desk.database).add(passkey_of(owner.id))
    own = {
        **theirs,
        "session_id": session.id,
        "passkey_id": passkey_of(owner.id).id,
        "call_id": call.call_id,
    }
    for route in NAMED:
        if route.right is None or user.may(route.right):
            assert await ask(desk, user, route, own) == 404, route
