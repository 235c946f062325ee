"""Where the server asks for a second factor, owners and operators set theirs up before anything else."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from ringbridge.call.user import Role
from ringbridge.portal_parts import SigningIn
from ringbridge.store.users import SqlUsers
from tests.portal.conftest import Client, Desk, opened_desk, users_of_each_role


@pytest.fixture
async def desk(tmp_path: Path, password_hash: str) -> AsyncIterator[Desk]:
    users = users_of_each_role(password_hash)
    async with opened_desk(tmp_path, users, SigningIn(second_factor_required=True)) as desk:
        yield desk


@pytest.mark.parametrize("role", [Role.OWNER, Role.OPERATOR])
async def test_whoever_can_change_much_is_led_to_it(desk: Desk, role: Role) -> None:
    client = await desk.client_of(desk.users[role])
    for path in ("/", "/limits", "/live"):
        assert (await client.get(path)).location == "/profile/second-factor"
    assert (await client.post("/do-not-call", {"number": "5125292329"})).location == "/profile/second-factor"
    page = await client.get("/profile/second-factor")
    assert (page.status, "This server asks for a second factor" in page.text) == (200, True)
    assert (await client.get("/profile")).status == 200
    assert (await client.post("/logout")).location == "/login"


async def test_whoever_has_one_goes_on(desk: Desk, owner: Client) -> None:
    SqlUsers(desk.database).change("id-owner", lambda user: replace(user, totp_seed="seed"))
    assert (await owner.get("/limits")).status == 200


async def test_others_are_not_asked(desk: Desk, auditor: Client, user: Client) -> None:
    assert (await auditor.get("/limits")).status == 200
    assert (await user.get("/profile")).status == 200
