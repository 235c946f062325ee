"""One call on the wire: its two SIP sessions and its audio.

Decisions about the call are made in `ringbridge.call`; session descriptions are the affair of `audio`. Here they meet
SIP; nothing here knows a number plan, a database or a clock.
"""

from collections.abc import Sequence
from functools import partial

import structlog

from ringbridge.call.cause import Cause, q850_of
from ringbridge.call.event import (
    CancelRequested,
    EarlyMediaStarted,
    Event,
    KeyPressed,
    LegAnswered,
    LegDialed,
    LegEnded,
    LegRinging,
    MediaSilent,
)
from ringbridge.call.model import Call, LegName, Party, Prompt, Route
from ringbridge.engines.native import media as port
from ringbridge.engines.native import stored_dialog
from ringbridge.engines.native.attempts import Attempt, Attempts, Pause
from ringbridge.engines.native.audio import CallAudio, Terms
from ringbridge.engines.native.auto_answer import auto_answer_fields
from ringbridge.engines.native.encryption import dialable
from ringbridge.engines.native.identity import from_field, identity_fields
from ringbridge.engines.native.leg import ANSWERED_ELSEWHERE, SAID_BY_PEER, LegCarriage
from ringbridge.engines.native.media import MediaUnavailable, NoMediaPorts
from ringbridge.engines.native.news import cause_of_end, cause_of_refusal, is_carrier_fault
from ringbridge.engines.native.prompt_player import PromptPlayer
from ringbridge.engines.native.tools import Tools
from ringbridge.media.errors import MalformedSdp, MediaError
from ringbridge.sip import event as sip
from ringbridge.sip.errors import LocalUseError
from ringbridge.sip.headers import Reason

log = structlog.get_logger()

# A carrier that has not said so much as 100 by then is not there: an INVITE has been sent four times (Timer A).
FIRST_ANSWER_SECONDS = 4.0


