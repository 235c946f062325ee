"""A program that places calls over HTTP and follows them: what a customer's own software would do."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import aiohttp

# The server's answer to a new call waits for its database at most two seconds.
ANSWER_SECONDS = 10.0

LOOK_AGAIN_SECONDS = 0.02

# What people call the fields that a refusal names.
_FIELDS = {"user_line": "user's line", "destination_line": "destination"}


class ServerRefused(Exception):
    """The server cannot be reached, or did not do what was asked; the text is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """One line of a call's history as the server told it; `at` is UTC seconds since 1970."""

    sequence: int
    name: str
    at: float
    state: str


class ApiClient:
    """Talks to the server at `url` with the value of an Authorization header. An async context manager."""

    def __init__(self, url: str, authorization: str) -> None:
        self._url = url.rstrip("/")
        self._authorization = authorization
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers={"Authorization": self._authorization})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def place(self, user_line: str, destination_line: str) -> str:
        """Ask for a call and return its id. Raises ServerRefused."""
        fields = {"user_line": user_line, "destination_line": destination_line}
        return str((await self._ask("POST", "/api/v1/call", fields))["api_request_id"])

    async def ended(self, call_id: str) -> dict[str, Any]:
        """All that is known of a call whose last event was told. Raises ServerRefused."""
        return await self._ask("GET", f"/api/v2/calls/{call_id}")

    async def hang_up(self, call_id: str) -> None:
        """End the call. Raises ServerRefused."""
        await self._ask("DELETE", f"/api/v2/calls/{call_id}")

    async def follow(self, call_id: str) -> AsyncIterator[ServerEvent]:
        """The call's history from its beginning to its end, as it happens. Raises ServerRefused.

        A stream that stops before the end is taken up again after its last event, as browsers do.
        """
        after = 0
        while True:
            async for event in self._events(call_id, after):
                after = event.sequence
                yield event
                if event.state == "ended":
                    return
            await moment()

    async def _events(self, call_id: str, after: int) -> AsyncIterator[ServerEvent]:
        url = f"{self._url}/api/v2/calls/{call_id}/events?after={after}"
        endless = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_SECONDS)
        try:
            async with self._session.get(url, timeout=endless) as answer:
                if answer.status != 200:
                    raise ServerRefused(_reason(answer, ""))
                # Of a server-sent event only the data is of interest: one line of JSON (HTML standard, section 9.2.6).
                async for line in answer.content:
                    if line.startswith(b"data:"):
                        yield _event(json.loads(line[5:]))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServerRefused(f"the server at {self._url} is gone in the middle of the call") from error

    async def _ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                self._session.request(method, self._url + path, json=fields) as answer,
            ):
                if answer.status >= 300:
                    raise ServerRefused(_reason(answer, await answer.text()))
                found = await answer.json()
        except (aiohttp.ClientError, ValueError) as error:
            raise ServerRefused(
                f"no ringbridge answers at {self._url}: start one with `ringbridge serve`, or name another one"
            ) from error
        except TimeoutError as error:
            raise ServerRefused(f"{self._url} did not answer within {ANSWER_SECONDS:g} s") from error
        if not isinstance(found, dict):
            raise ServerRefused(f"{self._url} is not a ringbridge server")
        return found


async def moment() -> None:
    """The time between two looks at something that is about to happen."""
    is_over = asyncio.Event()
    asyncio.get_running_loop().call_later(LOOK_AGAIN_SECONDS, is_over.set)
    await is_over.wait()


def _event(told: dict[str, Any]) -> ServerEvent:
    at = datetime.fromisoformat(told["at"].replace("Z", "+00:00")).timestamp()
    return ServerEvent(sequence=told["sequence"], name=told["name"], at=at, state=told["state"])


def _reason(answer: aiohttp.ClientResponse, body: str) -> str:
    """Why the server did not do it, for people; `body` tells which of two fields it does not like."""
    code = answer.headers.get("X-Error-Code", "")
    match answer.status:
        case 401:
            return "the server does not accept this account and key"
        case 404:
            return "the server knows no such call"
        case 429:
            return f"too many calls at once, try again in {answer.headers.get('Retry-After', '1')} s"
        case 500 | 503:
            return f"the server cannot place calls now ({code}): `ringbridge doctor` may say why"
        case 400:
            wrong = next((what for field, what in _FIELDS.items() if field in body), "numbers")
            return f"the server refused the {wrong} ({code})" if code else f"the server refused the {wrong}"
        case _:
            return f"the server answered {answer.status} {answer.reason} ({code or 'no reason given'})"
