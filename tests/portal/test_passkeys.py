"""Passkeys over HTTP, with an authenticator in software: who comes in by one, and all who do not."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from ringbridge.call.passkey import MOST_PASSKEYS
from ringbridge.call.user import Role
from ringbridge.service.links import new_link
from ringbridge.store.audit import SqlAuditLog
from ringbridge.store.passkeys import SqlPasskeys
from ringbridge.store.user_sessions import SqlSessions
from ringbridge.store.users import SqlUsers
from tests.portal.authenticator import USER_PRESENT, Authenticator, base64url, passkey_of
from tests.portal.conftest import ACCOUNT_ID, PASSWORD, Client, Desk

ORIGIN = "http://localhost:8080"
HOST = {"Host": "localhost:8080"}


@pytest.fixture
def visitor_there(visitor: Client) -> Client:
    """Nobody's browser, at an address where there are passkeys."""
    visitor.headers |= HOST
    return visitor


@pytest.fixture
def owner_there(owner: Client) -> Client:
    """The owner's."""
    owner.headers |= HOST
    return owner


async def options(client: Client, path: str) -> dict[str, Any]:
    """What the page's script asks for."""
    reply = await client.get(path + "/options")
    assert reply.status == 200, reply.text
    found = json.loads(reply.text)
    assert found["origin"] == ORIGIN
    kept: dict[str, Any] = found["options"]
    return kept


async def add(client: Client, name: str = "Laptop", **how: Any) -> Authenticator:
    """A new passkey of whoever is signed in there."""
    authenticator = Authenticator(**{"origin": ORIGIN} | how)
    answer = authenticator.create(await options(client, "/profile/passkeys"))
    reply = await client.post("/profile/passkeys", {"name": name, "answer": answer})
    assert (reply.status, reply.location) == (303, "/profile"), reply.text
    return authenticator


async def sign_in(client: Client, authenticator: Authenticator) -> int:
    """The status of the answer to a passkey."""
    answer = authenticator.get(await options(client, "/login/passkey"))
    return (await client.post("/login/passkey", {"answer": answer})).status


async def test_a_passkey_stands_for_password_and_second_factor(
    desk: Desk, owner_there: Client, visitor_there: Client
) -> None:
    SqlUsers(desk.database).change("id-owner", lambda user: replace(user, totp_seed="seed"))
    wanted = await options(owner_there, "/profile/passkeys")
    assert wanted["authenticatorSelection"]["userVerification"] == "required"
    passkey = await add(owner_there, "Ann's laptop <1>")
    assert "Ann&#39;s laptop &lt;1&gt;" in (await owner_there.get("/profile")).text

    assert "Sign in with a passkey" in (await visitor_there.get("/login?next=/users")).text
    answer = passkey.get(await options(visitor_there, "/login/passkey"))
    reply = await visitor_there.post("/login/passkey", {"answer": answer, "next": "/users/new"})
    assert (reply.status, reply.location) == (303, "/users/new")
    # Whole, and fresh.
    assert (await visitor_there.get("/users/new")).status == 200
    (kept,) = SqlPasskeys(desk.database).of_user("id-owner")
    assert (kept.sign_count, kept.origin, kept.used_at is not None) == (1, ORIGIN, True)
    (newest,) = SqlAuditLog(desk.database).last(1, ACCOUNT_ID)
    assert (newest.action, newest.actor.id) == ("user.signed_in", "id-owner")
    # Once only, also by somebody else who has seen it.
    other = await desk.client()
    other.headers |= HOST
    assert (await other.post("/login/passkey", {"answer": answer})).status == 403


async def test_the_session_before_ends_with_the_sign_in(owner_there: Client, visitor_there: Client) -> None:
    passkey = await add(owner_there)
    await visitor_there.post("/login", {"login": "user", "password": PASSWORD})
    before = visitor_there.cookie("ringbridge")
    # By somebody who is signed in already, too: the page may have been open for long.
    assert await sign_in(visitor_there, passkey) == 303
    assert "Olive owner" in (await visitor_there.get("/profile")).text
    visitor_there.use_session(before)
    assert (await visitor_there.get("/profile")).status == 303


def _without(name: str) -> Callable[[str], str]:
    def change(answer: str) -> str:
        parts = json.loads(answer)
        del parts["response"][name]
        return json.dumps(parts)

    return change


def _with(name: str, octets: bytes) -> Callable[[str], str]:
    def change(answer: str) -> str:
        parts = json.loads(answer)
        parts["response"][name] = base64url(octets)
        return json.dumps(parts)

    return change


