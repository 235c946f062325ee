"""The lines of an account as people see and change them in the portal: of every kind, with the phones that registered.

What programs may do with lines is in `service.lines`. People may the same; telephone numbers, addresses elsewhere and lines
behind trunks only those change who run the server, for the reasons given there.
"""

import asyncio
import csv
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ringbridge.call.directory import Line, LineKind, RegisteredDevice, Srtp
from ringbridge.call.errors import InvalidOption, NotFound
from ringbridge.call.number import InvalidNumber
from ringbridge.call.ports import LineStore, TrunkStore
from ringbridge.call.provisioning import check_line, new_line_number, shown_name, sip_username
from ringbridge.call.user import LONGEST_NAME, Right
from ringbridge.service.clock import Clock
from ringbridge.service.line_import import ImportedRow, read_import
from ringbridge.service.lines import AdministratorsLine
from ringbridge.service.sign_in import SignedIn

MOST_IMPORTED = 5000
"""Rows of one file. More are for the command line, which shows how far it is."""


class Addresses(NamedTuple):
    """What is known of SIP addresses. check: the address if calls can be sent there; raises InvalidOption of `uri`."""

    check: Callable[[str], str]
    goes_over_tls: Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDetails:
    """What is said of a line, as it was typed. Of `uri` and `trunk` the one that the kind takes counts."""

    name: str = ""
    kind: LineKind = LineKind.DEVICE
    uri: str = ""
    trunk: str = ""
    language: str | None = None
    confirm: bool | None = None
    auto_answer: bool = False
    srtp: Srtp = Srtp.OFF
    nat: bool = False


class SeenLine(NamedTuple):
    """A line, and the phones that are registered for it."""

    line: Line
    phones: Sequence[RegisteredDevice]


class MadeLine(NamedTuple):
    """A line, and the password that its phone registers with, if it has a new one: told once, and not kept."""

    line: Line
    password: str | None


