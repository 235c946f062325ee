"""A carrier that asks for credentials (407): what it gets is right, and no password crosses the wire."""

import asyncio
import hashlib
import re
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import REPOSITORY, Deployment, Server, ringbridge, user_number
from tests.peers.sipp import Sipp
from tests.peers.tool import LOOPBACK
from tests.peers.wire import SipMessage

pytestmark = pytest.mark.peer

CALLS = 5
USERNAME = "1009683"
PASSWORD = "s3cret of the trunk"
SCENARIO = (REPOSITORY / "tests" / "scenarios" / "challenging_trunk.xml").read_text()


@pytest.fixture(scope="module")
def deployment(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The usual one, but its trunk has a user name and a password."""
    own = deployment.copied_to(tmp_path_factory.mktemp("credentials") / "data")
    ringbridge(own.data_dir, "trunk", "remove", "exchange")
    uri = f"sip:{LOOPBACK}:{own.trunk_port}"
    credentials = ("--username", USERNAME, "--password", PASSWORD)
    ringbridge(own.data_dir, "trunk", "add", "--name", "exchange", "--uri", uri, *credentials)
    return own


def challenging(
    server: Server, folder: Path, *, verdict: str, calls: int
) -> AbstractAsyncContextManager[Sipp]:
    """The carrier; `verdict` is "let through" or "refuse"."""
    return Sipp.running(
        SCENARIO.replace("VERDICT", verdict),
        port=server.deployment.trunk_port,
        calls=calls,
        folder=folder / "carrier",
    )


def is_right(invite: SipMessage) -> bool:
    """Whether the INVITE answers the challenge with the trunk's password (RFC 7616 section 3.4.1, MD5 and qop=auth)."""
    pairs = re.findall(r'(\w+)=(?:"([^"]*)"|([^", ]+))', invite.first("Proxy-Authorization"))
    given = {name: quoted or token for name, quoted, token in pairs}
    secret = md5(f"{USERNAME}:carrier.example:{PASSWORD}")
    middle = f"{given['nonce']}:{given['nc']}:{given['cnonce']}:auth"
    request = md5(f"INVITE:{invite.request_uri}")
    return (given["username"], given["response"]) == (USERNAME, md5(f"{secret}:{middle}:{request}"))


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


async def test_every_call_gets_through_with_the_right_password(
    server: Server, client: Client, user: Phone, tmp_path: Path
) -> None:
    async def one(index: int) -> str:
        call_id = await client.place(index, index)
        leg = await user.leg_to(user_number(index))
        leg.answer()
        await client.reaches(call_id, "connected")
        leg.hang_up()
        return str((await client.finished(call_id))["outcome"])

    async with challenging(server, tmp_path, verdict="let through", calls=CALLS) as carrier:
        outcomes = await asyncio.gather(*map(one, range(CALLS)))
        assert await carrier.finished() == 0, carrier.complaints()

    assert outcomes == ["completed"] * CALLS
    assert carrier.kinds().count("407 INVITE") == CALLS
    invites = [message for sent, message in carrier.messages() if not sent and message.kind == "INVITE"]
    answers = [invite for invite in invites if invite.all("Proxy-Authorization")]
    assert len(answers) >= CALLS
    assert all(map(is_right, answers))
    assert PASSWORD.encode() not in (carrier.folder / "messages.log").read_bytes()


async def test_credentials_that_are_refused_are_sent_once_and_the_user_is_told(
    server: Server, client: Client, user: Phone, tmp_path: Path
) -> None:
    async with challenging(server, tmp_path, verdict="refuse", calls=1) as carrier:
        call_id = await client.place(0, 0)
        (await user.leg_to(user_number(0))).answer()
        shown = await client.finished(call_id)
        assert await carrier.finished() == 0, carrier.complaints()

    assert (shown["outcome"], shown["destination"]["sip_status"]) == ("destination_unreachable", 403)
    assert carrier.kinds().count("INVITE") == 2
