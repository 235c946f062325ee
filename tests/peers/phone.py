"""A scripted SIP phone on a plain UDP socket (`stream_phone` has one for connections), and the ledger of what it saw.

SIPp cannot act within a millisecond of another peer's action, refuse to answer one request of many, or be asked
afterwards how a dialog ended; this phone can. It only takes calls. It answers what a polite phone answers by itself
(CANCEL, BYE, re-INVITE, UPDATE, OPTIONS) and retransmits as RFC 3261 sections 13.3.1.4 and 17.1 want; whether it rings,
answers, refuses, offers or hangs up is for the test to say, on the `Leg` that each INVITE makes.
"""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import Enum
from typing import NamedTuple, Self, cast

from tests.peers import wire
from tests.peers.tool import LOOPBACK, WAIT_SECONDS
from tests.peers.wire import SipMessage

T1_SECONDS = 0.5
T2_SECONDS = 4.0
GIVE_UP_SECONDS = 32.0

Address = tuple[str, int]


class Heard(NamedTuple):
    """One line of the ladder: when (loop time in seconds), which way, and what."""

    at: float
    sent: bool
    message: SipMessage


class Ending(Enum):
    """How a leg stands, seen from the phone alone."""

    RINGING = "no final answer was given"
    TALKED = "200, ACK, BYE"
    CANCELLED = "CANCEL, 487, ACK"
    REFUSED = "refusal, ACK"
    GHOST = "an answer without ACK, or a dialog without BYE"


