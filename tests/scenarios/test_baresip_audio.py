"""What people hear, with baresip at both ends: first the prompt, then each other."""

from pathlib import Path

import pytest

from tests.peers.client import Client
from tests.peers.server import Server
from tests.scenarios.audio import (
    destinations_baresip,
    talk_and_compare,
    users_baresip,
)

pytestmark = pytest.mark.peer


async def test_the_user_hears_the_prompt_and_then_both_hear_each_other(
    server: Server, client: Client, tmp_path: Path
) -> None:
    await talk_and_compare(
        client,
        users_baresip(server.deployment, tmp_path),
        destinations_baresip(server.deployment, tmp_path),
    )
