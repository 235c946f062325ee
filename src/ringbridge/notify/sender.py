"""One HTTP request to a webhook's receiver, which may be anything: slow, broken, endless, or not the receiver's at all.

The address is checked where the socket for it is made, so it is that of the socket in use, whatever the name said
when the webhook was made. Redirects are answers like any other that is not 2xx.
"""

import contextlib
import email.utils
import errno
import ipaddress
import math
import re
import secrets
import socket
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from ringbridge import __version__
from ringbridge.call.webhook import InvalidWebhook, Reply, Webhook
from ringbridge.notify.address import Network, is_allowed, may_send
from ringbridge.notify.names import Names, looking_up_for
from ringbridge.notify.payload import test_body
from ringbridge.notify.signature import signature

TOTAL_SECONDS = 15.0
CONNECT_SECONDS = 5.0
LONGEST_ANSWER = 65_536

_REFUSED = "the address is private, or not for everybody"


class Sender:
    """Sends over connections that it keeps for a while. `allowed`: networks that need not be public.

    An async context manager: leaving it closes the connections.
    """

    def __init__(self, allowed: Sequence[Network] = (), total_seconds: float = TOTAL_SECONDS) -> None:
        self._allowed = allowed
        self._total_seconds = total_seconds
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._names = Names()

    async def __aenter__(self) -> Self:
        # What is sent names people's numbers: in plain text it goes into allowed networks only.
        for scheme, permits in (("https", may_send), ("http", is_allowed)):
            self._sessions[scheme] = self._session(permits)
        return self

    def _session(self, permits: Callable[[str, Sequence[Network]], bool]) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            # The dispatcher says how many there are: waiting here would count as the receiver's silence.
            limit=0,
            resolver=self._names,
            # Who asks for a name waits for nobody else who does.
            use_dns_cache=False,
            ssl=ssl.create_default_context(),
            socket_factory=partial(self._socket_for, permits),
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self._total_seconds, sock_connect=CONNECT_SECONDS),
            headers={"User-Agent": f"ringbridge/{__version__}"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in self._sessions.values():
            await session.close()

    async def check(self, account_id: str, url: str) -> None:
        """Whether the account's webhook may have this URL, by what its name leads to now. Raises InvalidWebhook."""
        host, port = parse_url(url)
        try:
            with looking_up_for(account_id):
                found = await self._names.resolve(host, port, socket.AF_UNSPEC)
        except (OSError, UnicodeError):
            raise InvalidWebhook(f"The name {host} cannot be looked up.") from None
        _require_allowed(url, host, [one["host"] for one in found], self._allowed)

    async def send(self, webhook: Webhook, event_id: str, body: bytes, utc_now: float) -> Reply:
        """Send `body`, signed at `utc_now`, and read the answer. Whatever the receiver does is in the reply."""
        timestamp = int(utc_now)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(webhook.secrets(utc_now), event_id, timestamp, body),
        }
        try:
            with looking_up_for(webhook.account_id):
                return await self._post(webhook.url, body, headers, utc_now)
        except TimeoutError:
            return Reply(None, f"no whole answer within {self._total_seconds:g} seconds")
        except aiohttp.ClientConnectorCertificateError:
            return Reply(None, "the certificate is not valid for the name")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Reply(None, _REFUSED if _REFUSED in str(error) else _short(error))

    async def test(self, webhook: Webhook, utc_now: float) -> Reply:
        """Send an event that never was, once, signed as others are."""
        event_id = f"evt_test_{secrets.token_hex(8)}"
        body = test_body(webhook.format, event_id, webhook.account_id, utc_now)
        return await self.send(webhook, event_id, body, utc_now)

    async def _post(self, url: str, body: bytes, headers: dict[str, str], utc_now: float) -> Reply:
        session = self._sessions["http" if urlsplit(url).scheme == "http" else "https"]
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            octets = 0
            async for chunk in answer.content.iter_any():
                octets += len(chunk)
                if octets > LONGEST_ANSWER:
                    # The rest is not waited for, and the connection with it is of no more use.
                    answer.close()
                    break
            if 200 <= answer.status < 300:
                return Reply(answer.status)
            wait = _retry_after_seconds(answer.headers.get("Retry-After", ""), utc_now)
            return Reply(answer.status, f"status {answer.status}", wait)

    def _socket_for(
        self, permits: Callable[[str, Sequence[Network]], bool], info: tuple[Any, ...]
    ) -> socket.socket:
        """The socket for an address that was looked up or written in the URL; called for each before it is connected."""
        family, kind, protocol, _, address = info
        if not permits(address[0], self._allowed):
            raise OSError(errno.EPERM, _REFUSED)
        connection = socket.socket(family, kind, protocol)
        connection.setblocking(False)
        return connection


def check_as_written(url: str, allowed: Sequence[Network]) -> None:
    """Whether a receiver may have this URL, as far as that is seen without a look-up of its name. Raises InvalidWebhook."""
    host, _ = parse_url(url)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        _require_allowed(url, host, (), allowed)
    else:
        _require_allowed(url, host, (host,), allowed)


def _require_allowed(url: str, host: str, addresses: Sequence[str], allowed: Sequence[Network]) -> None:
    """Raises InvalidWebhook for a URL that leads to these addresses, one of which is not sent to."""
    if not all(may_send(address, allowed) for address in addresses):
        raise InvalidWebhook(f"Requests may not be sent to {host}: {_REFUSED}.")
    if urlsplit(url).scheme == "http" and not (
        allowed and all(is_allowed(one, allowed) for one in addresses)
    ):
        raise InvalidWebhook("Use https: what is sent names people's numbers.")


def parse_url(url: str) -> tuple[str, int]:
    """The host and port of a receiver's URL. Raises InvalidWebhook for what is no such URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (
            (parts.hostname or "").encode("idna").decode()
            if ":" not in (parts.hostname or "")
            else parts.hostname
        )
    except ValueError:
        raise InvalidWebhook("This is not a URL.") from None
    if parts.scheme not in {"https", "http"} or not host:
        raise InvalidWebhook("Give a URL with https, for example https://crm.example.com/calls.")
    if parts.username is not None or parts.password is not None:
        raise InvalidWebhook("Give a URL without credentials: requests are signed.")
    if len(url) > 2048 or not url.isprintable() or " " in url or port == 0:
        raise InvalidWebhook("This is not a URL.")
    return host, port or (443 if parts.scheme == "https" else 80)


def _short(error: Exception) -> str:
    text = "".join(character for character in str(error) if character.isprintable())
    return (text or type(error).__name__)[:200]


def _retry_after_seconds(text: str, utc_now: float) -> float:
    """What a `Retry-After` says (RFC 9110 section 10.2.3), in seconds or as a date; 0.0 for what says nothing."""
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    with contextlib.suppress(ValueError, TypeError):
        seconds = email.utils.parsedate_to_datetime(text).timestamp() - utc_now
        return max(0.0, seconds) if math.isfinite(seconds) else 0.0
    return 0.0
