"""The baresip phone and the ear that judges its recordings, tested on two baresips that call each other."""

import math
from pathlib import Path

import numpy
import pytest

from tests.peers.baresip import SAMPLE_RATE_HZ, Baresip, level, tone_share
from tests.peers.tool import LOOPBACK, free_port

pytestmark = pytest.mark.peer


def test_a_pure_tone_is_all_energy_at_its_own_frequency_and_none_at_another() -> None:
    seconds = numpy.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tone = numpy.sin(2 * math.pi * 440 * seconds)

    assert round(tone_share(tone, 440), 3) == 1.0
    assert round(tone_share(tone, 1000), 3) == 0.0
    assert round(level(tone), 3) == 0.707


async def test_two_phones_hear_each_other(tmp_path: Path) -> None:
    port = free_port()
    async with (
        Baresip.running("called", port=port, tone_hz=1000, folder=tmp_path / "called") as called,
        Baresip.running("caller", port=free_port(), tone_hz=440, folder=tmp_path / "caller") as caller,
    ):
        caller.dial(f"sip:called@{LOOPBACK}:{port}")
        await called.event("CALL_RTPESTAB")
        await caller.event("CALL_RTPESTAB")
        await caller.hears_for(0.5)
        called.hang_up()
        await caller.event("CALL_CLOSED")

    assert tone_share(caller.heard(), 1000) > 0.9
    assert tone_share(called.heard(), 440) > 0.9
