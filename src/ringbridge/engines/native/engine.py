"""The engine of our own: effects of the call machine in, SIP and RTP out, news of legs back."""

import asyncio
import itertools
import secrets
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from types import TracebackType
from typing import Self, assert_never

import structlog

from ringbridge.call.directory import Phone, Trunk
from ringbridge.call.event import Effect, Event, HangUp, Join, Originate, Play, SendDigits, StopPlaying
from ringbridge.call.model import Call, LegName
from ringbridge.call.ports import EventHandler
from ringbridge.call.trunk_state import Probe, TrunkStatus
from ringbridge.engines.native import stored_dialog
from ringbridge.engines.native.carriage import Carriage
from ringbridge.engines.native.driver import SipDriver, StreamSettings, SystemRandomness
from ringbridge.engines.native.journal import DialogJournal
from ringbridge.engines.native.media import MediaEvent, MediaRelay
from ringbridge.engines.native.orphans import Orphans
from ringbridge.engines.native.probing import Prober
from ringbridge.engines.native.prompts import PromptLibrary
from ringbridge.engines.native.registrations import Registrations
from ringbridge.engines.native.resolver import Resolver, Unresolvable
from ringbridge.engines.native.tools import Tools
from ringbridge.engines.native.trunks import Trunks
from ringbridge.sip import event as sip
from ringbridge.sip.endpoint import Endpoint, EndpointCounts, EndpointSettings
from ringbridge.sip.hop import Hop
from ringbridge.sip.registration import ContactsChanged, RegistrarEvent

log = structlog.get_logger()

# How long a stopping server stays for the answers to its last BYEs; what is lost after that, the peers' timers end.
LAST_ANSWERS_SECONDS = 1.0


