"""An authenticator and a browser before it, in software: what they answer to the options of a page."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from ringbridge.call.passkey import Passkey

# Of the authenticator data (Web Authentication section 6.1).
USER_PRESENT, USER_VERIFIED, HAS_CREDENTIAL = 0x01, 0x04, 0x40
VERIFIED = USER_PRESENT | USER_VERIFIED


@dataclass(kw_only=True)
class Authenticator:
    """One passkey, made at its first use. `origin` is where the browser says that it is."""

    origin: str
    flags: int = VERIFIED
    sign_count: int = 0
    counts: bool = True
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    user_handle: str = ""

    def create(self, options: dict[str, Any]) -> str:
        """What the page sends after `navigator.credentials.create()`."""
        self.user_handle = options["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        made = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cbor2.dumps(cose)
        data = self._data(options["rp"]["id"], self.flags | HAS_CREDENTIAL) + made
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self._client_data("webauthn.create", options["challenge"])
        return self._answer(clientDataJSON=client_data, attestationObject=attestation)

    def get(self, options: dict[str, Any]) -> str:
        """What the page sends after `navigator.credentials.get()`."""
        if self.counts:
            self.sign_count += 1
        data = self._data(options["rpId"], self.flags)
        client_data = self._client_data("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            clientDataJSON=client_data,
            authenticatorData=data,
            signature=signature,
            userHandle=urlsafe_b64decode(self.user_handle + "=="),
        )

    def _data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.sign_count.to_bytes(4, "big")

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response: bytes) -> str:
        own = base64url(self.credential_id)
        shown = {name: base64url(octets) for name, octets in response.items()}
        return json.dumps({"id": own, "rawId": own, "type": "public-key", "response": shown})


def base64url(octets: bytes) -> str:
    """As browsers write octets in JSON."""
    return urlsafe_b64encode(octets).decode().rstrip("=")


def passkey_of(user_id: str, origin: str = "https://calls.example.com") -> Passkey:
    """One that is kept of somebody, and that nobody can sign with."""
    return Passkey(
        id=f"passkey-of-{user_id}",
        user_id=user_id,
        name="Laptop",
        credential_id=f"credential of {user_id}",
        public_key="",
        sign_count=0,
        origin=origin,
        created_at=1_700_000_000.0,
    )
