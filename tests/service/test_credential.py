"""API keys as text."""

import re
import secrets
from collections.abc import Callable
from dataclasses import replace

import pytest

from ringbridge.call.key import ApiKey, Scope
from ringbridge.service.credential import KeyText, digest, new_key, parse_key, renewed_key

PEPPER = b"pepper for tests"


def zeros(octets: int) -> bytes:
    return bytes(octets)


def ones(octets: int) -> bytes:
    return b"\xff" * octets


def test_a_new_key_is_found_by_its_id_and_kept_as_a_digest() -> None:
    key, text = new_key(PEPPER, "1009683", "crm", 1000.0, zeros)
    assert key == ApiKey(
        id="0000000000",
        account_id="1009683",
        name="crm",
        secret_digest=digest(PEPPER, "0" * 43),
        created_at=1000.0,
        expires_at=1000.0 + 365 * 86_400,
    )
    assert parse_key(text) == KeyText(key.id, "0" * 43)


def test_a_test_key_is_told_by_its_first_letters() -> None:
    key, text = new_key(PEPPER, "1", "ci", 0.0, ones, is_test=True)
    assert (key.is_test, text[:9]) == (True, "c2c_test_")
    assert parse_key(text) == KeyText(key.id, text[20:63])
    # A key is not made another kind by writing it so.
    assert parse_key("c2c_live_" + text[9:]) is None


def test_a_renewed_key_may_what_the_old_one_may_and_lives_as_long() -> None:
    old = replace(
        new_key(PEPPER, "1", "crm", 1000.0, zeros, is_test=True)[0],
        expires_at=1600.0,
        not_before=1100.0,
        scopes=frozenset({Scope.CALLS_READ}),
        lines=("204",),
        networks=("192.0.2.0/24",),
    )
    new, text = renewed_key(PEPPER, old, 2000.0, ones)
    assert (new.id, new.secret_digest) != (old.id, old.secret_digest)
    assert new == replace(
        old,
        id=new.id,
        secret_digest=new.secret_digest,
        created_at=2000.0,
        not_before=None,
        expires_at=2500.0,
    )
    assert text.startswith(f"c2c_test_{new.id}_")


@pytest.mark.parametrize("random", [zeros, ones, secrets.token_bytes])
def test_every_key_has_the_same_shape(random: Callable[[int], bytes]) -> None:
    _, text = new_key(PEPPER, "1", "crm", 0.0, random)
    assert re.fullmatch(r"c2c_live_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}", text)
    assert parse_key(text) is not None


def test_the_secret_is_in_no_repr() -> None:
    key, text = new_key(PEPPER, "1", "crm", 0.0, ones)
    parts = parse_key(text)
    assert parts is not None
    assert parts.secret not in repr(parts)
    assert key.secret_digest not in repr(key)


def test_every_single_wrong_letter_is_noticed() -> None:
    _, text = new_key(PEPPER, "1", "crm", 0.0, secrets.token_bytes)
    wrong = [text[:at] + ("b" if text[at] == "a" else "a") + text[at + 1 :] for at in range(len(text))]
    assert [parse_key(candidate) for candidate in wrong] == [None] * len(text)


@pytest.mark.parametrize(
    "text", ["", "secure", "75U96450-ad0a-4382-b54e-a542f6fbebbe", "c2c_live_", "c2c_live_ä"]
)
def test_other_text_is_no_key(text: str) -> None:
    assert parse_key(text) is None


def test_a_digest_depends_on_the_pepper_and_the_secret() -> None:
    assert digest(b"", "") == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
    assert len({digest(b"a", "x"), digest(b"b", "x"), digest(b"a", "y")}) == 3
