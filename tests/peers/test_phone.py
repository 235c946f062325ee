"""The scripted phone and the relay, tested against SIPp's own caller: witnesses that nobody checked prove nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.peers.phone import Ending, Leg, Phone
from tests.peers.relay import LossyRelay
from tests.peers.tool import LOOPBACK, WAIT_SECONDS, free_port, require_tool

pytestmark = pytest.mark.peer


@asynccontextmanager
async def sipp_calls(port: int, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """SIPp's built-in caller, calling the port once."""
    caller = await asyncio.create_subprocess_exec(
        *(require_tool("sipp", "sip-tester"), "-sn", "uac", "-m", "1", "-nostdin"),
        *("-i", LOOPBACK, "-p", str(free_port()), f"{LOOPBACK}:{port}"),
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield caller
    finally:
        if caller.returncode is None:
            caller.kill()
        await caller.wait()


async def finished(caller: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(WAIT_SECONDS):
        return await caller.wait()


async def test_a_call_that_is_answered_and_ended_counts_as_talked(tmp_path: Path) -> None:
    async with Phone.listening(0, on_leg=Leg.answer) as phone, sipp_calls(phone.port, tmp_path) as caller:
        leg = await phone.leg_to("service")

        assert await finished(caller) == 0
        assert leg.ending == Ending.TALKED


async def test_a_refusal_is_over_once_it_is_acknowledged(tmp_path: Path) -> None:
    async with Phone.listening(0) as phone, sipp_calls(phone.port, tmp_path) as caller:
        leg = await phone.leg_to("service")
        leg.refuse(486)
        before = leg.ending
        await leg.heard("ACK")

        assert (before, leg.ending) == (Ending.GHOST, Ending.REFUSED)
        await finished(caller)


async def test_the_relay_loses_what_its_list_says_and_both_ends_repeat_it(tmp_path: Path) -> None:
    port = free_port()
    async with (
        Phone.listening(0, on_leg=Leg.answer, behind=port) as phone,
        LossyRelay.between(port, phone.port, lose={"service": ["INVITE", "200 INVITE", "BYE"]}) as relay,
        sipp_calls(port, tmp_path) as caller,
    ):
        assert await finished(caller) == 0
        assert relay.to_lose == {"service": []}
        assert [leg.ending for leg in phone.legs] == [Ending.TALKED]
