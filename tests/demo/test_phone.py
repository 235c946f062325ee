"""A phone of the demo, called by a user agent of this test over real loopback SIP and RTP."""

import asyncio
from collections.abc import Callable

from ringbridge.demo.audio import AudioStream
from ringbridge.demo.phone import Manner, Phone, Report
from ringbridge.demo.verdict import Sound, classify
from ringbridge.engines.native.driver import SipDriver, SystemRandomness
from ringbridge.media.offer import offer
from ringbridge.media.rtp import RtpPacket
from ringbridge.media.sdp import G722, PCMA, Codec, Direction, audio_of
from ringbridge.service.clock import Clock
from ringbridge.sip import event as sip
from ringbridge.sip.endpoint import Endpoint, EndpointSettings
from ringbridge.sip.hop import Hop

HOST = "127.0.0.1"
NOW = Clock().now
WAIT_SECONDS = 60.0


class Caller:
    """Calls the phone, and keeps every event and report until it is asked for."""

    def __init__(self, phone: Phone, driver: SipDriver, news: "asyncio.Queue[sip.Event | Report]") -> None:
        self.phone = phone
        self.driver = driver
        self.news = news
        self.is_closed = False
        self.audio = AudioStream(HOST, 440, first=RtpPacket(0, 1, 1, 1, b""), now=NOW)

    def invite(self, codecs: tuple[Codec, ...] = (PCMA,), direction: Direction = Direction.SENDRECV) -> str:
        body = offer(self.audio.local, codecs, session_id=1, version=1, direction=direction)
        session = self.driver.endpoint.invite(
            target=f"sip:+15125292329@{HOST}:{self.phone.local.port}",
            hop=self.phone.local,
            from_=f"<sip:+18175629656@{HOST}>",
            to=f"<sip:+15125292329@{HOST}>",
            body=body,
            now=NOW(),
        )
        self.driver.pump()
        return session

    async def offer_again(self, session: str) -> None:
        body = offer(self.audio.local, (PCMA,), session_id=1, version=2)
        self.driver.endpoint.offer(session, body, NOW())
        self.driver.pump()
        await self.wait_for(lambda news: isinstance(news, sip.OfferAnswered))

    def hang_up(self, session: str) -> None:
        self.driver.endpoint.hang_up(session, NOW())
        self.driver.pump()

    async def wait_for(self, is_wanted: Callable[[sip.Event | Report], bool]) -> sip.Event | Report:
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                news = await self.news.get()
                if is_wanted(news):
                    return news

    async def close_phone(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            await self.phone.close(1.0)

    async def report(self, what: str) -> Report:
        report = await self.wait_for(lambda news: isinstance(news, Report) and news.what == what)
        assert isinstance(report, Report)
        return report

    async def answer(self) -> sip.Answered:
        answered = await self.wait_for(lambda news: isinstance(news, sip.Answered))
        assert isinstance(answered, sip.Answered)
        return answered


class Line:
    """A phone of the given manner and somebody to call it; an async context manager."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner

    async def __aenter__(self) -> Caller:
        news: asyncio.Queue[sip.Event | Report] = asyncio.Queue()
        phone = await Phone.open(HOST, self._manner, on_report=news.put_nowait, now=NOW)
        driver = await SipDriver.open(HOST, 0, _make_endpoint, news.put_nowait, NOW)
        phone.expect((HOST, driver.local.port))
        self._caller = Caller(phone, driver, news)
        return self._caller

    async def __aexit__(self, *error: object) -> None:
        await self._caller.close_phone()
        self._caller.audio.close()
        self._caller.driver.close()


def _make_endpoint(local: Hop, others: tuple[Hop, ...]) -> Endpoint:
    return Endpoint(EndpointSettings(local=local, others=others), SystemRandomness())


async def test_it_rings_answers_talks_and_hangs_up_by_itself() -> None:
    manner = Manner(tone_hz=620, answer_after_seconds=0.05, talk_seconds=0.6)
    async with Line(manner) as caller:
        caller.invite()
        ringing = await caller.report("ringing")
        answered = await caller.answer()
        caller.audio.send_to(audio_of(answered.body).address, PCMA)
        hung_up = await caller.report("hung_up")

        assert (ringing.called, ringing.caller) == ("+15125292329", "+18175629656")
        assert hung_up.heard is not None
        assert classify(hung_up.heard).count(Sound.USER_TONE) >= 4
        assert classify(caller.audio.heard()).count(Sound.DESTINATION_TONE) >= 4


async def test_the_caller_may_hang_up_before_and_after_the_answer() -> None:
    async with Line(Manner(tone_hz=440, answer_after_seconds=0.2)) as caller:
        early = caller.invite()
        await caller.wait_for(lambda news: isinstance(news, sip.Progressed))
        caller.hang_up(early)
        await caller.report("hung_up")
        session = caller.invite()
        await caller.answer()
        caller.hang_up(session)

        assert (await caller.report("hung_up")).caller == "+18175629656"


async def test_a_call_without_a_codec_that_it_has_is_refused() -> None:
    async with Line(Manner(tone_hz=440, answer_after_seconds=0.0)) as caller:
        caller.invite(codecs=(G722,))

        refused = await caller.wait_for(lambda news: isinstance(news, sip.Refused))
        assert isinstance(refused, sip.Refused)
        assert refused.status == 488


async def test_a_new_offer_moves_the_audio() -> None:
    async with Line(Manner(tone_hz=440, answer_after_seconds=0.0)) as caller:
        session = caller.invite(direction=Direction.INACTIVE)
        await caller.answer()
        await caller.offer_again(session)
        for_a_moment = asyncio.Event()
        asyncio.get_running_loop().call_later(0.3, for_a_moment.set)
        await for_a_moment.wait()

        assert Sound.USER_TONE in classify(caller.audio.heard())


async def test_closing_hangs_up_what_goes_on() -> None:
    async with Line(Manner(tone_hz=440, answer_after_seconds=0.0)) as caller:
        session = caller.invite()
        await caller.answer()
        # RFC 3261 section 15: a phone may not hang up before it has our ACK; after this it surely has.
        await caller.offer_again(session)
        await caller.close_phone()

        ended = await caller.wait_for(lambda news: isinstance(news, sip.Ended))
        assert isinstance(ended, sip.Ended)
        assert ended.by is sip.EndedBy.PEER