class Leg:
    """One dialog of a phone, from its INVITE on."""

    def __init__(self, phone: "Phone", invite: SipMessage, peer: Address) -> None:
        self.phone = phone
        self.invite = invite
        self.peer = peer
        self.tag = secrets.token_hex(4)
        self.ladder: list[Heard] = []
        self.unanswered: set[str] = set()
        """What the phone hears and keeps silent on: methods, and `200 INVITE` for the ACK that it owes an answer."""
        self.payload_types: tuple[int, ...] = (0,)
        """The voice codecs that the phone offers and takes (RFC 3551: 0 is PCMU, 8 is PCMA)."""
        self.rtp_port = phone.rtp_port
        """Where it wants to hear; another one counts from its next description on."""
        self._news = asyncio.Event()
        self._repeats: dict[tuple[str, int], asyncio.TimerHandle] = {}
        self._last_response: SipMessage | None = None
        self._next_cseq = 1
        self._session_version = 1

    @property
    def number(self) -> str:
        """Whom the server called."""
        return self.invite.called_number

    # What the test makes the phone do

    def ring(self, status: int = 180) -> None:
        """Send a provisional answer."""
        self.respond(self.invite, status)

    def answer(self, body: bytes | None = None) -> None:
        """Pick up: 200 with an SDP answer (or with `body`), repeated until its ACK."""
        self.respond(self.invite, 200, body=self.session() if body is None else body)

    def answer_if_still_ringing(self) -> None:
        """Pick up, unless the call was cancelled or picked up before."""
        if self.ending is Ending.RINGING:
            self.answer()

    def repeat_last_response(self) -> None:
        """Send the last answer to the INVITE once more, as a phone whose timer fired does."""
        assert self._last_response is not None
        self._send(self._last_response)

    def refuse(self, status: int) -> None:
        """Say no with a final status from 300 on, repeated until its ACK."""
        self.respond(self.invite, status)

    def hang_up(self) -> None:
        """Send BYE, repeated until it is answered."""
        self.request("BYE")

    def forged_bye(self) -> SipMessage:
        """A BYE that is right in everything but the address it will be sent from."""
        return self._request_message("BYE", self._next_cseq)

    def offer(self, direction: str = "sendrecv", *, method: str = "INVITE") -> None:
        """Send a re-INVITE (or UPDATE) whose offer asks for `direction`: sendonly holds, sendrecv resumes."""
        self._session_version += 1
        self.request(method, self.session(direction))

    def acknowledge(self, answer: SipMessage, *, branch: str = "") -> None:
        """Send the ACK for a final answer to an offer of this phone."""
        self._send(self._request_message("ACK", answer.cseq[0], branch=branch))

    def respond(
        self, request: SipMessage, status: int, *, body: bytes = b"", headers: Iterable[wire.Header] = ()
    ) -> None:
        """Answer any request of the server; a final answer to an INVITE is repeated until its ACK."""
        fields = [("Contact", f"<{self.phone.contact}>"), *headers]
        if body:
            fields.append(("Content-Type", "application/sdp"))
        message = wire.response(request, status, to_tag=self.tag, headers=fields, body=body)
        number, method = request.cseq
        if method == "INVITE" and number == self.invite.cseq[0]:
            self._last_response = message
        if method == "INVITE" and status >= 200:
            self._send_repeatedly(message, ("INVITE response", number))
        else:
            self._send(message)

    def request(self, method: str, body: bytes = b"") -> None:
        """Send a request within the dialog, repeated until its answer."""
        number, self._next_cseq = self._next_cseq, self._next_cseq + 1
        self._send_repeatedly(self._request_message(method, number, body=body), ("request", number))

    def session(self, direction: str = "sendrecv") -> bytes:
        """The phone's own description of its audio."""
        return wire.audio_session(
            (self.phone.via[0], self.rtp_port),
            self.payload_types,
            version=self._session_version,
            direction=direction,
        )

    # What the test asks

    async def heard(self, kind: str, *, count: int = 1, seconds: float = WAIT_SECONDS) -> SipMessage:
        """The `count`-th message of that kind from the server, now or within `seconds`; an error that shows the ladder if none."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    got = [
                        line.message for line in self.ladder if not line.sent and line.message.kind == kind
                    ]
                    if len(got) >= count:
                        return got[count - 1]
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind} number {count} within {seconds} s:\n{self}") from None

    async def settled(self, *, seconds: float = WAIT_SECONDS) -> Ending:
        """How the leg ended, once it has, the last ACK or the answer to the BYE included."""
        try:
            async with asyncio.timeout(seconds):
                while self.ending in (Ending.RINGING, Ending.GHOST):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"not over within {seconds} s:\n{self}") from None
        return self.ending

    def time_of(self, kind: str, *, sent: bool = False) -> float | None:
        """Loop time of the first message of that kind heard (or sent); None if there was none."""
        return next(
            (line.at for line in self.ladder if line.sent == sent and line.message.kind == kind), None
        )

    def count(self, kind: str, *, sent: bool = False) -> int:
        """How many messages of that kind were heard (or sent)."""
        return sum(line.sent == sent and line.message.kind == kind for line in self.ladder)

    @property
    def reason_of_bye(self) -> str:
        """Why the server says that it has hung up; an error if it has not."""
        return next(
            line.message.first("Reason")
            for line in self.ladder
            if not line.sent and line.message.kind == "BYE"
        )

    @property
    def released_at(self) -> float | None:
        """Loop time of the first BYE or CANCEL, whoever sent it, or of the phone's own refusal."""
        for at, sent, message in self.ladder:
            refused = sent and self._is_final(message) and message.status != 200
            if refused or message.kind in ("BYE", "CANCEL"):
                return at
        return None

    @property
    def ending(self) -> Ending:
        """The verdict on the dialog as it stands now."""
        finals = [line.message for line in self.ladder if line.sent and self._is_final(line.message)]
        acked = self.count("ACK") > 0
        if not finals:
            return Ending.RINGING
        if finals[0].status == 200:
            byes = self.count("200 BYE", sent=True) + self.count("200 BYE") + self.count("481 BYE")
            return Ending.TALKED if acked and byes > 0 else Ending.GHOST
        if not acked:
            return Ending.GHOST
        return Ending.CANCELLED if finals[0].status == 487 and self.count("CANCEL") else Ending.REFUSED

    def __str__(self) -> str:
        start = self.ladder[0].at
        lines = (
            f"{line.at - start:8.3f} {'<-' if line.sent else '->'} {line.message.kind}"
            for line in self.ladder
        )
        return f"phone at port {self.phone.port}, {self.ending.name}:\n" + "\n".join(lines)

    # What the phone does by itself

    def receive(self, message: SipMessage) -> None:
        """Take a message of this dialog in, and give the answers that need no script."""
        self._write(message, sent=False)
        number, method = message.cseq
        if message.status is not None:
            self._receive_response(message)
        elif method == "ACK":
            self._stop_repeating("INVITE response", number)
        elif method == "INVITE" and number == self.invite.cseq[0]:
            if self._last_response is not None:
                self.repeat_last_response()
        elif method in self.unanswered:
            return
        elif method == "INVITE":
            self.respond(message, 200, body=self._answer_to(message))
        elif method == "CANCEL":
            self.respond(message, 200)
            if not any(line.sent and self._is_final(line.message) for line in self.ladder):
                self.respond(self.invite, 487)
        else:
            self.respond(message, 200, body=self._answer_to(message) if message.body else b"")
            if method == "BYE":
                self.stop()

    def stop(self) -> None:
        """Repeat nothing any more."""
        for timer in self._repeats.values():
            timer.cancel()
        self._repeats.clear()

    def _receive_response(self, message: SipMessage) -> None:
        number, method = message.cseq
        if message.status is None or message.status < 200:
            return
        self._stop_repeating("request", number)
        if method == "INVITE" and message.kind not in self.unanswered:
            branch = message.first("Via").partition("branch=")[2].partition(";")[0]
            # The ACK of a refusal belongs to the transaction of its INVITE (17.1.1.3).
            self.acknowledge(message, branch="" if message.status < 300 else branch)

    def _request_message(
        self, method: str, number: int, *, branch: str = "", body: bytes = b""
    ) -> SipMessage:
        to = self.invite.first("To")
        sent_by = f"SIP/2.0/{self.phone.transport_name} {wire.host_and_port(self.phone.via)}"
        via = f"{sent_by};rport;branch={branch or 'z9hG4bK' + secrets.token_hex(8)}"
        headers = [
            ("Via", via),
            ("Max-Forwards", "70"),
            ("From", to if wire.tag_of(to) else f"{to};tag={self.tag}"),
            ("To", self.invite.first("From")),
            ("Call-ID", self.invite.call_id),
            ("CSeq", f"{number} {method}"),
            ("Contact", f"<{self.phone.contact}>"),
        ]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        target = wire.uri_in(self.invite.first("Contact"))
        return SipMessage(start_line=f"{method} {target} SIP/2.0", headers=tuple(headers), body=body)

    def _answer_to(self, offer: SipMessage) -> bytes:
        mirrored = {"sendonly": "recvonly", "recvonly": "sendonly"}
        direction = wire.direction_of(offer.body)
        return self.session(mirrored.get(direction, direction))

    def _is_final(self, message: SipMessage) -> bool:
        return (message.status or 0) >= 200 and message.cseq == self.invite.cseq

    def _write(self, message: SipMessage, *, sent: bool) -> None:
        self.ladder.append(Heard(asyncio.get_running_loop().time(), sent, message))
        self._news.set()

    def _send(self, message: SipMessage) -> None:
        self._write(message, sent=True)
        self.phone.send(message, self.peer)

    def _send_repeatedly(self, message: SipMessage, key: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        gives_up_at = loop.time() + GIVE_UP_SECONDS

        def send(pause: float) -> None:
            if loop.time() < gives_up_at:
                self._repeats[key] = loop.call_later(pause, send, min(2 * pause, T2_SECONDS))
                self._send(message)

        send(T1_SECONDS)

    def _stop_repeating(self, what: str, number: int) -> None:
        timer = self._repeats.pop((what, number), None)
        if timer is not None:
            timer.cancel()


class Phone(asyncio.DatagramProtocol):
    """The phone: `async with Phone.listening(port) as phone`, then `await phone.leg_to(number)`."""

    transport_name = "UDP"

    def __init__(self, on_leg: Callable[[Leg], None] | None) -> None:
        self.legs: list[Leg] = []
        self.strays: list[SipMessage] = []
        """What came for no leg of this phone, an INVITE aside."""
        self.via: Address = (LOOPBACK, 0)
        self.contact = ""
        self.rtp_port = 0
        self.ear: socket.socket
        self._on_leg = on_leg
        self._by_call_id: dict[str, Leg] = {}
        self._first_legs: dict[str, asyncio.Future[Leg]] = {}
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    @asynccontextmanager
    async def listening(
        cls,
        port: int,
        *,
        on_leg: Callable[[Leg], None] | None = None,
        behind: int | None = None,
        host: str = LOOPBACK,
    ) -> AsyncIterator[Self]:
        """A phone on a loopback port. `on_leg` is called with each new leg; `behind` is the port of a relay it is reached by."""
        phone = cls(on_leg)
        loop = asyncio.get_running_loop()
        with phone.hearing(host):
            transport, _ = await loop.create_datagram_endpoint(lambda: phone, local_addr=(host, port))
            phone.via = (host, behind or phone.port)
            phone.contact = f"sip:phone@{wire.host_and_port(phone.via)}"
            try:
                yield phone
            finally:
                transport.close()

    @contextmanager
    def hearing(self, host: str) -> Iterator[None]:
        """The port for its audio while the block runs; then its legs repeat nothing any more."""
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as ear:
            # Nobody need listen; without it each RTP packet would come back as an ICMP error.
            ear.bind((host, 0))
            self.ear = ear
            self.rtp_port = ear.getsockname()[1]
            try:
                yield
            finally:
                for leg in self.legs:
                    leg.stop()

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    async def leg_to(self, number: str, *, seconds: float = WAIT_SECONDS) -> Leg:
        """The first call for `number` (no plus sign), now or within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(self._first_leg(number))
        except TimeoutError:
            called = [leg.number for leg in self.legs]
            raise AssertionError(f"no call for {number} within {seconds} s, only for {called}") from None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket to send by."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Take a message in."""
        self.take(wire.read(data), addr)

    def take(self, message: SipMessage, addr: Address) -> None:
        """Hand a message to its leg; an INVITE of a new Call-ID makes one."""
        leg = self._by_call_id.get(message.call_id)
        if leg is not None:
            leg.peer = addr
            leg.receive(message)
        elif message.kind == "INVITE" and wire.tag_of(message.first("To")) is None:
            leg = Leg(self, message, addr)
            self._by_call_id[message.call_id] = leg
            self.legs.append(leg)
            leg.receive(message)
            first = self._first_leg(leg.number)
            if not first.done():
                first.set_result(leg)
            if self._on_leg is not None:
                self._on_leg(leg)
        else:
            self.strays.append(message)

    def send(self, message: SipMessage, peer: Address) -> None:
        """Send one datagram."""
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.sendto(message.to_bytes(), peer)

    def _first_leg(self, number: str) -> asyncio.Future[Leg]:
        """What is done once there is a call for `number`; so that hundreds may wait without each looking at every call."""
        return self._first_legs.setdefault(number, asyncio.get_running_loop().create_future())
