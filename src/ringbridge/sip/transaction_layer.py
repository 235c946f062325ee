"""Every transaction of an endpoint, found by what its messages carry (RFC 3261 section 17).

Packets to send gather here. While a transaction lives, the host of its other side is admitted by `source`.
"""

from __future__ import annotations

from typing import NamedTuple

from ringbridge.sip.client_transaction import ClientTransaction, TransactionUser
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request, Response
from ringbridge.sip.schedule import Schedule
from ringbridge.sip.server_transaction import MergeKey, ServerKey, ServerTransaction, key_of, merge_key_of
from ringbridge.sip.source import Sources
from ringbridge.sip.timers import Timers
from ringbridge.sip.transaction import ClientState

_UNANSWERED = (ClientState.CALLING, ClientState.TRYING, ClientState.PROCEEDING)


class Packet(NamedTuple):
    """One message to send: a datagram, or what goes over the connection with a hop."""

    data: bytes
    hop: Hop
    otherwise: Hop | None = None
    """Where to go by a new connection if the one with `hop` is gone; None if that is `hop` itself."""


class TransactionLayer:
    """The table of transactions, and the way out for all that they send."""

    def __init__(self, timers: Timers, schedule: Schedule, sources: Sources) -> None:
        self.timers = timers
        self.schedule = schedule
        self._sources = sources
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        # The same by where they go, each as a key, in the order in which they were sent.
        self._clients_at: dict[Hop, dict[ClientTransaction, None]] = {}
        self._servers: dict[ServerKey, ServerTransaction] = {}
        # Requests outside of a dialog that are being answered: another copy is one that a proxy forked to us.
        self._initial: dict[MergeKey, ServerTransaction] = {}
        self._packets: list[Packet] = []

    @property
    def client_count(self) -> int:
        return len(self._clients)

    @property
    def unanswered_count(self) -> int:
        """How many requests of ours have no final answer yet."""
        return sum(transaction.state in _UNANSWERED for transaction in self._clients.values())

    @property
    def server_count(self) -> int:
        return len(self._servers)

    def send(self, data: bytes, hop: Hop, otherwise: Hop | None = None) -> None:
        """Put a packet among those to send."""
        self._packets.append(Packet(data, hop, otherwise))

    def take_packets(self) -> list[Packet]:
        """Return the packets to send, and forget them."""
        packets, self._packets = self._packets, []
        return packets

    # Requests of ours

    def send_request(
        self,
        request: Request,
        branch: str,
        hop: Hop,
        user: TransactionUser,
        now: float,
        *,
        data: bytes | None = None,
    ) -> ClientTransaction:
        """Send a request whose Via has this branch; `user` hears every answer that counts.

        data: the request as it is sent, from whoever has written it already.

        Raises LocalUseError, and changes nothing, if a text in the request would break its framing.
        """
        if data is None:
            data = request.serialize()
        transaction = self._add_client(request, branch, hop, user)
        transaction.start(data, now)
        return transaction

    def resume_invite(
        self, invite: Request, branch: str, hop: Hop, user: TransactionUser
    ) -> ClientTransaction:
        """Take up an INVITE that another process sent; nothing is sent."""
        transaction = self._add_client(invite, branch, hop, user)
        transaction.resume()
        return transaction

    def receive_response(self, response: Response, source: Hop, now: float) -> bool:
        """Give an answer to its transaction; False if there is none (RFC 3261 section 17.1.3)."""
        transaction = self._clients.get((response.via.branch or "", response.cseq.method))
        if transaction is None:
            return False
        request = transaction.request
        if response.call_id != request.call_id or response.from_tag != request.from_tag:
            return False
        transaction.receive(response, source, now)
        return True

    def is_inviting(self, branch: str) -> bool:
        """Whether an INVITE of ours lives that has this branch."""
        return (branch, "INVITE") in self._clients

    def fail(self, hop: Hop, now: float) -> None:
        """Fail every request that waits for its first answer from a hop that the network cannot reach."""
        for transaction in tuple(self._clients_at.get(hop, ())):
            transaction.fail(now)

    def fail_packet(self, packet: Packet, now: float) -> None:
        """Fail the one request that could not be sent; nothing waits for an answer or an ACK."""
        for transaction in tuple(self._clients_at.get(packet.hop, ())):
            if transaction.sends(packet.data):
                transaction.fail(now)

    def send_anew(self, hop: Hop, now: float) -> None:
        """Send every unanswered request once more whose connection to a hop broke; fail those that were before."""
        for transaction in tuple(self._clients_at.get(hop, ())):
            transaction.lose_connection(now)

    def forget_client(self, transaction: ClientTransaction) -> None:
        """Drop a terminated transaction."""
        del self._clients[transaction.branch, transaction.request.method]
        there = self._clients_at[transaction.hop]
        del there[transaction]
        if not there:
            del self._clients_at[transaction.hop]
        self._sources.release(transaction.hop.host)

    def _add_client(
        self, request: Request, branch: str, hop: Hop, user: TransactionUser
    ) -> ClientTransaction:
        transaction = ClientTransaction(self, request, branch, hop, user)
        self._clients[branch, request.method] = transaction
        self._clients_at.setdefault(hop, {})[transaction] = None
        self._sources.hold(hop.host)
        return transaction

    # Requests of peers

    def find_server(self, request: Request, method: str) -> ServerTransaction | None:
        """Return the transaction of this request, or of the INVITE that an ACK or CANCEL belongs to."""
        return self._servers.get(key_of(request, method))

    def is_merged(self, request: Request) -> bool:
        """Whether another copy of a request without To tag is being answered (RFC 3261 section 8.2.2.2)."""
        return merge_key_of(request) in self._initial

    def receive_request(self, request: Request, source: Hop) -> ServerTransaction:
        """Begin to answer a request that has no transaction yet."""
        transaction = ServerTransaction(self, request, key_of(request, request.method), source)
        self._servers[transaction.key] = transaction
        if request.to_tag is None:
            self._initial.setdefault(transaction.merge_key, transaction)
        self._sources.hold(source.host)
        return transaction

    def forget_server(self, transaction: ServerTransaction) -> None:
        """Drop a terminated transaction."""
        del self._servers[transaction.key]
        if self._initial.get(transaction.merge_key) is transaction:
            del self._initial[transaction.merge_key]
        self._sources.release(transaction.source.host)
