"""Calls with SRTP, whose keys are in the session descriptions (RFC 4568): required, wished for, and out of reach."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.peers.certificates import Authority
from tests.peers.client import Client
from tests.peers.phone import Ending, Leg
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.stream_phone import StreamPhone
from tests.peers.tool import LOOPBACK, WAIT_SECONDS
from tests.scenarios.audio import (
    compare,
    destinations_baresip,
    talk,
    users_baresip,
)
from tests.scenarios.relays import serving_with

pytestmark = pytest.mark.peer

PLAIN, OPTIONAL, REQUIRED = 1, 2, 8001
"""Lines, and numbers of trunks, with that choice of `--srtp`."""

SUITE = "AES_CM_128_HMAC_SHA1_80"
RTP_OCTETS, TAG_OCTETS = 12 + 160, 10


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who has issued every certificate here."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def deployment(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Lines and trunks over TLS; numbers from 8000 on go over a trunk that requires SRTP, or else over one that does not."""
    ca = ("--tls-ca", str(authority.file))
    made = Deployment.provision(
        tmp_path_factory.mktemp("deployment") / "data", lines=2, transport="tls", trunk_words=ca
    )
    for line, srtp in ((OPTIONAL, "optional"), (REQUIRED, "required")):
        number = user_number(line)
        uri = f"sip:{number}@{LOOPBACK}:{made.user_port};transport=tls"
        added = ("--account", made.account_id, "--number", f"+{number}", "--uri", uri, "--srtp", srtp)
        ringbridge(made.data_dir, "line", "add", *added)
    prefix = f"+{destination_number(REQUIRED)[:-3]}"
    uri = f"sip:{LOOPBACK}:{made.trunk_port};transport=tls"
    secure = ("--name", "secure", "--uri", uri, "--prefix", prefix, "--srtp", "required", *ca)
    ringbridge(made.data_dir, "trunk", "add", *secure)
    return made


@pytest.fixture(scope="module", params=["rtpengine"])
def server(
    request: pytest.FixtureRequest,
    deployment: Deployment,
    authority: Authority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """A server that speaks TLS, with a relay that speaks SRTP."""
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(authority.file))
        # baresip hangs up over a connection of its own.
        settings = authority.issue(LOOPBACK, as_="own").settings()
        with serving_with(request.param, own, settings=settings) as running:
            yield running


@pytest.fixture
async def user(deployment: Deployment, authority: Authority) -> AsyncIterator[StreamPhone]:
    """The phone that every user's line rings at."""
    context = authority.server_context(authority.issue(LOOPBACK, as_="user"))
    async with StreamPhone.listening_for_connections(deployment.user_port, tls=context) as phone:
        yield phone


@pytest.fixture
async def destination(deployment: Deployment, authority: Authority) -> AsyncIterator[StreamPhone]:
    """The far end of both trunks."""
    context = authority.server_context(authority.issue(LOOPBACK, as_="trunk"))
    async with StreamPhone.listening_for_connections(deployment.trunk_port, tls=context) as phone:
        yield phone


def crypto_line(key: bytes, tag: int = 1) -> str:
    return f"a=crypto:{tag} {SUITE} inline:{base64.b64encode(key).decode()}"


def encrypted(body: bytes, key: bytes, *, tag: int = 1, profile: str = "RTP/SAVP") -> bytes:
    """The description with that key in it."""
    lines = body.decode().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("m=audio"))
    lines[at] = lines[at].replace("RTP/AVP", profile)
    lines.insert(at + 1, crypto_line(key, tag))
    return "\r\n".join([*lines, ""]).encode()


def key_in(body: bytes) -> str | None:
    """The crypto attribute of a description, if it has one."""
    return next((line for line in body.decode().splitlines() if line.startswith("a=crypto:")), None)


def profile_in(body: bytes) -> str:
    """Of its audio line."""
    return next(line for line in body.decode().splitlines() if line.startswith("m=audio")).split()[2]


async def octets_heard(phone: StreamPhone, packets: int = 5) -> set[int]:
    """How long the packets are that the phone gets."""
    phone.ear.setblocking(False)
    async with asyncio.timeout(WAIT_SECONDS):
        return {len(await asyncio.get_running_loop().sock_recv(phone.ear, 2048)) for _ in range(packets)}


async def end(client: Client, call_id: str, *legs: Leg) -> None:
    """The first leg hangs up, and all are over as they should be."""
    legs[0].hang_up()
    assert (await client.finished(call_id))["outcome"] == "completed"
    for leg in legs:
        assert await leg.settled() is Ending.TALKED


