"""Row H6: a key is revoked and an account suspended while their calls are up."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import Deployment, Server, ringbridge
from tests.peers.tool import poll
from tests.scenarios import talk

# It takes a second at most; the rest is room for a busy machine.
NOTICED_SECONDS = 20.0


@pytest.fixture(scope="module")
def server(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    with Server.running(own) as running:
        yield running


def administer(server: Server, *words: str) -> str:
    return ringbridge(server.deployment.data_dir, *words)


def audited(server: Server, action: str, target: str) -> Any:
    """What the last entry of the audit log tells of what has changed, which must be this."""
    (entry,) = json.loads(administer(server, "audit", "list", "--last", "1", "--json"))
    assert (entry["action"], entry["target_id"], entry["actor_kind"]) == (action, target, "command_line")
    assert entry["account_id"] == server.deployment.account_id
    return entry["after"]


def made_key(server: Server) -> tuple[str, str]:
    """A new key of the account: its id, and the header that proves it."""
    lines = administer(server, "key", "create", "--account", server.deployment.account_id).splitlines()
    fields = dict(line.split(": ", 1) for line in lines if ": " in line)
    return fields["API key"].split("_")[2], fields["Authorization"]


async def refused(server: Server, authorization: str) -> None:
    """Return once requests with these credentials get 401."""

    async def status() -> int:
        async with (
            aiohttp.ClientSession(headers={"Authorization": authorization}) as session,
            session.get(f"{server.url}/api/v2/calls/00000000-0000-7000-8000-000000000000") as answer,
        ):
            return answer.status

    await poll(status, lambda found: found == 401, "a key that is refused", seconds=NOTICED_SECONDS)


@pytest.mark.parametrize("ends_calls", [False, True])
async def test_a_key_that_is_revoked_is_refused_and_its_call_goes_on_unless_that_was_asked(
    server: Server, client: Client, user: Phone, destination: Phone, ends_calls: bool
) -> None:
    key_id, authorization = made_key(server)
    own = replace(server.deployment, authorization=authorization)
    async with Client.of(replace(server, deployment=own)) as owner:
        call_id, user_leg, destination_leg = await talk.connect(owner, user, destination, 40 + ends_calls)
    administer(server, "key", "revoke", key_id, *(["--end-calls"] if ends_calls else []))
    await refused(server, authorization)
    told = audited(server, "key.revoked", key_id)
    assert (set(told), told.get("ends_calls", False)) == (
        {"revoked_at"} | ({"ends_calls"} if ends_calls else set()),
        ends_calls,
    )
    if not ends_calls:
        assert (await client.call(call_id))["state"] == "connected"
        user_leg.hang_up()
    call = await client.finished(call_id)
    assert (call["outcome"], call["ended_by"]) == ("completed", "api" if ends_calls else "user")
    await destination_leg.settled()
    assert "calls.withdrawn" in server.log.read_text()


async def test_an_account_that_is_suspended_is_refused_and_its_call_goes_on(
    server: Server, client: Client, user: Phone, destination: Phone
) -> None:
    own = server.deployment
    call_id, user_leg, destination_leg = await talk.connect(client, user, destination, 42)
    administer(server, "account", "suspend", own.account_id)
    try:
        await refused(server, own.authorization)
        assert audited(server, "account.suspended", own.account_id) == {"suspended": True}
        destination_leg.hang_up()
        await user_leg.settled()
    finally:
        administer(server, "account", "resume", own.account_id)
    await poll(lambda: _is_known(client, call_id), bool, "an account that may ask again")
    call = await client.finished(call_id)
    assert (call["outcome"], call["ended_by"]) == ("completed", "destination")


async def _is_known(client: Client, call_id: str) -> bool:
    try:
        await client.call(call_id)
    except AssertionError:
        return False
    return True
