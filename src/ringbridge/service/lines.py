"""An account's lines, as its own programs may see and change them; and which trunks there are.

Programs make lines with internal extensions, whose phones register here, and change and remove those. Any other line is
the administrator's: a telephone number is shown to whoever is called, and a phone that is reached over a trunk or at
an address elsewhere may be one that costs money to ring.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from ringbridge.call.directory import Line, LineKind, Srtp, Trunk
from ringbridge.call.errors import CallError, InvalidOption, NotFound
from ringbridge.call.number import InvalidNumber, normalise, normalise_extension
from ringbridge.call.ports import Directory, LineStore
from ringbridge.service.authentication import Caller

_NO_LINE = "There is no line with this id."


class AdministratorsLine(CallError):
    """The line is not one that a program may change."""

    code = "administrators_line"

    def __init__(self) -> None:
        super().__init__("Only lines with an internal extension whose phones register are changed here.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOptions:
    """What of a line a program chooses; see `Line`."""

    name: str | None = None
    language: str | None = None
    confirm: bool | None = None
    auto_answer: bool = False
    srtp: Srtp = Srtp.OFF
    nat: bool = False


class NewPassword(NamedTuple):
    """A line, and the password that its phone registers with: told once, and not kept."""

    line: Line
    password: str


class LineService:
    """The lines of the caller's account. A key that is bound to lines has only those. All methods raise StoreUnavailable.

    digests_of: what is stored instead of a password, by SIP user name and password.
    """

    def __init__(
        self,
        lines: LineStore,
        directory: Directory,
        digests_of: Callable[[str, str], Mapping[str, str]],
    ) -> None:
        self._lines = lines
        self._directory = directory
        self._digests_of = digests_of

    async def page(self, caller: Caller, after: str | None, limit: int) -> list[Line]:
        """The lines whose numbers follow `after`, `limit` at most."""
        if not caller.key.lines:
            return await asyncio.to_thread(self._lines.page, caller.account.id, after, limit)
        found: list[Line] = []
        for number in sorted(number for number in caller.key.lines if after is None or number > after):
            line = await self._directory.line(caller.account.id, number)
            # A line may be gone that the key is bound to still.
            if line is not None:
                found.append(line)
        return found[:limit]

    async def find(self, caller: Caller, line_id: str) -> Line:
        """The line with this id. Raises NotFound."""
        line = await asyncio.to_thread(self._lines.find, caller.account.id, line_id)
        if line is None or not caller.key.may_use(line.number):
            raise NotFound(_NO_LINE)
        return line

    async def add(self, caller: Caller, extension: str, options: LineOptions) -> NewPassword:
        """A new line for a phone that registers. Raises InvalidOption, AlreadyExists and AdministratorsLine."""
        if caller.key.lines:
            raise AdministratorsLine
        number = _new_extension(extension, caller.account.country)
        line = Line(
            id=secrets.token_hex(8),
            account_id=caller.account.id,
            number=number,
            kind=LineKind.DEVICE,
            sip_username=f"{caller.account.id}-{number}",
        )
        new = NewPassword(_with_options(line, options), _new_password())
        await asyncio.to_thread(self._lines.add, new.line, self._digests(new))
        return new

    async def change(
        self, caller: Caller, line_id: str, change: Callable[[LineOptions], LineOptions]
    ) -> Line:
        """The line with the options that `change` makes of those it has. Raises NotFound and AdministratorsLine."""

        def changed(line: Line) -> Line:
            return _with_options(line, change(_options_of(_require_own(caller, line))))

        return await asyncio.to_thread(self._lines.change, caller.account.id, line_id, changed)

    async def renew_password(self, caller: Caller, line_id: str) -> NewPassword:
        """A new password for the line's phone; with the old one nobody registers any more. Raises as `change`."""
        password = _new_password()
        line = await asyncio.to_thread(
            self._lines.change,
            caller.account.id,
            line_id,
            partial(_require_own, caller),
            lambda line: self._digests(NewPassword(line, password)),
        )
        return NewPassword(line, password)

    async def remove(self, caller: Caller, line_id: str) -> None:
        """Forget the line; calls that are up go on. Raises NotFound and AdministratorsLine."""
        await asyncio.to_thread(self._lines.remove, caller.account.id, line_id, partial(_require_own, caller))

    async def trunks(self) -> tuple[Trunk, ...]:
        """The trunks, the default one first; all accounts share them."""
        return await self._directory.trunks()

    def _digests(self, new: NewPassword) -> Mapping[str, str]:
        assert new.line.sip_username is not None, "the line of a device has a SIP user name"
        return self._digests_of(new.line.sip_username, new.password)


def _require_own(caller: Caller, line: Line) -> Line:
    """The line as it is, if the caller's programs may change it. Raises NotFound and AdministratorsLine."""
    if not caller.key.may_use(line.number):
        raise NotFound(_NO_LINE)
    if line.kind is not LineKind.DEVICE or line.number.startswith("+"):
        raise AdministratorsLine
    return line


def _new_password() -> str:
    return secrets.token_urlsafe(18)


def _new_extension(text: str, country: str) -> str:
    try:
        extension = normalise_extension(text)
    except InvalidNumber:
        raise InvalidOption("number", "not_an_extension") from None
    try:
        normalise(extension, country)
    except InvalidNumber as error:
        # An extension is no telephone number, and need not be one; but nobody may take it for a call for help.
        if error.code == "emergency_number":
            raise InvalidOption("number", error.code) from None
    return extension


def _options_of(line: Line) -> LineOptions:
    return LineOptions(
        name=line.name,
        language=line.language,
        confirm=line.confirm,
        auto_answer=line.auto_answer,
        srtp=line.srtp,
        nat=line.nat,
    )


def _with_options(line: Line, options: LineOptions) -> Line:
    return replace(
        line,
        name=options.name,
        language=options.language,
        confirm=options.confirm,
        auto_answer=options.auto_answer,
        srtp=options.srtp,
        nat=options.nat,
    )
