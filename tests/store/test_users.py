"""Users, their sessions and links, on both databases."""

from dataclasses import replace
from threading import Thread

import pytest
from sqlalchemy import Engine

from ringbridge.call.errors import AlreadyExists, NotFound
from ringbridge.call.user import LastOwner, LinkPurpose, OneTimeLink, Role, Session, User
from ringbridge.store.administration import Administration
from ringbridge.store.user_sessions import SqlSessions
from ringbridge.store.users import SqlUsers


def a_session(user: User, name: str = "s1", **times: float) -> Session:
    known = {"created_at": 100.0, "seen_at": 100.0, "fresh_at": 100.0} | times
    return Session(
        id=name,
        token_digest=f"digest of {name}",
        user_id=user.id,
        awaits_code=False,
        address="192.0.2.7",
        agent="Firefox",
        **known,
    )


def a_link(user: User | None, name: str = "l1", expires_at: float = 200.0) -> OneTimeLink:
    purpose = LinkPurpose.FIRST_OWNER if user is None else LinkPurpose.INVITATION
    return OneTimeLink(
        token_digest=name, purpose=purpose, user_id=None if user is None else user.id, expires_at=expires_at
    )


def test_a_user_is_found_by_id_and_by_login(engine: Engine, owner: User) -> None:
    users = SqlUsers(engine)
    assert users.find("u1") == users.by_login("ann") == owner
    assert users.find("u2") is None
    assert users.by_login("Ann") is None
    assert users.find("\x00") is None
    assert users.by_login("\x00") is None


def test_logins_are_unique_on_the_server(engine: Engine, administration: Administration, owner: User) -> None:
    other = administration.add_account("Other")
    with pytest.raises(AlreadyExists):
        SqlUsers(engine).add(replace(owner, id="u2", account_id=other.id))
    with pytest.raises(NotFound):
        SqlUsers(engine).add(replace(owner, id="u2", login="bob", account_id="none"))


def test_users_come_a_page_at_a_time_by_login(engine: Engine, owner: User) -> None:
    users = SqlUsers(engine)
    for login in ("dora", "bob", "cora"):
        users.add(replace(owner, id=login, login=login))
    logins = [user.login for user in users.of_account(owner.account_id, "ann", 2)]
    assert logins == ["bob", "cora"]
    assert [user.login for user in users.of_account(owner.account_id, None, 1)] == ["ann"]
    assert users.of_account("none", None, 10) == []


def test_a_code_taken_during_a_change_stays_taken(engine: Engine, owner: User) -> None:
    users = SqlUsers(engine)
    users.add(replace(owner, id="u2", login="bob", role=Role.USER, totp_seed="seed", totp_step=5))
    taking = Thread(target=users.take_step, args=("u2", 6))

    def change(user: User) -> User:
        taking.start()
        # It waits for the change, or is done with by then.
        taking.join(0.3)
        return replace(user, language="es")

    users.change("u2", change)
    taking.join(10.0)
    found = users.find("u2")
    assert found is not None
    assert (found.language, found.totp_step) == ("es", 6)


def test_an_account_keeps_an_owner_who_can_sign_in(engine: Engine, owner: User) -> None:
    users = SqlUsers(engine)
    assert users.owner_exists()
    users.add(replace(owner, id="u2", login="bob", password_hash=None))
    for change in ({"role": Role.OPERATOR}, {"disabled": True}):
        with pytest.raises(LastOwner):
            users.change("u1", lambda user, change=change: replace(user, **change))  # type: ignore[misc]
    assert users.find("u1") == owner
    users.change("u2", lambda user: replace(user, password_hash="another"))
    assert users.change("u1", lambda user: replace(user, disabled=True)).disabled
    with pytest.raises(NotFound):
        users.change("u3", lambda user: user)


def test_without_a_password_nobody_is_an_owner_yet(engine: Engine, administration: Administration) -> None:
    account = administration.add_account("Acme")
    user = User(id="u", account_id=account.id, login="ann", name="Ann", role=Role.OWNER, created_at=0.0)
    SqlUsers(engine).add(user)
    assert not SqlUsers(engine).owner_exists()


