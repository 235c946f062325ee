"""What roles may do, and as what the services know somebody who acts in the portal."""

import pytest

from ringbridge.call.key import Scope
from ringbridge.call.user import RIGHTS, SERVER_RIGHTS, Right, Role, UnusablePassword, User


def a_user(role: Role, *, line: str | None = None, runs_server: bool = False) -> User:
    return User(
        id="u1",
        account_id="1009683",
        login="ann",
        name="Ann",
        role=role,
        created_at=0.0,
        line=line,
        runs_server=runs_server,
    )


def test_each_role_has_its_rights() -> None:
    assert RIGHTS.keys() == set(Role)
    assert RIGHTS[Role.OWNER] == set(Right)
    assert {right for right in RIGHTS[Role.AUDITOR] if not right.value.startswith("see-")} == set()
    assert RIGHTS[Role.USER] == {Right.DIAL, Right.SEE_CALLS, Right.CONTROL_CALLS}
    assert not RIGHTS[Role.OPERATOR] & {
        Right.CHANGE_USERS,
        Right.CHANGE_KEYS,
        Right.CHANGE_LIMITS,
        Right.SEE_AUDIT,
    }


@pytest.mark.parametrize("right", sorted(SERVER_RIGHTS, key=str))
def test_what_all_accounts_share_only_those_change_who_run_the_server(right: Right) -> None:
    assert not a_user(Role.OWNER).may(right)
    assert a_user(Role.OWNER, runs_server=True).may(right)
    # Money, and letting nobody call, are an owner's affair.
    assert a_user(Role.OPERATOR, runs_server=True).may(right) is (right in RIGHTS[Role.OPERATOR])
    assert not a_user(Role.AUDITOR, runs_server=True).may(right)


def test_an_owner_hands_on_all_that_keys_may() -> None:
    assert a_user(Role.OWNER).acting_key().scopes == frozenset(Scope)


def test_an_auditor_reads() -> None:
    scopes = a_user(Role.AUDITOR).acting_key().scopes
    assert scopes is not None
    assert {scope.value.partition(":")[2] for scope in scopes} == {"read"}


@pytest.mark.parametrize(("line", "lines"), [("+18175629656", ("+18175629656",)), (None, ("",))])
def test_a_user_is_bound_to_the_own_line(line: str | None, lines: tuple[str, ...]) -> None:
    key = a_user(Role.USER, line=line).acting_key()
    assert (key.id, key.account_id, key.lines) == ("user_u1", "1009683", lines)
    assert key.may_use("+18175629656") == (line is not None)
    assert key.may(Scope.CALLS_CREATE)
    assert not key.may(Scope.LINES_READ)
    assert key.refusal("192.0.2.7", 4e9) is None
    assert a_user(Role.OPERATOR, line=line).acting_key().lines == ()


def test_no_secret_is_shown() -> None:
    shown = repr(
        User(
            id="u1",
            account_id="1",
            login="ann",
            name="Ann",
            role=Role.USER,
            created_at=0.0,
            password_hash="$argon2id$",
            totp_seed="feed",
        )
    )
    assert "argon2" not in shown
    assert "feed" not in shown


def test_an_unusable_password_says_why() -> None:
    assert str(UnusablePassword("too_short")) == "password: too_short"
