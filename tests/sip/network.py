"""A network of lists for tests: endpoints and scripted peers, loss and delay as plain values, time moved by hand."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ringbridge.sip.digest import Credentials
from ringbridge.sip.endpoint import Endpoint, EndpointSettings, Packet
from ringbridge.sip.event import Event, Released
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Message, Request, response_to
from ringbridge.sip.parse import parse_datagram
from ringbridge.sip.timers import Timers

CALLER = Hop("UDP", "192.0.2.1", 5060)
CALLED = Hop("UDP", "192.0.2.2", 5060)
STRANGER = Hop("UDP", "203.0.113.9", 5060)

OFFER = b"v=0\r\noffer\r\n"
ANSWER = b"v=0\r\nanswer\r\n"


class Counter:
    """Randomness that counts: every token is new, and the fraction is what the test says."""

    def __init__(self, name: str, fraction: float = 0.0) -> None:
        self.name = name
        self.value = fraction
        self.drawn = 0

    def token(self) -> str:
        self.drawn += 1
        return f"{self.name}{self.drawn}"

    def fraction(self) -> float:
        return self.value


@dataclass(frozen=True)
class Sent:
    """One packet as it left."""

    at: float
    source: Hop
    packet: Packet
    is_lost: bool

    @cached_property
    def message(self) -> Message:
        return read(self.packet.data)

    @property
    def name(self) -> str:
        """The method, or the status and the method that it answers."""
        return name_of(self.message)


def read(data: bytes) -> Message:
    message = parse_datagram(data)
    assert message is not None
    return message


def name_of(message: Message) -> str:
    if isinstance(message, Request):
        return message.method
    return f"{message.status} {message.cseq.method}"


def make_endpoint(
    local: Hop,
    name: str,
    *,
    peers: Sequence[Hop] = (CALLER, CALLED),
    accepts_invitations: bool = False,
    session_expires_seconds: int = 1800,
    timers: Timers | None = None,
    fraction: float = 0.0,
) -> Endpoint:
    settings = EndpointSettings(
        local=local,
        accepts_invitations=accepts_invitations,
        session_expires_seconds=session_expires_seconds,
        timers=timers or Timers(),
    )
    endpoint = Endpoint(settings, Counter(name, fraction))
    endpoint.set_known_peers([(peer.host, peer.port) for peer in peers])
    return endpoint


class Network:
    """Carries packets between endpoints. Those to an address without an endpoint are only kept."""

    def __init__(
        self, endpoints: dict[Hop, Endpoint], *, lost: Iterable[bool] = (), delay_seconds: float = 0.0
    ) -> None:
        self.endpoints = endpoints
        self.now = 0.0
        self.delay_seconds = delay_seconds
        self.sent: list[Sent] = []
        self.events: dict[Hop, list[Event]] = {hop: [] for hop in endpoints}
        """All news but `Released`, which ends every session alike."""
        self.released: dict[Hop, list[str]] = {hop: [] for hop in endpoints}
        self.unanswered: set[str] = set()
        """Of the sessions that were released, those whose peer had not said the last word."""
        self._lost = iter(lost)
        self._flying: list[tuple[float, int, Packet, Hop]] = []

    def pump(self) -> None:
        """Put what the endpoints want to send on its way, and take down their news."""
        for hop, endpoint in self.endpoints.items():
            for packet in endpoint.packets_to_send():
                is_lost = next(self._lost, False)
                self.sent.append(Sent(self.now, hop, packet, is_lost))
                if not is_lost and packet.hop in self.endpoints:
                    self.put(packet.data, source=hop, to=packet.hop)
            for event in endpoint.events():
                if isinstance(event, Released):
                    self.released[hop].append(event.session)
                    if not event.was_answered:
                        self.unanswered.add(event.session)
                else:
                    self.events[hop].append(event)

    def put(self, data: bytes, *, source: Hop, to: Hop) -> None:
        """Put a packet on its way."""
        arrival = self.now + self.delay_seconds
        heapq.heappush(self._flying, (arrival, len(self.sent), Packet(data, to), source))

    def run(self, *, until: float) -> None:
        """Let everything happen, in its order, that is due up to a point in time."""
        self.pump()
        while (due := self._next_due()) is not None and due <= until:
            self.now = due
            if self._flying and self._flying[0][0] <= due:
                _, _, packet, source = heapq.heappop(self._flying)
                self.endpoints[packet.hop].receive_packet(packet.data, source, due)
            else:
                for endpoint in self.endpoints.values():
                    endpoint.handle_deadline(due)
            self.pump()
        self.now = until

    def names(self, source: Hop) -> list[str]:
        """What one side sent, in order."""
        return [sent.name for sent in self.sent if sent.source == source]

    def times(self, source: Hop, name: str) -> list[float]:
        """When one side sent messages of a name."""
        return [sent.at for sent in self.sent if sent.source == source and sent.name == name]

    def last(self, source: Hop, name: str) -> Message:
        """The latest message of a name that one side sent."""
        return next(
            sent.message for sent in reversed(self.sent) if sent.source == source and sent.name == name
        )

    def _next_due(self) -> float | None:
        deadlines = [endpoint.next_deadline() for endpoint in self.endpoints.values()]
        times = [deadline for deadline in deadlines if deadline is not None]
        if self._flying:
            times.append(self._flying[0][0])
        return min(times, default=None)


class ScriptedPeer:
    """The called side of one call, whose every message the test writes."""

    def __init__(self, network: Network, *, hop: Hop = CALLED, tag: str = "peer") -> None:
        self.network = network
        self.hop = hop
        self.tag = tag
        self.contact = f"<sip:bob@{hop.host}:{hop.port}>"
        self._branches = 0
        self._sequence = 100

    def received(self, method: str) -> Request:
        """The latest request of a method that the caller sent."""
        message = self.network.last(CALLER, method)
        assert isinstance(message, Request)
        return message

    def answer(
        self,
        status: int,
        *,
        method: str = "INVITE",
        to: Request | None = None,
        tag: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        source: Hop | None = None,
    ) -> None:
        """Answer the caller's latest request of a method, or the one that is given."""
        fields = list(headers)
        if (
            status < 300
            and method in ("INVITE", "UPDATE")
            and not any(name == "Contact" for name, _ in fields)
        ):
            fields.append(("Contact", self.contact))
        if body:
            fields.append(("Content-Type", "application/sdp"))
        request = self.received(method) if to is None else to
        to_tag = None if status == 100 else tag or self.tag
        response = response_to(request, status, to_tag=to_tag, headers=fields, body=body)
        self.deliver(response.serialize(), source=source)

    def send(
        self,
        method: str,
        *,
        number: int | None = None,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        tag: str | None = None,
        remote_tag: str | None = None,
        branch: str | None = None,
        source: Hop | None = None,
    ) -> None:
        """Send a request within the dialog that the caller's first INVITE opened."""
        invite = next(sent.message for sent in self.network.sent if sent.packet.data.startswith(b"INVITE"))
        if number is None:
            self._sequence += 1
            number = self._sequence
        if branch is None:
            self._branches += 1
            branch = f"z9hG4bKpeer{self._branches}"
        fields = [
            ("Via", f"SIP/2.0/UDP {self.hop.host}:{self.hop.port};rport;branch={branch}"),
            ("Max-Forwards", "70"),
            ("From", f"{invite.headers.get('To')};tag={tag or self.tag}"),
            ("To", f"{invite.from_.uri};tag={remote_tag or invite.from_tag}"),
            ("Call-ID", invite.call_id),
            ("CSeq", f"{number} {method}"),
            *headers,
        ]
        if body:
            fields.append(("Content-Type", "application/sdp"))
        if not any(name == "Contact" for name, _ in fields):
            fields.append(("Contact", self.contact))
        request = Request(method=method, uri="sip:192.0.2.1", headers=Headers.of(fields), body=body)
        self.deliver(request.serialize(), source=source)

    def deliver(self, data: bytes, *, source: Hop | None = None) -> None:
        """Let octets arrive at the caller now."""
        self.network.endpoints[CALLER].receive_packet(data, source or self.hop, self.network.now)
        self.network.pump()


