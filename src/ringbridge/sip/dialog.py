"""Dialogs of RFC 3261 section 12: who talks to whom, over which way, and with which numbers.

``DialogState`` is the plain value that an owner may keep on disk; ``Dialog`` is the live thing that counts
CSeq, follows target refreshes and writes requests. Neither knows transactions, timers or offers.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringbridge.sip.hop import Hop


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogState:
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