def test_a_time_step_is_taken_once(engine: Engine, owner: User) -> None:
    users = SqlUsers(engine)
    assert users.take_step("u1", 50)
    assert not users.take_step("u1", 50)
    assert not users.take_step("u1", 49)
    assert users.take_step("u1", 51)


def test_a_recovery_code_is_taken_once(engine: Engine, owner: User) -> None:
    users = SqlUsers(engine)
    users.put_recovery_codes("u1", ["a", "b"])
    assert users.take_recovery_code("u1", "a")
    assert not users.take_recovery_code("u1", "a")
    assert users.count_recovery_codes("u1") == 1
    users.put_recovery_codes("u1", ["c"])
    assert not users.take_recovery_code("u1", "b")
    users.put_recovery_codes("u1", ())
    assert users.count_recovery_codes("u1") == 0


def test_a_session_leads_to_its_user_and_account(engine: Engine, owner: User) -> None:
    sessions = SqlSessions(engine)
    sessions.begin_session(a_session(owner), in_place_of=None, signs_in=True)
    found = sessions.find_session("digest of s1")
    assert found is not None
    session, user, account = found
    assert (session, user, account.name) == (a_session(owner), owner, "Acme")
    sessions.see_session("digest of s1", 160.0)
    assert sessions.sessions("u1") == [a_session(owner, seen_at=160.0)]
    sessions.begin_session(a_session(owner, "s2"), in_place_of="digest of s1", signs_in=False)
    assert sessions.find_session("digest of s1") is None


def test_sessions_are_ended_one_or_all(engine: Engine, owner: User) -> None:
    sessions = SqlSessions(engine)
    for name in ("s1", "s2", "s3"):
        sessions.begin_session(a_session(owner, name), in_place_of=None, signs_in=True)
    assert not sessions.end_session("somebody", "s1")
    assert sessions.end_session("u1", "s1")
    assert not sessions.end_session("u1", "s1")
    sessions.end_sessions("u1", but="digest of s3")
    assert [session.id for session in sessions.sessions("u1")] == ["s3"]
    sessions.end_sessions("u1")
    assert sessions.sessions("u1") == []


def test_what_is_over_is_swept(engine: Engine, owner: User) -> None:
    sessions = SqlSessions(engine)
    sessions.begin_session(a_session(owner, "idle", seen_at=99.0), in_place_of=None, signs_in=True)
    sessions.begin_session(a_session(owner, "old", created_at=9.0), in_place_of=None, signs_in=True)
    sessions.begin_session(a_session(owner, "kept"), in_place_of=None, signs_in=True)
    sessions.add_link(a_link(owner))
    sessions.sweep(seen_before=100.0, created_before=10.0, expired_before=200.0)
    assert [session.id for session in sessions.sessions("u1")] == ["kept"]
    assert sessions.find_link("l1", 0.0) is not None
    sessions.sweep(seen_before=0.0, created_before=0.0, expired_before=200.5)
    assert sessions.find_link("l1", 0.0) is None


@pytest.mark.parametrize("is_first", [True, False])
def test_a_link_works_once_and_in_time(engine: Engine, owner: User, is_first: bool) -> None:
    sessions, link = SqlSessions(engine), a_link(None if is_first else owner)
    sessions.add_link(link)
    assert sessions.find_link("l1", 199.0) == link
    assert sessions.take_link("l1", 200.0) is None
    assert sessions.take_link("l1", 199.0) == link
    assert sessions.take_link("l1", 199.0) is None


@pytest.mark.parametrize("is_first", [True, False])
def test_a_new_link_ends_the_earlier_one(engine: Engine, owner: User, is_first: bool) -> None:
    sessions, whom = SqlSessions(engine), None if is_first else owner
    sessions.add_link(a_link(owner if is_first else None, "other"))
    sessions.add_link(a_link(whom, "first"))
    sessions.add_link(a_link(whom, "second"))
    assert sessions.find_link("first", 0.0) is None
    assert sessions.find_link("second", 0.0) is not None
    assert sessions.find_link("other", 0.0) is not None