async def test_baresips_that_take_nothing_else_hear_each_other(
    server: Server, client: Client, authority: Authority, tmp_path: Path
) -> None:
    account = {
        "transport": "tls",
        "tls": authority.issue(LOOPBACK, as_="baresip"),
        "parameters": ";mediaenc=srtp-mand",
    }
    async with (
        users_baresip(server.deployment, tmp_path, REQUIRED, **account) as user,
        destinations_baresip(server.deployment, tmp_path, REQUIRED, **account) as destination,
    ):
        call_id = await client.place(REQUIRED, REQUIRED)
        await talk(client, call_id, user, destination)
    compare(user, destination)


async def test_what_a_phone_gets_is_encrypted_and_its_new_key_is_answered_with_ours(
    client: Client, user: StreamPhone, destination: StreamPhone
) -> None:
    call_id = await client.place(REQUIRED, PLAIN)
    user_leg = await user.leg_to(user_number(REQUIRED))
    offered = user_leg.invite.body
    assert profile_in(offered) == "RTP/SAVP"
    user_leg.answer(encrypted(user_leg.session(), bytes(30)))
    assert await octets_heard(user) == {RTP_OCTETS + TAG_OCTETS}

    destination_leg = await destination.leg_to(destination_number(PLAIN))
    assert (profile_in(destination_leg.invite.body), key_in(destination_leg.invite.body)) == ("RTP/AVP", None)
    destination_leg.answer()
    await client.reaches(call_id, "connected")

    user_leg.request("INVITE", encrypted(user_leg.session(), bytes(range(30)), tag=7))
    answered = await user_leg.heard("200 INVITE")
    user_leg.acknowledge(answered)
    ours = key_in(offered)
    assert ours is not None
    assert key_in(answered.body) == ours.replace("a=crypto:1 ", "a=crypto:7 ")
    assert profile_in(answered.body) == "RTP/SAVP"

    user_leg.offer()
    user_leg.acknowledge(await user_leg.heard("488 INVITE"))
    await end(client, call_id, user_leg, destination_leg)


@pytest.mark.parametrize("takes_it", [True, False])
async def test_what_is_wished_for_is_up_to_the_phone(
    client: Client, user: StreamPhone, destination: StreamPhone, takes_it: bool
) -> None:
    call_id = await client.place(OPTIONAL, PLAIN)
    user_leg = await user.leg_to(user_number(OPTIONAL))
    offered = user_leg.invite.body
    assert profile_in(offered) == "RTP/AVP"
    assert key_in(offered) is not None
    plain = user_leg.session()
    user_leg.answer(encrypted(plain, bytes(30), profile="RTP/AVP") if takes_it else plain)
    assert await octets_heard(user) == {RTP_OCTETS + (TAG_OCTETS if takes_it else 0)}

    destination_leg = await destination.leg_to(destination_number(PLAIN))
    destination_leg.answer()
    await client.reaches(call_id, "connected")
    await end(client, call_id, user_leg, destination_leg)


async def test_a_plain_answer_is_no_call_where_srtp_is_required(
    client: Client, user: StreamPhone, destination: StreamPhone
) -> None:
    call_id = await client.place(PLAIN, REQUIRED)
    user_leg = await user.leg_to(user_number(PLAIN))
    user_leg.answer()
    destination_leg = await destination.leg_to(destination_number(REQUIRED))
    destination_leg.answer()

    shown = await client.finished(call_id)
    assert (shown["outcome"], shown["cause"]) == ("destination_unreachable", "incompatible_media")
    assert (await user_leg.settled(), await destination_leg.settled()) == (Ending.TALKED, Ending.TALKED)
    # The other trunk, which does without, is not for whom this one has reached.
    assert len(destination.legs) == 1


@pytest.mark.parametrize("server", ["rtpio"], indirect=True)
async def test_without_a_relay_that_encrypts_a_line_is_not_dialled_and_a_trunk_is_passed_over(
    client: Client, user: StreamPhone, destination: StreamPhone
) -> None:
    shown = await client.finished(await client.place(REQUIRED, PLAIN))
    assert (shown["outcome"], shown["cause"]) == ("user_unreachable", "incompatible_media")
    assert user.legs == []

    call_id = await client.place(OPTIONAL, REQUIRED)
    user_leg = await user.leg_to(user_number(OPTIONAL))
    assert key_in(user_leg.invite.body) is None
    user_leg.answer()
    destination_leg = await destination.leg_to(destination_number(REQUIRED))
    assert key_in(destination_leg.invite.body) is None
    destination_leg.answer()
    await client.reaches(call_id, "connected")
    await end(client, call_id, user_leg, destination_leg)
