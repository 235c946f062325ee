"""One request to receivers that behave, and to those that do not."""

import asyncio
import base64
import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ringbridge.call.webhook import InvalidWebhook, Webhook
from ringbridge.notify.address import PRIVATE_NETWORKS, Network
from ringbridge.notify.names import MOST_OF_AN_ACCOUNT
from ringbridge.notify.sender import Sender, check_as_written
from tests.notify.receiver import (
    Behaviour,
    Received,
    answers,
    breaks_off,
    drips,
    hangs,
    head_never_ends,
    never_ends,
    receiving,
)

NOW = 1_700_000_000.7
EVENT_ID = "evt_018f0000-0000-7000-8000-000000000001_3"
SECRET = base64.b64encode(bytes(range(32))).decode()
NEW_SECRET = base64.b64encode(bytes(range(100, 132))).decode()
WEBHOOK = Webhook(
    id="wh_1", account_id="1009683", url="http://127.0.0.1:1/", secret=f"whsec_{SECRET}", created_at=0.0
)
BODY = '{"name":"José"}'.encode()

# Long enough for a busy machine to answer in, short enough to wait for.
TOTAL_SECONDS = 3.0


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    """One that may send to loopback."""
    async with Sender(PRIVATE_NETWORKS, TOTAL_SECONDS) as sender:
        yield sender


def is_signed(request: Received, secret: str, tolerance_seconds: float = 300.0) -> bool:
    """Whether the request verifies as Standard Webhooks says, by OpenSSL and not by code of ours."""
    if abs(NOW - int(request.headers["webhook-timestamp"])) > tolerance_seconds:
        return False
    signed = (
        f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    )
    key = base64.b64decode(secret).hex()
    digest = subprocess.run(
        ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key}", "-binary"],
        input=signed,
        capture_output=True,
        check=True,
    ).stdout
    return f"v1,{base64.b64encode(digest).decode()}" in request.headers["webhook-signature"].split(" ")


async def test_a_request_is_signed_and_names_its_event(sender: Sender) -> None:
    async with receiving(answers(204)) as receiver:
        reply = await sender.send(replace(WEBHOOK, url=receiver.url), EVENT_ID, BODY, NOW)

    [request] = receiver.requests
    assert (reply.is_taken, reply.status) == (True, 204)
    assert (request.path, request.body) == ("/hook", BODY)
    assert request.headers["webhook-id"] == EVENT_ID
    assert request.headers["webhook-timestamp"] == "1700000000"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert is_signed(request, SECRET)


async def test_h4_an_independent_verifier_refuses_what_was_changed(sender: Sender) -> None:
    async with receiving(answers(200)) as receiver:
        await sender.send(replace(WEBHOOK, url=receiver.url), EVENT_ID, BODY, NOW)

    [request] = receiver.requests
    assert not is_signed(request._replace(body=BODY + b" "), SECRET)
    assert not is_signed(request._replace(headers=request.headers | {"webhook-id": "evt_x_1"}), SECRET)
    assert not is_signed(
        request._replace(headers=request.headers | {"webhook-timestamp": "1700000001"}), SECRET
    )
    assert not is_signed(
        request._replace(headers=request.headers | {"webhook-timestamp": "1699990000"}), SECRET
    )
    assert not is_signed(request, NEW_SECRET)


async def test_h4_after_a_rotation_both_secrets_sign_for_a_while(sender: Sender) -> None:
    rotated = replace(
        WEBHOOK,
        secret=f"whsec_{NEW_SECRET}",
        previous_secret=WEBHOOK.secret,
        previous_secret_until=NOW + 60.0,
    )
    async with receiving(answers(200)) as receiver:
        rotated = replace(rotated, url=receiver.url)
        await sender.send(rotated, EVENT_ID, BODY, NOW)
        await sender.send(rotated, EVENT_ID, BODY, NOW + 60.0)

    during, after = receiver.requests
    assert is_signed(during, SECRET)
    assert is_signed(during, NEW_SECRET)
    assert len(during.headers["webhook-signature"].split(" ")) == 2
    assert not is_signed(after, SECRET)
    assert is_signed(after, NEW_SECRET)