class Carriage:
    """What the engine holds for one call."""

    __slots__ = ("_audio", "_call", "_legs", "_parties", "_player", "_tools")

    def __init__(self, call: Call, sdp_id: int, tools: Tools) -> None:
        self._call = call
        self._tools = tools
        self._parties = {leg: call.party(leg) for leg in call.talkers}
        self._legs = {leg: LegCarriage(self._attempts(leg)) for leg in call.talkers}
        self._audio = CallAudio(call, sdp_id, tools.relay)
        # Not by a method of this object's: what holds one another is freed only when the collector comes by.
        self._player = PromptPlayer(call, tools.prompts, self._audio, partial(tools.tell, call.id))

    # What the call machine wants

    def originate(self, leg: LegName) -> None:
        """Dial the leg. The destination's INVITE leaves before this returns, unless its host is to be looked up."""
        self._try_next(leg)

    def originate_third(self, third: Party, leaving: LegName) -> None:
        """Dial a third, who takes the place of the leaving leg once it has answered."""
        dialed = self._legs[LegName.THIRD].dialed if LegName.THIRD in self._legs else 0
        self._parties[LegName.THIRD] = third
        self._legs[LegName.THIRD] = LegCarriage(self._attempts(LegName.THIRD), dialed)
        self._audio.make_room_for_third(leaving)
        self._player.called_number = third.number
        self._try_next(LegName.THIRD)

    def play(self, leg: LegName, prompt: Prompt, *, repeat: bool) -> None:
        """Play to the leg; PromptFinished follows unless it repeats."""
        self._player.play(leg, prompt, repeat=repeat)

    def stop_playing(self, leg: LegName) -> None:
        """From now on the leg hears the other one."""
        self._player.disarm(leg)
        self._audio.stop_playing(leg)

    def join(self, first: LegName, second: LegName) -> None:
        """Let both hear each other; if the second took fewer codecs, tell the first's phone once."""
        self.stop_playing(first)
        session = self._legs[first].session
        body = None if session is None else self._audio.narrowed_offer(first, second, session)
        if session is not None and body is not None:
            self._tools.driver.endpoint.offer(session, body, self._tools.now())
            self._tools.driver.pump()

    def send_digits(self, leg: LegName, digits: str) -> None:
        """Press keys for the leg to hear."""
        self._audio.send_digits(leg, digits)

    def hang_up(self, leg: LegName, cause: Cause) -> None:
        """Release the leg, whatever crosses it on the wire; nothing more is told of it."""
        self._hang_up(self._legs[leg].close(), Reason("Q.850", q850_of(cause), None))

    def release(self) -> None:
        """The call is over: the media ports are free at once, a leg still being dialled is not dialled, none is left up."""
        for leg in self._legs:
            self._player.disarm(leg)
            if not self._legs[leg].is_over:
                self.hang_up(leg, Cause.INTERNAL)
        self._audio.close()

    # What the relay and the SIP sessions tell

    def on_media(self, event: port.MediaEvent) -> None:
        """News of the media session."""
        match event:
            case port.FirstPacket():
                self._tell(EarlyMediaStarted(LegName.DESTINATION))
            case port.KeyPressed(side=side, key=key):
                leg = self._audio.leg_at(side)
                self._tell_of(leg, KeyPressed(leg, key))
            case port.Silent(side=side):
                leg = self._audio.leg_at(side)
                self._tell_of(leg, MediaSilent(leg))
            case port.Lost():
                self._audio.lose()
                self._tell(CancelRequested(Cause.MEDIA_FAILED))

    def on_sip(self, leg: LegName, event: sip.Event) -> None:
        """News of one of a leg's SIP sessions."""
        if not self._legs[leg].hears(event.session):
            return
        match event:
            case sip.Progressed():
                self._on_progress(leg, event)
            case sip.Answered():
                self._hang_up(self._legs[leg].answer(event.session), ANSWERED_ELSEWHERE)
                self._legs[leg].attempts.succeed(self._tools.now())
                self._on_answer(leg, event)
            case sip.Refused():
                self._on_refusal(leg, event)
            case sip.Ended():
                self._end(leg, cause_of_end(event), None, event.q850)
            case sip.Offered():
                self._on_offer(leg, event)
            case sip.OfferAnswered():
                self._on_offer_answered(leg, event)
            case sip.OfferRefused():
                log.info("call.offer_refused", call=self._call.id, leg=leg.value, status=event.status)
            case sip.StrangerHeard():
                self._log_stranger(leg, event)
            case sip.AnsweredLate() | sip.Released():
                raise AssertionError(f"{event!r} follows the end of a leg, and this one is up")
            case sip.Invited() | sip.Acknowledged():
                raise AssertionError(f"{event!r} belongs to calls that come in, and this leg went out")

    def _log_stranger(self, leg: LegName, event: sip.StrangerHeard) -> None:
        said = {"call": self._call.id, "leg": leg.value, "method": event.method}
        advice = "add a trunk with this host if it belongs to this peer"
        log.info("call.stranger_heard", **said, host=event.source.host, port=event.source.port, advice=advice)

    def _on_progress(self, leg: LegName, event: sip.Progressed) -> None:
        self._legs[leg].has_rung = True
        self._legs[leg].attempts.succeed(self._tools.now())
        has_media = leg is LegName.DESTINATION and event.body
        if has_media and self._legs[leg].takes_early_media(event.session):
            try:
                self._audio.hear_early(leg, event.session, event.body)
            except MediaError as exc:
                log.info("call.early_media_unusable", call=self._call.id, error=str(exc))
        self._tell_of(leg, LegRinging(leg))

    def _on_refusal(self, leg: LegName, event: sip.Refused) -> None:
        carriage = self._legs[leg]
        refused, others = carriage.refuse(event)
        if refused is None:
            return
        self._hang_up(others, Reason("SIP", refused.status, None))
        if carriage.has_rung or not is_carrier_fault(event):
            # Whoever was rung, or has refused, is not to be rung again over another trunk.
            carriage.attempts.succeed(self._tools.now())
            carriage.attempts.close()
        else:
            carriage.attempts.fail(self._tools.now(), event.retry_after_seconds)
        self._try_next(leg)

    def _on_answer(self, leg: LegName, event: sip.Answered) -> None:
        try:
            self._audio.take_answer(leg, event.session, event.body)
        except MediaError as exc:
            log.warning("call.answer_unusable", call=self._call.id, leg=leg.value, error=str(exc))
            self._tell_of(leg, LegEnded(leg, Cause.INCOMPATIBLE_MEDIA))
            self.hang_up(leg, Cause.INCOMPATIBLE_MEDIA)
            return
        if leg is LegName.USER and self._call.confirm and not self._audio.watch_keys():
            # Tones in the voice do not count: those of a mailbox's greeting would connect it.
            advice = "let its carrier send telephone events, or add the line with --no-confirm"
            log.warning("call.sends_no_keys", call=self._call.id, advice=advice)
        self._tell_of(leg, LegAnswered(leg))

    def _on_offer(self, leg: LegName, event: sip.Offered) -> None:
        """The far end re-negotiates (hold, resume, a new address): it is answered here, the other leg is not asked."""
        endpoint = self._tools.driver.endpoint
        try:
            body = self._audio.answer(leg, event.session, event.body)
        except MediaError as exc:
            status = 400 if isinstance(exc, MalformedSdp) else 488
            endpoint.reject_offer(event.session, status, self._tools.now())
        else:
            endpoint.answer_offer(event.session, body, self._tools.now())

    def _on_offer_answered(self, leg: LegName, event: sip.OfferAnswered) -> None:
        try:
            self._audio.take_later_answer(leg, event.session, event.body)
        except MediaError as exc:
            log.info("call.answer_ignored", call=self._call.id, leg=leg.value, error=str(exc))

    def _end(self, leg: LegName, cause: Cause, status: int | None, q850: int | None) -> None:
        self._tell_of(leg, LegEnded(leg, cause, status, q850))
        self._legs[leg].close()

    # How it is done

    def _attempts(self, leg: LegName) -> Attempts:
        tools = self._tools
        return Attempts(
            self._parties[leg], resolver=tools.resolver, trunks=tools.trunks, contacts=tools.contacts
        )

    def _try_next(self, leg: LegName) -> None:
        """Dial what is next to be tried, or end the leg with what became of those that were."""
        carriage = self._legs[leg]
        way = carriage.attempts.next(self._tools.now())
        if way is None:
            refused = carriage.best_refusal()
            if refused is None:
                self._end(leg, carriage.cause_of_not_dialing, None, None)
            else:
                said = refused.status if refused.source in SAID_BY_PEER else None
                self._end(leg, cause_of_refusal(refused), said, refused.q850)
        elif isinstance(way, Attempt) and self._audio.is_open:
            self._invite(leg, way)
        else:
            self._tools.tasks.create_task(self._try_later(leg, way))

    async def _try_later(self, leg: LegName, way: Attempt | Route | Pause) -> None:
        """The top of a task: what goes wrong here ends this call and no other."""
        try:
            await self._get_ready(leg, way)
        except NoMediaPorts:
            self._end(leg, Cause.NO_MEDIA_PORTS, None, None)
        except MediaUnavailable as exc:
            log.error("call.no_media", call=self._call.id, error=str(exc))
            self._end(leg, Cause.MEDIA_FAILED, None, None)
        except Exception:
            log.exception("call.not_originated", call=self._call.id, leg=leg.value)
            self._end(leg, Cause.INTERNAL, None, None)

    async def _get_ready(self, leg: LegName, way: Attempt | Route | Pause) -> None:
        """Dial a leg that has to wait for its media ports, for a name or for its turn."""
        carriage = self._legs[leg]
        if not isinstance(way, Attempt):
            await carriage.attempts.prepare(way)
        await self._audio.open()
        if carriage.is_over:
            return
        if isinstance(way, Attempt):
            self._invite(leg, way)
        else:
            self._try_next(leg)

    def _invite(self, leg: LegName, attempt: Attempt) -> None:
        """Ring all the phones; none that would be in plain RTP although its route requires SRTP."""
        call, tools, carriage = self._call, self._tools, self._legs[leg]
        route, branches = attempt
        wanted = dialable(branches, route.srtp, leg, call.id, relay_encrypts=self._audio.encrypts(leg))
        if not wanted:
            carriage.lacks_encryption = True
            self._try_next(leg)
            return
        if route.trunk != carriage.trunk:
            carriage.trunk = route.trunk
            self._tell_of(leg, LegDialed(leg, route.trunk))
        for branch, srtp in wanted:
            session = f"{call.id}/{leg.value}/{carriage.dialed}"
            try:
                tools.driver.endpoint.invite(
                    target=branch.target,
                    hop=branch.hop,
                    from_=from_field(route, tools.contact_host),
                    to=f"<{branch.target}>",
                    body=self._audio.offer(leg, session, Terms(srtp, learns=route.nat)),
                    headers=[
                        *(("Route", proxy) for proxy in branch.path),
                        *identity_fields(route, tools.contact_host),
                        *(auto_answer_fields(branch.user_agent) if self._parties[leg].auto_answer else ()),
                    ],
                    credentials=None if route.trunk is None else tools.trunks.credentials(route.trunk),
                    session=session,
                    pinned=branch.pinned,
                    first_answer_seconds=None if route.trunk is None else FIRST_ANSWER_SECONDS,
                    now=tools.now(),
                )
            except LocalUseError as exc:
                log.error("call.not_invited", call=call.id, leg=leg.value, error=str(exc))
                continue
            carriage.dial(session)
            tools.bind_session(session, self, leg)
            dialog = tools.driver.endpoint.dialog(session)
            if dialog is not None:
                tools.journal.keep(session, stored_dialog.to_text(dialog))
        if not carriage.open_sessions:
            self._end(leg, Cause.INTERNAL, None, None)
        tools.driver.pump()

    def _hang_up(self, sessions: Sequence[str], reason: Reason) -> None:
        for session in sessions:
            self._tools.driver.endpoint.hang_up(session, self._tools.now(), reason=reason)
        if sessions:
            self._tools.driver.pump()

    def _tell_of(self, leg: LegName, event: Event) -> None:
        """Tell news of a leg, unless the leg was given up already."""
        if not self._legs[leg].is_over:
            self._tell(event)

    def _tell(self, event: Event) -> None:
        self._tools.tell(self._call.id, event)
