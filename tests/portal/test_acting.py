"""Whoever is signed in is named in the audit log for what they change, with where they did it from."""

from ringbridge.call.actor import SERVER, Actor, ActorKind
from ringbridge.call.user import Role
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.users import SqlUsers
from tests.portal.conftest import PASSWORD, Client, Desk
from tests.portal.test_first_owner import FIELDS, link

OWNER = Actor(ActorKind.USER, "id-owner", "127.0.0.1")
NEW = {"login": "bob", "name": "Bob", "role": "operator", "line": ""}


def entries(desk: Desk, count: int) -> list[tuple[str, str | None, Actor]]:
    """Action, target and actor of the last ones, the oldest first."""
    found = SqlAuditLog(desk.database).last(count)
    return [(entry.action, entry.target_id, entry.actor) for entry in reversed(found)]


async def test_a_change_names_whose_session_it_came_in(desk: Desk, owner: Client) -> None:
    await owner.post("/users/id-operator/disable")
    assert entries(desk, 1) == [("user.disabled", "id-operator", OWNER)]


async def test_signing_in_names_who_did_from_where(desk: Desk, visitor: Client) -> None:
    await visitor.post("/login", {"login": "operator", "password": PASSWORD})
    actor = Actor(ActorKind.USER, "id-operator", "127.0.0.1")
    assert entries(desk, 1) == [("user.signed_in", "id-operator", actor)]
    await visitor.post("/logout")
    assert entries(desk, 1) == [("user.sessions_ended", "id-operator", actor)]


async def test_a_password_again_is_no_coming(desk: Desk, owner: Client) -> None:
    before = SqlAuditLog(desk.database).head()
    assert (await owner.post("/login/again", {"password": PASSWORD})).status == 303
    assert SqlAuditLog(desk.database).head() == before


async def test_who_is_invited_sets_the_own_password(desk: Desk, owner: Client, visitor: Client) -> None:
    reply = await owner.post("/users", NEW)
    bob = SqlUsers(desk.database).by_login("bob")
    assert bob is not None
    assert entries(desk, 2) == [("user.created", bob.id, OWNER), ("user.link_made", bob.id, OWNER)]
    path = reply.value(r'value="http://[^/]+(/welcome/[^"]+)"')
    await visitor.post(path, {"password": PASSWORD})
    actor = Actor(ActorKind.USER, bob.id, "127.0.0.1")
    assert entries(desk, 2) == [("user.password_set", bob.id, actor), ("user.signed_in", bob.id, actor)]


async def test_the_first_owner_makes_the_account(new_desk: Desk) -> None:
    client, path = await new_desk.client(), await link(new_desk)
    await client.post(path, FIELDS)
    owner = SqlUsers(new_desk.database).by_login("ann@example.com")
    assert owner is not None
    assert owner.role is Role.OWNER
    actor = Actor(ActorKind.USER, owner.id, "127.0.0.1")
    assert entries(new_desk, 4) == [
        ("user.link_made", None, SERVER),
        ("account.created", owner.account_id, actor),
        ("user.created", owner.id, actor),
        ("user.signed_in", owner.id, actor),
    ]