class NativeEngine:
    """Implements `call.ports.Engine`. An async context manager: entered, it listens on its SIP port and relays RTP.

    registrations: where phones are that register. now: monotonic seconds.
    make_relay: the media relay, given who hears its events. trunk_ping_seconds: between two OPTIONS to a trunk, 0 for none.
    """

    def __init__(
        self,
        *,
        sip_host: str,
        sip_port: int,
        make_relay: Callable[[Callable[[str, MediaEvent], None]], MediaRelay],
        prompts: PromptLibrary,
        journal: DialogJournal,
        registrations: Registrations,
        now: Callable[[], float],
        streams: StreamSettings,
        trunk_ping_seconds: float,
    ) -> None:
        self._sip_host = sip_host
        self._sip_port = sip_port
        self._relay = make_relay(self._on_media)
        self._prompts = prompts
        self._journal = journal
        self._registrations = registrations
        self._now = now
        self._resolver = Resolver(sip_host)
        self._trunks = Trunks(
            self._resolver, now=now, ping_seconds=trunk_ping_seconds, on_moved=self._look_for_peers
        )
        self._streams = replace(streams, tls_peer=self._trunks.tls_peer)
        self._peer_places: frozenset[str] = frozenset()
        self._tasks = asyncio.TaskGroup()
        self._carriages: dict[str, Carriage] = {}
        self._sessions: dict[str, tuple[Carriage, LegName]] = {}
        # RFC 8866 section 5.2: the numbers of an o= line are to be unique; ours also start unguessable.
        self._sdp_ids = itertools.count(secrets.randbits(48))
        self._tools: Tools
        self._driver: SipDriver
        self._orphans: Orphans
        self._on_event: EventHandler

    async def __aenter__(self) -> Self:
        """Bind the SIP ports and start the relay. Raises ListenError, UnusableCertificate or MediaUnavailable."""
        self._driver = await SipDriver.open(
            self._sip_host,
            self._sip_port,
            self._make_endpoint,
            self._on_sip,
            self._now,
            self._streams,
            on_registration=self._on_registration,
            on_server=self._trunks.on_event,
        )
        self._orphans = Orphans(self._journal, self._driver, self._resolver, self._now)
        try:
            lost_phones = await self._registrations.start(self._driver)
            await self._relay.start()
        except BaseException:
            self._driver.close()
            raise
        await self._tasks.__aenter__()
        self._tools = Tools(
            driver=self._driver,
            relay=self._relay,
            prompts=self._prompts,
            resolver=self._resolver,
            journal=self._journal,
            tasks=self._tasks,
            contact_host=self._driver.local.host,
            tell=self._tell,
            trunks=self._trunks,
            contacts=self._registrations.contacts,
            bind_session=self._bind_session,
            now=self._now,
        )
        self._orphans.end_all(lost_phones)
        self._trunks.start(self._driver)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._trunks.stop()
        # What ended the block is not the tasks' affair: they are waited for, and what they raise is raised.
        await self._tasks.__aexit__(None, None, None)
        await self._registrations.stop()
        self._orphans.close()
        await self._driver.quiesce(LAST_ANSWERS_SECONDS)
        self._driver.close()
        await self._relay.stop()

    # The port

    def listen(self, on_event: EventHandler) -> None:
        """See `call.ports.Engine`."""
        self._on_event = on_event

    def perform(self, call: Call, effect: Effect) -> None:
        """See `call.ports.Engine`."""
        carriage = self._carriage(call)
        match effect:
            case Originate(LegName.THIRD):
                assert call.transfer is not None
                carriage.originate_third(call.transfer.third, call.other(call.transfer.waiting))
            case Originate(leg):
                carriage.originate(leg)
            case Play(prompt, repeat, leg):
                carriage.play(leg, prompt, repeat=repeat)
            case StopPlaying(leg):
                carriage.stop_playing(leg)
            case Join(first, second):
                carriage.join(first, second)
            case SendDigits(leg, digits):
                carriage.send_digits(leg, digits)
            case HangUp(leg, cause):
                carriage.hang_up(leg, cause)
            case _:
                assert_never(effect)

    def release(self, call_id: str) -> None:
        """See `call.ports.Engine`."""
        carriage = self._carriages.pop(call_id, None)
        if carriage is not None:
            carriage.release()
        else:
            self._relay.forget(call_id)

    def healthy(self) -> bool:
        """See `call.ports.Engine`."""
        return self._relay.healthy

    def phones(self, line_id: str) -> list[Phone]:
        """See `call.ports.Engine`."""
        return [
            Phone(contact.hop.transport, contact.hop.host, contact.hop.port, contact.user_agent)
            for contact in self._registrations.contacts(line_id)
        ]

    def reserve(self, call: Call) -> bool:
        """See `call.ports.Engine`."""
        has_room = self._trunks.channels.have_room(call)
        if has_room:
            # A carriage takes its channels when it is made.
            self._carriage(call)
        return has_room

    # For the composition root

    @property
    def local(self) -> Hop:
        """The bound SIP address."""
        return self._driver.local

    @property
    def counts(self) -> EndpointCounts:
        """What the SIP endpoint holds and has dropped."""
        return self._driver.endpoint.counts

    @property
    def open_media_sessions(self) -> int:
        """How many calls hold media ports."""
        return self._relay.open_sessions

    @property
    def trunks(self) -> list[TrunkStatus]:
        """How the trunks do."""
        return self._trunks.statuses()

    async def probe(self, uri: str) -> Probe:
        """What comes of asking at a SIP address whether somebody is there, as calls would be sent there."""
        return await Prober(self._resolver, self._streams.tls, self._trunks.tls_peer_named).probe(uri)

    async def know_peers(self, places: Iterable[str]) -> None:
        """From now on only these hosts, as SIP URIs have them behind the user, and the far ends of live dialogs are answered."""
        self._peer_places = frozenset(places)
        await self._find_peers()

    def _look_for_peers(self) -> None:
        self._tasks.create_task(self._find_peers())

    async def _find_peers(self) -> None:
        # Side by side: names that nobody knows must not keep the others waiting. Until then the old peers are answered.
        found = await asyncio.gather(*map(self._find_peer, self._peer_places))
        self._driver.endpoint.set_known_peers([(hop.host, hop.port) for hops in found for hop in hops])

    async def _find_peer(self, place: str) -> tuple[Hop, ...]:
        try:
            return await self._resolver.resolve(f"sip:{place}")
        except Unresolvable as exc:
            log.warning("sip.peer_unresolvable", error=str(exc))
            return ()

    def know_devices(self, line_ids: Collection[str]) -> None:
        """From now on the phones of these lines may register, and no others."""
        self._registrations.set_lines(line_ids)

    def know_trunks(self, trunks: Iterable[Trunk]) -> None:
        """From now on these are all trunks."""
        self._trunks.set(trunks)

    # What comes back

    def _on_sip(self, event: sip.Event) -> None:
        # A leg is remembered for as long as its BYE or CANCEL may be needed, which is longer than its call.
        if isinstance(event, sip.Answered | sip.AnsweredLate):
            self._journal.keep(event.session, stored_dialog.to_text(event.dialog))
        elif isinstance(event, sip.Released) and not self._orphans.keeps(event):
            self._journal.forget(event.session)
        bound = self._sessions.get(event.session)
        if bound is None:
            return
        carriage, leg = bound
        if isinstance(event, sip.Ended | sip.Refused):
            del self._sessions[event.session]
        carriage.on_sip(leg, event)

    def _on_registration(self, event: RegistrarEvent) -> None:
        self._registrations.on_event(event)
        if isinstance(event, ContactsChanged):
            self._orphans.find(event.line, event.contacts)

    def _on_media(self, session: str, event: MediaEvent) -> None:
        carriage = self._carriages.get(session)
        if carriage is not None:
            carriage.on_media(event)

    def _carriage(self, call: Call) -> Carriage:
        carriage = self._carriages.get(call.id)
        if carriage is None:
            carriage = self._carriages[call.id] = Carriage(call, next(self._sdp_ids), self._tools)
        return carriage

    def _tell(self, call_id: str, event: Event) -> None:
        self._on_event(call_id, event)

    def _bind_session(self, session: str, carriage: Carriage, leg: LegName) -> None:
        self._sessions[session] = (carriage, leg)

    def _make_endpoint(self, local: Hop, others: tuple[Hop, ...]) -> Endpoint:
        settings = EndpointSettings(
            local=local, others=others, digest_algorithms=self._registrations.algorithms
        )
        return Endpoint(settings, SystemRandomness())
