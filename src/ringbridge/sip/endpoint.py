"""The endpoint: the whole face of this package. Bytes and `now` in; packets, events, next deadline out.

It opens no socket, arms no timer and draws no random number itself. After every call in, the owner takes
`packets_to_send`, `events` and `next_deadline`. `now` is seconds of a clock that never goes back.

Inside: `incoming` finds out what a packet is: `source` decides who is heard, `transaction_layer` matches what comes to
what is open, `screening` refuses what nobody could work on. `registrar` does what is about phones, `servers` what is
about trunks but no call, `session` the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ringbridge.sip.authentication import Authentication
from ringbridge.sip.core import Core, EndpointSettings, Randomness
from ringbridge.sip.counts import EndpointCounts
from ringbridge.sip.dialog import DialogState
from ringbridge.sip.digest import Credentials
from ringbridge.sip.errors import LocalUseError
from ringbridge.sip.event import Event, Released
from ringbridge.sip.headers import Reason
from ringbridge.sip.hop import Hop
from ringbridge.sip.incoming import Incoming
from ringbridge.sip.invitation import Invitation
from ringbridge.sip.registrar import Registrar
from ringbridge.sip.servers import Servers
from ringbridge.sip.session import Session
from ringbridge.sip.source import Address
from ringbridge.sip.transaction_layer import Packet
from ringbridge.sip.uri import NameAddress

__all__ = ["Endpoint", "EndpointCounts", "EndpointSettings", "Packet", "Randomness"]


class Endpoint:
    """A SIP user agent for many sessions at once.

    An unknown or ended session is never an error: what the owner asks of it is late, and is ignored.
    """

    def __init__(self, settings: EndpointSettings, randomness: Randomness) -> None:
        self._core = Core(settings, randomness)
        self.registrar = Registrar(self._core)
        """Which phones are registered: the owner talks to it directly, as to `servers`."""
        self.servers = Servers(self._core)
        self._incoming = Incoming(self._core, self.registrar)

    # What comes in

    def receive_packet(self, data: bytes, source: Hop, now: float) -> bool:
        """Take a datagram, or one whole message of a stream. Nothing in it can make this raise.

        Returns whether it was a message of somebody who is heard: who sends nothing else need not be kept connected.
        """
        return self._incoming.receive(data, source, now)

    def receive_send_failure(self, hop: Hop, now: float) -> None:
        """The network reports that nobody listens at `hop`: what waits for a first answer from there fails."""
        self._core.layer.fail(hop, now)

    def receive_packet_failure(self, packet: Packet, now: float) -> None:
        """The system refused to send this one of `packets_to_send`: the request in it fails, and no other."""
        self._core.layer.fail_packet(packet, now)

    def receive_connection_loss(self, hop: Hop, now: float) -> None:
        """The connection with `hop` is gone: phones that registered over it are not there any more.

        What is unanswered there is sent again, once, by a new connection.
        """
        self.registrar.lose(hop, now)
        self._core.layer.send_anew(hop, now)

    def handle_deadline(self, now: float) -> None:
        """Do what is due at `now`; calling early or late does no harm."""
        self._core.schedule.run_due(now)

    # What goes out

    def packets_to_send(self) -> list[Packet]:
        """Return what to send, in order, and forget it."""
        return self._core.layer.take_packets()

    def events(self) -> list[Event]:
        """Return what happened, in order, and forget it."""
        return self._core.take_events()

    def next_deadline(self) -> float | None:
        """When `handle_deadline` is to be called; None while nothing is waited for."""
        return self._core.schedule.next_deadline()

    @property
    def counts(self) -> EndpointCounts:
        """What the endpoint holds and has dropped, for metrics and leak checks."""
        core = self._core
        return EndpointCounts(
            sessions=len(core.dialogs),
            client_transactions=core.layer.client_count,
            server_transactions=core.layer.server_count,
            unanswered_requests=core.layer.unanswered_count,
            live_hosts=len(core.sources),
            alarms=len(core.schedule),
            dropped_unknown_source=self._incoming.dropped_unknown_source,
            dropped_malformed=self._incoming.dropped_malformed,
            dropped_unmatched=self._incoming.dropped_unmatched,
        )

    def needs(self, hop: Hop) -> bool:
        """Whether something alive talks to that host: a connection with it is not to be closed for idleness."""
        return self._core.sources.needs(hop)

    def set_known_peers(self, peers: Collection[Address]) -> None:
        """Replace the configured peers: host literals and ports of those who may send us something new."""
        self._core.sources.set_known(peers)

    # Calls that we make

    def invite(
        self,
        *,
        target: str,
        hop: Hop,
        from_: str,
        to: str,
        body: bytes,
        content_type: str = "application/sdp",
        headers: Sequence[tuple[str, str]] = (),
        credentials: Credentials | None = None,
        session: str | None = None,
        pinned: bool = False,
        first_answer_seconds: float | None = None,
        now: float,
    ) -> str:
        """Send an INVITE; returns the session's id, drawn here unless given.

        `target` is the Request-URI, `from_` and `to` are name-addrs without tags, `headers` come on top of ours.
        A `pinned` session sends all its requests to `hop`, whatever Contact the peer gives.
        How long it may ring is for the owner to say, by `hang_up`; but what is not answered by so much as a 100 within
        `first_answer_seconds` is `Refused` by TIMEOUT, and cancelled if that answer still comes.
        Raises LocalUseError if the id is in use or a text would break the message.
        """
        core = self._core
        id_ = core.randomness.token() if session is None else session
        if id_ in core.sessions:
            raise LocalUseError(f"there is a session {id_} already")
        call = Session(core, id_, core.randomness.token(), core.randomness.token())
        if credentials is not None:
            call.authentication = Authentication(credentials, hop, core.randomness)
        call.invitation = Invitation(call, hop, pinned=pinned)
        call.invitation.start(
            target=target,
            from_=from_,
            to=to,
            body=body,
            headers=[*headers, ("Content-Type", content_type)] if body else headers,
            first_answer_seconds=first_answer_seconds,
            now=now,
        )
        call.register()
        core.sessions[id_] = call
        return id_

    def resume_to_end(
        self, dialog: DialogState, now: float, *, session: str, reason: Reason | None = None
    ) -> None:
        """After a restart: end what the last process left. The owner has called it over: at last comes `Released`.

        A confirmed dialog gets BYE, an INVITE of ours gets CANCEL, and ACK and BYE for its late 2xx. An INVITE of
        the peer's that was never answered is left to the peer's Timer B.
        """
        local_tag = NameAddress.parse(dialog.local_uri).tag or ""
        is_ours_to_end = dialog.is_confirmed or dialog.invite_branch is not None
        if is_ours_to_end and (dialog.call_id, local_tag) not in self._core.dialogs:
            call = Session(self._core, session, dialog.call_id, local_tag)
            call.take_up(dialog, now, () if reason is None else (("Reason", str(reason)),))
        else:
            self._core.tell(Released(session=session))

    # Calls that come in

    def ring(self, session: str, now: float, *, status: int = 180, body: bytes = b"") -> None:
        """Answer an `Invited` provisionally, with early media's SDP in the body if there is some."""
        call = self._core.sessions.get(session)
        if call is not None and call.reception is not None:
            call.reception.ring(status, body, now)

    def accept(self, session: str, body: bytes, now: float) -> None:
        """Answer an `Invited` with 200; `Acknowledged` follows, or `Ended` by NO_ACK."""
        call = self._core.sessions.get(session)
        if call is not None and call.reception is not None:
            call.reception.accept(body, now)

    def reject(self, session: str, status: int, now: float, *, reason: Reason | None = None) -> None:
        """Answer an `Invited` with a refusal; `Ended` by LOCAL comes at once."""
        call = self._core.sessions.get(session)
        if call is not None:
            call.reject(status, now, reason)

    # Any session

    def hang_up(self, session: str, now: float, *, reason: Reason | None = None) -> None:
        """End the session whatever crosses it on the wire.

        `Refused` or `Ended` by LOCAL comes at once; CANCEL, ACK, BYE and their repeats are the endpoint's own
        business from then on.
        """
        call = self._core.sessions.get(session)
        if call is not None:
            call.hang_up(now, reason)

    def offer(self, session: str, body: bytes, now: float) -> None:
        """Send re-INVITE once no other offer is open; the newest offer that waits takes the others' place.

        `OfferAnswered` or `OfferRefused` follows, or the session's end.
        """
        call = self._core.sessions.get(session)
        if call is not None:
            call.negotiation.offer(body, now)

    def answer_offer(self, session: str, body: bytes, now: float) -> None:
        """Answer an `Offered`."""
        call = self._core.sessions.get(session)
        if call is not None:
            call.negotiation.answer(body, now)

    def reject_offer(self, session: str, status: int, now: float) -> None:
        """Refuse an `Offered`; the session goes on as it was."""
        call = self._core.sessions.get(session)
        if call is not None:
            call.negotiation.reject(status, now)

    def dialog(self, session: str) -> DialogState | None:
        """Return what to keep so that `resume_to_end` can end this session after a restart."""
        call = self._core.sessions.get(session)
        return None if call is None else call.dialog_state()
