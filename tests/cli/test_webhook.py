"""Webhooks on the command line."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.cli.conftest import Ringbridge
from tests.notify.receiver import Behaviour, Receiver, answers, receiving


@contextmanager
def in_a_thread(behaviour: Behaviour) -> Iterator[Receiver]:
    """A receiver whose loop is not that of the command."""
    ready, stop = threading.Event(), asyncio.Event()
    found: list[Receiver] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        async with receiving(behaviour) as receiver:
            found.append(receiver)
            loops.append(asyncio.get_running_loop())
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(30.0)
        yield found[0]
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join()


@pytest.fixture
def webhook(ringbridge: Ringbridge, account: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Adds a webhook and returns its id."""
    monkeypatch.setenv("RINGBRIDGE_WEBHOOK_PRIVATE", "true")

    def add(url: str) -> str:
        result = ringbridge("webhook", "add", "--account", account, "--url", url, "--event", "ended")
        assert result.status == 0, result.err
        return result.out.split()[1]

    return add


def test_a_webhook_is_added_listed_and_removed(
    ringbridge: Ringbridge, account: str, webhook: Callable[[str], str]
) -> None:
    webhook_id = webhook("http://127.0.0.1:9/hook")

    [row] = json.loads(ringbridge("webhook", "list", "--account", account, "--json").out)
    assert (row["id"], row["url"], row["events"]) == (webhook_id, "http://127.0.0.1:9/hook", "ended")
    assert ringbridge("webhook", "remove", "--account", account, webhook_id) == (0, "", "")
    assert ringbridge("webhook", "remove", "--account", account, webhook_id).status == 2
    assert "no webhooks yet" in ringbridge("webhook", "list", "--account", account).err


@pytest.mark.parametrize(("behaviour", "status"), [(answers(204), 0), (answers(500), 1)])
def test_a_receiver_is_tried_out(
    ringbridge: Ringbridge,
    account: str,
    webhook: Callable[[str], str],
    behaviour: Behaviour,
    status: int,
) -> None:
    with in_a_thread(behaviour) as receiver:
        result = ringbridge("webhook", "test", "--account", account, webhook(receiver.url))

    assert result.status == status
    assert result.out == ("taken, status 204\n" if status == 0 else "not taken: status 500\n")
    assert json.loads(receiver.requests[0].body)["type"] == "webhook.test"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--url", "https://127.0.0.1/"), "Requests may not be sent to 127.0.0.1"),
        (("--url", "nonsense"), "Give a URL with https"),
        (
            ("--url", "https://example.com/", "--format", "xml"),
            "--format takes one of: ringbridge, net2phone",
        ),
        (("--url", "https://example.com/", "--event", "Ended!"), "is no name of an event"),
    ],
)
def test_what_cannot_be_a_webhook_is_refused(
    ringbridge: Ringbridge, account: str, words: tuple[str, ...], complaint: str
) -> None:
    result = ringbridge("webhook", "add", "--account", account, *words)

    assert result.status == 2
    assert complaint in result.err


def test_an_unknown_webhook_is_not_tried(ringbridge: Ringbridge, account: str) -> None:
    assert ringbridge("webhook", "test", "--account", account, "wh_1").status == 2


def test_an_unknown_account_has_no_webhooks(ringbridge: Ringbridge, webhook: Callable[[str], str]) -> None:
    result = ringbridge("webhook", "add", "--account", "9", "--url", "http://127.0.0.1:9/")
    assert result == (2, "", "ringbridge: There is no account 9.\n")
