"""The HTTP side of a test: places calls as a customer's program would, and waits until their outcome is known."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import aiohttp

from tests.peers.server import Server, destination_number, user_number
from tests.peers.tool import WAIT_SECONDS, poll

Shown = dict[str, Any]
"""A call as JSON."""


class Client:
    """One customer with its key."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    @classmethod
    @asynccontextmanager
    async def of(cls, server: Server) -> AsyncIterator[Self]:
        """A client with the credentials of the server's account."""
        headers = {"Authorization": server.deployment.authorization}
        async with aiohttp.ClientSession(server.url, headers=headers) as session:
            yield cls(session)

    async def place(self, user: int, destination: int) -> str:
        """Ask for a call between the line `user` and the destination number of that index; its id."""
        return await self.place_between(user_number(user), destination_number(destination))

    async def place_between(self, user_line: str, destination_line: str) -> str:
        """Ask for a call between two numbers; its id."""
        fields = {"user_line": user_line, "destination_line": destination_line}
        async with self._session.post("/api/v1/call", json=fields) as response:
            text = await response.text()
            assert response.status == 200, f"{response.status}: {text}"
            return str((await response.json())["api_request_id"])

    async def schedule(self, index: int, **options: Any) -> str:
        """Ask for a call between the line and the destination number of `index` with options of version 2; its id."""
        lines = {"user_line": user_number(index), "destination_line": destination_number(index)}
        async with self._session.post("/api/v2/calls", json=lines | options) as response:
            assert response.status == 201, f"{response.status}: {await response.text()}"
            return str((await response.json())["id"])

    async def schedule_once(self, index: int, key: str, **options: Any) -> str | None:
        """The same with an Idempotency-Key; None if the server is gone."""
        lines = {"user_line": user_number(index), "destination_line": destination_number(index)}
        headers = {"Idempotency-Key": key}
        with suppress(aiohttp.ClientError):
            async with self._session.post("/api/v2/calls", json=lines | options, headers=headers) as response:
                assert response.status in (200, 201), f"{response.status}: {await response.text()}"
                return str((await response.json())["id"])
        return None

    async def call(self, call_id: str) -> Shown:
        """The call as the API shows it now."""
        async with self._session.get(f"/api/v2/calls/{call_id}") as response:
            assert response.status == 200, f"{response.status}: {await response.text()}"
            shown: Shown = await response.json()
            return shown

    async def hang_up(self, call_id: str) -> None:
        """Give the call up."""
        async with self._session.delete(f"/api/v2/calls/{call_id}") as response:
            assert response.status < 300, f"{response.status}: {await response.text()}"

    async def act(self, call_id: str, action: str, **words: str) -> Shown:
        """Ask for a live action; the call as it was, or what is wrong, with its `status`."""
        async with self._session.post(f"/api/v2/calls/{call_id}/actions/{action}", json=words) as response:
            shown: Shown = await response.json()
            return {"status": response.status, **shown} if response.status == 202 else shown

    @asynccontextmanager
    async def asking(self, path: str, **headers: str) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to a GET while it is being read."""
        async with self._session.get(path, headers=headers) as answer:
            yield answer

    async def finished(self, call_id: str, *, seconds: float = WAIT_SECONDS) -> Shown:
        """The call once it is over."""
        await self.reaches(call_id, "ended", seconds=seconds)
        # While the database takes nothing, a follower hears of more than is stored.
        return await poll(
            lambda: self.call(call_id), lambda shown: shown["outcome"] is not None, "an outcome"
        )

    async def reaches(self, call_id: str, state: str, *, seconds: float = WAIT_SECONDS) -> None:
        """Return once an event has left the call in `state`."""
        await self._followed(call_id, "state", state, seconds)

    async def comes_to(self, call_id: str, name: str) -> None:
        """Return once the call has an event of this name."""
        await self._followed(call_id, "name", name, WAIT_SECONDS)

    async def _followed(self, call_id: str, member: str, wanted: str, seconds: float) -> None:
        """Follow the call's events until one is like that, coming back like an EventSource when the stream ends."""
        seen: list[str] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    position = {"Last-Event-ID": str(len(seen))}
                    url = f"/api/v2/calls/{call_id}/events"
                    async with self._session.get(url, headers=position) as events:
                        if events.status == 204:
                            break
                        async for line in events.content:
                            if line.startswith(b"data:"):
                                seen.append(json.loads(line.removeprefix(b"data:"))[member])
                                if seen[-1] == wanted:
                                    return
        except TimeoutError:
            pass
        raise AssertionError(f"call {call_id} had no {member} {wanted} within {seconds} s, only {seen}")

    async def sees_nothing_left(self) -> None:
        """Return once the server holds no call and no media port; an error if it goes on holding one."""
        await poll(self._held, lambda held: not any(held.values()), "a server at rest")

    async def gauges(self) -> dict[str, float]:
        """The server's metrics, by name."""
        async with self._session.get("/metrics") as response:
            text = await response.text()
        lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in lines}

    async def _held(self) -> dict[str, float]:
        gauges = await self.gauges()
        return {name: gauges[name] for name in ("ringbridge_calls", "ringbridge_media_sessions")}
