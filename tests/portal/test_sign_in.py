"""Signing in over HTTP: refusals, throttling, sessions and their ends, the second factor, the first owner."""

import asyncio
import json
from dataclasses import replace

import pyotp
import pytest
from structlog.testing import capture_logs

from ringbridge.call.user import Role
from ringbridge.service.links import new_link
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.user_sessions import SqlSessions
from ringbridge.store.users import SqlUsers
from tests.portal.conftest import PASSWORD, Client, Desk

OWNER = {"login": "owner", "password": PASSWORD}


async def test_the_right_password_opens_and_leads_on(visitor: Client) -> None:
    assert (await visitor.get("/users")).location == "/login?next=/users"
    reply = await visitor.post("/login", OWNER | {"login": " Owner ", "next": "/users"})
    assert (reply.status, reply.location) == (303, "/users")
    assert (await visitor.get("/users")).status == 200


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:1",
        "",
        "http://[",
        "/\N{SNOWMAN}",
        "/\nSet-Cookie: a=b",
    ],
)
async def test_nobody_is_led_to_another_site(visitor: Client, elsewhere: str) -> None:
    assert (await visitor.post("/login", OWNER | {"next": elsewhere})).location == "/"


@pytest.mark.parametrize("login", ["owner", "nobody", "", "x" * 500, "\x00"])
async def test_a_wrong_password_and_an_unknown_user_get_one_answer(visitor: Client, login: str) -> None:
    with capture_logs() as logs:
        reply = await visitor.post("/login", {"login": login, "password": "wrong"})
    assert reply.status == 403
    assert "This is wrong." in reply.text
    assert visitor.cookie("ringbridge") is None
    reasons = {entry["reason"] for entry in logs if entry["event"] == "portal.sign_in_refused"}
    assert reasons == {"wrong password" if login == "owner" else "unknown user"}


async def test_guessing_is_slowed_down(desk: Desk, visitor: Client) -> None:
    statuses = [(await visitor.post("/login", OWNER | {"password": "wrong"})).status for _ in range(12)]
    assert statuses == [403] * 11 + [429]
    # Not looked at, right or wrong, until there is calm; others from there are.
    assert (await visitor.post("/login", OWNER)).status == 429
    assert (await visitor.post("/login", OWNER | {"login": "operator"})).status == 303
    desk.clock.skipped_seconds += 60.0
    assert (await visitor.post("/login", OWNER)).status == 303


async def test_guesses_that_come_at_once_are_no_more(desk: Desk, visitor: Client) -> None:
    wrong = OWNER | {"password": "wrong"}
    replies = await asyncio.gather(*(visitor.post("/login", wrong) for _ in range(20)))
    assert sorted(reply.status for reply in replies) == [403] * 11 + [429] * 9


async def test_who_signs_in_often_guesses_nothing(desk: Desk, visitor: Client) -> None:
    assert {(await visitor.post("/login", OWNER)).status for _ in range(15)} == {303}


async def test_codes_are_guessed_no_faster_from_many_places(desk: Desk) -> None:
    SqlUsers(desk.database).change("id-owner", lambda user: replace(user, totp_seed="seed"))
    statuses = []
    for place in range(12):
        guesser = await desk.client()
        guesser.headers["X-Forwarded-For"] = f"192.0.{place}.1"
        await guesser.post("/login", OWNER)
        statuses.append((await guesser.post("/login/code", {"code": "000000x"})).status)
    assert statuses == [403] * 11 + [429]
    desk.clock.skipped_seconds += 60.0
    assert (await guesser.post("/login/code", {"code": "000000x"})).status == 403
    await desk.portal.failed_sign_ins.finish()
    last = SqlAuditLog(desk.database).last(1)[0]
    assert (last.action, last.target_id) == ("user.sign_in_failed", "id-owner")
    assert json.loads(last.after or "")["reasons"] == ["wrong code", "too many guesses"]


async def test_a_sessions_cookie_is_new_at_each_sign_in(visitor: Client) -> None:
    await visitor.post("/login", OWNER)
    first = visitor.cookie("ringbridge")
    await visitor.post("/login", OWNER)
    assert visitor.cookie("ringbridge") != first
    visitor.use_session(first)
    assert (await visitor.get("/profile")).status == 303


async def test_over_tls_the_cookie_is_bound_to_the_host(desk: Desk, visitor: Client) -> None:
    reply = await visitor.post("/login", OWNER, **{"X-Forwarded-Proto": "https"})
    cookie = reply.headers["set-cookie"]
    assert cookie.startswith("__Host-ringbridge=")
    assert all(word in cookie for word in ("; HttpOnly", "; Secure", "; Path=/", "; SameSite=lax"))
    assert "Domain" not in cookie
    assert reply.headers["strict-transport-security"] == "max-age=31536000"
    plain = await visitor.post("/login", OWNER)
    assert plain.headers["set-cookie"].startswith("ringbridge=")
    assert "Secure" not in plain.headers["set-cookie"]
    assert "strict-transport-security" not in plain.headers


async def test_an_idle_session_is_over_and_a_used_one_ends_after_twelve_hours(
    desk: Desk, owner: Client
) -> None:
    for _ in range(12 * 5):
        desk.clock.skipped_seconds += 12 * 60.0 - 1.0
        assert (await owner.get("/profile")).status == 200
    desk.clock.skipped_seconds += 61.0
    assert (await owner.get("/profile")).status == 303
    again = await desk.client_of(desk.users[Role.OWNER])
    desk.clock.skipped_seconds += 15 * 60.0
    assert (await again.get("/profile")).status == 303


