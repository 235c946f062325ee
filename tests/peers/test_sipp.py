"""The harness itself, tested without a server: SIPp against SIPp's own caller, and the trace that it leaves."""

import asyncio
from pathlib import Path

import pytest

from tests.peers.scenario import phone_scenario
from tests.peers.sipp import Sipp
from tests.peers.tool import LOOPBACK, WAIT_SECONDS, free_port, require_tool

pytestmark = pytest.mark.peer


async def test_the_sipp_phone_takes_a_call_and_its_trace_is_read(tmp_path: Path) -> None:
    port = free_port()
    scenario = phone_scenario(answer_ms=10, hold_ms=60_000)
    async with Sipp.running(scenario, port=port, calls=1, folder=tmp_path / "phone") as phone:
        caller = await asyncio.create_subprocess_exec(
            *(require_tool("sipp", "sip-tester"), "-sn", "uac", "-m", "1", "-nostdin"),
            *("-i", LOOPBACK, "-p", str(free_port()), f"{LOOPBACK}:{port}"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(WAIT_SECONDS):
            assert await caller.wait() == 0

        assert await phone.finished() == 0
        assert phone.kinds() == ["INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"]
        assert phone.counts() == {"created": 1, "successful": 1, "failed": 0, "retransmissions": 0}
