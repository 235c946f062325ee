"""How a test's own phone registers: REGISTER, the digest of RFC 7616 worked out by hand, and what came of it."""

import hashlib
import re
import secrets
from dataclasses import dataclass

from tests.peers.phone import Address, Phone
from tests.peers.server import Deployment, ringbridge
from tests.peers.tool import poll
from tests.peers.wire import SipMessage

_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


@dataclass(frozen=True, kw_only=True)
class DeviceAccount:
    """What an administrator types into a phone."""

    username: str
    password: str

    @classmethod
    def added_to(cls, deployment: Deployment, number: str, *options: str) -> "DeviceAccount":
        """A new line of kind device, made as an administrator makes it."""
        words = ("line", "add", "--account", deployment.account_id, "--number", number, "--device", *options)
        printed = dict(
            line.split(": ", 1)
            for line in ringbridge(deployment.data_dir, *words).splitlines()
            if ": " in line
        )
        return cls(username=printed["SIP user name"], password=printed["password"])


class Registrant:
    """A phone's account at a server."""

    def __init__(
        self,
        phone: Phone,
        server: Address,
        account: DeviceAccount,
        *,
        algorithm: str = "MD5",
        user_agent: str = "Test Phone 1.0",
    ) -> None:
        self._phone = phone
        self._server = server
        self._account = account
        self._algorithm = algorithm
        self._user_agent = user_agent
        self._call_id = secrets.token_hex(8)
        self._number = 0

    async def register(self, *, contact: str = "", seconds: int = 3600) -> SipMessage:
        """Ask, answer the challenge, and return the last answer. `contact` is a whole field, the phone's own by default."""
        contact = contact or f"<{self._phone.contact}>"
        first = await self._ask(contact, seconds, None)
        return first if first.status != 401 else await self._ask(contact, seconds, first)

    async def _ask(self, contact: str, seconds: int, challenged: SipMessage | None) -> SipMessage:
        self._number += 1
        name, (host, port) = self._account.username, self._server
        via = self._phone.via
        request = SipMessage(
            start_line=f"REGISTER sip:{host} SIP/2.0",
            headers=(
                (
                    "Via",
                    f"SIP/2.0/{self._phone.transport_name} {via[0]}:{via[1]};rport;branch=z9hG4bK{secrets.token_hex(8)}",
                ),
                ("Max-Forwards", "70"),
                ("From", f"<sip:{name}@{host}:{port}>;tag={self._call_id}"),
                ("To", f"<sip:{name}@{host}:{port}>"),
                ("Call-ID", self._call_id),
                ("CSeq", f"{self._number} REGISTER"),
                ("Contact", contact),
                ("Expires", str(seconds)),
                ("User-Agent", self._user_agent),
                *([] if challenged is None else [("Authorization", self._answer(challenged, f"sip:{host}"))]),
            ),
        )
        self._phone.send(request, self._server)

        async def answers() -> list[SipMessage]:
            return [
                one for one in self._phone.strays if one.call_id == self._call_id and one.cseq == request.cseq
            ]

        return (await poll(answers, bool, f"an answer to REGISTER number {self._number}"))[0]

    def _answer(self, challenged: SipMessage, uri: str) -> str:
        (challenge,) = [
            value for value in challenged.all("WWW-Authenticate") if f"algorithm={self._algorithm}," in value
        ]
        realm, nonce = (_directive(challenge, name) for name in ("realm", "nonce"))

        def hashed(text: str) -> str:
            return _HASHES[self._algorithm](text.encode()).hexdigest()

        secret = hashed(f"{self._account.username}:{realm}:{self._account.password}")
        response = hashed(f"{secret}:{nonce}:00000001:c:auth:{hashed(f'REGISTER:{uri}')}")
        return (
            f'Digest username="{self._account.username}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{response}", algorithm={self._algorithm}, qop=auth, nc=00000001, cnonce="c"'
        )


def behind_nat(phone: Phone) -> None:
    """Let the phone give a Contact that nobody can reach, as one behind a NAT does."""
    phone.contact = f"sip:phone@10.255.255.{phone.port % 250 + 1}:5060"


def _directive(challenge: str, name: str) -> str:
    match = re.search(rf'\b{name}="([^"]*)"', challenge)
    assert match is not None, f"no {name} in {challenge}"
    return match[1]
