"""A scripted carrier: the phone that every number called over it rings at, and besides a registrar that takes OPTIONS."""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Callable

from tests.peers import wire
from tests.peers.phone import Address, Leg, Phone
from tests.peers.tool import WAIT_SECONDS
from tests.peers.wire import SipMessage

REALM = "carrier.example"


class Carrier(Phone):
    """Answers OPTIONS with `options_status`, and lets whoever knows the password of `accounts` register."""

    def __init__(self, on_leg: Callable[[Leg], None] | None = None) -> None:
        super().__init__(on_leg)
        self.options_status: int | None = 200
        """None: it never answers."""
        self.register_status = 200
        """What whoever is in the right is answered."""
        self.granted_seconds = 60
        self.least_seconds = 0
        """Who asks for less is told so (423)."""
        self.accounts: dict[str, str] = {}
        self.contacts: dict[str, str] = {}
        """User name -> where it is registered."""
        self.heard: list[SipMessage] = []
        """Every OPTIONS and REGISTER."""
        self._came = asyncio.Event()
        self._nonce = secrets.token_hex(8)

    def take(self, message: SipMessage, addr: Address) -> None:
        """Answer what is about no call here."""
        if message.kind not in ("OPTIONS", "REGISTER"):
            super().take(message, addr)
            return
        if message.kind == "REGISTER":
            self._take_register(message, addr)
        elif self.options_status is not None:
            self.send(wire.response(message, self.options_status, to_tag="carrier"), addr)
        self.heard.append(message)
        self._came.set()

    async def hears(self, kind: str, *, count: int = 1, seconds: float = WAIT_SECONDS) -> SipMessage:
        """The `count`-th request of that kind, now or within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while len(found := [message for message in self.heard if message.kind == kind]) < count:
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind} number {count} within {seconds} s") from None
        return found[count - 1]

    def forget_nonces(self) -> None:
        """From now on the answers to earlier challenges are stale."""
        self._nonce = secrets.token_hex(8)

    def _take_register(self, request: SipMessage, addr: Address) -> None:
        challenge = f'Digest realm="{REALM}", nonce="{self._nonce}", algorithm=MD5, qop="auth"'
        headers = []
        credentials = next(iter(request.all("Authorization")), None)
        seconds = int(request.first("Expires"))
        if credentials is None:
            status = 401
            headers.append(("WWW-Authenticate", challenge))
        elif _directives(credentials)["nonce"] != self._nonce:
            status = 401
            headers.append(("WWW-Authenticate", f"{challenge}, stale=true"))
        elif not self._is_right(credentials):
            status = 403
        elif 0 < seconds < self.least_seconds:
            status = 423
            headers.append(("Min-Expires", str(self.least_seconds)))
        else:
            status = self.register_status
        if status == 200:
            user = _directives(credentials or "")["username"]
            seconds = min(seconds, self.granted_seconds)
            contact = wire.uri_in(request.first("Contact"))
            if seconds:
                self.contacts[user] = contact
                headers.append(("Contact", f"<{contact}>;expires={seconds}"))
            else:
                self.contacts.pop(user, None)
        self.send(wire.response(request, status, to_tag="carrier", headers=headers), addr)

    def _is_right(self, credentials: str) -> bool:
        """RFC 7616 section 3.4.1, by hand."""
        given = _directives(credentials)
        password = self.accounts.get(given["username"], "")
        secret = _md5(f"{given['username']}:{REALM}:{password}")
        request = _md5(f"REGISTER:{given['uri']}")
        parts = (secret, self._nonce, given["nc"], given["cnonce"], "auth", request)
        return given["response"] == _md5(":".join(parts))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def _directives(credentials: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', credentials)}
