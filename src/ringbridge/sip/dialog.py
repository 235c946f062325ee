"""Dialogs of RFC 3261 section 12: who talks to whom, over which way, and with which numbers.

`DialogState` is the plain value that an owner may keep on disk; `Dialog` is the live thing that counts
CSeq, follows target refreshes and writes requests. Neither knows transactions, timers or offers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from ringbridge.sip.errors import MalformedField
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import DEFAULT_PORTS, Hop
from ringbridge.sip.message import Message, Request, Response
from ringbridge.sip.source import Address
from ringbridge.sip.uri import NameAddress, Uri

RESUMED_SEQUENCE_GAP = 1000
"""The last process may have sent requests after it wrote the state down; CSeq may skip but never go back."""

Field = tuple[str, str]
"""A header field: canonical name and value."""


class DialogState(NamedTuple):
    """All that is needed to end a dialog after a restart; plain values only."""

    call_id: str
    local_uri: str
    """Our name-addr as written in From or To, with our tag."""
    remote_uri: str
    """The peer's name-addr as written, with its tag once the dialog is confirmed."""
    local_sequence: int
    """The CSeq number of our last request; of the INVITE while the dialog is early."""
    remote_sequence: int | None
    """The highest CSeq number that the peer used."""
    route_set: tuple[str, ...]
    remote_target: str
    """The URI that requests go to: the peer's Contact, or the INVITE's Request-URI while early."""
    hop: Hop
    """Where the INVITE went to or came from."""
    invite_branch: str | None
    """The branch of our INVITE's Via, by which a CANCEL names it; None where the peer sent the INVITE."""
    is_confirmed: bool
    pinned: bool = False
    """Whether all its requests go to `hop`, whatever the Contact says: the peer is behind a NAT or one connection."""


