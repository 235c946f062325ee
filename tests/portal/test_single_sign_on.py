"""Signing in by an OpenID provider: who was invited comes in, and nobody else; what is tampered with is refused."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from ringbridge.call.user import Role
from ringbridge.openid import OpenIdProvider
from ringbridge.portal_parts import SigningIn
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.users import SqlUsers
from tests.portal.conftest import Client, Desk, SkippingClock, opened_desk, users_of_each_role
from tests.portal.openid_provider import CLIENT_ID, CLIENT_SECRET, Provider, openid_provider

REFUSED = "Nobody is invited here under the e-mail address"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with openid_provider(time.time()) as provider:
        yield provider


@pytest.fixture
async def desk(tmp_path: Path, password_hash: str, provider: Provider) -> AsyncIterator[Desk]:
    users = users_of_each_role(password_hash)
    users[Role.OWNER] = replace(users[Role.OWNER], login="owner@example.com")
    known = OpenIdProvider(
        issuer=provider.issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        name="Example ID",
        clock=SkippingClock(),
    )
    async with opened_desk(tmp_path, users, SigningIn(provider=known)) as desk:
        yield desk


async def go_there(client: Client, path: str = "/login/openid") -> str:
    """Where the provider sends the browser back to."""
    begun = await client.get(path)
    assert begun.status == 303, begun.text
    async with (
        aiohttp.ClientSession() as elsewhere,
        elsewhere.get(begun.location, allow_redirects=False) as answer,
    ):
        return URL(answer.headers["Location"]).raw_path_qs


async def test_who_was_invited_comes_in(desk: Desk, visitor: Client) -> None:
    assert "Sign in with Example ID" in (await visitor.get("/login?next=/users")).text
    back = await go_there(visitor, "/login/openid?next=/users")
    assert (await visitor.get(back)).location == "/users"
    assert (await visitor.get("/users")).status == 200
    # It worked once: the provider gives nothing for a code that was used, and the browser keeps nothing.
    assert (await visitor.get(back)).status == 403


async def test_an_invited_user_needs_no_password_of_ours(
    desk: Desk, provider: Provider, visitor: Client
) -> None:
    SqlUsers(desk.database).change("id-user", lambda user: replace(user, password_hash=None))
    SqlUsers(desk.database).change("id-user", lambda user: replace(user, login="bob@example.com"))
    provider.email = " Bob@Example.com "
    assert (await visitor.get(await go_there(visitor))).location == "/"
    assert "Olive user" in (await visitor.get("/profile")).text


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "stranger@example.com"},
        {"email_verified": False},
        {"email": None},
        {"iss": "https://elsewhere.example"},
        {"aud": "another client"},
        {"aud": [CLIENT_ID, "another client"], "azp": "another client"},
        {"exp": 1.0},
        {"exp": "tomorrow"},
        {"nonce": "another"},
        {"sub": ""},
    ],
)
async def test_who_is_not_vouched_for_stays_out(
    desk: Desk, provider: Provider, visitor: Client, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    reply = await visitor.get(await go_there(visitor))
    assert reply.status == 403
    assert (await visitor.get("/users")).location == "/login?next=/users"


async def test_a_disabled_user_stays_out(desk: Desk, visitor: Client) -> None:
    users = SqlUsers(desk.database)
    users.change("id-operator", lambda user: replace(user, role=Role.OWNER))
    users.change("id-owner", lambda user: replace(user, disabled=True))
    reply = await visitor.get(await go_there(visitor))
    assert (reply.status, REFUSED in reply.text) == (403, True)
    await desk.portal.failed_sign_ins.finish()
    last = SqlAuditLog(desk.database).last(1)[0]
    assert (last.action, last.target_id) == ("user.sign_in_failed", "id-owner")
    assert "refused identity" in (last.after or "")


async def test_what_another_browser_began_is_refused(desk: Desk, visitor: Client) -> None:
    victim = await desk.client()
    back = await go_there(visitor)
    assert (await victim.get(back)).status == 403
    await go_there(victim)
    assert (await victim.get(back)).status == 403
    assert (await victim.get("/users")).location == "/login?next=/users"


async def test_a_code_with_another_state_is_refused(desk: Desk, visitor: Client) -> None:
    back = URL(await go_there(visitor))
    altered = back.update_query(state=back.query["state"][:-1] + "~")
    assert (await visitor.get(altered.raw_path_qs)).status == 403
    assert (await visitor.get("/users")).location == "/login?next=/users"


async def test_what_comes_back_too_late_or_broken_is_refused(desk: Desk, visitor: Client) -> None:
    back = await go_there(visitor)
    desk.clock.skipped_seconds = 601.0
    assert (await visitor.get(back)).status == 403
    await go_there(visitor)
    for query in ("?error=access_denied", "?code=guess&state=guess", "?state=&code=", ""):
        assert (await visitor.get(f"/login/openid/back{query}")).status == 403, query
    for broken in ("%5B1%5D", "null", "[" * 3000, f'["a","b","c",1{"0" * 400},"",""]'):
        visitor.session.cookie_jar.update_cookies({"ringbridge-openid": quote(broken)}, URL(visitor.url))
        assert (await visitor.get("/login/openid/back?code=1&state=1")).status == 403, broken[:20]


async def test_the_address_may_be_told_elsewhere_and_the_secret_given_in_the_form(
    desk: Desk, provider: Provider, visitor: Client
) -> None:
    provider.has_user_info = True
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert (await visitor.get(await go_there(visitor))).location == "/"
    provider.user_info = {"sub": "somebody else"}
    other = await desk.client()
    assert (await other.get(await go_there(other))).status == 403


async def test_a_second_factor_is_asked_for_all_the_same(desk: Desk, visitor: Client) -> None:
    SqlUsers(desk.database).change("id-owner", lambda user: replace(user, totp_seed="seed"))
    back = await go_there(visitor, "/login/openid?next=/users")
    assert (await visitor.get(back)).location == "/login/code?next=/users"
    assert (await visitor.get("/users")).location == "/login/code"


async def test_it_takes_the_place_of_the_password_again(
    desk: Desk, provider: Provider, owner: Client
) -> None:
    desk.clock.skipped_seconds = 11 * 60.0
    assert (await owner.get("/users/new")).location == "/login/again?next=/users/new"
    assert "Sign in with Example ID" in (await owner.get("/login/again?next=/users/new")).text
    provider.now = time.time() + desk.clock.skipped_seconds
    back = await go_there(owner, "/login/openid?next=/users/new")
    assert (provider.asked[-1]["prompt"], provider.asked[-1]["max_age"]) == ("login", "0")
    assert (await owner.get(back)).location == "/users/new"
    assert (await owner.get("/users/new")).status == 200
    # Not with another person's, and not with a sign-in of before.
    provider.claims = {"email": "operator"}
    assert (await owner.get(await go_there(owner))).status == 403
    for signed_in_at in (time.time() - 3600.0, None, "now"):
        provider.claims = {"auth_time": signed_in_at}
        assert (await owner.get(await go_there(owner))).status == 403


async def test_an_answer_may_come_in_pieces_and_not_without_end(
    desk: Desk, provider: Provider, visitor: Client
) -> None:
    provider.metadata = {"padding": "x" * 300_000}
    assert (await visitor.get(await go_there(visitor))).location == "/"
    provider.claims = {"padding": "x" * 1_000_000}
    assert (await visitor.get(await go_there(visitor))).status == 403


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://elsewhere.example"},
        {"authorization_endpoint": None},
        {"token_endpoint": "https://elsewhere.example/token"},
    ],
)
async def test_a_provider_that_is_not_in_order_lets_nobody_in(
    desk: Desk, provider: Provider, visitor: Client, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    if "token_endpoint" in metadata:
        reply = await visitor.get(await go_there(visitor))
    else:
        reply = await visitor.get("/login/openid")
    assert (reply.status, "The other site does not answer as it should." in reply.text) == (403, True)


async def test_a_provider_that_is_down_leaves_passwords(
    desk: Desk, provider: Provider, visitor: Client
) -> None:
    provider.is_down = True
    reply = await visitor.get("/login/openid")
    assert (reply.status, 'name="password"' in reply.text) == (403, True)


async def test_nobody_is_led_to_another_site(desk: Desk, visitor: Client) -> None:
    back = await go_there(visitor, "/login/openid?next=//elsewhere.example")
    assert (await visitor.get(back)).location == "/"
