"""Where webhooks may be sent, what is sent, and when it is tried again."""

import json
from dataclasses import replace

import pytest

from ringbridge.call.webhook import Notice, WebhookFormat
from ringbridge.notify.address import PRIVATE_NETWORKS, may_send, parse_networks
from ringbridge.notify.payload import body
from ringbridge.notify.schedule import LONGEST_WAIT_SECONDS, PAUSES_SECONDS, pause_seconds
from ringbridge.notify.signature import signature

NOTICE = Notice(
    account_id="1009683",
    call_id="018f",
    sequence=3,
    name="connected",
    at=1_568_551_462.0,
    state="connected",
    user_number="+18175629657",
    user_name="Ann",
    user_leg="answered",
    destination_number="+13053452300",
    destination_caller_number="+18175620000",
    destination_leg="answered",
    metadata={"deal": "7"},
)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.1",
        "192.88.99.1",
        "198.18.0.1",
        "203.0.113.1",
        "224.0.0.1",
        "233.252.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "feff::1",
        "fc00::1",
        "fd00::1",
        "ff02::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "2001:0:53aa:64c:0:fbff:80ff:fffe",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "64:ff9b::c0a8:1",
        "fd00:ec2::254",
        "::127.0.0.1",
        "::ffff:0:7f00:1",
        "::ffff:169.254.169.254",
        "2002:c0a8:1::",
        "2002:a9fe:a9fe::1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.9",
        "3fff::1",
        "not an address",
    ],
)
def test_h3_what_is_not_for_everybody_is_refused(address: str) -> None:
    assert not may_send(address, ())


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "203.0.114.9", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_sent_to(address: str) -> None:
    assert may_send(address, ())


def test_an_administrator_allows_private_networks() -> None:
    for address in ("127.0.0.1", "192.168.1.1", "::1", "fd00::1", "::ffff:10.0.0.1"):
        assert may_send(address, PRIVATE_NETWORKS)
    for address in ("169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0"):
        assert not may_send(address, PRIVATE_NETWORKS)


@pytest.mark.parametrize("text", ["1", "true", " Yes "])
def test_a_bare_yes_means_all_private_networks(text: str) -> None:
    assert parse_networks(text) == PRIVATE_NETWORKS


def test_networks_are_written_as_cidr() -> None:
    assert [str(one) for one in parse_networks("192.168.7.9/24, fd00::/8")] == ["192.168.7.0/24", "fd00::/8"]
    assert parse_networks("no") == ()
    with pytest.raises(ValueError):
        parse_networks("home")


def test_the_words_of_ringbridge() -> None:
    content = json.loads(body(NOTICE, WebhookFormat.RINGBRIDGE))
    assert content == {
        "id": "evt_018f_3",
        "type": "call.connected",
        "timestamp": "2019-09-15T12:44:22.000Z",
        "data": {
            "account_id": "1009683",
            "call_id": "018f",
            "sequence": 3,
            "test": False,
            "state": "connected",
            "user": {"number": "+18175629657", "name": "Ann", "state": "answered"},
            "destination": {"number": "+13053452300", "state": "answered"},
            "attempt_of": None,
            "metadata": {"deal": "7"},
            "outcome": None,
            "cause": None,
            "ended_by": None,
            "talk_seconds": None,
        },
    }


def test_the_end_says_how_long_they_talked() -> None:
    ended = replace(NOTICE, name="ended", state="ended", outcome="completed", talk_seconds=12.34567)
    # A scheduled call has no record that would say it.
    for notice, seconds in ((ended, 12.346), (replace(ended, talk_seconds=None), 0.0)):
        assert json.loads(body(notice, WebhookFormat.RINGBRIDGE))["data"]["talk_seconds"] == seconds


def test_the_events_of_test_calls_say_so() -> None:
    content = json.loads(body(replace(NOTICE, user_trunk="simulated"), WebhookFormat.RINGBRIDGE))
    assert content["data"]["test"] is True


def test_a_call_without_metadata_has_none_to_name() -> None:
    content = json.loads(body(replace(NOTICE, metadata=None), WebhookFormat.RINGBRIDGE))
    assert content["data"]["metadata"] == {}


def test_the_words_of_net2phone() -> None:
    assert json.loads(body(NOTICE, WebhookFormat.NET2PHONE)) == {
        "id": "018f",
        "event": "call_answered",
        "timestamp": "2019-09-15T12:44:22Z",
        "direction": "outbound",
        "originating_number": "+18175629657",
        "dialed_number": "+13053452300",
        "user_name": "Ann",
    }


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("destination_ringing", "call_ringing"),
        ("destination_early_media", "call_ringing"),
        ("connected", "call_answered"),
    ],
)
def test_net2phones_words_for_events(name: str, word: str) -> None:
    assert json.loads(body(replace(NOTICE, name=name), WebhookFormat.NET2PHONE))["event"] == word


def test_to_net2phones_receivers_an_extension_has_the_number_that_it_shows() -> None:
    internal = replace(NOTICE, name="destination_ringing", user_number="204", user_name=None)
    content = json.loads(body(internal, WebhookFormat.NET2PHONE))
    assert (content["event"], content["originating_number"], content["user_name"]) == (
        "call_ringing",
        "+18175620000",
        "204",
    )


def test_an_event_is_tried_for_more_than_a_day() -> None:
    for fraction in (0.0, 1.0):
        pauses = [pause_seconds(attempts, fraction) for attempts in range(1, 20)]
        tries = [pause for pause in pauses if pause is not None]
        assert pauses[len(tries) :] == [None] * (19 - len(tries))
        assert tries == sorted(tries)
        assert sum(tries) >= 86_400.0
    assert pause_seconds(1, 0.0) != pause_seconds(1, 1.0)


def test_a_receiver_is_left_alone_as_long_as_it_asks_and_a_day_at_most() -> None:
    assert pause_seconds(1, 0.5, 600.0) == 600.0
    assert pause_seconds(len(PAUSES_SECONDS), 0.5, 600.0) == PAUSES_SECONDS[-1]
    assert pause_seconds(1, 0.5, 1e9) == LONGEST_WAIT_SECONDS


def test_a_secret_that_is_none_signs_nothing() -> None:
    with pytest.raises(ValueError):
        signature(["whsec_?"], "evt_1_1", 1, b"")
