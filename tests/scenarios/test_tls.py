"""Calls over TLS: certificates on both sides, whoever connects."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.peers.certificates import Authority, Files
from tests.peers.client import Client
from tests.peers.phone import Ending
from tests.peers.server import Deployment, Server
from tests.peers.stream_phone import StreamPhone
from tests.peers.tool import LOOPBACK, free_sip_port
from tests.scenarios import talk
from tests.scenarios.audio import (
    destinations_baresip,
    talk_and_compare,
    users_baresip,
)
from tests.scenarios.killed import back_again, before_the_kill

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who has issued every certificate here, unless a test says otherwise."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def own(authority: Authority) -> Files:
    """The server's certificate."""
    return authority.issue(LOOPBACK, as_="own")


@pytest.fixture(scope="module")
def deployment(authority: Authority, own: Files, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Lines and a trunk that are reached over TLS; the trunk is shown a certificate."""
    return Deployment.provision(
        tmp_path_factory.mktemp("deployment") / "data",
        lines=10,
        transport="tls",
        trunk_words=(
            *("--tls-ca", str(authority.file)),
            *("--tls-certificate", str(own.certificate), "--tls-key", str(own.key)),
        ),
    )


@pytest.fixture(scope="module")
def settings(authority: Authority, own: Files) -> dict[str, str]:
    """Of a server with a certificate of its own."""
    return {"RINGBRIDGE_SIP_TLS_CA": str(authority.file), **own.settings()}


@pytest.fixture(scope="module")
def server(
    settings: dict[str, str], deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that speaks TLS."""
    data = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    with Server.running(data, settings=settings) as running:
        yield running


@pytest.fixture
async def user(deployment: Deployment, authority: Authority) -> AsyncIterator[StreamPhone]:
    """The phone that every user's line rings at."""
    context = authority.server_context(authority.issue(LOOPBACK, as_="user"))
    async with StreamPhone.listening_for_connections(deployment.user_port, tls=context) as phone:
        yield phone


@pytest.fixture
async def destination(deployment: Deployment, authority: Authority) -> AsyncIterator[StreamPhone]:
    """The far end of the trunk, which talks to nobody without a certificate."""
    files = authority.issue(LOOPBACK, as_="trunk")
    context = authority.server_context(files, asks_for_certificate=True)
    async with StreamPhone.listening_for_connections(deployment.trunk_port, tls=context) as phone:
        yield phone


@pytest.mark.parametrize("user_hangs_up", [True, False])
async def test_a_call_over_tls_is_like_any_other(
    client: Client, user: StreamPhone, destination: StreamPhone, user_hangs_up: bool
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 1)
    (user_leg if user_hangs_up else destination_leg).hang_up()

    assert (await client.finished(call_id))["outcome"] == "completed"
    assert (await user_leg.settled(), await destination_leg.settled()) == (Ending.TALKED, Ending.TALKED)
    assert destination_leg.invite.first("Via").startswith("SIP/2.0/TLS ")
    assert (user.accepted, destination.accepted) == (1, 1)


async def test_a_bye_goes_over_a_new_connection_when_the_old_one_broke_in_mid_call(
    client: Client, user: StreamPhone, destination: StreamPhone
) -> None:
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 2)
    await destination.reset()
    user_leg.hang_up()
    await destination_leg.heard("BYE")

    assert await destination_leg.settled() is Ending.TALKED
    assert (await client.finished(call_id))["outcome"] == "completed"


@pytest.mark.parametrize(
    ("issue", "reason"),
    [
        (lambda authority: authority.issue("other.example.com", as_="wrong"), "IP address mismatch"),
        (lambda authority: authority.issue(LOOPBACK, days=-1.0, as_="wrong"), "certificate has expired"),
    ],
)
async def test_a_phone_with_a_wrong_certificate_is_not_talked_to_and_the_log_says_why(
    server: Server, client: Client, authority: Authority, issue: Callable[[Authority], Files], reason: str
) -> None:
    context = authority.server_context(issue(authority))
    port = server.deployment.user_port
    async with StreamPhone.listening_for_connections(port, tls=context) as phone:
        shown = await client.finished(await client.place(3, 3))

    assert (shown["outcome"], phone.legs) == ("user_unreachable", [])
    assert reason in server.last_words()


async def test_a_killed_server_ends_its_leg_over_a_tls_trunk_when_it_is_back(
    deployment: Deployment,
    settings: dict[str, str],
    user: StreamPhone,
    destination: StreamPhone,
    tmp_path: Path,
) -> None:
    """What the trunk has of its own, an authority and a certificate to be shown, is known before its leg is ended."""
    own_data = deployment.copied_to(tmp_path / "data")
    own_settings = settings | {
        "RINGBRIDGE_SIP_PORT": str(free_sip_port()),
        "RINGBRIDGE_SIP_TLS_PORT": str(free_sip_port()),
        "RINGBRIDGE_SIP_WSS_PORT": str(free_sip_port()),
    }
    _, _, destination_leg = await before_the_kill(
        own_data, own_settings, lambda client: talk.connect(client, user, destination, 4)
    )
    same_port = {"RINGBRIDGE_SIP_PORT": own_settings["RINGBRIDGE_SIP_PORT"]}
    async with back_again(own_data, same_port):
        assert await destination_leg.settled() is Ending.TALKED


@pytest.mark.parametrize("user_hangs_up", [True, False])
async def test_baresips_hear_each_other(
    server: Server, client: Client, authority: Authority, tmp_path: Path, user_hangs_up: bool
) -> None:
    """Whoever hangs up does so over a connection that its baresip makes to the server."""
    files = authority.issue(LOOPBACK, as_="baresip")
    await talk_and_compare(
        client,
        users_baresip(server.deployment, tmp_path, transport="tls", tls=files),
        destinations_baresip(server.deployment, tmp_path, transport="tls", tls=files),
        user_hangs_up=user_hangs_up,
    )
