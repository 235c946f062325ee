"""What people hear, with baresip at both ends: first the prompt, then each other."""

from pathlib import Path

import pytest

from tests.peers.baresip import Baresip
from tests.peers.client import Client
from tests.peers.server import Server, destination_number, user_number
from tests.scenarios.audio import DESTINATION_TONE_HZ, USER_TONE_HZ, talk_and_compare

pytestmark = pytest.mark.peer


async def test_the_user_hears_the_prompt_and_then_both_hear_each_other(
    server: Server, client: Client, tmp_path: Path
) -> None:
    deployment = server.deployment
    await talk_and_compare(
        client,
        Baresip.running(
            user_number(1), port=deployment.user_port, tone_hz=USER_TONE_HZ, folder=tmp_path / "user"
        ),
        Baresip.running(
            f"+{destination_number(1)}",
            port=deployment.trunk_port,
            tone_hz=DESTINATION_TONE_HZ,
            folder=tmp_path / "destination",
            picks_up=False,
        ),
    )
