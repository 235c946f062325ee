"""Somebody tries a phone in the portal, and goes: it is not left ringing, nor on the line, whatever becomes of the server."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest

from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import Deployment, Server, ringbridge, user_number
from tests.peers.tool import WAIT_SECONDS, free_sip_port

LINE = 60
PASSWORD = "correct horse battery staple"
FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def own(deployment: Deployment, tmp_path: Path) -> Deployment:
    """Data that outlives a server."""
    return deployment.copied_to(tmp_path / "data")


@pytest.fixture
async def phone(own: Deployment) -> AsyncIterator[Phone]:
    """The phone of all lines."""
    async with Phone.listening(own.user_port) as phone:
        yield phone


@asynccontextmanager
async def signed_in(url: str, own: Deployment) -> AsyncIterator[aiohttp.ClientSession]:
    """The browser of somebody who may try phones, by the link that the command line made for them."""
    words = ("--account", own.account_id, "--login", "ann", "--name", "Ann", "--server")
    path = re.sub(r"^http://[^/]+", "", ringbridge(own.data_dir, "user", "add", *words).strip())
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(url, cookie_jar=jar, headers=FROM_OUR_PAGE) as browser:
        async with browser.post(path, data={"password": PASSWORD}, allow_redirects=False) as answer:
            assert answer.status == 303, await answer.text()
        yield browser


def line_id(own: Deployment) -> str:
    with closing(sqlite3.connect(own.data_dir / "ringbridge.db")) as database:
        ((found,),) = database.execute("SELECT id FROM lines WHERE number = ?", (f"+{user_number(LINE)}",))
    return str(found)


async def begun(url: str, own: Deployment, phone: Phone, *, answers: bool) -> Leg:
    """The leg of a test whose page nobody looks at any more."""
    async with (
        signed_in(url, own) as browser,
        browser.post(f"/lines/{line_id(own)}/tests", allow_redirects=False) as answer,
    ):
        assert "/tests/" in answer.headers["Location"]
    leg = await phone.leg_to(user_number(LINE))
    leg.ring()
    if answers:
        leg.answer()
        await leg.heard("ACK")
    return leg


@pytest.mark.parametrize(("answers", "ending"), [(False, Ending.CANCELLED), (True, Ending.TALKED)])
async def test_a_server_that_stops_takes_its_phone_test_back(
    own: Deployment, phone: Phone, answers: bool, ending: Ending
) -> None:
    with Server.running(own) as server:
        leg = await begun(server.url, own, phone, answers=answers)
        server.process.terminate()
        assert await leg.settled() is ending


async def test_the_phone_of_a_test_whose_server_was_killed_is_released_by_the_next(
    own: Deployment, phone: Phone
) -> None:
    settings = {"RINGBRIDGE_SIP_PORT": str(free_sip_port())}
    legs: list[Leg] = []

    async def serve_until_killed() -> None:
        with Server.running(own, settings=settings) as server:
            legs.append(await begun(server.url, own, phone, answers=True))
            server.process.kill()
            await asyncio.to_thread(server.process.wait, WAIT_SECONDS)

    with pytest.raises(AssertionError, match="serve ended with status -9"):
        await serve_until_killed()
    assert legs[0].ending is Ending.GHOST
    with Server.running(own, settings=settings):
        assert await legs[0].settled() is Ending.TALKED
