"""Passkeys of users, on both databases."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import Engine, delete

from ringbridge.call.errors import AlreadyExists, NotFound
from ringbridge.call.passkey import MOST_PASSKEYS, Passkey, TooManyPasskeys
from ringbridge.call.user import Role, User
from ringbridge.store.administration import Administration
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.database import writing
from ringbridge.store.passkeys import SqlPasskeys
from ringbridge.store.user_tables import users
from ringbridge.store.users import SqlUsers

LAPTOP = Passkey(
    id="p1",
    user_id="u1",
    name="Laptop",
    credential_id="Y3JlZGVudGlhbA",
    public_key="cHVibGljIGtleQ",
    sign_count=7,
    origin="https://calls.example.com",
    created_at=100.0,
)


@pytest.fixture
def ann(engine: Engine, administration: Administration) -> User:
    """u1; there is a u2 as well."""
    account = administration.add_account("Acme")
    ann = User(id="u1", account_id=account.id, login="ann", name="Ann", role=Role.USER, created_at=1.5)
    for user in (ann, replace(ann, id="u2", login="bob")):
        SqlUsers(engine).add(user)
    return ann


def told(engine: Engine, account_id: str) -> list[tuple[str, str | None, object, object]]:
    """What the audit log tells of passkeys, the newest first."""
    return [
        (
            entry.action,
            entry.target_id,
            entry.before and json.loads(entry.before),
            json.loads(entry.after or "null"),
        )
        for entry in SqlAuditLog(engine).last(50, account_id)
        if "passkey" in entry.action
    ]


def test_a_passkey_is_found_and_removed_by_whose_it_is(engine: Engine, ann: User) -> None:
    passkeys = SqlPasskeys(engine)
    passkeys.add(LAPTOP)
    assert passkeys.find(LAPTOP.credential_id) == (LAPTOP, ann)
    assert passkeys.find("another") is None
    assert passkeys.find("\0") is None
    assert passkeys.of_user("u1") == [LAPTOP]
    assert passkeys.of_user("u2") == []
    assert not passkeys.remove("u2", "p1")
    assert not passkeys.remove("u1", "\0")
    assert passkeys.remove("u1", "p1")
    assert passkeys.of_user("u1") == []
    known = {"name": "Laptop", "origin": "https://calls.example.com"}
    assert told(engine, ann.account_id) == [
        ("user.passkey_removed", "u1", known, None),
        ("user.passkey_added", "u1", None, known),
    ]


def test_nobody_has_a_passkey_of_somebody_else_or_too_many(engine: Engine, ann: User) -> None:
    passkeys = SqlPasskeys(engine)
    passkeys.add(LAPTOP)
    with pytest.raises(AlreadyExists):
        passkeys.add(replace(LAPTOP, id="p2", user_id="u2"))
    with pytest.raises(NotFound):
        passkeys.add(replace(LAPTOP, id="p2", user_id="u3", credential_id="another"))
    for number in range(1, MOST_PASSKEYS):
        passkeys.add(
            replace(LAPTOP, id=f"more{number}", credential_id=str(number), created_at=number + 100.0)
        )
    with pytest.raises(TooManyPasskeys):
        passkeys.add(replace(LAPTOP, id="p2", credential_id="another"))
    assert passkeys.of_user("u1")[0] == LAPTOP
    passkeys.remove_all("u1")
    passkeys.remove_all("u1")
    assert passkeys.of_user("u1") == []
    assert told(engine, ann.account_id)[0][2] == {"passkeys": MOST_PASSKEYS}


def test_a_count_that_does_not_grow_is_that_of_a_copy(engine: Engine, ann: User) -> None:
    passkeys = SqlPasskeys(engine)
    passkeys.add(LAPTOP)
    assert not passkeys.use("p1", 7, 200.0)
    assert not passkeys.use("p1", 0, 200.0)
    assert passkeys.of_user("u1") == [LAPTOP]
    assert passkeys.use("p1", 8, 200.0)
    assert passkeys.of_user("u1") == [replace(LAPTOP, sign_count=8, used_at=200.0)]
    assert not passkeys.use("p2", 9, 200.0)


def test_an_authenticator_that_does_not_count_is_taken_each_time(engine: Engine, ann: User) -> None:
    passkeys = SqlPasskeys(engine)
    passkeys.add(replace(LAPTOP, sign_count=0))
    assert passkeys.use("p1", 0, 200.0)
    assert passkeys.use("p1", 0, 300.0)


def test_passkeys_go_with_their_user(engine: Engine, ann: User) -> None:
    SqlPasskeys(engine).add(LAPTOP)
    with writing(engine) as connection:
        connection.execute(delete(users).where(users.c.id == "u1"))
    assert SqlPasskeys(engine).find(LAPTOP.credential_id) is None
    assert SqlPasskeys(engine).of_user("u1") == []
