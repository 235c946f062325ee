"""From a SIP URI to the hops that a request may be sent to, in the order in which to try them (RFC 3263).

An address literal costs nothing, and neither does a name whose records are still good. Others are looked up off the
event loop within a budget, and the last good answer is used while nobody answers.
"""

import asyncio
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from ringbridge.engines.native.name_servers import Answer, NameServers
from ringbridge.sip.errors import Unlocatable
from ringbridge.sip.hop import Hop
from ringbridge.sip.location import Kind, Place, Question, Records, locate

log = structlog.get_logger()

LOOK_UP_SECONDS = 2.0
"""For all questions about one name together."""
HELD_SECONDS = 5.0
"""After a look-up in vain the last good answer serves for so long before another one is tried."""

_randomness = secrets.SystemRandom()


class Unresolvable(Exception):
    """The URI names no host that can be reached; the text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The records that led to hops, and until when they are good, in the event loop's time."""

    records: Records
    until: float


class Resolver:
    """Turns SIP URIs into hops that a socket bound to `local_host` can send to."""

    def __init__(self, local_host: str, name_servers: NameServers | None = None) -> None:
        local = ipaddress.ip_address(local_host)
        self._version = local.version
        self._kind = Kind.AAAA if local.version == 6 else Kind.A
        self._is_loopback = local.is_loopback
        self._name_servers = name_servers or NameServers()
        self._known: dict[Place, _Known] = {}
        self._look_ups: dict[Place, asyncio.Task[None]] = {}
        self._names: dict[str, str] = {}

    def reaches(self, hop: Hop) -> bool:
        """Whether the kernel lets anything through from our own address: from loopback it does so to loopback only."""
        return not self._is_loopback or ipaddress.ip_address(hop.host).is_loopback

    def literal(self, target: str) -> Hop | None:
        """The hop of a URI whose host is an address, or None when it is a name. Raises Unresolvable."""
        return self._literal(_place(target))

    def known(self, target: str) -> tuple[Hop, ...]:
        """The hops of a URI for which nobody has to be asked now, else none. Raises Unresolvable."""
        place = _place(target)
        literal = self._literal(place)
        if literal is not None:
            return (literal,)
        known = self._known.get(place)
        if known is None or known.until <= asyncio.get_running_loop().time():
            return ()
        return self._hops(place, known.records)

    async def resolve(self, target: str) -> tuple[Hop, ...]:
        """The hops of any SIP URI, at least one, within LOOK_UP_SECONDS. Raises Unresolvable."""
        hops = self.known(target)
        if hops:
            return hops
        place = _place(target)
        look_up = self._look_ups.get(place)
        if look_up is None:
            look_up = self._look_ups[place] = asyncio.create_task(self._look_up(place))
            look_up.add_done_callback(lambda done: self._end(place, done))
        # Many calls may wait for one look-up: whoever gives up leaves it to the others.
        await asyncio.shield(look_up)
        return self._hops(place, self._known[place].records)

    def remember(self, name: str, address: str) -> None:
        """From now on `address` is the host of that name."""
        self._names[address] = name

    def name_of(self, address: str) -> str:
        """What the host at `address` was asked for by: the name that its certificate must bear (RFC 5922)."""
        return self._names.get(address, address)

    def _literal(self, place: Place) -> Hop | None:
        hop = place.literal
        if hop is not None and (version := 6 if ":" in hop.host else 4) != self._version:
            raise Unresolvable(f"{hop.host} is an IPv{version} address, but RINGBRIDGE_SIP_HOST is not")
        return hop

    def _end(self, place: Place, look_up: asyncio.Task[None]) -> None:
        del self._look_ups[place]
        if not look_up.cancelled():
            # Told to whoever waits; perhaps nobody does any more.
            look_up.exception()

    async def _look_up(self, place: Place) -> None:
        """Ask until `_known` leads to hops. Raises Unresolvable."""
        known = self._known.get(place)
        answers: dict[Question, Answer] = {}
        problem: str | None = None
        # Some never answer what they know nothing of: silence is a fault where there was an answer before.
        is_missed = False
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                while not is_missed and (missing := self._missing(place, answers)):
                    for question, answer in zip(
                        missing, await asyncio.gather(*map(self._ask, missing)), strict=True
                    ):
                        answers[question] = answer
                        problem = problem or answer.problem
                        was_known = known is not None and bool(known.records.get(question))
                        is_missed = is_missed or (was_known and answer.problem is not None)
        except TimeoutError:
            problem = f"no answer within {LOOK_UP_SECONDS:g} s"
        records = _records(answers)
        hops = locate(place, records, self._kind, 0.0).hops
        now = asyncio.get_running_loop().time()
        if known is not None and problem is not None and (is_missed or not hops):
            log.warning("sip.last_answer_used", host=place.host, reason=problem)
            self._known[place] = _Known(records=known.records, until=now + HELD_SECONDS)
            return
        if not hops:
            self._known.pop(place, None)
            raise Unresolvable(f"{place.host} cannot be looked up ({problem or 'it has no address'})")
        seconds = min(HELD_SECONDS if answer.problem else answer.seconds for answer in answers.values())
        self._known[place] = _Known(records=records, until=now + seconds)
        for hop in hops:
            self.remember(place.host, hop.host)

    def _missing(self, place: Place, answers: Mapping[Question, Answer]) -> tuple[Question, ...]:
        return locate(place, _records(answers), self._kind, 0.0).missing

    def _hops(self, place: Place, records: Records) -> tuple[Hop, ...]:
        return locate(place, records, self._kind, _randomness.random()).hops

    async def _ask(self, question: Question) -> Answer:
        answer = await self._name_servers.ask(question)
        if question.kind is not self._kind or answer.is_local or self._is_loopback:
            return answer
        # Whoever answers for a name out there must not make us talk to what listens on this machine only.
        good = [address for address in answer.records if _is_elsewhere(str(address))]
        if answer.records and not good:
            return Answer(problem=f"{answer.records[0]} is no address of another machine")
        return Answer(records=good, seconds=answer.seconds, problem=answer.problem)


def host_of(target: str) -> str:
    """The host that a SIP URI names. Raises Unresolvable."""
    return _place(target).host


def _place(target: str) -> Place:
    try:
        return Place.of(target)
    except Unlocatable as exc:
        raise Unresolvable(str(exc)) from exc


def _records(answers: Mapping[Question, Answer]) -> Records:
    return {question: answer.records for question, answer in answers.items()}


def _is_elsewhere(host: str) -> bool:
    address = ipaddress.ip_address(host)
    return not (
        address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast
    )
