"""The contract of LineStore, kept by SqlLines on both databases."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, insert, select

from ringbridge.call.directory import Line, LineKind, RegisteredDevice, Srtp
from ringbridge.call.errors import AlreadyExists, NotFound
from ringbridge.call.ports import LineStore
from ringbridge.store.administration import Administration
from ringbridge.store.database import reading, writing
from ringbridge.store.lines import SqlLines
from ringbridge.store.tables import lines, registrations

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


def test_lines_are_found_by_number_and_name(store: LineStore) -> None:
    for number, name in (("202", "Ada_L"), ("+18175629656", "adam"), ("203", None)):
        line = Line(
            id=number, account_id=ACCOUNT, number=number, name=name, kind=LineKind.URI, uri="sip:a@192.0.2.1"
        )
        store.add(line, None)
    assert [line.number for line in store.page(ACCOUNT, None, 9, "ada")] == ["+18175629656", "202"]
    assert [line.number for line in store.page(ACCOUNT, None, 9, "A_")] == ["202"]
    assert [line.number for line in store.page(ACCOUNT, None, 9, "20")] == ["201", "202", "203"]
    assert [line.number for line in store.page(ACCOUNT, "201", 1, "20")] == ["202"]
    assert store.page(OTHER, None, 9, "20") == []
    assert store.taken(ACCOUNT, ["201", "999"]) == {"201"}


def test_many_lines_are_added_or_none(store: LineStore) -> None:
    more = [
        replace(DESK, id=number, number=number, kind=LineKind.URI, uri="sip:a@192.0.2.1", sip_username=None)
        for number in ("301", "302")
    ]
    assert store.add_all(more) == 2
    with pytest.raises(AlreadyExists):
        store.add_all([replace(more[0], id="x", number="303"), replace(more[1], id="y")])
    assert store.taken(ACCOUNT, ["301", "302", "303"]) == {"301", "302"}


def test_a_line_without_its_phone_has_no_password(store: LineStore, engine: Engine) -> None:
    store.change(
        ACCOUNT, "1", lambda line: replace(line, kind=LineKind.URI, uri="sip:a@192.0.2.1", sip_username=None)
    )
    assert digests(engine) is None
    with pytest.raises(NotFound):
        store.change(ACCOUNT, "1", lambda line: replace(line, kind=LineKind.TRUNK, uri=None, trunk="none"))


async def test_the_phones_of_some_lines_are_found(store: LineStore, engine: Engine) -> None:
    row = {
        "uri": "sip:x",
        "transport": "TCP",
        "host": "192.0.2.9",
        "port": 5060,
        "path": "",
        "call_id": "c",
        "sequence": 1,
    }
    with writing(engine) as connection:
        for line_id, expires_at in (("1", 200.0), ("2", 200.0), ("3", 50.0)):
            connection.execute(
                insert(registrations), row | {"line_id": line_id, "position": 0, "expires_at": expires_at}
            )
    found = store.devices(["1", "3"], 100.0)
    assert found == {"1": [RegisteredDevice("TCP", "192.0.2.9", 5060, None, 200.0)]}
