"""The HTTP side of a test: places calls as a customer's program would, and waits until their outcome is known."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp

from tests.peers.server import Server, destination_number, user_number
from tests.peers.tool import poll

OUTCOME_SECONDS = 10.0

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
        deployment = server.deployment
        auth = aiohttp.BasicAuth(deployment.account_id, deployment.api_key)
        async with aiohttp.ClientSession(server.url, auth=auth) as session:
            yield cls(session)

    async def place(self, user: int, destination: int) -> str:
        """Ask for a call between the line `user` and the destination number of that index; its id."""
        fields = {"user_line": user_number(user), "destination_line": destination_number(destination)}
        async with self._session.post("/api/v1/call", json=fields) as response:
            text = await response.text()
            assert response.status == 200, f"{response.status}: {text}"
            return str((await response.json())["api_request_id"])

    async def call(self, call_id: str) -> Shown:
        """The call as the API shows it now."""
        async with self._session.get(f"/api/v2/calls/{call_id}") as response:
            assert response.status == 200, f"{response.status}: {await response.text()}"
            shown: Shown = await response.json()
            return shown

    async def finished(self, call_id: str, *, seconds: float = OUTCOME_SECONDS) -> Shown:
        """The call once its outcome is known."""
        return await self.shows(call_id, lambda shown: shown["outcome"] is not None, seconds=seconds)

    async def shows(
        self, call_id: str, condition: Callable[[Shown], bool], *, seconds: float = OUTCOME_SECONDS
    ) -> Shown:
        """The call as soon as the API shows it as `condition` wants."""
        return await poll(
            lambda: self.call(call_id), condition, f"the state waited for of call {call_id}", seconds=seconds
        )
