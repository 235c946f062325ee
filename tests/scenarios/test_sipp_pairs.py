"""SIPp at both ends, many calls at once: each phone runs its scenario to the end, or SIPp says which call did not."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.peers.client import Client
from tests.peers.scenario import holding_scenario, phone_scenario, silent_scenario
from tests.peers.server import Server
from tests.peers.sipp import Sipp

pytestmark = pytest.mark.peer

CALLS = 40
NEVER_MS = 60_000
RING_SECONDS = 2.0


@pytest.fixture(scope="module")
def limits() -> tuple[str, ...]:
    """A destination may ring as long as the longest scenario here lets it, and the silent one no longer."""
    return (f"destination_ring_s={RING_SECONDS:g}",)


@asynccontextmanager
async def pair(server: Server, folder: Path, user: str, destination: str) -> AsyncIterator[tuple[Sipp, Sipp]]:
    """The two phones, for CALLS calls each."""
    deployment = server.deployment
    async with (
        Sipp.running(user, port=deployment.user_port, calls=CALLS, folder=folder / "user") as user_phone,
        Sipp.running(
            destination, port=deployment.trunk_port, calls=CALLS, folder=folder / "destination"
        ) as destination_phone,
    ):
        yield user_phone, destination_phone


async def outcomes_of_calls(client: Client, phones: tuple[Sipp, Sipp]) -> Counter[str]:
    """How CALLS calls at once ended, once both phones have run every one to the end without a failure."""

    async def one(index: int) -> str:
        return str((await client.finished(await client.place(index, index)))["outcome"])

    outcomes = await asyncio.gather(*map(one, range(CALLS)))
    for phone in phones:
        assert await phone.finished() == 0, phone.complaints()
        assert phone.counts()["successful"] == CALLS
    return Counter(outcomes)


@pytest.mark.parametrize(
    ("user_hold_ms", "destination_hold_ms"), [(NEVER_MS, 300), (300, NEVER_MS), (300, 300)]
)
async def test_every_call_is_made_and_ended_whoever_hangs_up(
    server: Server, client: Client, tmp_path: Path, user_hold_ms: int, destination_hold_ms: int
) -> None:
    user = phone_scenario(answer_ms=50, hold_ms=user_hold_ms)
    destination = phone_scenario(answer_ms=50, hold_ms=destination_hold_ms)
    async with pair(server, tmp_path, user, destination) as phones:
        assert await outcomes_of_calls(client, phones) == {"completed": CALLS}


async def test_every_ringing_destination_is_cancelled_when_its_user_hangs_up(
    server: Server, client: Client, tmp_path: Path
) -> None:
    user = phone_scenario(answer_ms=50, hold_ms=200)
    destination = phone_scenario(answer_ms=NEVER_MS, hold_ms=NEVER_MS)
    async with pair(server, tmp_path, user, destination) as phones:
        assert await outcomes_of_calls(client, phones) == {"user_hung_up": CALLS}
        kinds = phones[1].kinds()
        assert (kinds.count("CANCEL"), kinds.count("487 INVITE"), kinds.count("ACK")) == (CALLS, CALLS, CALLS)


@pytest.mark.parametrize("holder", ["user", "destination"])
async def test_every_call_survives_hold_and_resume(
    server: Server, client: Client, tmp_path: Path, holder: str
) -> None:
    holding = holding_scenario(hold_ms=100)
    patient = phone_scenario(answer_ms=50, hold_ms=NEVER_MS)
    user, destination = (holding, patient) if holder == "user" else (patient, holding)
    async with pair(server, tmp_path, user, destination) as phones:
        assert await outcomes_of_calls(client, phones) == {"completed": CALLS}


async def test_a_silent_destination_ends_every_call(server: Server, client: Client, tmp_path: Path) -> None:
    user = phone_scenario(answer_ms=50, hold_ms=NEVER_MS)
    destination = silent_scenario(silence_ms=int(RING_SECONDS * 1000) + 1000)
    async with pair(server, tmp_path, user, destination) as phones:
        assert await outcomes_of_calls(client, phones) == {"destination_no_answer": CALLS}
        assert set(phones[1].kinds()) == {"INVITE"}
