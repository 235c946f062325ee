"""The trunks of the server as those see and change them who run it: what is kept of each, how it does, whether it answers.

What somebody else than they may know of a trunk is for the page to choose: all accounts share them.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ringbridge.call.directory import CallerIdPolicy, NumberFormat, Srtp, Trunk
from ringbridge.call.errors import AlreadyExists, InvalidOption, NotFound
from ringbridge.call.ports import TrunkStore
from ringbridge.call.provisioning import check_trunk, number_beginning, shown_name
from ringbridge.call.simulation import SIMULATED
from ringbridge.call.trunk_state import Probe, TrunkStatus
from ringbridge.call.user import LONGEST_NAME
from ringbridge.service.clock import Clock
from ringbridge.service.line_book import Addresses

MOST_OF_A_TRUNK = 100_000
"""Calls at once, or in a second: what nobody means beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkDetails:
    """What is said of a trunk, as it was typed. A password of "" leaves the one that there is."""

    name: str = ""
    uri: str = ""
    username: str = ""
    password: str = ""
    registers: bool = False
    prefixes: str = ""
    position: str = ""
    weight: str = ""
    channels: str = ""
    calls_per_second: str = ""
    number_format: NumberFormat = NumberFormat.E164_PLUS
    number_prefix: str = ""
    caller_id: CallerIdPolicy = CallerIdPolicy.FROM
    srtp: Srtp = Srtp.OFF
    nat: bool = False


class SeenTrunk(NamedTuple):
    """A trunk, and how it does; `status` is None until the server has taken notice of it.

    registered_until, answered_at: UTC seconds since 1970; None where it is not registered, and where it never answered OPTIONS.
    """

    trunk: Trunk
    status: TrunkStatus | None
    registered_until: float | None
    answered_at: float | None


class TrunkService:
    """All trunks of the server. All methods raise StoreUnavailable.

    statuses: how the trunks do. probe: asks at a SIP address whether somebody is there.
    """

    def __init__(
        self,
        trunks: TrunkStore,
        addresses: Addresses,
        clock: Clock,
        *,
        statuses: Callable[[], Sequence[TrunkStatus]],
        probe: Callable[[str], Awaitable[Probe]],
    ) -> None:
        self._trunks = trunks
        self._addresses = addresses
        self._clock = clock
        self._statuses = statuses
        self._probe = probe

    async def all(self) -> list[SeenTrunk]:
        """The trunks, by position."""
        statuses = {status.name: status for status in self._statuses()}
        # The engine counts in monotonic seconds.
        utc_offset = self._clock.utc_now() - self._clock.now()
        return [
            _seen(trunk, statuses.get(trunk.name), utc_offset)
            for trunk in await asyncio.to_thread(self._trunks.trunks)
        ]

    async def find(self, trunk_id: str) -> SeenTrunk:
        """The trunk with this id. Raises NotFound."""
        for seen in await self.all():
            if seen.trunk.id == trunk_id:
                return seen
        raise NotFound("There is no trunk with this id.")

    async def add(self, details: TrunkDetails) -> Trunk:
        """A new trunk. Raises InvalidOption; AlreadyExists is one of `name`."""
        name = shown_name(details.name)
        if len(name) > LONGEST_NAME:
            raise InvalidOption("name", "invalid_name")
        if name == SIMULATED:
            raise InvalidOption("name", "already_exists")
        trunk = self._described(Trunk(id=secrets.token_hex(8), name=name, uri=""), details)
        position = _count(details.position, "position", least=0)
        try:
            return await asyncio.to_thread(self._trunks.add_trunk, trunk, position=position)
        except AlreadyExists as error:
            raise InvalidOption("name", error.code) from error

    async def change(self, trunk_id: str, details: TrunkDetails) -> Trunk:
        """The trunk as it is described now, under the name that it has. Raises InvalidOption and NotFound."""
        name = (await self.find(trunk_id)).trunk.name
        return await asyncio.to_thread(
            self._trunks.change_trunk, name, lambda trunk: self._described(trunk, details)
        )

    async def remove(self, trunk_id: str) -> Trunk:
        """Forget a trunk that no line uses; calls that it carries go on. Raises NotFound and InvalidSetting."""
        trunk = (await self.find(trunk_id)).trunk
        await asyncio.to_thread(self._trunks.remove_trunk, trunk.name)
        return trunk

    async def test(self, trunk_id: str) -> tuple[SeenTrunk, Probe]:
        """Ask its server now whether it is there, and see how the trunk does by then. Raises NotFound."""
        probe = await self._probe((await self.find(trunk_id)).trunk.uri)
        return await self.find(trunk_id), probe

    def _described(self, trunk: Trunk, details: TrunkDetails) -> Trunk:
        """The trunk with these details. Raises InvalidOption."""
        username = details.username.strip() or None
        password = details.password or trunk.password
        uri = self._addresses.check(details.uri.strip())
        if password is not None and username is not None and not details.password and uri != trunk.uri:
            # Who may change the address and not know the password could have it proven to a server of their own.
            raise InvalidOption("password", "password_of_address")
        position = _count(details.position, "position", least=0)
        described = replace(
            trunk,
            uri=uri,
            username=username,
            # Without a name it is of no use.
            password=None if username is None else password,
            registers=details.registers,
            prefixes=tuple(map(number_beginning, details.prefixes.replace(",", " ").split())),
            position=trunk.position if position is None else position,
            weight=_count(details.weight, "weight", most=1000) or 1,
            channels=_count(details.channels, "channels"),
            calls_per_second=_count(details.calls_per_second, "calls_per_second"),
            number_format=details.number_format,
            number_prefix=details.number_prefix.strip(),
            caller_id=details.caller_id,
            srtp=details.srtp,
            nat=details.nat,
        )
        check_trunk(described, over_tls=self._addresses.goes_over_tls(described.uri))
        return described


def _seen(trunk: Trunk, status: TrunkStatus | None, utc_offset: float) -> SeenTrunk:
    until = None if status is None or not status.is_registered else status.registered_until
    answered_at = None if status is None else status.answered_at
    return SeenTrunk(
        trunk,
        status,
        None if until is None else until + utc_offset,
        None if answered_at is None else answered_at + utc_offset,
    )


def _count(text: str, option: str, *, least: int = 1, most: int = MOST_OF_A_TRUNK) -> int | None:
    """A whole number, or None for none. Raises InvalidOption."""
    if not text.strip():
        return None
    try:
        number = int(text)
    except ValueError:
        raise InvalidOption(option, "no_count") from None
    if not least <= number <= most:
        raise InvalidOption(option, "no_count")
    return number
