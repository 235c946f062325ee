"""The page of live calls: whose calls are on it, how it follows them, who may end one."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ringbridge.call.directory import AccountLimits
from ringbridge.call.user import Role
from ringbridge.service.request import CallRequest
from ringbridge.service.sign_in import IDLE_SECONDS
from tests.portal.conftest import ACCOUNT_ID, EXTENSION, LINE_NUMBER, STRANGER_ID, Client, Desk
from tests.portal.test_caller import caller_of

PATIENCE_SECONDS = 60.0
# The simulated destination rings and never answers; the other one talks for a while.
RINGS = "15125290102"
OTHER_RINGS = "15125290202"


async def placed(
    desk: Desk, role: Role = Role.OWNER, line: str = LINE_NUMBER, destination: str = RINGS
) -> str:
    caller = await caller_of(desk, desk.users[role])
    request = CallRequest(user_line=line, destination_line=destination)
    return (await desk.calls.place(caller, request)).call_id


async def events(client: Client) -> AsyncIterator[tuple[str, str]]:
    """The stream's events: name and data."""
    async with client.session.get(client.url + "/live/stream") as answer:
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        name, data = "", []
        async for line in answer.content:
            text = line.decode().rstrip("\n")
            if text.startswith("event: "):
                name = text.removeprefix("event: ")
            elif text.startswith("data: "):
                data.append(text.removeprefix("data: "))
            elif not text and name:
                yield name, "\n".join(data)
                name, data = "", []


async def until(stream: AsyncIterator[tuple[str, str]], name: str, text: str) -> str:
    async for found, data in stream:
        if found == name and text in data:
            return data
    raise AssertionError(f"no event {name} with {text}")


async def test_without_calls_the_page_says_what_will_be_there(owner: Client) -> None:
    reply = await owner.get("/live")
    assert reply.status == 200
    assert "Nobody is calling" in reply.text


async def test_a_call_is_shown_with_both_legs_and_who_asked(desk: Desk, owner: Client) -> None:
    call_id = await placed(desk)
    reply = await owner.get("/live")
    row = reply.value(rf'(?s)<tr role="row" id="call-{call_id}"(.*?)</tr>')
    assert all(text in row for text in ("Ann", LINE_NUMBER, "+15125290102", "Olive owner", "Hang up"))


async def test_an_auditor_looks_and_hangs_nothing_up(desk: Desk, auditor: Client) -> None:
    call_id = await placed(desk)
    reply = await auditor.get("/live")
    assert call_id in reply.text
    assert "data-hangs-up" not in reply.text
    assert (await auditor.post(f"/live/{call_id}/hang-up")).status == 403


async def test_another_site_hangs_nothing_up(desk: Desk, owner: Client) -> None:
    call_id = await placed(desk)
    reply = await owner.post(f"/live/{call_id}/hang-up", {}, **{"Sec-Fetch-Site": "cross-site"})
    assert reply.status == 403
    assert desk.calls.running == 1


async def test_a_user_sees_the_own_calls_only(desk: Desk, user: Client) -> None:
    desk.administration.add_line(EXTENSION)
    own, others = await placed(desk), await placed(desk, line="200", destination=OTHER_RINGS)
    reply = await user.get("/live")
    assert own in reply.text
    assert others not in reply.text
    assert (await user.post(f"/live/{others}/hang-up")).status == 404
    assert (await user.post(f"/live/{own}/hang-up")).location == "/live"


async def test_a_call_of_another_account_is_not_there(desk: Desk, owner: Client) -> None:
    stranger = desk.stored(replace(desk.users[Role.OWNER], id=STRANGER_ID))
    caller = await caller_of(desk, stranger)
    call_id = (
        await desk.calls.place(caller, CallRequest(user_line=LINE_NUMBER, destination_line=RINGS))
    ).call_id
    assert call_id not in (await owner.get("/live")).text
    assert (await owner.post(f"/live/{call_id}/hang-up")).status == 404
    assert call_id in (await (await desk.client_of(stranger)).get("/live")).text


async def test_the_stream_tells_of_calls_that_come_change_and_go(desk: Desk, owner: Client) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        stream = events(owner)
        assert await until(stream, "all", "") == ""
        call_id = await placed(desk)
        await until(stream, "changed", f"call-{call_id}")
        await until(stream, "changed", "Destination rings")
        assert (await owner.post(f"/live/{call_id}/hang-up")).status == 303
        assert await until(stream, "gone", "") == call_id
    reply = await owner.get("/live")
    assert "The call is being ended." in reply.text
    await owner.post(f"/live/{call_id}/hang-up")
    assert "This call was over already." in (await owner.get("/live")).text


async def test_a_stream_begins_with_what_there_is_of_the_own_lines(desk: Desk, user: Client) -> None:
    desk.administration.add_line(EXTENSION)
    own, others = await placed(desk), await placed(desk, line="200", destination=OTHER_RINGS)
    async with asyncio.timeout(PATIENCE_SECONDS):
        rows = await until(events(user), "all", own)
    assert others not in rows


async def test_a_stream_ends_with_the_session(
    desk: Desk, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringbridge.portal.pages.live.LOOK_SECONDS", 0.05)
    async with asyncio.timeout(PATIENCE_SECONDS):
        stream = events(owner)
        await until(stream, "all", "")
        desk.clock.skipped_seconds += IDLE_SECONDS
        assert [name async for name, _ in stream if name != "changed"] == []
    assert (await owner.get("/live/stream")).location.startswith("/login")


async def test_more_streams_than_an_account_may_have_are_refused(
    desk: Desk, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringbridge.portal.pages.live._seats._most", 1)
    async with asyncio.timeout(PATIENCE_SECONDS):
        stream = events(owner)
        await until(stream, "all", "")
        assert (await owner.get("/live/stream")).status == 400


async def test_two_hundred_calls_fit(desk: Desk, owner: Client) -> None:
    limits = AccountLimits(concurrent=1000, per_user=1000, rate=1000)
    desk.administration.set_limits(ACCOUNT_ID, limits)
    ids = {await placed(desk, destination=f"1512{300 + number}0111") for number in range(200)}
    reply = await owner.get("/live")
    assert set(re.findall(r'data-call="([^"]+)"', reply.text)) == ids
    async with asyncio.timeout(PATIENCE_SECONDS):
        rows = await until(events(owner), "all", "")
    assert set(re.findall(r'data-call="([^"]+)"', rows)) == ids
