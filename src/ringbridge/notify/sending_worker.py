"""The process that sends webhooks: `python -m ringbridge.notify.sending_worker FD ALLOWED SECONDS`.

A process of its own (docs/decisions/0016-webhooks-leave-by-a-process-of-their-own.md): what a request costs, what a
receiver answers and what its name servers do meet no call there. It reads orders from the socket FD and answers each
when it is done, in any order. It ends with that connection, which the kernel sees to even when the server is killed.

Signals that ask to end it ignores: service managers send them to every process of a server, which then drains first.
"""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

import uvloop

from ringbridge.call.webhook import InvalidWebhook, Reply, Webhook, WebhookFormat
from ringbridge.notify.address import Network, parse_networks
from ringbridge.notify.sender import Sender

LENGTH_OCTETS = 4
"""Before each order and each answer: its length, the most significant octet first. What follows is JSON."""

# Where the machine is short of time, calls come first.
_NICE = 5

Order = list[Any]


def packed(content: Sequence[Any]) -> bytes:
    """An order or an answer as it goes over the socket."""
    text = json.dumps(content, separators=(",", ":")).encode()
    return len(text).to_bytes(LENGTH_OCTETS, "big") + text


def webhook_fields(webhook: Webhook) -> Order:
    """What of a webhook is needed to send to it; `webhook_of` takes it."""
    return [
        webhook.id,
        webhook.account_id,
        webhook.url,
        webhook.format.value,
        webhook.secret,
        webhook.previous_secret,
        webhook.previous_secret_until,
    ]


def webhook_of(fields: Order) -> Webhook:
    """The webhook of which these are the fields."""
    id_, account_id, url, kind, secret, previous_secret, until = fields
    return Webhook(
        id=id_,
        account_id=account_id,
        url=url,
        format=WebhookFormat(kind),
        secret=secret,
        previous_secret=previous_secret,
        previous_secret_until=until,
        created_at=0.0,
    )


def main(words: list[str]) -> int:
    """Serve until the connection ends."""
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, signal.SIG_IGN)
    os.nice(_NICE)
    descriptor, allowed, seconds = words
    uvloop.run(_serve(socket.socket(fileno=int(descriptor)), parse_networks(allowed), float(seconds)))
    return 0


async def _serve(connection: socket.socket, allowed: Sequence[Network], seconds: float) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    running: set[asyncio.Task[None]] = set()
    async with Sender(allowed, seconds) as sender:
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(LENGTH_OCTETS), "big")
                order = json.loads(await reader.readexactly(length))
                task = asyncio.create_task(_carry_out(order, sender, writer))
                running.add(task)
                task.add_done_callback(running.discard)
        except (asyncio.IncompleteReadError, ConnectionError):
            # The server is gone; what was not answered is sent again by the next.
            for task in list(running):
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def _carry_out(order: Order, sender: Sender, writer: asyncio.StreamWriter) -> None:
    number, kind, *rest = order
    reply = Reply(None)
    invalid: str | None = None
    try:
        match kind:
            case "check":
                await sender.check(*rest)
            case "send":
                fields, event_id, body, utc_now = rest
                reply = await sender.send(webhook_of(fields), event_id, body.encode(), utc_now)
            case "test":
                fields, utc_now = rest
                reply = await sender.test(webhook_of(fields), utc_now)
    except InvalidWebhook as error:
        invalid = str(error)
    except Exception as error:  # noqa: BLE001 - whatever one receiver brings about must not leave its order unanswered
        reply = Reply(None, f"{type(error).__name__}: {error}"[:200])
    writer.write(packed([number, invalid, *reply]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
