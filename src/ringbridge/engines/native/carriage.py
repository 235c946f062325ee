"""One call on the wire: its two SIP sessions and its media session.

Decisions about the call are made in `ringbridge.call`, about session descriptions in `flows`. Here they meet SIP and
the relay; nothing here knows a number plan, a database or a clock.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from ringbridge.call.cause import Cause, q850_of
from ringbridge.call.event import (
    CancelRequested,
    EarlyMediaStarted,
    Event,
    LegAnswered,
    LegEnded,
    LegRinging,
    PromptFinished,
)
from ringbridge.call.model import Call, LegName, Prompt
from ringbridge.engines.native import flows, stored_dialog
from ringbridge.engines.native.driver import SipDriver
from ringbridge.engines.native.journal import DialogJournal
from ringbridge.engines.native.media import (
    FirstPacket,
    MediaEvent,
    MediaRelay,
    MediaSession,
    MediaUnavailable,
    NoMediaPorts,
    Side,
)
from ringbridge.engines.native.news import cause_of_end, cause_of_refusal
from ringbridge.engines.native.prompts import PromptLibrary
from ringbridge.engines.native.resolver import Resolver, Unresolvable
from ringbridge.media.errors import MalformedSdp, MediaError
from ringbridge.media.offer import answer, offer
from ringbridge.media.sdp import AudioDescription, Codec, MediaAddress, audio_of
from ringbridge.sip import event as sip
from ringbridge.sip.digest import Credentials
from ringbridge.sip.headers import Reason
from ringbridge.sip.hop import Hop
from ringbridge.sip.uri import NameAddress, Uri

log = structlog.get_logger()

# Of the other refusals the status is only what SIP would have said.
_SAID_BY_PEER = (sip.RefusalSource.PEER, sip.RefusalSource.AUTHENTICATION)

_SIDES: Mapping[LegName, Side] = {LegName.USER: Side.USER, LegName.DESTINATION: Side.DESTINATION}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What every call of one engine shares.

    tell: takes news of a call to whoever listens. credentials: of a trunk by its name. now: monotonic seconds.
    """

    driver: SipDriver
    relay: MediaRelay
    prompts: PromptLibrary
    resolver: Resolver
    journal: DialogJournal
    tasks: asyncio.TaskGroup
    contact_host: str
    tell: Callable[[str, Event], None]
    credentials: Callable[[str], Credentials | None]
    bind_session: Callable[[str, "Carriage", LegName], None]
    now: Callable[[], float]


class LegCarriage:
    """One leg's SIP session and what was agreed in it."""

    __slots__ = ("codecs", "is_over", "remote", "session", "version")

    def __init__(self) -> None:
        self.session: str | None = None
        self.codecs: tuple[Codec, ...] = ()
        self.remote: MediaAddress | None = None
        self.version = 0
        self.is_over = False


