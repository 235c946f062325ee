"""What is done about users leaves an entry in the audit log, in its own transaction; no secret is in one."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from ringbridge.call.actor import Actor, ActorKind, acting_as
from ringbridge.call.user import LastOwner, Role, User
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.user_sessions import SqlSessions
from ringbridge.store.users import SqlUsers
from tests.store.test_users import a_link, a_session

BOB = Actor(ActorKind.USER, "u2", "192.0.2.7")
SECRETS = ("$argon2id$", "seed of", "digest of", "code digest")


def last(engine: Engine, owner: User) -> tuple[str, str | None, Any, Any]:
    """Action, target, before and after of the last entry of the account."""
    log = SqlAuditLog(engine)
    log.verify()
    (entry,) = log.last(1, owner.account_id)
    assert not [secret for secret in SECRETS if secret in repr(entry)]
    before, after = (text and json.loads(text) for text in (entry.before, entry.after))
    return entry.action, entry.target_id, before, after


def test_a_new_user_is_told_with_what_was_said_of_them(engine: Engine, owner: User) -> None:
    action, target, before, after = last(engine, owner)
    assert (action, target, before) == ("user.created", "u1", None)
    assert after == {
        "login": "ann",
        "name": "Ann",
        "role": "owner",
        "created_at": 1.5,
        "runs_server": False,
        "disabled": False,
        "password_hash": "(hidden)",
    }


@pytest.mark.parametrize(
    ("change", "action", "before", "after"),
    [
        ({"name": "Anne"}, "user.changed", {"name": "Ann"}, {"name": "Anne"}),
        ({"role": Role.AUDITOR}, "user.changed", {"role": "owner"}, {"role": "auditor"}),
        ({"disabled": True}, "user.disabled", {"disabled": False}, {"disabled": True}),
        (
            {"password_hash": "$argon2id$2"},
            "user.password_set",
            {"password_hash": "(hidden)"},
            {"password_hash": "(hidden)"},
        ),
        (
            {"totp_seed": "seed of ann", "totp_step": 7},
            "user.second_factor_begun",
            {},
            {"totp_seed": "(hidden)"},
        ),
    ],
)
def test_a_change_is_told_by_what_differs(
    engine: Engine, owner: User, change: dict[str, Any], action: str, before: Any, after: Any
) -> None:
    users = SqlUsers(engine)
    users.add(replace(owner, id="u2", login="bob"))
    with acting_as(BOB):
        users.change("u1", lambda user: replace(user, **change))
    assert last(engine, owner) == (action, "u1", before, after)
    assert SqlAuditLog(engine).last(1, owner.account_id)[0].actor == BOB


def test_a_second_factor_that_ends_and_a_user_who_may_sign_in_again_are_told(
    engine: Engine, owner: User
) -> None:
    users = SqlUsers(engine)
    users.add(replace(owner, id="u2", login="bob", disabled=True, totp_seed="seed of bob", totp_step=7))
    users.change("u2", lambda user: replace(user, totp_seed=None, totp_step=None))
    assert last(engine, owner)[:2] == ("user.second_factor_ended", "u2")
    users.change("u2", lambda user: replace(user, disabled=False))
    assert last(engine, owner)[:2] == ("user.enabled", "u2")


def test_what_is_refused_or_makes_no_difference_is_not_told(engine: Engine, owner: User) -> None:
    users, sessions = SqlUsers(engine), SqlSessions(engine)
    before = SqlAuditLog(engine).head()
    with pytest.raises(LastOwner):
        users.change("u1", lambda user: replace(user, disabled=True))
    users.change("u1", lambda user: user)
    sessions.end_sessions("u1")
    assert not sessions.end_session("u1", "s1")
    assert not users.take_recovery_code("u1", "code digest")
    assert SqlAuditLog(engine).head() == before


def test_coming_and_going_are_told(engine: Engine, owner: User) -> None:
    sessions = SqlSessions(engine)
    sessions.begin_session(a_session(owner), in_place_of=None, signs_in=True)
    place = {"address": "192.0.2.7", "agent": "Firefox"}
    assert last(engine, owner) == ("user.signed_in", "u1", None, place)
    signed_in = SqlAuditLog(engine).head()
    sessions.begin_session(a_session(owner, "s2"), in_place_of=None, signs_in=False)
    assert SqlAuditLog(engine).head() == signed_in
    sessions.end_session("u1", "s1")
    assert last(engine, owner) == ("user.sessions_ended", "u1", None, {"sessions": 1})
    sessions.begin_session(a_session(owner, "s3"), in_place_of=None, signs_in=True)
    sessions.end_sessions("u1")
    assert last(engine, owner) == ("user.sessions_ended", "u1", None, {"sessions": 2})


def test_links_and_recovery_codes_are_told(engine: Engine, owner: User) -> None:
    users, sessions = SqlUsers(engine), SqlSessions(engine)
    sessions.add_link(a_link(owner, "digest of link"))
    told = {"purpose": "invitation", "expires_at": 200.0}
    assert last(engine, owner) == ("user.link_made", "u1", None, told)
    users.put_recovery_codes("u1", ["code digest"])
    assert users.take_recovery_code("u1", "code digest")
    assert last(engine, owner) == ("user.recovery_code_used", "u1", None, None)
    sessions.add_link(a_link(None, "digest of first"))
    (entry,) = SqlAuditLog(engine).last(1)
    assert (entry.action, entry.account_id, entry.target_id) == ("user.link_made", None, None)
