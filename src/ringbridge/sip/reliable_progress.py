"""Progress that is repeated until we have said that it came: PRACK, seen from the caller (RFC 3262).

It is supported for those who insist on it, by refusing an INVITE with 421, and offered to nobody else: it costs two more
messages, and what it secures is told again by the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringbridge.sip.dialog import Dialog
from ringbridge.sip.exchange import ignore, send_in_dialog
from ringbridge.sip.grammar import read_number
from ringbridge.sip.message import Request, Response

if TYPE_CHECKING:
    from ringbridge.sip.session import Session

OPTION = "100rel"


def is_required_by(message: Response) -> bool:
    """Whether the sender wants each progress acknowledged: in a 421 of any INVITE, in a 1xx of this one."""
    return OPTION in message.headers.all("Require")


class _Fork:
    """What came of the INVITE at one phone."""

    __slots__ = ("body", "dialog", "number")

    def __init__(self, dialog: Dialog) -> None:
        self.dialog = dialog
        self.number = 0
        """The RSeq of the last progress that counts."""
        self.body = b""
        """The answer to our offer; it need not be told again (RFC 3262 section 5)."""


class ReliableProgress:
    """What was acknowledged of an INVITE's progress, by the tags of its forks."""

    __slots__ = ("_forks", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._forks: dict[str | None, _Fork] = {}

    def acknowledge(self, invite: Request, response: Response, dialog: Dialog, now: float) -> bool:
        """Acknowledge progress that asks for it; False if it is not to be told: a repetition, or what came too early.

        dialog: the one that this response makes, in case that it is its fork's first (section 4).
        """
        number = read_number(response.headers.get("RSeq") or "")
        if number is None:
            return True
        fork = self._forks.get(dialog.remote_tag)
        if fork is None:
            fork = self._forks[dialog.remote_tag] = _Fork(dialog)
        elif number != fork.number + 1:
            return False
        fork.number = number
        fork.body = fork.body or response.body
        rack = ("RAck", f"{number} {invite.cseq.number} INVITE")
        session = self._session
        send_in_dialog(session.core, fork.dialog, session.authentication, "PRACK", ignore, now, extra=[rack])
        return True

    def settle(self, answer: Response, dialog: Dialog) -> bytes:
        """Let the dialog of a 2xx go on where the early one was; returns the description that holds."""
        fork = self._forks.get(dialog.remote_tag)
        if fork is None:
            return answer.body
        dialog.local_sequence = fork.dialog.local_sequence
        return answer.body or fork.body