@pytest.mark.parametrize(
    ("behaviour", "status", "error"),
    [
        (answers(500), 500, "status 500"),
        (answers(404), 404, "status 404"),
        (answers(410), 410, "status 410"),
        (answers(301, "Location: http://127.0.0.1:1/"), 301, "status 301"),
        (hangs, None, "no whole answer within 3 seconds"),
        (drips, None, "no whole answer within 3 seconds"),
    ],
)
async def test_h1_what_is_not_taken_says_why(
    sender: Sender, behaviour: Behaviour, status: int | None, error: str
) -> None:
    async with receiving(behaviour) as receiver:
        reply = await sender.send(replace(WEBHOOK, url=receiver.url), EVENT_ID, BODY, NOW)

    assert (reply.is_taken, reply.status, reply.error) == (False, status, error)
    assert len(receiver.requests) == 1


async def test_h1_an_answer_that_breaks_off_is_none(sender: Sender) -> None:
    async with receiving(breaks_off) as receiver:
        reply = await sender.send(replace(WEBHOOK, url=receiver.url), EVENT_ID, BODY, NOW)

    assert not reply.is_taken
    assert reply.error is not None


async def test_h1_an_answer_without_end_is_not_read_to_it(sender: Sender) -> None:
    async with receiving(never_ends) as receiver:
        async with asyncio.timeout(TOTAL_SECONDS):
            reply = await sender.send(replace(WEBHOOK, url=receiver.url), EVENT_ID, BODY, NOW)

    assert reply.is_taken
    # We read 64 KiB of ten gigabytes; the rest of these is in buffers of the system.
    assert receiver.written < 33_554_432


async def test_h1_a_head_without_end_is_not_read_to_it(sender: Sender) -> None:
    async with receiving(head_never_ends) as receiver:
        reply = await sender.send(replace(WEBHOOK, url=receiver.url), EVENT_ID, BODY, NOW)

    assert not reply.is_taken
    assert reply.error is not None
    assert len(reply.error) <= 200
    assert receiver.written < 33_554_432


async def test_h1_a_redirect_is_not_followed(sender: Sender) -> None:
    async with (
        receiving(answers(200)) as elsewhere,
        receiving(answers(307, f"Location: {elsewhere.url}")) as receiver,
    ):
        reply = await sender.send(replace(WEBHOOK, url=receiver.url), EVENT_ID, BODY, NOW)

    assert reply.status == 307
    assert elsewhere.connections == 0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Tue, 14 Nov 2023 22:15:20 GMT", 119.3),
        ("Tue, 14 Nov 2000 22:15:20 GMT", 0.0),
        ("soon", 0.0),
        ("9" * 30, 0.0),
    ],
)
async def test_a_receiver_says_how_long_to_leave_it_alone(sender: Sender, value: str, seconds: float) -> None:
    async with receiving(answers(503, f"Retry-After: {value}")) as receiver:
        reply = await sender.send(replace(WEBHOOK, url=receiver.url), EVENT_ID, BODY, NOW)

    assert reply.retry_after_seconds == pytest.approx(seconds)


async def test_nobody_listens(sender: Sender) -> None:
    async with receiving(answers(200)) as receiver:
        url = receiver.url
    reply = await sender.send(replace(WEBHOOK, url=url), EVENT_ID, BODY, NOW)

    assert not reply.is_taken
    assert reply.error is not None
    assert "Cannot connect" in reply.error


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "localhost",
        "localhost.",
        "localhost.localdomain",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:0:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[::1]",
        "[::]",
        "0.0.0.0",
        "0",
    ],
)
async def test_h3_no_socket_is_made_to_this_machine_whatever_it_is_called(host: str) -> None:
    async with receiving(answers(200)) as receiver, Sender((), TOTAL_SECONDS) as strict:
        url = f"http://{host}:{receiver.port}/hook"
        reply = await strict.send(replace(WEBHOOK, url=url), EVENT_ID, BODY, NOW)
        with pytest.raises(InvalidWebhook):
            await strict.check(WEBHOOK.account_id, url.replace("http:", "https:"))

    assert not reply.is_taken
    assert receiver.connections == 0


async def test_h3_a_name_that_leads_elsewhere_since_it_was_checked_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses = iter(["203.0.114.9", "127.0.0.1"])

    def rebinding(host: str, port: int, *_: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (next(addresses), port))]

    async with receiving(answers(200)) as receiver, Sender((), TOTAL_SECONDS) as strict:
        url = f"https://rebinding.example.com:{receiver.port}/hook"
        monkeypatch.setattr("ringbridge.notify.names.socket.getaddrinfo", rebinding)
        await strict.check(WEBHOOK.account_id, url)
        reply = await strict.send(replace(WEBHOOK, url=url), EVENT_ID, BODY, NOW)

    assert reply.error == "the address is private, or not for everybody"
    assert receiver.connections == 0


