"""A carrier that wants credentials, and is satisfied late or never: it answers each INVITE as the test's script says."""

from collections.abc import Callable, Sequence

from tests.peers import wire
from tests.peers.phone import Address, Leg, Phone
from tests.peers.wire import Header, SipMessage

Script = Callable[[SipMessage, int], tuple[int, Sequence[Header]] | None]
"""What an INVITE is answered, the how-manieth of its call (from 1 on) it is: status and fields; None lets it through."""


class Challenger(Phone):
    """`invites` are those of all calls, in order, without their repeats."""

    def __init__(self, on_leg: Callable[[Leg], None] | None) -> None:
        super().__init__(on_leg)
        self.script: Script = lambda invite, count: None
        self.invites: list[SipMessage] = []
        self._let_through: set[str] = set()

    def take(self, message: SipMessage, addr: Address) -> None:
        """Answer an INVITE as the script says; the rest of a call that it let through is a phone's business."""
        if message.call_id in self._let_through:
            super().take(message, addr)
        elif message.kind == "INVITE":
            self._take_invite(message, addr)

    def _take_invite(self, invite: SipMessage, addr: Address) -> None:
        earlier = [other for other in self.invites if other.call_id == invite.call_id]
        if invite.cseq in [other.cseq for other in earlier]:
            return
        self.invites.append(invite)
        answer = self.script(invite, len(earlier) + 1)
        if answer is None:
            self._let_through.add(invite.call_id)
            super().take(invite, addr)
        else:
            status, headers = answer
            self.send(wire.response(invite, status, to_tag="challenger", headers=headers), addr)


def challenge(nonce: str, *, realm: str = "carrier.example", more: str = 'qop="auth"') -> Header:
    """The field of a 407 that asks for credentials; `more` are further directives."""
    return ("Proxy-Authenticate", f'Digest realm="{realm}", nonce="{nonce}", {more}')


def has_credentials(message: SipMessage) -> bool:
    """Whether a message shows a password's digest."""
    return bool(message.all("Authorization") or message.all("Proxy-Authorization"))
