"""Webhooks as values: what they want, what signs, and how events and deliveries are named."""

from dataclasses import replace

import pytest

from ringbridge.call.dialing import destination_rings, hear_early_media
from ringbridge.call.event import EarlyMediaStarted, LegRinging
from ringbridge.call.history import EVENT_NAMES, CallEvent
from ringbridge.call.model import LegName
from ringbridge.call.webhook import (
    CallWebhookOwner,
    Delivery,
    DeliveryKey,
    InvalidWebhook,
    Notice,
    Reply,
    TooManyTests,
    Webhook,
    WebhookFormat,
    call_webhook,
    owner_of_call_webhook,
    parse_event_id,
    parse_event_names,
    secret_of,
)
from tests.peers.server import REPOSITORY
from tests.store.samples import a_call, event, simulated

WEBHOOK = Webhook(id="wh_1", account_id="1", url="https://example.com/", secret="new", created_at=0.0)
KEY = DeliveryKey("wh_1", "018f-1", 12)


def test_all_events_are_wanted_unless_some_are_named() -> None:
    assert WEBHOOK.wants("ended")
    assert replace(WEBHOOK, events=("ended",)).wants("ended")
    assert not replace(WEBHOOK, events=("ended",)).wants("connected")


def test_net2phones_format_has_words_for_ringing_and_answer() -> None:
    net2phone = replace(WEBHOOK, format=WebhookFormat.NET2PHONE)
    names = ("accepted", "destination_ringing", "destination_early_media", "connected", "ended")
    assert [name for name in names if net2phone.wants(name)] == [
        "destination_ringing",
        "destination_early_media",
        "connected",
    ]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("call_ringing", ["destination_ringing", "destination_early_media"]),
        ("destination_ringing", ["destination_ringing", "destination_early_media"]),
        ("call_answered", ["connected"]),
        ("connected", ["connected"]),
        ("ended", []),
    ],
)
def test_net2phones_events_are_wanted_by_either_name(wanted: str, told: list[str]) -> None:
    webhook = replace(WEBHOOK, format=WebhookFormat.NET2PHONE, events=(wanted,))
    names = ("destination_ringing", "destination_early_media", "connected", "ended")
    assert [name for name in names if webhook.wants(name)] == told


def test_net2phones_receivers_hear_once_that_it_rings_by_whatever_shows_it_first() -> None:
    net2phone = replace(WEBHOOK, format=WebhookFormat.NET2PHONE)
    ringing = CallEvent(call_id="call-1", sequence=5, name="destination_ringing", at=7.0)
    early_media = CallEvent(call_id="call-1", sequence=6, name="destination_early_media", at=8.0)
    call = a_call("call-1")

    rang, _ = destination_rings(call, LegRinging(LegName.DESTINATION), 7.0)
    then_heard, _ = hear_early_media(rang, EarlyMediaStarted(LegName.DESTINATION), 8.0)
    heard, _ = hear_early_media(call, EarlyMediaStarted(LegName.DESTINATION), 8.0)

    assert net2phone.is_told(rang, ringing)
    assert not net2phone.is_told(then_heard, early_media)
    assert net2phone.is_told(heard, early_media)
    assert WEBHOOK.is_told(then_heard, early_media)


def test_too_many_tests_say_when_there_may_be_more() -> None:
    assert TooManyTests(retry_after_seconds=7.0).retry_after_seconds == 7.0


def test_the_secret_before_signs_as_long_as_it_may() -> None:
    rotated = replace(WEBHOOK, previous_secret="old", previous_secret_until=100.0)
    assert rotated.secrets(99.0) == ("new", "old")
    assert rotated.secrets(100.0) == ("new",)
    assert WEBHOOK.secrets(0.0) == ("new",)


def test_secrets_are_not_shown_in_logs() -> None:
    assert "new" not in repr(WEBHOOK)
    assert "old" not in repr(replace(WEBHOOK, previous_secret="old"))