async def test_what_does_not_prove_it_is_refused(
    desk: Desk, owner_there: Client, visitor_there: Client
) -> None:
    passkey = await add(owner_there)
    # From another site, without a finger, never seen here, with another's key, and of another user.
    strangers = [
        replace(passkey, origin="https://localhost:8080"),
        replace(passkey, origin="http://localhost:8081"),
        replace(passkey, flags=USER_PRESENT),
        replace(passkey, credential_id=b"another"),
        replace(passkey, key=Authenticator(origin=ORIGIN).key),
        replace(passkey, user_handle=base64url(b"id-user")),
        replace(passkey, user_handle=""),
    ]
    for each in strangers:
        assert await sign_in(visitor_there, each) == 403
        desk.clock.skipped_seconds += 60.0
    changes: list[Callable[[str], str]] = [
        _with("signature", b"\x30\x06\x02\x01\x01\x02\x01\x01"),
        _with("authenticatorData", b""),
        _with("clientDataJSON", b"[" * 5000),
        _with("clientDataJSON", b'{"type": "webauthn.get", "challenge": 7, "origin": "x"}'),
        _with("userHandle", b"\xff"),
        _without("signature"),
        lambda answer: "",
        lambda answer: "[" * 20_000,
        lambda answer: "{}",
        lambda answer: "\x00",
    ]
    for change in changes:
        answer = change(passkey.get(await options(visitor_there, "/login/passkey")))
        reply = await visitor_there.post("/login/passkey", {"answer": answer, "next": "//evil.example"})
        assert (reply.status, "opens nothing here" in reply.text) == (403, True), answer[:100]
        assert 'value="//evil' not in reply.text
        desk.clock.skipped_seconds += 60.0
    assert (await visitor_there.get("/users")).location.startswith("/login")
    assert await sign_in(visitor_there, passkey) == 303


async def test_what_comes_too_late_or_for_something_else_is_refused(
    desk: Desk, owner_there: Client, visitor_there: Client
) -> None:
    passkey = await add(owner_there)
    wanted = await options(visitor_there, "/login/passkey")
    desk.clock.skipped_seconds += 300.0
    assert (await visitor_there.post("/login/passkey", {"answer": passkey.get(wanted)})).status == 403
    for_again = await options(owner_there, "/login/again/passkey")
    assert (await visitor_there.post("/login/passkey", {"answer": passkey.get(for_again)})).status == 403
    for_adding = await options(owner_there, "/profile/passkeys")
    answer = passkey.get(for_adding | {"rpId": "localhost"})
    assert (await visitor_there.post("/login/passkey", {"answer": answer})).status == 403


async def test_a_copied_passkey_and_a_disabled_user_are_refused(
    desk: Desk, operator: Client, visitor_there: Client
) -> None:
    operator.headers |= HOST
    passkey = await add(operator)
    copy = replace(passkey)
    assert await sign_in(visitor_there, passkey) == 303
    assert await sign_in(visitor_there, passkey) == 303
    assert await sign_in(visitor_there, copy) == 403
    SqlUsers(desk.database).change("id-operator", lambda user: replace(user, disabled=True))
    assert await sign_in(visitor_there, passkey) == 403


async def test_passkeys_that_do_not_count_and_guesses(
    desk: Desk, owner_there: Client, visitor_there: Client
) -> None:
    passkey = await add(owner_there, counts=False)
    assert {await sign_in(visitor_there, passkey) for _ in range(12)} == {303}
    answer = passkey.get(await options(visitor_there, "/login/passkey"))
    replies = [(await visitor_there.post("/login/passkey", {"answer": answer})).status for _ in range(2)]
    assert replies == [303, 403]
    desk.clock.skipped_seconds += 60.0
    statuses = [(await visitor_there.post("/login/passkey", {"answer": "x"})).status for _ in range(12)]
    assert statuses == [403] * 11 + [429]
    # Who knows no passkey of the same address locks none out there.
    assert await sign_in(visitor_there, passkey) == 303
    forged = replace(passkey, key=Authenticator(origin=ORIGIN).key)
    assert [await sign_in(visitor_there, forged) for _ in range(12)] == [403] * 11 + [429]
    assert await sign_in(visitor_there, passkey) == 429
    desk.clock.skipped_seconds += 60.0
    assert await sign_in(visitor_there, passkey) == 303


async def test_it_takes_the_place_of_the_password_again(
    desk: Desk, owner_there: Client, user: Client
) -> None:
    user.headers |= HOST
    mine, theirs = await add(owner_there), await add(user)
    desk.clock.skipped_seconds += 11 * 60.0
    assert (await owner_there.get("/users/new")).location == "/login/again?next=/users/new"
    assert "Sign in with a passkey" in (await owner_there.get("/login/again?next=/users/new")).text
    wanted = await options(owner_there, "/login/again/passkey")
    assert [each["id"] for each in wanted["allowCredentials"]] == [base64url(mine.credential_id)]
    path, fields = "/login/again/passkey", {"next": "/users/new"}
    assert (await owner_there.post(path, fields | {"answer": theirs.get(wanted)})).status == 403
    # Told which one is wanted, an authenticator may leave out whose it is.
    answer = _without("userHandle")(mine.get(wanted))
    assert (await owner_there.post(path, fields | {"answer": answer})).location == "/users/new"
    assert (await owner_there.get("/users/new")).status == 200


