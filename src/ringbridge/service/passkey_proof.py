"""What authenticators prove, checked by the library `webauthn` (Web Authentication sections 7.1 and 7.2).

The library is loaded when somebody uses a passkey: with what it stands on it takes 25 MB of memory and a fifth of a second.
So call these in threads.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ringbridge.call.passkey import Passkey, PasskeyRefused, Place

# Web Authentication section 5.8.3 ("Credential ID"), in octets.
LONGEST_CREDENTIAL_ID = 1023


class Claim(NamedTuple):
    """What a browser says before anything is checked.

    credential_id: of the passkey, in base64url. user_id: whose it says it is; '' where it does not.
    challenge: the one that it answers.
    """

    credential_id: str
    user_id: str
    challenge: bytes


class NewCredential(NamedTuple):
    """What an authenticator has made; both texts are in base64url."""

    credential_id: str
    public_key: str
    sign_count: int


def challenge_of_new(answer: str) -> bytes:
    """The challenge that the answer of `navigator.credentials.create()` is for. Raises PasskeyRefused."""
    from webauthn.helpers import parse_client_data_json, parse_registration_credential_json

    with _refusing():
        credential = parse_registration_credential_json(answer)
        return parse_client_data_json(credential.response.client_data_json).challenge


def claim_of(answer: str) -> Claim:
    """What the answer of `navigator.credentials.get()` says; all of it empty where it cannot be read."""
    from webauthn.helpers import (
        bytes_to_base64url,
        parse_authentication_credential_json,
        parse_client_data_json,
    )

    try:
        with _refusing():
            credential = parse_authentication_credential_json(answer)
            client_data = parse_client_data_json(credential.response.client_data_json)
            return Claim(
                credential_id=bytes_to_base64url(credential.raw_id),
                user_id=(credential.response.user_handle or b"").decode(),
                challenge=client_data.challenge,
            )
    except PasskeyRefused:
        return Claim("", "", b"")


def new_credential(answer: str, challenge: bytes, place: Place) -> NewCredential:
    """What was made, if it was made for this challenge and at this place, by somebody whom the authenticator knows.

    Raises PasskeyRefused.
    """
    from webauthn import verify_registration_response
    from webauthn.helpers import bytes_to_base64url

    with _refusing():
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=place.name,
            expected_origin=place.origin,
            require_user_verification=True,
        )
        if len(made.credential_id) > LONGEST_CREDENTIAL_ID:
            raise ValueError("the credential id is too long")
        return NewCredential(
            bytes_to_base64url(made.credential_id),
            bytes_to_base64url(made.credential_public_key),
            made.sign_count,
        )


def proven_count(answer: str, challenge: bytes, place: Place, passkey: Passkey) -> int:
    """The signature count of an answer that the passkey has signed. Raises PasskeyRefused.

    Whether the count is the next one is for the store to say, in the transaction that notes it: so the library is told 0.
    """
    from webauthn import verify_authentication_response
    from webauthn.helpers import base64url_to_bytes

    with _refusing():
        proven = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=place.name,
            expected_origin=place.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
        return proven.new_sign_count


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    # Parsers of JSON, CBOR and certificates at what anybody may send: whatever they stumble over, it is no passkey.
    except Exception as error:
        raise PasskeyRefused(f"{type(error).__name__}: {error}"[:300]) from error
