"""What the user hears before, and in place of, a talk, packet by packet: the prompts that the package has, whatever
the operator's own folder holds.

Rows B1 and D4 of docs/reliability.md.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringbridge.engines.native.prompts import BUILT_IN
from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.peers.server import Deployment, Server
from tests.peers.tool import WAIT_SECONDS
from tests.scenarios import talk
from tests.scenarios.sound import USER_HZ, Voice, voice_of

pytestmark = pytest.mark.peer

GIGABYTE = 2**30


def truncated(folder: Path, name: str) -> None:
    """Only one of its codecs came through whole."""
    for codec in (0, 8, 9):
        whole = (BUILT_IN / "en" / f"{name}.{codec}").read_bytes()
        (folder / f"{name}.{codec}").write_bytes(whole if codec == 8 else whole[: 1 + len(whole) // 3])


def empty(folder: Path, name: str) -> None:
    """Nothing was written."""
    for codec in (0, 8, 9):
        (folder / f"{name}.{codec}").touch()


def huge(folder: Path, name: str) -> None:
    """Somebody's backup."""
    for codec in (0, 8, 9):
        with (folder / f"{name}.{codec}").open("wb") as file:
            file.truncate(GIGABYTE)


def in_one_codec_only(folder: Path, name: str) -> None:
    """The others are missing."""
    (folder / f"{name}.0").write_bytes(bytes(8000))


SPOILT: dict[str, Callable[[Path, str], None]] = {
    "hold": huge,
    "busy": truncated,
    "declined": empty,
    "not-reachable": in_one_codec_only,
}
"""Of the operator's own prompts none can be used."""

REFUSALS = {486: "busy", 480: "not-reachable", 603: "declined", 404: "invalid-number", 500: "not-reachable"}
"""What a user hears of each of these: the built-in prompt."""


@pytest.fixture(scope="module")
def server(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose operator's prompts are spoilt."""
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    folder = own.data_dir / "prompts" / "en"
    folder.mkdir(parents=True)
    for name, spoil in SPOILT.items():
        spoil(folder, name)
    with Server.running(own) as running:
        yield running


async def hears_prompt(voice: Voice, name: str) -> None:
    """Return once a packet of sound was heard that stands in the built-in prompt of that name."""
    prompt = (BUILT_IN / "en" / f"{name}.0").read_bytes()
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            sound = (await voice.next_packet()).payload
            # A pause is the same in all of them.
            if len(set(sound)) > 8 and sound in prompt:
                return


@pytest.mark.parametrize("status", REFUSALS)
async def test_the_user_hears_why_the_destination_cannot_be_had_and_is_released(
    client: Client, user: Phone, destination: Phone, status: int
) -> None:
    """B1 and D4: the hold prompt, then the reason, then a BYE that gives it in Q.850's words."""
    with voice_of(user, USER_HZ) as voice:
        call_id, user_leg, destination_leg = await talk.dial_destination(client, user, destination, status)
        await hears_prompt(voice, "hold")
        destination_leg.refuse(status)
        await hears_prompt(voice, REFUSALS[status])
        await client.finished(call_id)

        assert await user_leg.settled() is Ending.TALKED
        assert await destination_leg.settled() is Ending.REFUSED
        assert user_leg.reason_of_bye.startswith("Q.850;cause=")