async def test_h1_names_that_hang_keep_no_other_account_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    asked: list[str] = []
    look_up = socket.getaddrinfo

    def sometimes_silent(host: str, port: int, *values: int) -> list[tuple[Any, ...]]:
        if host.endswith("silent.example.com"):
            asked.append(host)
            answered.wait()
        return list(look_up("127.0.0.1", port, *values))

    monkeypatch.setattr("ringbridge.notify.names.socket.getaddrinfo", sometimes_silent)
    async with receiving(answers(200)) as receiver, Sender(PRIVATE_NETWORKS, 60.0) as sender:
        silent = [
            replace(WEBHOOK, url=f"http://{number}.silent.example.com:{receiver.port}/")
            for number in range(100)
        ]
        hanging = [asyncio.create_task(sender.send(one, EVENT_ID, BODY, NOW)) for one in silent]
        other = replace(WEBHOOK, account_id="2000000", url=f"http://good.example.com:{receiver.port}/")
        reply = await sender.send(other, EVENT_ID, BODY, NOW)
        refused = await asyncio.gather(*hanging)
        begun = len(asked)
        answered.set()

    assert reply.is_taken
    assert len(receiver.requests) == 1
    assert begun == MOST_OF_AN_ACCOUNT
    assert all("the name cannot be looked up in time" in (one.error or "") for one in refused)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.com/",
        "https://",
        "https:///path",
        "https://user:password@127.0.0.1/",
        "https://127.0.0.1:99999/",
        "https://127.0.0.1:0/",
        "https://127.0.0.1/a b",
        "https://127.0.0.1/\x00",
        "https://[::1",
        "https://127.0.0.1/" + "a" * 2048,
        "https://nowhere.invalid/",
        f"https://{'a' * 70}.com/",
    ],
)
async def test_what_is_no_url_of_a_receiver_is_refused(sender: Sender, url: str) -> None:
    with pytest.raises(InvalidWebhook):
        await sender.check(WEBHOOK.account_id, url)


@pytest.mark.parametrize(
    ("url", "allowed", "is_fine"),
    [
        ("https://10.0.0.1/hook", (), False),
        ("https://10.0.0.1/hook", PRIVATE_NETWORKS, True),
        ("https://[::1]/hook", (), False),
        ("https://169.254.169.254/", PRIVATE_NETWORKS, False),
        ("https://203.0.114.9/hook", (), True),
        ("http://203.0.114.9/hook", PRIVATE_NETWORKS, False),
        ("http://example.com/hook", (), False),
        ("http://crm.internal/hook", PRIVATE_NETWORKS, True),
        ("https://nowhere.invalid/hook", (), True),
        ("https://ada:secret@example.com/", (), False),
    ],
)
def test_without_a_look_up_only_what_is_written_is_judged(
    url: str, allowed: Sequence[Network], is_fine: bool
) -> None:
    with contextlib.nullcontext() if is_fine else pytest.raises(InvalidWebhook):
        check_as_written(url, allowed)


async def test_plain_http_leads_only_into_allowed_networks(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def public(host: str, port: int, *_: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", ("203.0.114.9", port))]

    await sender.check(WEBHOOK.account_id, "http://127.0.0.1/hook")
    monkeypatch.setattr("ringbridge.notify.names.socket.getaddrinfo", public)
    await sender.check(WEBHOOK.account_id, "https://example.com/hook")
    with pytest.raises(InvalidWebhook, match="https"):
        await sender.check(WEBHOOK.account_id, "http://example.com/hook")
    reply = await sender.send(replace(WEBHOOK, url="http://example.com/hook"), EVENT_ID, BODY, NOW)
    assert reply.error == "the address is private, or not for everybody"


async def test_a_certificate_is_checked_and_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    replies = []
    for name in ("127.0.0.1", "other.example.com"):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(tls)
        for trusts in (True, False):
            with monkeypatch.context() as patched:
                if trusts:
                    patched.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
                async with receiving(answers(200), tls) as receiver, Sender(PRIVATE_NETWORKS, 5.0) as sender:
                    url = receiver.url.replace("http:", "https:")
                    reply = await sender.send(replace(WEBHOOK, url=url), EVENT_ID, BODY, NOW)
                    replies.append((reply.is_taken, len(receiver.requests)))

    assert replies == [(True, 1), (False, 0), (False, 0), (False, 0)]
