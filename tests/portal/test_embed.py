"""The dialler in another site's frame: who may have it around them, and what a browser's token opens there."""

import asyncio
import re
from dataclasses import dataclass, replace

import pytest

from ringbridge.call.key import ApiKey, Scope
from ringbridge.call.user import Role
from ringbridge.portal.pages.dial.words import REFUSALS
from ringbridge.service.authentication import Caller
from ringbridge.service.keys import KeyRequest
from ringbridge.service.origins import OriginService
from ringbridge.service.request import CallRequest
from ringbridge.service.tokens import Tokens
from ringbridge.store.origins import SqlOrigins
from tests.portal.conftest import (
    ACCOUNT_ID,
    EXTENSION,
    LINE_NUMBER,
    OTHER_ACCOUNT_ID,
    PEPPER,
    Client,
    Desk,
    Reply,
)
from tests.portal.test_caller import caller_of
from tests.portal.test_dial import E164, PATIENCE_SECONDS, TALKS

CRM, ELSEWHERE = "https://crm.example.com", "https://evil.example"
FORM = "form-of-16-letters"


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The dialler on a page of `origin` that has handed a token over."""

    client: Client
    token: str
    key: ApiKey
    origin: str = CRM

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "X-Embedding-Origin": self.origin}

    async def get(self, path: str) -> Reply:
        return await self.client.get(path, **self.headers)

    async def post(self, path: str, fields: dict[str, str] | None = None) -> Reply:
        return await self.client.post(path, fields, **self.headers)

    async def after(self, reply: Reply) -> Reply:
        """The call that a reply showed, once more has happened to it."""
        call_id, seen = reply.value(r'data-call="([^"]+)"'), reply.value(r'data-events="(\d+)"')
        return await self.get(f"/embed/calls/{call_id}?seen={seen}")

    async def call(self, number: str = TALKS, form: str = FORM) -> Reply:
        return await self.post("/embed/calls", {"number": number, "form": form})


def origins_of(desk: Desk) -> OriginService:
    return OriginService(SqlOrigins(desk.database), desk.clock)


async def token_of(desk: Desk, key: ApiKey, seconds: float = 600.0) -> str:
    account = await desk.directory.account(key.account_id)
    assert account is not None
    tokens = Tokens(desk.directory, SqlOrigins(desk.database), PEPPER, desk.clock)
    text, _ = await tokens.create(Caller(account, key), LINE_NUMBER, CRM, seconds)
    return text


@pytest.fixture
async def frame(desk: Desk, visitor: Client) -> Frame:
    """Of an account that allows the page; nobody is signed in."""
    owner = await caller_of(desk, desk.users[Role.OWNER])
    await origins_of(desk).allow(owner, CRM)
    wanted = KeyRequest(name="crm", scopes=frozenset({Scope.CALLS_CREATE, Scope.TOKENS_CREATE}), days=30)
    key = (await desk.keys.create(owner, wanted)).key
    return Frame(client=visitor, token=await token_of(desk, key), key=key)


async def test_only_pages_of_the_origin_may_be_around_it(frame: Frame) -> None:
    reply = await frame.client.get(f"/embed/dialler?account={ACCOUNT_ID}&origin={CRM}")
    assert reply.status == 200
    policy = reply.headers["content-security-policy"]
    assert policy.count("frame-ancestors") == 1
    assert policy.endswith(f"frame-ancestors {CRM}")
    assert policy.startswith("default-src 'self'")
    assert reply.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"account={ACCOUNT_ID}",
        f"account={ACCOUNT_ID}&origin={ELSEWHERE}",
        f"account={ACCOUNT_ID}&origin=*",
        f"account={ACCOUNT_ID}&origin={CRM}%20{ELSEWHERE}",
        f"account={ACCOUNT_ID}&origin={CRM}/",
        f"account={OTHER_ACCOUNT_ID}&origin={CRM}",
        f"account=%00&origin={CRM}",
        f"account=nobody&origin={CRM}",
    ],
)
async def test_no_other_page_may(frame: Frame, query: str) -> None:
    reply = await frame.client.get(f"/embed/dialler?{query}")
    assert reply.headers["content-security-policy"].endswith("frame-ancestors 'none'")
    assert "dialler is for a frame" in reply.text
    assert "<form" not in reply.text


async def test_a_call_is_placed_watched_and_ended(desk: Desk, frame: Frame) -> None:
    reply = await frame.call()
    assert reply.status == 200, reply.text
    call_id = reply.value(r'data-call="([^"]+)"')
    again = await frame.call()
    assert again.value(r'data-call="([^"]+)"') == call_id
    caller = await caller_of(desk, desk.users[Role.OWNER])
    runner = desk.calls.runner(caller, call_id)
    assert runner is not None
    assert (runner.call.key_id, runner.call.user.number) == (frame.key.id, LINE_NUMBER)
    states = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "connected" not in states:
            reply = await frame.after(reply)
            states.append(reply.value(r'data-state="(\w+)"'))
    assert (await frame.post(f"/embed/calls/{call_id}/hang-up")).status == 200
    async with asyncio.timeout(PATIENCE_SECONDS):
        while reply.value(r'data-state="(\w+)"') != "ended":
            reply = await frame.after(reply)
    over = await frame.after(reply)
    assert over.value(r'data-state="(\w+)"') == "ended"


async def test_what_was_understood_and_refused_is_told(desk: Desk, frame: Frame) -> None:
    told = await frame.post("/embed/preview", {"number": TALKS})
    assert "+1 512-529-0109" in told.text
    assert not (await frame.post("/embed/preview", {"number": ""})).text.strip()
    refused = await frame.call("911")
    assert (refused.status, refused.value(r'data-code="(\w+)"')) == (400, "emergency_number")
    assert REFUSALS["emergency_number"] in refused.text
    assert desk.calls.running == 0


async def _require_locked_out(frame: Frame, call_id: str) -> None:
    for path in ("/embed/preview", "/embed/calls", f"/embed/calls/{call_id}/hang-up"):
        assert (await frame.post(path, {"number": TALKS, "form": FORM})).status == 401, path
    reply = await frame.get(f"/embed/calls/{call_id}?seen=0")
    assert (reply.status, E164 in reply.text) == (401, False)


async def test_a_token_is_for_one_origin_its_time_and_as_long_as_it_is_allowed(
    desk: Desk, frame: Frame
) -> None:
    call_id = (await frame.call()).value(r'data-call="([^"]+)"')
    await _require_locked_out(replace(frame, origin=ELSEWHERE), call_id)
    await _require_locked_out(replace(frame, origin=""), call_id)
    await _require_locked_out(replace(frame, token=""), call_id)
    await _require_locked_out(replace(frame, token=frame.token[:-1]), call_id)
    short = replace(frame, token=await token_of(desk, frame.key, seconds=30.0))
    assert (await short.get(f"/embed/calls/{call_id}")).status == 200
    desk.clock.skipped_seconds += 31.0
    await _require_locked_out(short, call_id)
    assert (await frame.get(f"/embed/calls/{call_id}")).status == 200
    await origins_of(desk).forbid(await caller_of(desk, desk.users[Role.OWNER]), CRM)
    await _require_locked_out(frame, call_id)


async def test_a_revoked_key_ends_its_tokens(desk: Desk, frame: Frame) -> None:
    call_id = (await frame.call()).value(r'data-call="([^"]+)"')
    await desk.keys.revoke(await caller_of(desk, desk.users[Role.OWNER]), frame.key.id, ends_calls=False)
    await _require_locked_out(frame, call_id)


async def test_a_session_is_no_token(desk: Desk, frame: Frame, owner: Client) -> None:
    signed_in = replace(frame, client=owner, token="")
    await _require_locked_out(signed_in, "019ab1c2-0000-7000-8000-000000000000")


async def test_another_lines_call_is_not_there(desk: Desk, frame: Frame) -> None:
    desk.administration.add_line(EXTENSION)
    owner = await caller_of(desk, desk.users[Role.OWNER])
    theirs = await desk.calls.place(owner, CallRequest(user_line="200", destination_line=TALKS))
    assert (await frame.get(f"/embed/calls/{theirs.call_id}")).status == 404
    assert (await frame.post(f"/embed/calls/{theirs.call_id}/hang-up")).status == 404
    assert (await frame.get("/embed/calls/nonsense")).status == 404


async def test_what_other_sites_send_themselves_is_refused(desk: Desk, frame: Frame) -> None:
    fields = {"number": TALKS, "form": FORM}
    reply = await frame.client.post(
        "/embed/calls", fields, **frame.headers, **{"Sec-Fetch-Site": "cross-site"}
    )
    assert reply.status == 403
    assert not re.search("access-control", " ".join(reply.headers))
