"""The page of users: who may do what, what is refused, and that other accounts' users are not there."""

from dataclasses import replace

import pytest

from ringbridge.call.user import Role
from ringbridge.store.users import SqlUsers
from tests.portal.conftest import PASSWORD, STRANGER_ID, Client, Desk

NEW = {"login": "Bob@Example.com", "name": "Bob", "role": "user", "line": "(817) 562-9656"}


async def test_the_owner_sees_the_accounts_users(desk: Desk, owner: Client) -> None:
    reply = await owner.get("/users")
    assert reply.status == 200
    assert all(user.name in reply.text for user in desk.users.values())
    assert "stranger" not in reply.text


async def test_an_auditor_looks_and_changes_nothing(desk: Desk, auditor: Client) -> None:
    reply = await auditor.get("/users")
    assert reply.status == 200
    assert "/users/new" not in reply.text
    assert (await auditor.get("/users/new")).status == 403
    assert (await auditor.post("/users", NEW)).status == 403


@pytest.mark.parametrize("path", ["/users", "/users/new", "/users/id-owner"])
async def test_others_do_not_see_them(operator: Client, user: Client, path: str) -> None:
    assert (await operator.get(path)).status == 403
    assert (await user.get(path)).status == 403


async def test_whoever_is_invited_sets_a_password_and_is_signed_in(
    desk: Desk, owner: Client, visitor: Client
) -> None:
    reply = await owner.post("/users", NEW)
    path = reply.value(r'value="http://[^/]+(/welcome/[^"]+)"')
    assert "bob@example.com" in (await visitor.get(path)).text
    refused = await visitor.post(path, {"password": "too short"})
    assert refused.status == 400
    assert "Use at least 12 characters." in refused.text
    assert (await visitor.post(path, {"password": PASSWORD})).location == "/"
    assert "Bob" in (await visitor.get("/profile")).text
    # It worked once.
    assert (await visitor.post(path, {"password": PASSWORD})).status == 410
    assert (
        await (await desk.client()).post("/login", {"login": "bob@example.com", "password": PASSWORD})
    ).status == 303


@pytest.mark.parametrize(
    ("referer", "back"), [("/users/new", "/users/new"), ("http://[", "/"), ("http://a//b.example", "/")]
)
async def test_the_password_again_leads_back_to_the_form_and_nowhere_else(
    desk: Desk, owner: Client, referer: str, back: str
) -> None:
    desk.clock.skipped_seconds = 14 * 60.0
    await owner.get("/profile")
    desk.clock.skipped_seconds = 16 * 60.0
    reply = await owner.post("/users", NEW, Referer=referer)
    assert reply.location == f"/login/again?next={back}"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"login": "owner"}, "This is taken already."),
        ({"login": "b b"}, "Use 2 to 128 characters without blanks."),
        ({"name": " "}, "Use 1 to 100 characters."),
        ({"line": "817 562 9999"}, "The account has no line with this number."),
        ({"line": "hello"}, "This is not a telephone number."),
    ],
)
async def test_a_wrong_field_is_said_beside_it(owner: Client, fields: dict[str, str], sentence: str) -> None:
    reply = await owner.post("/users", NEW | fields)
    assert reply.status == 400
    assert sentence in reply.text


async def test_a_new_role_ends_the_sessions(desk: Desk, owner: Client, user: Client) -> None:
    fields = {"name": "Ann", "role": "operator", "line": ""}
    assert (await owner.post("/users/id-user", fields)).location == "/users"
    assert "Saved." in (await owner.get("/users")).text
    assert "Saved." not in (await owner.get("/users")).text
    assert (await user.get("/profile")).location == "/login?next=/profile"
    changed = desk.stored(desk.users[Role.USER])
    assert (changed.name, changed.role, changed.line) == ("Ann", Role.OPERATOR, None)


async def test_a_disabled_user_is_out_until_let_in_again(desk: Desk, owner: Client, user: Client) -> None:
    assert (await owner.post("/users/id-user/disable")).status == 303
    assert (await user.get("/profile")).status == 303
    credentials = {"login": "user", "password": PASSWORD}
    assert (await user.post("/login", credentials)).status == 403
    await owner.post("/users/id-user/enable")
    assert (await user.post("/login", credentials)).status == 303


async def test_the_last_owner_stays(desk: Desk, owner: Client) -> None:
    reply = await owner.post("/users/id-owner", {"name": "Ann", "role": "user", "line": ""})
    assert reply.status == 400
    assert "The account would have no owner" in reply.text
    assert (await owner.post("/users/id-owner/disable")).location == "/users/id-owner"
    assert "The account would have no owner" in (await owner.get("/users/id-owner")).text
    assert not desk.stored(desk.users[Role.OWNER]).disabled


async def test_a_reset_ends_the_sessions_when_it_is_followed(
    owner: Client, user: Client, visitor: Client
) -> None:
    path = (await owner.post("/users/id-user/reset")).value(r'value="http://[^/]+(/welcome/[^"]+)"')
    assert (await user.get("/profile")).status == 200
    assert (await visitor.post(path, {"password": "another " + PASSWORD})).status == 303
    assert (await user.get("/profile")).status == 303


@pytest.mark.parametrize("what", ["", "/disable", "/enable", "/reset"])
async def test_users_of_another_account_are_not_there(desk: Desk, owner: Client, what: str) -> None:
    if not what:
        assert (await owner.get(f"/users/{STRANGER_ID}")).status == 404
    fields = {"name": "Mine", "role": "user", "line": ""}
    assert (await owner.post(f"/users/{STRANGER_ID}{what}", fields)).status == 404


async def test_changing_users_takes_a_fresh_password(desk: Desk, owner: Client) -> None:
    desk.clock.skipped_seconds += 10 * 60.0
    assert (await owner.get("/users")).status == 200
    assert (await owner.get("/users/new")).location == "/login/again?next=/users/new"
    refused = await owner.post("/login/again", {"password": "wrong", "next": "/users/new"})
    assert refused.status == 403
    assert (
        await owner.post("/login/again", {"password": PASSWORD, "next": "/users/new"})
    ).location == "/users/new"
    assert (await owner.get("/users/new")).status == 200


async def test_an_owner_does_not_become_whoever_runs_the_server(desk: Desk) -> None:
    other = replace(desk.users[Role.OWNER], id="other", login="other", runs_server=False)
    SqlUsers(desk.database).add(other)
    client = await desk.client_of(other)
    for what in ("", "/disable", "/enable", "/reset"):
        fields = {"name": "Mine", "role": "user", "line": ""}
        assert (await client.post(f"/users/id-owner{what}", fields)).status == 403
    assert desk.stored(desk.users[Role.OWNER]) == desk.users[Role.OWNER]
    assert (await client.post("/users/id-user/reset")).status == 200
