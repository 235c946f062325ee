"""What people hear, with baresip at both ends: first the prompt, then each other."""

from pathlib import Path

import pytest

from tests.peers.baresip import SAMPLE_RATE_HZ, Baresip, Samples, level, tone_share
from tests.peers.client import Client
from tests.peers.server import Server, destination_number, user_number

pytestmark = pytest.mark.peer

USER_TONE_HZ = 600.0
DESTINATION_TONE_HZ = 1100.0
WINDOW_SAMPLES = SAMPLE_RATE_HZ // 10


def windows(samples: Samples) -> list[Samples]:
    """The sound in pieces of a tenth of a second."""
    return [
        samples[at : at + WINDOW_SAMPLES] for at in range(0, len(samples) - WINDOW_SAMPLES, WINDOW_SAMPLES)
    ]


async def test_the_user_hears_the_prompt_and_then_both_hear_each_other(
    server: Server, client: Client, tmp_path: Path
) -> None:
    deployment = server.deployment
    async with (
        Baresip.running(
            user_number(1), port=deployment.user_port, tone_hz=USER_TONE_HZ, folder=tmp_path / "user"
        ) as user,
        Baresip.running(
            f"+{destination_number(1)}",
            port=deployment.trunk_port,
            tone_hz=DESTINATION_TONE_HZ,
            folder=tmp_path / "destination",
            picks_up=False,
        ) as destination,
    ):
        call_id = await client.place(1, 1)
        await destination.event("CALL_INCOMING")
        await user.hears_for(1.5)
        destination.accept()
        await destination.event("CALL_ESTABLISHED")
        await destination.hears_for(1.0)
        destination.hang_up()
        await user.event("CALL_CLOSED")
        assert (await client.finished(call_id))["outcome"] == "completed"

    at_user = windows(user.heard())
    joined = [index for index, window in enumerate(at_user) if tone_share(window, DESTINATION_TONE_HZ) > 0.9]
    prompt = at_user[: joined[0] - 1]
    assert len(joined) >= 8
    assert max(level(window) for window in prompt) > 0.05
    assert max(tone_share(window, USER_TONE_HZ) for window in prompt) < 0.9
    at_destination = windows(destination.heard())
    assert sum(tone_share(window, USER_TONE_HZ) > 0.9 for window in at_destination) >= 8