class LineBook:
    """The lines of the account of whoever asks. All methods raise StoreUnavailable; other accounts' lines are NotFound.

    digests_of: what is stored instead of a password, by SIP user name and password.
    """

    def __init__(
        self,
        lines: LineStore,
        trunks: TrunkStore,
        addresses: Addresses,
        digests_of: Callable[[str, str], Mapping[str, str]],
        clock: Clock,
    ) -> None:
        self._lines = lines
        self._trunks = trunks
        self._addresses = addresses
        self._digests_of = digests_of
        self._clock = clock

    async def page(self, by: SignedIn, after: str | None, limit: int, text: str = "") -> list[SeenLine]:
        """The lines behind the number `after`, `limit` at most; of those with `text` in number or name, if there is one."""
        wanted = _searched(text)
        return await asyncio.to_thread(self._page, by.account.id, after, limit, wanted)

    async def find(self, by: SignedIn, line_id: str) -> SeenLine:
        """The line with this id. Raises NotFound."""
        return await asyncio.to_thread(self._find, by.account.id, line_id)

    async def trunk_names(self) -> list[str]:
        """The trunks that a line can be behind."""
        return [trunk.name for trunk in await asyncio.to_thread(self._trunks.trunks)]

    async def add(self, by: SignedIn, number: str, details: LineDetails) -> MadeLine:
        """A new line. Raises InvalidOption, AlreadyExists and AdministratorsLine."""
        try:
            number = new_line_number(number, by.account.country)
        except InvalidNumber as error:
            raise InvalidOption("number", error.code) from error
        blank = Line(id=secrets.token_hex(8), account_id=by.account.id, number=number, kind=LineKind.DEVICE)
        line = await self._described(blank, details)
        _require_own(by, line)
        password = _new_password() if line.kind is LineKind.DEVICE else None
        await asyncio.to_thread(self._lines.add, line, self._digests(line, password))
        return MadeLine(line, password)

    async def change(self, by: SignedIn, line_id: str, details: LineDetails) -> MadeLine:
        """The line as it is described now; one that becomes a phone's gets a password. Raises as `add`, and NotFound."""
        before = (await self.find(by, line_id)).line
        wanted = await self._described(before, details)
        is_new_phone = wanted.kind is LineKind.DEVICE and before.kind is not LineKind.DEVICE
        password = _new_password() if is_new_phone else None

        def changed(line: Line) -> Line:
            _require_own(by, line)
            if line.kind is not before.kind:
                # Somebody else was quicker, and the password would be of another phone.
                raise NotFound("The line was changed meanwhile.")
            after = replace(wanted, number=line.number)
            _require_own(by, after)
            return after

        digests_of = (lambda line: self._digests(line, password) or {}) if password is not None else None
        line = await asyncio.to_thread(self._lines.change, by.account.id, line_id, changed, digests_of)
        return MadeLine(line, password)

    async def renew_password(self, by: SignedIn, line_id: str) -> MadeLine:
        """A new password for the line's phones; with the old one none registers any more. Raises NotFound, AdministratorsLine."""
        password = _new_password()

        def checked(line: Line) -> Line:
            if line.kind is not LineKind.DEVICE:
                raise NotFound("There is no phone that registers for this line.")
            return _require_own(by, line)

        line = await asyncio.to_thread(
            self._lines.change,
            by.account.id,
            line_id,
            checked,
            lambda line: self._digests(line, password) or {},
        )
        return MadeLine(line, password)

    async def remove(self, by: SignedIn, line_id: str) -> None:
        """Forget the line; calls that are up go on. Raises NotFound and AdministratorsLine."""
        await asyncio.to_thread(
            self._lines.remove, by.account.id, line_id, lambda line: _require_own(by, line)
        )

    async def preview(self, by: SignedIn, text: str) -> list[ImportedRow]:
        """What the rows of a CSV file would become; nothing is stored. Raises InvalidOption of `file`."""
        return await asyncio.to_thread(self._preview, by, text)

    async def import_all(self, by: SignedIn, text: str) -> int:
        """Add the lines of a CSV file, all or none; how many. Raises InvalidOption of `file`, AlreadyExists, NotFound."""
        rows = await self.preview(by, text)
        lines = [row.line for row in rows if row.line is not None]
        if len(lines) < len(rows):
            raise InvalidOption("file", "faulty_rows")
        return await asyncio.to_thread(self._lines.add_all, lines)

    def _page(self, account_id: str, after: str | None, limit: int, text: str) -> list[SeenLine]:
        lines = self._lines.page(account_id, after, limit, text)
        return self._seen(lines)

    def _find(self, account_id: str, line_id: str) -> SeenLine:
        line = self._lines.find(account_id, line_id)
        if line is None:
            raise NotFound("There is no line with this id.")
        return self._seen([line])[0]

    def _seen(self, lines: Sequence[Line]) -> list[SeenLine]:
        devices = [line.id for line in lines if line.kind is LineKind.DEVICE]
        phones = self._lines.devices(devices, self._clock.utc_now()) if devices else {}
        return [SeenLine(line, phones.get(line.id, ())) for line in lines]

    def _preview(self, by: SignedIn, text: str) -> list[ImportedRow]:
        texts = text.splitlines(keepends=True)
        if len(texts) > MOST_IMPORTED + 1:
            raise InvalidOption("file", "too_many_rows")
        trunks = {trunk.name for trunk in self._trunks.trunks()}
        try:
            rows = list(read_import(texts, by.account, trunks, lambda number: False, self._addresses.check))
        except csv.Error as error:
            raise InvalidOption("file", "no_csv") from error
        if not rows:
            raise InvalidOption("file", "no_rows")
        # All at once: thousands of questions to the database would take seconds.
        numbers = [row.line.number for row in rows if row.line is not None]
        taken = self._lines.taken(by.account.id, numbers)
        return [
            row._replace(line=None, option="number", code="already_exists")
            if row.line is not None and row.line.number in taken
            else row
            for row in rows
        ]

    async def _described(self, line: Line, details: LineDetails) -> Line:
        """The line with these details. Raises InvalidOption."""
        uri = trunk = None
        if details.kind is LineKind.URI:
            uri = self._addresses.check(details.uri.strip())
        elif details.kind is LineKind.TRUNK:
            trunk = details.trunk
            if trunk not in await self.trunk_names():
                raise InvalidOption("trunk", "unknown_trunk")
        is_device = details.kind is LineKind.DEVICE
        described = replace(
            line,
            name=_name(details.name),
            kind=details.kind,
            uri=uri,
            trunk=trunk,
            sip_username=sip_username(line.account_id, line.number) if is_device else None,
            language=details.language,
            confirm=details.confirm,
            auto_answer=details.auto_answer,
            srtp=details.srtp,
            nat=details.nat,
        )
        if is_device and line.sip_username is not None:
            # Its phones have it.
            described = replace(described, sip_username=line.sip_username)
        check_line(described, over_tls=uri is not None and self._addresses.goes_over_tls(uri))
        return described

    def _digests(self, line: Line, password: str | None) -> Mapping[str, str] | None:
        if password is None:
            return None
        assert line.sip_username is not None, "the line of a device has a SIP user name"
        return self._digests_of(line.sip_username, password)


def _require_own(by: SignedIn, line: Line) -> Line:
    """The line, if it is one that `by` may change. Raises AdministratorsLine."""
    is_internal = line.kind is LineKind.DEVICE and not line.number.startswith("+")
    if not is_internal and not by.user.may(Right.CHANGE_NUMBERS):
        raise AdministratorsLine
    return line


def _name(text: str) -> str | None:
    if not text.strip():
        return None
    name = shown_name(text)
    if len(name) > LONGEST_NAME:
        raise InvalidOption("name", "invalid_name")
    return name


def _searched(text: str) -> str:
    """What to look for: a telephone number as people write it is one of digits."""
    wanted = text.strip()
    digits = "".join(filter(str.isdigit, wanted))
    is_number = digits != "" and all(character in "+-./() " or character.isdigit() for character in wanted)
    return digits if is_number else wanted


def _new_password() -> str:
    return secrets.token_urlsafe(18)
