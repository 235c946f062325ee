"""Users of the portal on the command line."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ringbridge.store.database import open_database
from ringbridge.store.users import SqlUsers
from tests.cli.conftest import Ringbridge

LINK = r"http://127\.0\.0\.1:8080/welcome/[A-Za-z0-9_-]{43}\n"


@pytest.fixture
def ann(ringbridge: Ringbridge, account: str) -> str:
    """The login of an owner who has not followed her link."""
    words = ("--account", account, "--login", "Ann@Example.com", "--name", "Ann", "--server")
    result = ringbridge("user", "add", *words)
    assert re.fullmatch(LINK, result.out), result
    return "ann@example.com"


def listed(ringbridge: Ringbridge, account: str) -> list[dict[str, object]]:
    users: list[dict[str, object]] = json.loads(
        ringbridge("user", "list", "--account", account, "--json").out
    )
    return users


def set_password(tmp_path: Path, login: str) -> None:
    """As if the link had been followed."""
    engine = open_database(f"sqlite:///{tmp_path}/data/ringbridge.db")
    users = SqlUsers(engine)
    user = users.by_login(login)
    assert user is not None
    users.change(user.id, lambda before: replace(before, password_hash="a hash"))
    engine.dispose()


def test_users_are_made_and_listed(ringbridge: Ringbridge, account: str, ann: str) -> None:
    words = (
        "--account",
        account,
        "--login",
        "bob",
        "--name",
        "Bob",
        "--role",
        "user",
        "--line",
        "817 562 9656",
    )
    assert ringbridge("user", "add", *words).status == 0
    first, second = listed(ringbridge, account)
    assert (first["login"], first["role"], first["server"], first["line"]) == (ann, "owner", True, None)
    assert (second["login"], second["role"], second["server"], second["line"]) == (
        "bob",
        "user",
        False,
        "+18175629656",
    )
    assert (first["password"], first["disabled"]) == (False, False)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--login", "ann@example.com"), "Somebody signs in as ann@example.com already."),
        (("--login", "a b"), "--login takes 2 to 128 characters without blanks, not 'a b'"),
        (("--login", "bob", "--line", "hello"), "'hello' is not a telephone number in US"),
    ],
)
def test_what_cannot_be_is_refused(
    ringbridge: Ringbridge, account: str, ann: str, words: tuple[str, ...], sentence: str
) -> None:
    result = ringbridge("user", "add", "--account", account, "--name", "Bob", *words)
    assert (result.status, result.err) == (2, f"ringbridge: {sentence}\n")


def test_a_link_is_made_anew(ringbridge: Ringbridge, account: str, ann: str, tmp_path: Path) -> None:
    first, again = ringbridge("user", "link", "ANN@example.com").out, ringbridge("user", "link").out
    assert re.fullmatch(LINK, first)
    assert re.fullmatch(LINK, again)
    assert first != again
    set_password(tmp_path, ann)
    assert ringbridge("user", "link").err == (
        "ringbridge: this server has an owner: say whose link it is to be\n"
    )
    assert ringbridge("user", "link", "nobody").err == "ringbridge: Nobody signs in as 'nobody'.\n"


def test_a_user_is_disabled_and_let_in_again(
    ringbridge: Ringbridge, account: str, ann: str, tmp_path: Path
) -> None:
    assert ringbridge("user", "disable", ann).status == 0
    assert listed(ringbridge, account)[0]["disabled"] is True
    assert ringbridge("user", "enable", ann).status == 0
    assert listed(ringbridge, account)[0]["disabled"] is False
    set_password(tmp_path, ann)
    assert ringbridge("user", "disable", ann).err == (
        "ringbridge: The account would have no owner who can sign in.\n"
    )