async def test_what_cannot_be_kept_is_said(desk: Desk, owner_there: Client, user: Client) -> None:
    user.headers |= HOST
    path, wanted = "/profile/passkeys", await options(owner_there, "/profile/passkeys")
    good = Authenticator(origin=ORIGIN)

    async def refused(answer: str, sentence: str, name: str = "Laptop") -> None:
        reply = await owner_there.post(path, {"name": name, "answer": answer})
        assert (reply.status, sentence in reply.text) == (400, True), reply.text

    await refused(good.create(wanted), "Use 1 to 100 characters.", name=" ")
    for bad in (
        replace(good, flags=USER_PRESENT),
        replace(good, origin="http://localhost:8081"),
        replace(good, credential_id=b"x" * 1024),
    ):
        await refused(bad.create(wanted), "cannot be used")
    await refused("", "cannot be used")
    await refused(good.create(await options(user, path)), "cannot be used")
    assert (await owner_there.post(path, {"name": "Laptop", "answer": good.create(wanted)})).status == 303
    await refused(good.create(wanted), "cannot be used")
    again = await options(owner_there, path)
    assert [each["id"] for each in again["excludeCredentials"]] == [base64url(good.credential_id)]
    await refused(good.create(again), "This passkey is here already.")
    (kept,) = SqlPasskeys(desk.database).of_user("id-owner")
    for number in range(1, MOST_PASSKEYS):
        SqlPasskeys(desk.database).add(replace(kept, id=str(number), credential_id=str(number)))
    more = Authenticator(origin=ORIGIN).create(await options(owner_there, path))
    await refused(more, "You have as many passkeys")
    desk.clock.skipped_seconds += 601.0
    assert (await owner_there.get(path + "/new")).location == "/login/again?next=/profile/passkeys/new"


async def test_one_removes_ones_own(desk: Desk, owner_there: Client, visitor_there: Client) -> None:
    passkey = await add(owner_there)
    assert await sign_in(visitor_there, passkey) == 303
    theirs = passkey_of("id-user")
    SqlPasskeys(desk.database).add(theirs)
    path = (await owner_there.get("/profile")).value(r'action="(/profile/passkeys/[0-9a-f]+/remove)"')
    assert (await owner_there.post(f"/profile/passkeys/{theirs.id}/remove")).status == 404
    assert (await owner_there.post(path)).location == "/profile"
    assert (await owner_there.post(path)).status == 404
    # What it opened is over, too.
    assert (await visitor_there.get("/users")).status == 303
    assert await sign_in(visitor_there, passkey) == 403
    assert SqlPasskeys(desk.database).of_user("id-user") == [theirs]


async def test_a_link_for_a_new_password_ends_them(
    desk: Desk, operator: Client, visitor_there: Client
) -> None:
    operator.headers |= HOST
    passkey = await add(operator)
    token = new_link(SqlSessions(desk.database), "id-operator", desk.clock.utc_now())
    fields = {"password": "a whole new sentence"}
    assert (await visitor_there.post(f"/welcome/{token}", fields)).status == 303
    assert SqlPasskeys(desk.database).of_user("id-operator") == []
    assert await sign_in(visitor_there, passkey) == 403


async def test_a_form_that_outlives_its_session_adds_none(
    desk: Desk, operator: Client, visitor_there: Client
) -> None:
    operator.headers |= HOST
    answer = Authenticator(origin=ORIGIN).create(await options(operator, "/profile/passkeys"))
    body = urlencode({"name": "Laptop", "answer": answer}).encode()
    is_let_in, is_reset = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        # Who has come in once says the rest when the owner of the account believes to be rid of them.
        yield body[:1]
        is_let_in.set()
        await is_reset.wait()
        yield body[1:]

    headers = operator.headers | {
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    path = operator.url + "/profile/passkeys"
    sending = asyncio.ensure_future(
        operator.session.post(path, data=slowly(), headers=headers, allow_redirects=False)
    )
    await is_let_in.wait()
    token = new_link(SqlSessions(desk.database), "id-operator", desk.clock.utc_now())
    fields = {"password": "a whole new sentence"}
    assert (await visitor_there.post(f"/welcome/{token}", fields)).status == 303
    is_reset.set()
    async with await sending as reply:
        assert (reply.status, reply.headers["location"]) == (303, "/login?next=/")
    assert SqlPasskeys(desk.database).of_user("id-operator") == []


async def test_where_there_are_no_passkeys_the_profile_says_why(
    desk: Desk, owner: Client, visitor: Client
) -> None:
    there = await desk.client_of(desk.users[Role.OWNER])
    there.headers |= HOST
    passkey = await add(there)
    assert "There are no passkeys at an address that is a number." in (await owner.get("/profile")).text
    owner.headers |= {"Host": "calls.example.com"}
    assert "There are no passkeys without TLS." in (await owner.get("/profile")).text
    assert (await owner.get("/profile/passkeys/new")).status == 404
    assert "passkey" not in (await visitor.get("/login")).text
    assert (await visitor.get("/login/passkey/options")).status == 400
    # And it opens nothing by another name than that under which it was made, whatever the Host header claims.
    visitor.headers |= {"Host": "localhost:9090"}
    other = replace(passkey, origin="http://localhost:9090")
    wanted = json.loads((await visitor.get("/login/passkey/options")).text)["options"]
    assert (await visitor.post("/login/passkey", {"answer": other.get(wanted)})).status == 403
