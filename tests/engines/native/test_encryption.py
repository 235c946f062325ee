"""Which legs can be encrypted, and why the others cannot."""

import pytest
from structlog.testing import capture_logs

from ringbridge.call.model import LegName
from ringbridge.engines.native.attempts import Branch
from ringbridge.engines.native.encryption import encryptable, obstacle
from ringbridge.sip.hop import Hop


@pytest.mark.parametrize(
    ("transport", "relay_encrypts", "word"),
    [
        ("TLS", False, "RINGBRIDGE_MEDIA_RELAY"),
        ("UDP", True, "over UDP"),
        ("TCP", True, "over TCP"),
        ("WS", True, "over WS"),
        ("TLS", True, "negotiate"),
        ("WSS", True, "negotiate"),
    ],
)
def test_what_stands_in_the_way_is_told(transport: str, relay_encrypts: bool, word: str) -> None:
    assert word in str(obstacle(transport, relay_encrypts=relay_encrypts))


def test_the_log_says_once_why_phones_are_not_dialled() -> None:
    hop = Hop("UDP", "127.0.0.1", 5060)
    branches = [Branch(target=f"sip:{name}@127.0.0.1", hop=hop) for name in ("desk", "hall")]
    with capture_logs() as logged:
        assert encryptable(branches, LegName.USER, "call-1", relay_encrypts=True) == ()

    (line,) = logged
    assert (line["event"], line["call"], line["leg"]) == ("call.not_encryptable", "call-1", "user")