class Dialog:
    """A dialog that is alive. Made from the messages that formed it."""

    __slots__ = (
        "_answered_from",
        "_state",
        "call_id",
        "hop",
        "invite_branch",
        "local_sequence",
        "local_uri",
        "next_hop",
        "pinned",
        "remote_sequence",
        "remote_tag",
        "remote_target",
        "remote_uri",
        "route_set",
    )

    def __init__(self, state: DialogState, *, answered_from: Hop) -> None:
        self._answered_from = answered_from
        self._state = state
        self.call_id = state.call_id
        self.local_uri = state.local_uri
        self.remote_uri = state.remote_uri
        self.remote_tag = NameAddress.parse(state.remote_uri).tag
        self.local_sequence = state.local_sequence
        self.remote_sequence = state.remote_sequence
        self.route_set = state.route_set
        self.remote_target = state.remote_target
        self.hop = state.hop
        self.pinned = state.pinned
        self.invite_branch = state.invite_branch
        self.next_hop = self._find_next_hop()

    @classmethod
    def of_answer(
        cls, invite: Request, branch: str, answer: Response, hop: Hop, source: Hop, *, pinned: bool = False
    ) -> Dialog:
        """Make the caller's side from a 2xx (RFC 3261 section 12.1.2)."""
        state = DialogState(
            call_id=answer.call_id,
            local_uri=invite.headers.get("From") or "",
            remote_uri=answer.headers.get("To") or "",
            local_sequence=answer.cseq.number,
            remote_sequence=None,
            route_set=tuple(reversed(answer.headers.all("Record-Route"))),
            # A 2xx must carry a Contact; without one the INVITE's own way is the best guess.
            remote_target=_target_of(answer) or invite.uri,
            hop=hop,
            invite_branch=branch,
            is_confirmed=True,
            pinned=pinned,
        )
        return cls(state, answered_from=source)

    @classmethod
    def of_invite(cls, invite: Request, local_tag: str, source: Hop) -> Dialog:
        """Make the called side from the INVITE (RFC 3261 section 12.1.1)."""
        state = DialogState(
            call_id=invite.call_id,
            local_uri=f"{invite.headers.get('To')};tag={local_tag}",
            remote_uri=invite.headers.get("From") or "",
            local_sequence=0,
            remote_sequence=invite.cseq.number,
            route_set=tuple(invite.headers.all("Record-Route")),
            remote_target=_target_of(invite) or str(invite.from_.uri),
            hop=source,
            invite_branch=None,
            is_confirmed=False,
        )
        return cls(state, answered_from=source)

    @classmethod
    def of_state(cls, state: DialogState) -> Dialog:
        """Take a confirmed dialog up again that another process has left."""
        dialog = cls(state, answered_from=state.hop)
        dialog.local_sequence += RESUMED_SEQUENCE_GAP
        return dialog

    def state(self, *, is_confirmed: bool) -> DialogState:
        """Return what to keep; the value told last if nothing has changed."""
        last = self._state
        changing = (self.local_sequence, self.remote_sequence, self.remote_target, is_confirmed)
        if changing != (last.local_sequence, last.remote_sequence, last.remote_target, last.is_confirmed):
            self._state = last._replace(
                local_sequence=self.local_sequence,
                remote_sequence=self.remote_sequence,
                remote_target=self.remote_target,
                is_confirmed=is_confirmed,
            )
        return self._state

    def hosts(self) -> tuple[str, ...]:
        """Where this dialog's requests may come from, each host once."""
        found = [hop.host for hop in (self.hop, self._answered_from, self.next_hop)]
        if self.route_set:
            uris = (*[_uri_of(route) for route in self.route_set[1:]], _parsed(self.remote_target))
            found += [address[0] for address in map(self._address_of, uris) if address is not None]
        return tuple(dict.fromkeys(found))

    def take_sequence(self) -> int:
        """Count one request of ours."""
        self.local_sequence += 1
        return self.local_sequence

    def accepts_sequence(self, number: int) -> bool:
        """Count one request of the peer's; False if it is not newer than the last (RFC 3261 section 12.2.2)."""
        if self.remote_sequence is not None and number <= self.remote_sequence:
            return False
        self.remote_sequence = number
        return True

    def refresh_target(self, message: Message) -> None:
        """Follow the Contact of re-INVITE, UPDATE and their 2xx (RFC 3261 section 12.2)."""
        self.remote_target = _target_of(message) or self.remote_target
        self.next_hop = self._find_next_hop()

    def request(
        self, method: str, via: str, number: int, extra: Sequence[Field] = (), body: bytes = b""
    ) -> Request:
        """Write a request within the dialog (RFC 3261 section 12.2.1.1)."""
        uri, routes = self.remote_target, self.route_set
        if routes:
            first = _uri_of(routes[0])
            if first is not None and first.parameter("lr") is None:
                # A strict router: it takes its own address off the Request-URI, and the target off the Route.
                uri, routes = str(first), (*routes[1:], f"<{self.remote_target}>")
        fields = [("Via", via), ("Max-Forwards", "70")]
        fields += [("Route", route) for route in routes]
        fields += [
            ("From", self.local_uri),
            ("To", self.remote_uri),
            ("Call-ID", self.call_id),
            ("CSeq", f"{number} {method}"),
            *extra,
        ]
        return Request(method=method, uri=uri, headers=Headers(tuple(fields)), body=body)

    def _find_next_hop(self) -> Hop:
        if self.pinned:
            return self.hop
        # The transport stays the dialog's own: "transport=tcp" in the Contact of a phone that was reached over UDP
        # must not keep our ACK from it.
        uri = _uri_of(self.route_set[0]) if self.route_set else _parsed(self.remote_target)
        address = self._address_of(uri)
        return self.hop if address is None else Hop(self.hop.transport, *address)

    def _address_of(self, uri: Uri | None) -> Address | None:
        host = None if uri is None else _literal(uri.host)
        if uri is None or host is None:
            return None
        return (host, uri.port or DEFAULT_PORTS[self.hop.transport])


def _target_of(message: Message) -> str | None:
    contact = message.contact
    return None if contact is None else str(contact.uri)


def _parsed(uri: str) -> Uri | None:
    try:
        return Uri.parse(uri)
    except MalformedField:
        return None


def _uri_of(name_address: str) -> Uri | None:
    try:
        return NameAddress.parse(name_address).uri
    except MalformedField:
        return None


@lru_cache(maxsize=1024)
def _literal(host: str) -> str | None:
    """Write an address as every socket writes it; None for a name."""
    try:
        return str(ip_address(host))
    except ValueError:
        return None
