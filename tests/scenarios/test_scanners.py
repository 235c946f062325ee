"""SIPVicious, the scanner that every SIP server meets within minutes of its first day, against a registrar."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.registrant import DeviceAccount
from tests.peers.server import Deployment, Server, user_number
from tests.peers.tool import LOOPBACK, require_tool

pytestmark = pytest.mark.peer

SCANNER_HOST = "127.0.0.66"
LINE = 9100


@pytest.fixture(scope="module")
def own(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Data with a line whose phones register."""
    return deployment.copied_to(tmp_path_factory.mktemp("scanners") / "data")


@pytest.fixture(scope="module")
def account(own: Deployment) -> DeviceAccount:
    """The line that a scanner would like to find."""
    return DeviceAccount.added_to(own, f"+{user_number(LINE)}")


@pytest.fixture(scope="module")
def server(own: Deployment, account: DeviceAccount) -> Iterator[Server]:
    """A server with that line."""
    with Server.running(own) as running:
        yield running


async def scan(tool: str, *words: str) -> str:
    """What a tool of SIPVicious says in the end."""
    process = await asyncio.create_subprocess_exec(
        require_tool(tool, "sipvicious"),
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 120.0)
    return said.decode(errors="replace")


@pytest.mark.parametrize("method", ["OPTIONS", "INVITE"])
async def test_svmap_finds_no_server(server: Server, method: str) -> None:
    said = await scan("svmap", "-b", SCANNER_HOST, "-p", str(server.sip_port), "-m", method, LOOPBACK)

    assert "found nothing" in said.lower(), said


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS"])
async def test_svwar_tells_no_name_from_another(
    server: Server, account: DeviceAccount, tmp_path: Path, method: str
) -> None:
    names = [f"{account.username[:-1]}{digit}" for digit in range(10)]
    assert account.username in names
    dictionary = tmp_path / "names"
    dictionary.write_text("\n".join(names) + "\n")
    said = await scan(
        *("svwar", "-b", SCANNER_HOST, "-m", method, "--force", "-d", str(dictionary)),
        *("-p", str(server.sip_port), LOOPBACK),
    )

    assert "found nothing" in said.lower(), said
    assert not any(name in line for line in said.splitlines() if line.startswith("|") for name in names)
    # A name that cannot exist is asked for a password like all others; other requests get no answer at all.
    assert ("Bad user = SIP/2.0 401" in said) == (method == "REGISTER"), said
