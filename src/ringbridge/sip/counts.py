"""How much an endpoint holds, and what it has dropped."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointCounts:
    """How much the endpoint holds now, and what it has dropped since the start."""

    sessions: int
    """Dialogs and INVITEs that something on the wire still needs; more than the owner knows of."""
    client_transactions: int
    server_transactions: int
    unanswered_requests: int
    live_hosts: int
    alarms: int
    dropped_unknown_source: int
    """Packets from hosts that we have nothing to do with, and what others than peers wanted to begin."""
    dropped_malformed: int
    """Packets that are no SIP message; requests among them were answered where that was possible."""
    dropped_unmatched: int
    """Answers to nothing that is open, and requests for a dialog from a host that may not speak of it."""
