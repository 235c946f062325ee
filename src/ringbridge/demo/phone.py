"""A phone: a SIP user agent that rings, answers, sounds a tone and records what it hears.

It is made of the server's own parts, and of nothing that the server would not show to any phone: SIP and RTP over
real sockets. What it does is told as `Report`s.
"""

import asyncio
import secrets
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self

from ringbridge.demo.audio import AudioStream
from ringbridge.engines.native.driver import SipDriver, SystemRandomness
from ringbridge.media.errors import MediaError, NoCommonCodec
from ringbridge.media.offer import answer, common, offer
from ringbridge.media.rtp import RtpPacket
from ringbridge.media.sdp import PCMA, PCMU, TELEPHONE_EVENT, AudioDescription, Codec, audio_of
from ringbridge.sip import event as sip
from ringbridge.sip.endpoint import Endpoint, EndpointSettings
from ringbridge.sip.errors import SipError
from ringbridge.sip.hop import Hop
from ringbridge.sip.uri import Uri

CODECS = (PCMU, PCMA, TELEPHONE_EVENT)

NOT_ACCEPTABLE_HERE = 488
"""RFC 3261 section 21.4.26: the answer to an offer that no answer fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a phone behaves. `talk_seconds` is None for one that leaves hanging up to the other side."""

    tone_hz: int
    answer_after_seconds: float
    talk_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a phone did: `ringing`, `answered` or `hung_up`.

    called, caller: the numbers as the phone was told them. heard: all that it heard, with `hung_up`.
    """

    what: str
    called: str
    caller: str
    heard: "array[int] | None" = None


@dataclass(slots=True, kw_only=True)
class _Call:
    called: str
    caller: str
    stream: AudioStream
    sdp_session_id: int
    sdp_version: int = 1
    timer: asyncio.TimerHandle | None = None


class Phone:
    """One SIP address that any number of calls may ring at once. Make it with `open`."""

    def __init__(
        self, manner: Manner, *, on_report: Callable[[Report], None], now: Callable[[], float]
    ) -> None:
        self._manner = manner
        self._on_report = on_report
        self._now = now
        self._calls: dict[str, _Call] = {}
        self._driver: SipDriver

    @classmethod
    async def open(
        cls, host: str, manner: Manner, *, on_report: Callable[[Report], None], now: Callable[[], float]
    ) -> Self:
        """A phone on a free port of `host`. Raises OSError."""
        phone = cls(manner, on_report=on_report, now=now)
        phone._driver = await SipDriver.open(host, 0, _make_endpoint, phone._on_event, now)
        return phone

    @property
    def local(self) -> Hop:
        """Where it can be called."""
        return self._driver.local

    def expect(self, server: tuple[str, int]) -> None:
        """Let `server` call, and nobody else."""
        self._driver.endpoint.set_known_peers([server])

    async def close(self, limit_seconds: float) -> None:
        """Hang up whatever goes on, wait for the answers no longer than the limit, and free the port."""
        for session in list(self._calls):
            self._hang_up(session)
        await self._driver.quiesce(limit_seconds)
        self._driver.close()

    def _on_event(self, event: sip.Event) -> None:
        match event:
            case sip.Invited():
                self._ring(event)
            case sip.Offered(session=session, body=body):
                self._change_media(session, body)
            case sip.Acknowledged(session=session, body=body):
                self._talk(session, body)
            case sip.Ended(session=session):
                self._forget(session)
            case _:
                # The rest is about calls that we make, and a phone of the demo makes none.
                pass

    def _ring(self, event: sip.Invited) -> None:
        request = event.request
        try:
            called, caller = Uri.parse(request.uri).user or "", request.from_.uri.user or ""
            if request.body and not _voices(audio_of(request.body)):
                raise NoCommonCodec("no G.711 in the offer")
        except (SipError, MediaError):
            self._driver.endpoint.reject(event.session, NOT_ACCEPTABLE_HERE, self._now())
            return
        call = self._calls[event.session] = _Call(
            called=called,
            caller=caller,
            stream=AudioStream(self.local.host, self._manner.tone_hz, first=_first_packet(), now=self._now),
            sdp_session_id=secrets.randbits(48),
        )
        self._driver.endpoint.ring(event.session, self._now())
        self._tell("ringing", call)
        call.timer = asyncio.get_running_loop().call_later(
            self._manner.answer_after_seconds, partial(self._answer, event.session, request.body)
        )

    def _answer(self, session: str, offered: bytes) -> None:
        call = self._calls[session]
        self._driver.endpoint.accept(session, self._description(call, offered), self._now())
        self._tell("answered", call)
        self._driver.pump()

    def _talk(self, session: str, answered: bytes) -> None:
        """The 200 was acknowledged: the call stands."""
        call = self._calls.get(session)
        if call is None:
            return
        if answered:
            self._send_audio(call, answered)
        if self._manner.talk_seconds is not None:
            call.timer = asyncio.get_running_loop().call_later(
                self._manner.talk_seconds, self._hang_up, session
            )

    def _change_media(self, session: str, offered: bytes) -> None:
        call = self._calls[session]
        call.sdp_version += 1
        try:
            body = self._description(call, offered)
        except MediaError:
            self._driver.endpoint.reject_offer(session, NOT_ACCEPTABLE_HERE, self._now())
        else:
            self._driver.endpoint.answer_offer(session, body, self._now())

    def _description(self, call: _Call, offered: bytes) -> bytes:
        """The answer to `offered`, or an offer of our own to an empty one. Raises MediaError."""
        local, version = call.stream.local, call.sdp_version
        if not offered:
            return offer(local, CODECS, session_id=call.sdp_session_id, version=version)
        body = answer(offered, local, CODECS, session_id=call.sdp_session_id, version=version)
        self._send_audio(call, offered)
        return body

    def _send_audio(self, call: _Call, described: bytes) -> None:
        """Send the tone to where the other side hears, in the first of its codecs that we have."""
        audio = audio_of(described)
        voices = _voices(audio)
        if voices and not audio.on_hold:
            call.stream.send_to(audio.address, voices[0])

    def _hang_up(self, session: str) -> None:
        self._driver.endpoint.hang_up(session, self._now())
        self._driver.pump()

    def _forget(self, session: str) -> None:
        call = self._calls.pop(session, None)
        if call is None:
            return
        if call.timer is not None:
            call.timer.cancel()
        heard = call.stream.heard()
        call.stream.close()
        self._on_report(Report(what="hung_up", called=call.called, caller=call.caller, heard=heard))

    def _tell(self, what: str, call: _Call) -> None:
        self._on_report(Report(what=what, called=call.called, caller=call.caller))


def _voices(audio: AudioDescription) -> tuple[Codec, ...]:
    """Those of the other side's codecs that this phone can speak."""
    return common((PCMU, PCMA), audio.codecs)


def _make_endpoint(local: Hop, others: tuple[Hop, ...]) -> Endpoint:
    return Endpoint(
        EndpointSettings(local=local, others=others, accepts_invitations=True), SystemRandomness()
    )


def _first_packet() -> RtpPacket:
    """What a stream counts on from; random, so that nobody can forge what follows (RFC 3550 section 5.1)."""
    return RtpPacket(PCMU.payload_type, secrets.randbits(16), secrets.randbits(32), secrets.randbits(32), b"")