class Carriage:
    """What the engine holds for one call."""

    __slots__ = ("_call", "_is_released", "_legs", "_media", "_prompt_timer", "_sdp_id", "_tools")

    def __init__(self, call: Call, sdp_id: int, tools: Tools) -> None:
        self._call = call
        self._tools = tools
        self._sdp_id = sdp_id
        self._legs = {LegName.USER: LegCarriage(), LegName.DESTINATION: LegCarriage()}
        self._media: MediaSession | None = None
        self._prompt_timer: asyncio.TimerHandle | None = None
        self._is_released = False

    # What the call machine wants

    def originate(self, leg: LegName) -> None:
        """Dial the leg. The destination's INVITE leaves before this returns, unless its host is a name."""
        target = self._call.party(leg).target
        if not target:
            self._tell(LegEnded(leg, Cause.UNREACHABLE))
            return
        try:
            hop = self._tools.resolver.literal(target)
        except Unresolvable as exc:
            log.warning("call.unresolvable", call=self._call.id, leg=leg.value, error=str(exc))
            self._tell(LegEnded(leg, Cause.UNREACHABLE))
            return
        if hop is not None and self._media is not None:
            self._invite(leg, hop, self._media)
        else:
            self._tools.tasks.create_task(self._try_to_originate(leg, target))

    def play(self, prompt: Prompt, *, repeat: bool) -> None:
        """Play to the user; PromptFinished follows unless it repeats."""
        self._disarm_prompt()
        if prompt is Prompt.RINGBACK:
            found = self._tools.prompts.find_tone(flows.ringback_tone(self._call.user.number))
        else:
            found = self._tools.prompts.find(prompt.value, self._call.language)
        seconds = 0.0
        if found is not None and self._media is not None:
            payload_type = flows.prompt_payload_type(self._legs[LegName.USER].codecs)
            self._media.play(Side.USER, found.stem, payload_type, repeat=repeat)
            seconds = found.seconds
        if not repeat:
            loop = asyncio.get_running_loop()
            self._prompt_timer = loop.call_later(seconds, self._tell, PromptFinished(prompt))

    def stop_playing(self) -> None:
        """From now on the user hears the destination."""
        self._disarm_prompt()
        if self._media is not None:
            self._media.stop_playing(Side.USER)

    def join(self) -> None:
        """Let both hear each other; if the destination took fewer codecs, tell the user's phone once."""
        self.stop_playing()
        user, destination = self._legs[LegName.USER], self._legs[LegName.DESTINATION]
        codecs = flows.codecs_to_narrow_to(user.codecs, destination.codecs)
        if codecs is not None and user.session is not None and self._media is not None:
            body = self._description(LegName.USER, self._media, codecs)
            self._tools.driver.endpoint.offer(user.session, body, self._tools.now())
            self._tools.driver.pump()

    def hang_up(self, leg: LegName, cause: Cause) -> None:
        """Release the leg, whatever crosses it on the wire; nothing more is told of it."""
        carriage = self._legs[leg]
        carriage.is_over = True
        if carriage.session is not None:
            reason = Reason("Q.850", q850_of(cause), None)
            self._tools.driver.endpoint.hang_up(carriage.session, self._tools.now(), reason=reason)
            self._tools.driver.pump()

    def release(self) -> None:
        """The call is over: the media ports are free at once, a leg still being dialled is not dialled, none is left up."""
        self._is_released = True
        self._disarm_prompt()
        for leg in LegName:
            if not self._legs[leg].is_over:
                self.hang_up(leg, Cause.INTERNAL)
        if self._media is not None:
            self._media.close()
            self._media = None

    # What the relay and the SIP sessions tell

    def on_media(self, event: MediaEvent) -> None:
        """News of the media session."""
        if isinstance(event, FirstPacket):
            self._tell(EarlyMediaStarted(LegName.DESTINATION))
        else:
            self._media = None
            self._tell(CancelRequested(Cause.MEDIA_FAILED))

    def on_sip(self, leg: LegName, event: sip.Event) -> None:
        """News of one leg's SIP session."""
        match event:
            case sip.Progressed():
                self._on_progress(leg, event)
            case sip.Answered():
                self._tools.journal.keep(event.session, stored_dialog.to_text(event.dialog))
                self._on_answer(leg, event.body)
            case sip.Refused():
                self._tools.journal.forget(event.session)
                said = event.status if event.source in _SAID_BY_PEER else None
                self._end(leg, cause_of_refusal(event), said, event.q850)
            case sip.Ended():
                self._tools.journal.forget(event.session)
                self._end(leg, cause_of_end(event), None, event.q850)
            case sip.Offered():
                self._on_offer(leg, event)
            case sip.OfferAnswered():
                self._on_offer_answered(leg, event.body)
            case sip.OfferRefused():
                log.info("call.offer_refused", call=self._call.id, leg=leg.value, status=event.status)
            case sip.Invited() | sip.Acknowledged():
                raise AssertionError(f"{event!r} belongs to calls that come in, and this leg went out")

    def _on_progress(self, leg: LegName, event: sip.Progressed) -> None:
        if leg is LegName.DESTINATION and event.body and self._media is not None:
            try:
                self._send_audio_to(leg, audio_of(event.body))
            except MediaError as exc:
                log.info("call.early_media_unusable", call=self._call.id, error=str(exc))
            else:
                self._media.watch_first_packet(Side.DESTINATION)
        self._tell_of(leg, LegRinging(leg))

    def _on_answer(self, leg: LegName, body: bytes) -> None:
        carriage = self._legs[leg]
        offered = flows.OFFERED_TO_USER if leg is LegName.USER else self._legs[LegName.USER].codecs
        try:
            audio = audio_of(body)
            carriage.codecs = flows.accepted_codecs(offered, audio)
        except MediaError as exc:
            log.warning("call.answer_unusable", call=self._call.id, leg=leg.value, error=str(exc))
            self._tell_of(leg, LegEnded(leg, Cause.INCOMPATIBLE_MEDIA))
            self.hang_up(leg, Cause.INCOMPATIBLE_MEDIA)
            return
        self._send_audio_to(leg, audio)
        self._tell_of(leg, LegAnswered(leg))

    def _on_offer(self, leg: LegName, event: sip.Offered) -> None:
        """The far end re-negotiates (hold, resume, a new address): it is answered here, the other leg is not asked."""
        carriage, endpoint = self._legs[leg], self._tools.driver.endpoint
        if self._media is None:
            endpoint.reject_offer(event.session, 488, self._tools.now())
            return
        try:
            if event.body:
                self._send_audio_to(leg, audio_of(event.body))
                carriage.version += 1
                local = self._media.local(_SIDES[leg])
                body = answer(
                    event.body,
                    local,
                    carriage.codecs,
                    session_id=self._sdp_id,
                    version=carriage.version,
                )
            else:
                body = self._description(leg, self._media, carriage.codecs)
        except MediaError as exc:
            status = 400 if isinstance(exc, MalformedSdp) else 488
            endpoint.reject_offer(event.session, status, self._tools.now())
        else:
            endpoint.answer_offer(event.session, body, self._tools.now())

    def _on_offer_answered(self, leg: LegName, body: bytes) -> None:
        carriage = self._legs[leg]
        try:
            audio = audio_of(body)
            carriage.codecs = flows.accepted_codecs(flows.OFFERED_TO_USER, audio)
            self._send_audio_to(leg, audio)
        except MediaError as exc:
            log.info("call.answer_ignored", call=self._call.id, leg=leg.value, error=str(exc))

    def _end(self, leg: LegName, cause: Cause, status: int | None, q850: int | None) -> None:
        self._tell_of(leg, LegEnded(leg, cause, status, q850))
        self._legs[leg].is_over = True

    # How it is done

    async def _try_to_originate(self, leg: LegName, target: str) -> None:
        """The top of a task: what goes wrong here ends this call and no other."""
        try:
            await self._originate_later(leg, target)
        except Exception:
            log.exception("call.not_originated", call=self._call.id, leg=leg.value)
            self._tell_of(leg, LegEnded(leg, Cause.INTERNAL))

    async def _originate_later(self, leg: LegName, target: str) -> None:
        """Dial a leg that has to wait for its media ports or for a name."""
        try:
            hop = await self._tools.resolver.resolve(target)
            if self._media is None:
                media = await self._tools.relay.open(self._call.id)
                if self._is_released:
                    media.close()
                    return
                self._media = media
        except Unresolvable as exc:
            log.warning("call.unresolvable", call=self._call.id, leg=leg.value, error=str(exc))
            self._tell_of(leg, LegEnded(leg, Cause.UNREACHABLE))
        except NoMediaPorts:
            self._tell_of(leg, LegEnded(leg, Cause.NO_MEDIA_PORTS))
        except MediaUnavailable as exc:
            log.error("call.no_media", call=self._call.id, error=str(exc))
            self._tell_of(leg, LegEnded(leg, Cause.MEDIA_FAILED))
        else:
            if not self._legs[leg].is_over:
                self._invite(leg, hop, self._media)

    def _invite(self, leg: LegName, hop: Hop, media: MediaSession) -> None:
        call, tools, carriage = self._call, self._tools, self._legs[leg]
        party = call.party(leg)
        codecs = flows.OFFERED_TO_USER if leg is LegName.USER else self._legs[LegName.USER].codecs
        own = Uri(scheme="sip", user=party.caller_number, host=tools.contact_host)
        session = f"{call.id}/{leg.value}"
        carriage.session = session
        tools.bind_session(session, self, leg)
        tools.driver.endpoint.invite(
            target=party.target,
            hop=hop,
            from_=str(NameAddress(display_name=_one_line(party.caller_name), uri=own)),
            to=f"<{party.target}>",
            body=self._description(leg, media, codecs),
            credentials=tools.credentials(party.trunk) if party.trunk is not None else None,
            session=session,
            now=tools.now(),
        )
        dialog = tools.driver.endpoint.dialog(session)
        if dialog is not None:
            tools.journal.keep(session, stored_dialog.to_text(dialog))
        tools.driver.pump()

    def _description(self, leg: LegName, media: MediaSession, codecs: tuple[Codec, ...]) -> bytes:
        carriage = self._legs[leg]
        carriage.version += 1
        return offer(media.local(_SIDES[leg]), codecs, session_id=self._sdp_id, version=carriage.version)

    def _send_audio_to(self, leg: LegName, audio: AudioDescription) -> None:
        """Follow the far end's media address. The zeros of RFC 2543's hold are no address to send to."""
        carriage = self._legs[leg]
        if audio.address == carriage.remote or ipaddress.ip_address(audio.address.host).is_unspecified:
            return
        carriage.remote = audio.address
        if self._media is not None:
            self._media.set_remote(_SIDES[leg], audio.address)

    def _disarm_prompt(self) -> None:
        if self._prompt_timer is not None:
            self._prompt_timer.cancel()
            self._prompt_timer = None

    def _tell_of(self, leg: LegName, event: Event) -> None:
        """Tell news of a leg, unless the leg was given up already."""
        if not self._legs[leg].is_over:
            self._tell(event)

    def _tell(self, event: Event) -> None:
        self._tools.tell(self._call.id, event)


def _one_line(name: str | None) -> str | None:
    """A name as it may stand in a header field: whatever would break a line is a blank."""
    return None if name is None else "".join(letter if letter.isprintable() else " " for letter in name)
