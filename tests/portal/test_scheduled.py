"""Calls that are placed later: asking for one at the page that dials, the page that shows them, and calling them off."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ringbridge.call.schedule import Retry
from ringbridge.call.user import Role
from ringbridge.service.request import CallRequest, ScheduleRequest
from tests.portal.conftest import EXTENSION, LINE_NUMBER, STRANGER_ID, Client, Desk
from tests.portal.test_caller import caller_of

DESTINATION = "+15125292329"
# Which the simulated destination answers as busy.
BUSY = "+15125290101"
PATIENCE_SECONDS = 30.0


def fields(client: str, **more: str) -> dict[str, str]:
    """The form of the page that dials, with an id of its own."""
    return {"line": LINE_NUMBER, "number": DESTINATION, "form": f"form-of-16-letters-{client}"} | more


async def schedule(desk: Desk, role: Role = Role.OWNER, **options: object) -> str:
    """A call that is to be placed in an hour, unless `options` have another time."""
    wanted = ScheduleRequest(**{"at": desk.clock.utc_now() + 3600.0} | options)  # type: ignore[arg-type]
    request = CallRequest(user_line=LINE_NUMBER, destination_line=DESTINATION)
    placed = await desk.schedules.place(await caller_of(desk, desk.users[role]), request, wanted)
    return placed.call_id


async def test_a_call_is_scheduled_at_the_page_that_dials_and_called_off(desk: Desk, user: Client) -> None:
    assert "No call is scheduled" in (await user.get("/scheduled")).text
    # What was typed, and the same in UTC as the page's script says it.
    at = f"{datetime.fromtimestamp(desk.clock.utc_now() + 3600.0, UTC):%Y-%m-%dT%H:%M:00}"
    later = {"at": "2001-01-01T09:00", "at_utc": f"{at}.000Z", "when_free": "on", "again": "minutes"}
    replies = [await user.post("/dial/later", fields("a", **later)) for _ in range(2)]
    assert {(reply.status, reply.location) for reply in replies} == {(303, "/scheduled")}
    page = await user.get("/scheduled")
    for words in (f"{at}+00:00", "Once the line", "Up to 3 attempts", DESTINATION, LINE_NUMBER):
        assert words in page.text, words
    assert page.text.count("/call-off") == 1
    path = page.value(r'action="(/scheduled/[^"]+/call-off)"')
    reply = await user.post(path)
    assert (reply.status, reply.location) == (303, "/scheduled")
    assert "No call is scheduled" in (await user.get("/scheduled")).text
    await user.post(path)
    assert "This call was over already." in (await user.get("/scheduled")).text
    assert (
        "Cancelled" in (await user.get(path.removesuffix("/call-off").replace("scheduled", "history"))).text
    )


@pytest.mark.parametrize(
    ("later", "sentence"),
    [
        ({}, "Choose when, or that it is tried again"),
        ({"at": "2001-01-01T09:00"}, "This is over."),
        ({"at": "2099-01-01T09:00"}, "Choose a time within the next 30 days."),
        ({"at": "soon"}, "Choose a day and a time."),
        ({"again": "minutes", "number": "hello"}, "This is not a telephone number."),
        ({"again": "minutes", "line": "999"}, "The account has no line with this number."),
    ],
)
async def test_what_cannot_be_is_said_beside_the_field(
    owner: Client, later: dict[str, str], sentence: str
) -> None:
    reply = await owner.post("/dial/later", fields("b") | later)
    assert (reply.status, sentence in reply.text) == (400, True)
    # What was typed stays.
    assert f'value="{later.get("number", DESTINATION)}"' in reply.text
    if later:
        assert '<details class="card-body later" open>' in reply.text
    assert "No call is scheduled" in (await owner.get("/scheduled")).text


async def test_attempts_are_shown_and_lead_to_their_pages(desk: Desk, owner: Client) -> None:
    caller = await caller_of(desk, desk.users[Role.OWNER])
    retry = Retry(max_attempts=3, after_seconds=3600.0)
    wanted = ScheduleRequest(at=desk.clock.utc_now(), retry=retry)
    request = CallRequest(user_line=LINE_NUMBER, destination_line=BUSY)
    call_id = (await desk.schedules.place(caller, request, wanted)).call_id
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in desk.schedules.follow(caller, call_id, 0):
            if event.name == "attempt_failed":
                break
    page = await owner.get("/scheduled")
    attempt = page.value(r'class="attempt" href="(/history/[^"]+)"')
    assert "Destination busy" in page.text
    assert f'href="/history/{call_id}"' in (await owner.get(attempt)).text
    assert f'href="{attempt}"' in (await owner.get(f"/history/{call_id}")).text


async def test_the_next_is_first_and_pages_follow_one_another(desk: Desk, owner: Client) -> None:
    now = desk.clock.utc_now()
    ids = [await schedule(desk, at=now + 7200.0 - index) for index in range(51)]
    first = await owner.get("/scheduled")
    assert first.text.index(ids[50]) < first.text.index(ids[1])
    second = await owner.get(first.value(r'rel="next" href="([^"]+)"'))
    assert (ids[0] in first.text, ids[0] in second.text, ids[1] in second.text) == (False, True, False)
    # Behind one that is over there is the first page again.
    assert ids[50] in (await owner.get("/scheduled?after=x")).text


async def test_others_see_and_call_off_nothing(desk: Desk, auditor: Client, user: Client) -> None:
    desk.administration.add_line(EXTENSION)
    call_id = await schedule(desk)
    assert call_id not in (await auditor.get("/scheduled")).text
    assert "data-opens" not in (await auditor.get("/scheduled")).text
    assert DESTINATION in (await auditor.get("/scheduled")).text
    assert (await auditor.post(f"/scheduled/{call_id}/call-off")).status == 403
    other = await desk.client_of(desk.stored(replace(desk.users[Role.OWNER], id=STRANGER_ID)))
    assert "No call is scheduled" in (await other.get("/scheduled")).text
    assert (await other.post(f"/scheduled/{call_id}/call-off")).status == 404
    assert (await user.post("/scheduled/nothing/call-off")).status == 404
    assert DESTINATION in (await user.get("/scheduled")).text
