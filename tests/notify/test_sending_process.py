"""The process that sends, with receivers that take what it brings, and what happens when it ends."""

import asyncio
import json
import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ringbridge.call.webhook import InvalidWebhook, Webhook
from ringbridge.notify.address import PRIVATE_NETWORKS
from ringbridge.notify.sending_process import SendingProcess
from ringbridge.notify.sending_worker import packed, webhook_fields
from tests.notify.receiver import PATIENCE_SECONDS, answers, hangs, receiving

NOW = 1_700_000_000.0
WEBHOOK = Webhook(
    id="wh_1", account_id="1009683", url="http://127.0.0.1:1/", secret="whsec_" + "A" * 44, created_at=0.0
)


async def test_it_sends_what_the_sender_would() -> None:
    async with (
        receiving(answers(503, "Retry-After: 7")) as receiver,
        SendingProcess(PRIVATE_NETWORKS) as sending,
    ):
        webhook = replace(WEBHOOK, url=receiver.url)
        busy = await sending.send(webhook, "evt_1_1", '{"name":"José"}'.encode(), NOW)
        receiver.behaviour = answers(204)
        taken = await sending.test(webhook, NOW)

    first, second = receiver.requests
    assert (busy.status, busy.error, busy.retry_after_seconds) == (503, "status 503", 7.0)
    assert taken.is_taken
    assert first.body.decode() == '{"name":"José"}'
    assert first.headers["webhook-signature"].startswith("v1,")
    assert second.headers["webhook-id"].startswith("evt_test_")
    assert json.loads(second.body)["id"] == second.headers["webhook-id"]


async def test_it_imports_nothing_from_where_the_server_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uvloop.py").write_text("raise SystemExit('not what was installed')")
    monkeypatch.chdir(tmp_path)
    async with receiving(answers(200)) as receiver, SendingProcess(PRIVATE_NETWORKS) as sending:
        assert (await sending.test(replace(WEBHOOK, url=receiver.url), NOW)).is_taken


async def test_it_refuses_what_the_sender_would() -> None:
    async with receiving(answers(200)) as receiver, SendingProcess() as sending:
        with pytest.raises(InvalidWebhook, match="private"):
            await sending.check("1009683", receiver.url.replace("http", "https"))
        refused = await sending.send(replace(WEBHOOK, url=receiver.url), "evt_1_1", b"{}", NOW)

    assert refused.error == "the address is private, or not for everybody"
    assert receiver.connections == 0


async def test_many_requests_are_under_way_at_once() -> None:
    async with (
        receiving(hangs) as silent,
        receiving(answers(200)) as good,
        SendingProcess(PRIVATE_NETWORKS) as sending,
    ):
        hanging = replace(WEBHOOK, url=silent.url)
        waiting = [
            asyncio.create_task(sending.send(hanging, "evt_1_1", b"x" * 100_000, NOW)) for _ in range(100)
        ]
        await silent.until(lambda it: len(it.requests) == 100)
        reply = await sending.send(replace(WEBHOOK, url=good.url), "evt_1_2", b"{}", NOW)
        assert reply.is_taken
        assert not any(one.done() for one in waiting)
    assert {(await one).error for one in waiting} == {"the process that sends has ended"}


async def test_when_it_is_killed_nothing_counts_as_taken_and_another_goes_on() -> None:
    async with receiving(hangs) as receiver, SendingProcess(PRIVATE_NETWORKS) as sending:
        webhook = replace(WEBHOOK, url=receiver.url)
        waiting = asyncio.create_task(sending.send(webhook, "evt_1_1", b"{}", NOW))
        await receiver.until(lambda it: bool(it.requests))
        first = sending.process_id
        assert first is not None
        os.kill(first, signal.SIGKILL)
        lost = await waiting
        receiver.behaviour = answers(200)
        again = await sending.send(webhook, "evt_1_1", b"{}", NOW)

        assert lost.error == "the process that sends has ended"
        assert again.is_taken
        assert sending.process_id != first


async def test_one_that_answers_nothing_any_more_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringbridge.notify.sending_process._GRACE_SECONDS", 0.5)
    async with receiving(answers(200)) as receiver, SendingProcess(PRIVATE_NETWORKS, 15.0) as sending:
        webhook = replace(WEBHOOK, url=receiver.url)
        assert (await sending.send(webhook, "evt_1_1", b"{}", NOW)).is_taken
        assert sending.process_id is not None
        os.kill(sending.process_id, signal.SIGSTOP)
        sending._total_seconds = 0.5
        assert not (await sending.send(webhook, "evt_1_2", b"{}", NOW)).is_taken
        sending._total_seconds = 15.0
        assert (await sending.send(webhook, "evt_1_2", b"{}", NOW)).is_taken


async def test_it_outlives_signals_to_all_processes_of_the_server_and_ends_with_it() -> None:
    async with receiving(answers(200)) as receiver, SendingProcess(PRIVATE_NETWORKS) as sending:
        webhook = replace(WEBHOOK, url=receiver.url)
        assert (await sending.send(webhook, "evt_1_1", b"{}", NOW)).is_taken
        process = sending.process_id
        assert process is not None
        os.kill(process, signal.SIGTERM)
        os.kill(process, signal.SIGINT)
        assert (await sending.send(webhook, "evt_1_2", b"{}", NOW)).is_taken
        assert sending.process_id == process
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


async def test_it_ends_when_the_server_was_killed_whatever_it_waits_for() -> None:
    async with receiving(hangs) as receiver:
        ours, theirs = socket.socketpair()
        with theirs:
            words = (str(theirs.fileno()), "127.0.0.0/8", "600.0")
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ringbridge.notify.sending_worker", *words),
                pass_fds=(theirs.fileno(),),
            )
        order = [1, "send", webhook_fields(replace(WEBHOOK, url=receiver.url)), "evt_1_1", "{}", NOW]
        ours.send(packed(order))
        await receiver.until(lambda it: bool(it.requests))
        # The kernel closes what a killed process had open.
        ours.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            status = await process.wait()

    assert status == 0


async def test_secrets_of_the_server_are_not_told_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBRIDGE_DATABASE_URL", "postgresql://user:password@127.0.0.1/x")
    async with receiving(answers(200)) as receiver, SendingProcess(PRIVATE_NETWORKS) as sending:
        await sending.send(replace(WEBHOOK, url=receiver.url), "evt_1_1", b"{}", NOW)
        environment = await asyncio.to_thread(Path(f"/proc/{sending.process_id}/environ").read_bytes)

    assert b"password" not in environment