async def test_what_was_seen_is_written_once_a_minute(desk: Desk, owner: Client) -> None:
    def seen_at() -> float:
        return SqlSessions(desk.database).sessions("id-owner")[0].seen_at

    first = seen_at()
    desk.clock.skipped_seconds += 59.0
    await owner.get("/profile")
    assert seen_at() == first
    desk.clock.skipped_seconds += 2.0
    await owner.get("/profile")
    assert seen_at() >= first + 61.0


async def test_one_ends_ones_other_sessions(desk: Desk, owner: Client) -> None:
    other = await desk.client_of(desk.users[Role.OWNER])
    path = (await owner.get("/profile")).value(r'action="(/profile/sessions/[0-9a-f]+/end)"')
    assert (await owner.post(path)).status == 303
    assert (await other.get("/profile")).status == 303
    assert (await owner.post(path)).status == 404
    theirs = await desk.client_of(desk.users[Role.USER])
    path = f"/profile/sessions/{SqlSessions(desk.database).sessions('id-user')[0].id}/end"
    assert (await owner.post(path)).status == 404
    assert (await theirs.get("/profile")).status == 200


async def test_a_new_password_ends_all_other_sessions(desk: Desk, owner: Client) -> None:
    other = await desk.client_of(desk.users[Role.OWNER])
    fields = {"current": PASSWORD, "password": "a whole new sentence"}
    assert (await owner.post("/profile/password", fields | {"current": "wrong"})).status == 400
    short = await owner.post("/profile/password", fields | {"password": "short"})
    assert (short.status, "Use at least 12 characters." in short.text) == (400, True)
    assert (await other.get("/profile")).status == 200
    assert (await owner.post("/profile/password", fields)).status == 303
    assert (await owner.get("/profile")).status == 200
    assert (await other.get("/profile")).status == 303


async def test_a_code_is_asked_for_and_taken_once(desk: Desk, owner: Client, visitor: Client) -> None:
    page = await owner.get("/profile/second-factor")
    seed, totp = (
        page.value(r'name="seed" value="([0-9a-f]+)"'),
        pyotp.TOTP(page.value(r"secret\">([A-Z2-7]+)<")),
    )
    assert (await owner.post("/profile/second-factor", {"seed": seed, "code": "000"})).status == 400
    now = int(desk.clock.utc_now())
    codes = await owner.post("/profile/second-factor", {"seed": seed, "code": totp.at(now)})
    recovery_code = codes.value(r"<li>([0-9a-z]{5}-[0-9a-z]{5})</li>")

    assert (await visitor.post("/login", OWNER | {"next": "/users"})).location == "/login/code?next=/users"
    assert (await visitor.get("/users")).location == "/login/code"
    # It was taken when it was set up.
    assert (await visitor.post("/login/code", {"code": totp.at(now)})).status == 403
    desk.clock.skipped_seconds += 30.0
    code = totp.at(int(desk.clock.utc_now()))
    assert (
        await visitor.post("/login/code", {"code": f"{code[:3]} {code[3:]}", "next": "/users"})
    ).location == "/users"
    assert (await visitor.get("/users")).status == 200

    again = await desk.client()
    await again.post("/login", OWNER)
    assert (await again.post("/login/code", {"code": code})).status == 403
    assert (await again.post("/login/code", {"code": recovery_code.upper()})).status == 303
    once_more = await desk.client()
    await once_more.post("/login", OWNER)
    assert (await once_more.post("/login/code", {"code": recovery_code})).status == 403
    desk.clock.skipped_seconds += 5 * 60.0
    assert (await once_more.get("/login/code")).location == "/login?next=/login/code"

    assert (await again.post("/profile/second-factor/end")).status == 303
    assert (await visitor.post("/login", OWNER)).location == "/"


async def test_a_stranger_does_not_get_to_the_code(visitor: Client, owner: Client) -> None:
    assert (await visitor.get("/login/code")).location == "/login?next=/login/code"
    assert (await owner.post("/login/code", {"code": "1"})).location == "/login?next=/"


async def test_signing_out_ends_the_session(owner: Client, visitor: Client) -> None:
    token = owner.cookie("ringbridge")
    assert (await owner.post("/logout")).location == "/login"
    assert owner.cookie("ringbridge") is None
    owner.use_session(token)
    assert (await owner.get("/profile")).status == 303
    assert (await visitor.post("/logout")).location == "/login"


async def test_the_link_of_the_first_owner_ends_with_the_first_owner(desk: Desk, visitor: Client) -> None:
    assert await desk.portal.links.owner_link() is None
    token = new_link(SqlSessions(desk.database), None, desk.clock.utc_now())
    assert (await visitor.get(f"/welcome/{token}")).status == 410
    assert (await visitor.get("/welcome/none")).status == 410


async def test_a_link_is_too_old_after_a_day(desk: Desk, visitor: Client) -> None:
    token = new_link(SqlSessions(desk.database), "id-user", desk.clock.utc_now())
    desk.clock.skipped_seconds += 24 * 3600.0 - 1.0
    assert (await visitor.get(f"/welcome/{token}")).status == 200
    desk.clock.skipped_seconds += 1.0
    assert (await visitor.get(f"/welcome/{token}")).status == 410
