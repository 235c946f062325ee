"""Lines that their account's programs change while the administrator does, too."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from ringbridge.call.directory import Line, LineKind, Srtp
from ringbridge.call.errors import NotFound
from ringbridge.service.authentication import Caller
from ringbridge.service.lines import AdministratorsLine, LineOptions, LineService
from ringbridge.sip.registrar import device_digests
from ringbridge.store.administration import Administration
from ringbridge.store.database import migrate, open_database, reading
from ringbridge.store.directory import SqlDirectory
from ringbridge.store.lines import SqlLines
from ringbridge.store.tables import lines
from tests.service.double import ACCOUNT, CALLER

DESK = Line(id="1", account_id=ACCOUNT.id, number="201", kind=LineKind.DEVICE, sip_username="desk")


class Desks:
    """The service over a database in which an administrator is always a little quicker."""

    def __init__(self, store: SqlLines, directory: SqlDirectory, administration: Administration) -> None:
        self.store = store
        self.administration = administration
        self.lines = LineService(store, directory, device_digests)

    def digests(self) -> Mapping[str, str] | None:
        """What the password of the one line is checked against."""
        with reading(self.administration._engine) as connection:
            found: Mapping[str, str] | None = connection.scalar(select(lines.c.device_digests))
            return found


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Desks]:
    engine = open_database(f"sqlite:///{tmp_path}/ringbridge.db")
    migrate(engine)
    administration = Administration(engine)
    administration.add_account(ACCOUNT.name, account_id=ACCOUNT.id)
    administration.add_line(DESK, device_digests={"MD5": "old"})
    yield Desks(SqlLines(engine), SqlDirectory(engine), administration)
    engine.dispose()


def quicker(desks: Desks, monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """Let the administrator change the line after the service was asked, right before it writes."""
    for name in ("change", "remove"):
        late: Callable[..., object] = getattr(desks.store, name)

        def run(*args: object, late: Callable[..., object] = late) -> object:
            desks.administration.change_line(
                ACCOUNT.id,
                "201",
                lambda line: replace(line, **changes),  # type: ignore[arg-type]
            )
            return late(*args)

        monkeypatch.setattr(desks.store, name, run)


async def test_a_change_undoes_none_that_came_before_it(
    desks: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicker(desks, monkeypatch, srtp=Srtp.REQUIRED, language="de")
    changed = await desks.lines.change(CALLER, "1", lambda options: replace(options, name="Ada"))
    assert changed == replace(DESK, srtp=Srtp.REQUIRED, language="de", name="Ada")
    assert desks.administration.lines(ACCOUNT.id) == [changed]
    assert desks.digests() == {"MD5": "old"}


async def test_a_new_password_is_that_of_the_name_that_the_phone_has_by_then(
    desks: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicker(desks, monkeypatch, sip_username="new-desk")
    new = await desks.lines.renew_password(CALLER, "1")
    assert new.line.sip_username == "new-desk"
    assert desks.digests() == device_digests("new-desk", new.password)


async def test_a_line_that_became_the_administrators_is_left_alone(
    desks: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicker(desks, monkeypatch, kind=LineKind.URI, uri="sip:a@192.0.2.1", sip_username=None)
    for attempt in (
        desks.lines.change(CALLER, "1", lambda _: LineOptions(name="Eve")),
        desks.lines.renew_password(CALLER, "1"),
        desks.lines.remove(CALLER, "1"),
    ):
        with pytest.raises(AdministratorsLine):
            await attempt
    assert [line.name for line in desks.administration.lines(ACCOUNT.id)] == [None]


async def test_a_line_that_is_gone_by_then_is_not_there(desks: Desks) -> None:
    desks.administration.remove_line(ACCOUNT.id, "201")
    for attempt in (
        desks.lines.change(CALLER, "1", lambda options: options),
        desks.lines.renew_password(CALLER, "1"),
        desks.lines.remove(CALLER, "1"),
        desks.lines.remove(CALLER, "1\0"),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_a_key_changes_no_line_that_it_is_not_bound_to(desks: Desks) -> None:
    bound = Caller(ACCOUNT, replace(CALLER.key, lines=("202",)))
    for attempt in (
        desks.lines.change(bound, "1", lambda options: options),
        desks.lines.renew_password(bound, "1"),
        desks.lines.remove(bound, "1"),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert desks.administration.lines(ACCOUNT.id) == [DESK]


async def test_a_line_that_is_gone_ends_no_page_of_a_key_that_is_bound_to_it(desks: Desks) -> None:
    for number in ("202", "204"):
        desks.administration.add_line(replace(DESK, id=number, number=number, sip_username=number))
    bound = Caller(ACCOUNT, replace(CALLER.key, lines=("204", "203", "202", "201")))
    first = await desks.lines.page(bound, None, 2)
    assert [line.number for line in first] == ["201", "202"]
    assert [line.number for line in await desks.lines.page(bound, "201", 2)] == ["202", "204"]