def test_a_secret_is_written_as_receivers_libraries_take_it() -> None:
    assert secret_of(b"\0" * 32) == "whsec_" + "A" * 43 + "="


def test_names_of_events_are_kept_once() -> None:
    assert parse_event_names(["ended", "connected", "ended"]) == ("ended", "connected")
    assert parse_event_names([]) == ()


def test_names_of_events_may_be_as_they_arrive_and_as_net2phone_has_them() -> None:
    assert parse_event_names(["call.ended", "ended", "call_ringing"]) == ("ended", "call_ringing")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("", "names them all"),
        ("Ended", "did you mean ended?"),
        ("conected", "did you mean connected?"),
        ("call.call.ended", "did you mean ended?"),
        ("x" * 500, "names them all"),
    ],
)
def test_what_is_no_name_of_an_event_is_refused(name: str, hint: str) -> None:
    with pytest.raises(InvalidWebhook) as refused:
        parse_event_names(["ended", name])
    assert hint in str(refused.value)


def test_every_event_is_named_in_the_documents() -> None:
    page = (REPOSITORY / "docs" / "webhooks.md").read_text()
    assert [name for name in sorted(EVENT_NAMES) if f"`{name}`" not in page] == []


def test_an_event_is_known_by_its_call_and_place() -> None:
    assert KEY.event_id == "evt_018f-1_12"
    assert parse_event_id(KEY.event_id) == ("018f-1", 12)


@pytest.mark.parametrize(
    "text", ["", "evt_", "evt_x_0", "evt_x_01", "evt__1", "evt_x_1_", "msg_x_1", "evt_x_9999999999"]
)
def test_what_is_no_event_is_seen(text: str) -> None:
    assert parse_event_id(text) is None


def test_a_notice_has_the_id_of_its_event() -> None:
    notice = Notice(
        account_id="1",
        call_id="018f-1",
        sequence=12,
        name="ended",
        at=0.0,
        state="ended",
        user_number="201",
        user_name=None,
        user_leg="ended",
        destination_number="+13053452300",
        destination_caller_number="+18175629657",
        destination_leg="none",
    )
    assert notice.event_id == KEY.event_id


@pytest.mark.parametrize(
    ("reply", "is_taken"),
    [
        (Reply(200), True),
        (Reply(299), True),
        (Reply(199, "status 199"), False),
        (Reply(301, "status 301"), False),
        (Reply(None, "no answer"), False),
        (Reply(None), False),
        (Reply(300), False),
    ],
)
def test_only_an_answer_that_says_so_takes_an_event(reply: Reply, is_taken: bool) -> None:
    assert reply.is_taken is is_taken


def test_the_log_says_how_far_an_event_came() -> None:
    delivery = Delivery(
        key=KEY,
        name="ended",
        created_at=0.0,
        attempts=1,
        next_attempt_at=5.0,
        last_attempt_at=None,
        last_status=None,
        last_error=None,
        delivered_at=None,
    )
    assert delivery.state == "pending"
    assert replace(delivery, next_attempt_at=None).state == "failed"
    assert replace(delivery, next_attempt_at=None, delivered_at=1.0).state == "delivered"


@pytest.mark.parametrize("is_test", [False, True])
def test_the_webhooks_of_single_calls_are_known_by_their_account(is_test: bool) -> None:
    owner = CallWebhookOwner("1009683", is_test)
    webhook = call_webhook(owner, "secret")
    assert (webhook.account_id, webhook.secrets(0.0), webhook.is_of_calls) == ("1009683", ("secret",), True)
    assert owner_of_call_webhook(webhook.id) == owner
    assert not WEBHOOK.is_of_calls


def test_a_test_keys_webhook_hears_of_test_calls_only() -> None:
    live = a_call()
    test, accepted = simulated(live), event(live, 1, "accepted")
    webhook = replace(WEBHOOK, is_test=True)
    assert [webhook.is_told(call, accepted) for call in (live, test)] == [False, True]
    assert [WEBHOOK.is_told(call, accepted) for call in (live, test)] == [True, True]