def call_peer(
    *,
    credentials: Credentials | None = None,
    hop: Hop = CALLED,
    fraction: float = 0.0,
    session_expires_seconds: int = 1800,
    headers: Sequence[tuple[str, str]] = (),
    pinned: bool = False,
) -> tuple[Network, Endpoint, ScriptedPeer]:
    """A caller whose INVITE, of the session `call`, is on its way to a scripted peer."""
    caller = make_endpoint(
        CALLER, "caller", fraction=fraction, session_expires_seconds=session_expires_seconds
    )
    network = Network({CALLER: caller})
    caller.invite(
        target="sip:bob@example.com",
        hop=hop,
        from_='"Alice" <sip:alice@example.com>',
        to="<sip:bob@example.com>",
        body=OFFER,
        credentials=credentials,
        headers=headers,
        session="call",
        pinned=pinned,
        now=0.0,
    )
    network.pump()
    return network, caller, ScriptedPeer(network, hop=hop)


def talk_to_peer(
    *,
    credentials: Credentials | None = None,
    fraction: float = 0.0,
    session_expires_seconds: int = 1800,
    headers: Sequence[tuple[str, str]] = (),
) -> tuple[Network, Endpoint, ScriptedPeer]:
    """The same, answered by the peer; the news of that is forgotten. `headers` are the answer's."""
    network, caller, peer = call_peer(
        credentials=credentials, fraction=fraction, session_expires_seconds=session_expires_seconds
    )
    peer.answer(200, headers=headers, body=ANSWER)
    network.events[CALLER].clear()
    return network, caller, peer


def receive_call(*, body: bytes = OFFER, fraction: float = 0.0) -> tuple[Network, Endpoint, str]:
    """An endpoint that a caller has just invited, and the session's id there."""
    caller = make_endpoint(CALLER, "caller")
    called = make_endpoint(CALLED, "called", accepts_invitations=True, fraction=fraction)
    network = Network({CALLER: caller, CALLED: called})
    caller.invite(
        target="sip:bob@192.0.2.2",
        hop=CALLED,
        from_="<sip:alice@192.0.2.1>",
        to="<sip:bob@192.0.2.2>",
        body=body,
        session="call",
        now=0.0,
    )
    network.run(until=0.0)
    [invited] = network.events[CALLED]
    return network, called, invited.session


def assert_nothing_is_left(endpoint: Endpoint) -> None:
    """Every store of an endpoint is empty again."""
    counts = endpoint.counts
    assert (counts.sessions, counts.client_transactions, counts.server_transactions) == (0, 0, 0)
    assert (counts.live_hosts, counts.alarms) == (0, 0)
    assert endpoint.next_deadline() is None
