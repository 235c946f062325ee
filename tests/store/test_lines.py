"""The contract of LineStore, kept by SqlLines on both databases."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from ringbridge.call.directory import Line, LineKind, Srtp
from ringbridge.call.errors import NotFound
from ringbridge.call.ports import LineStore
from ringbridge.store.administration import Administration
from ringbridge.store.database import reading
from ringbridge.store.lines import SqlLines
from ringbridge.store.tables import lines

ACCOUNT, OTHER = "1009683", "2000000"
DESK = Line(id="1", account_id=ACCOUNT, number="201", kind=LineKind.DEVICE, sip_username="desk")


class NotThat(Exception):
    """What a test's change raises."""


def refuse(_: Line) -> Line:
    raise NotThat


@pytest.fixture
def store(engine: Engine, administration: Administration) -> LineStore:
    """The lines of two accounts, the first of which has one."""
    administration.add_account("Acme", account_id=ACCOUNT)
    administration.add_account("Other", account_id=OTHER)
    port: LineStore = SqlLines(engine)
    port.add(DESK, {"MD5": "old"})
    return port


def digests(engine: Engine) -> object:
    """What the password of the one line is checked against."""
    with reading(engine) as connection:
        return connection.scalar(select(lines.c.device_digests))


def test_a_line_is_changed_and_keeps_its_password_unless_there_is_a_new_one(
    store: LineStore, engine: Engine
) -> None:
    changed = replace(DESK, name="Ada", srtp=Srtp.REQUIRED)
    assert store.change(ACCOUNT, "1", lambda line: replace(line, name="Ada", srtp=Srtp.REQUIRED)) == changed
    assert (store.find(ACCOUNT, "1"), digests(engine)) == (changed, {"MD5": "old"})
    again = store.change(
        ACCOUNT,
        "1",
        lambda line: replace(line, sip_username="new"),
        lambda line: {"MD5": str(line.sip_username)},
    )
    assert (again.name, digests(engine)) == ("Ada", {"MD5": "new"})


def test_what_is_refused_changes_nothing(store: LineStore, engine: Engine) -> None:
    with pytest.raises(NotThat):
        store.change(ACCOUNT, "1", refuse)
    with pytest.raises(NotThat):
        store.remove(ACCOUNT, "1", refuse)
    assert (store.find(ACCOUNT, "1"), digests(engine)) == (DESK, {"MD5": "old"})
    store.remove(ACCOUNT, "1", lambda line: line)
    assert store.find(ACCOUNT, "1") is None


@pytest.mark.parametrize("account_and_line", [(OTHER, "1"), (ACCOUNT, "2"), (ACCOUNT, "1\0")])
def test_what_is_not_there_is_neither_changed_nor_removed(
    store: LineStore, account_and_line: tuple[str, str]
) -> None:
    assert store.find(*account_and_line) is None
    with pytest.raises(NotFound):
        store.change(*account_and_line, lambda line: line)
    with pytest.raises(NotFound):
        store.remove(*account_and_line, lambda line: line)
    assert store.find(ACCOUNT, "1") == DESK
