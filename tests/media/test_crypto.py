import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.media.crypto import CryptoKey, to_line, usable_keys

INLINE = "inline:" + "A" * 40


@given(st.integers(1, 999_999_999), st.binary(min_size=30, max_size=30))
def test_a_key_that_is_written_can_be_read(tag: int, key: bytes) -> None:
    assert usable_keys([to_line(CryptoKey(tag, key))]) == (CryptoKey(tag, key),)


def test_usable_keys_come_in_their_order() -> None:
    lines = [
        f"a=crypto:1 AES_256_CM_HMAC_SHA1_80 {INLINE}",
        f"a=crypto:2 AES_CM_128_HMAC_SHA1_80 {INLINE}|2^31",
        f"a=crypto:03  AES_CM_128_HMAC_SHA1_80  {INLINE} ",
    ]
    assert [key.tag for key in usable_keys(lines)] == [2, 3]


@pytest.mark.parametrize(
    "rest",
    [
        f"AES_CM_128_HMAC_SHA1_32 {INLINE}",
        f"AES_CM_128_HMAC_SHA1_80 {INLINE} UNENCRYPTED_SRTCP",
        f"AES_CM_128_HMAC_SHA1_80 {INLINE}|2^20|1:4",
        f"AES_CM_128_HMAC_SHA1_80 {INLINE}|1:4",
        f"AES_CM_128_HMAC_SHA1_80 {INLINE};{INLINE}",
        f"AES_CM_128_HMAC_SHA1_80 {INLINE}A",
        "AES_CM_128_HMAC_SHA1_80 inline:short",
        "AES_CM_128_HMAC_SHA1_80",
    ],
)
def test_what_asks_for_more_than_a_key_is_passed_over(rest: str) -> None:
    assert usable_keys([f"a=crypto:1 {rest}"]) == ()


def test_a_key_is_not_shown_in_logs() -> None:
    assert repr(CryptoKey(1, b"secret" * 5)) == "CryptoKey(tag=1)"
