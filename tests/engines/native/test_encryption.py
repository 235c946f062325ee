"""Which legs can be encrypted, and why the others cannot."""

import pytest
from structlog.testing import capture_logs

from ringbridge.call.directory import Srtp
from ringbridge.call.model import LegName
from ringbridge.engines.native.attempts import Branch
from ringbridge.engines.native.encryption import dialable, obstacle
from ringbridge.sip.hop import Hop

DESK = Branch(target="sip:desk@127.0.0.1", hop=Hop("UDP", "127.0.0.1", 5060))
HALL = Branch(target="sip:hall@127.0.0.1", hop=Hop("UDP", "127.0.0.1", 5062))
SECURE = Branch(target="sip:desk@127.0.0.1", hop=Hop("TLS", "127.0.0.1", 5061))


@pytest.mark.parametrize(
    ("transport", "relay_encrypts", "word"),
    [
        ("TLS", False, "RINGBRIDGE_MEDIA_RELAY"),
        ("UDP", True, "over UDP"),
        ("TCP", True, "over TCP"),
        ("WS", True, "over WS"),
    ],
)
def test_what_stands_in_the_way_is_told(transport: str, relay_encrypts: bool, word: str) -> None:
    assert word in str(obstacle(transport, relay_encrypts=relay_encrypts))


@pytest.mark.parametrize("transport", ["TLS", "WSS"])
def test_nothing_stands_in_the_way_of_keys_that_nobody_can_read(transport: str) -> None:
    assert obstacle(transport, relay_encrypts=True) is None


@pytest.mark.parametrize(
    ("srtp", "offered"),
    [
        (Srtp.OFF, [(DESK, Srtp.OFF), (SECURE, Srtp.OFF)]),
        (Srtp.OPTIONAL, [(DESK, Srtp.OFF), (SECURE, Srtp.OPTIONAL)]),
        (Srtp.REQUIRED, [(SECURE, Srtp.REQUIRED)]),
    ],
)
def test_each_phone_is_offered_what_its_connection_allows(
    srtp: Srtp, offered: list[tuple[Branch, Srtp]]
) -> None:
    found = dialable([DESK, SECURE], srtp, LegName.USER, "call-1", relay_encrypts=True)

    assert list(found) == offered


def test_the_log_says_once_why_phones_are_not_dialled() -> None:
    with capture_logs() as logged:
        assert dialable([DESK, HALL], Srtp.REQUIRED, LegName.USER, "call-1", relay_encrypts=True) == ()

    (line,) = logged
    assert (line["event"], line["call"], line["leg"]) == ("call.not_encryptable", "call-1", "user")


def test_a_relay_that_does_not_encrypt_makes_a_wish_plain() -> None:
    found = dialable([SECURE], Srtp.OPTIONAL, LegName.USER, "call-1", relay_encrypts=False)

    assert found == ((SECURE, Srtp.OFF),)
