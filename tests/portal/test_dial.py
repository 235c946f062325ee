"""Dialling from the portal: what is understood of a number, one call for each form, the call as it goes, favourites."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import replace

import pytest

from ringbridge.call.directory import AccountLimits, Line, LineKind
from ringbridge.call.history import CallFilter, StoredCall
from ringbridge.call.model import LegState, State
from ringbridge.call.user import Role
from ringbridge.portal.pages.dial.shown import written
from ringbridge.portal.pages.dial.words import LEGS, REFUSALS, STAGES
from ringbridge.service.authentication import Caller
from ringbridge.service.request import CallRequest
from ringbridge.store.limits import SqlLimits
from tests.portal.conftest import (
    ACCOUNT_ID,
    EXTENSION,
    LINE_NUMBER,
    OTHER_ACCOUNT_ID,
    Client,
    Desk,
    Reply,
)
from tests.portal.test_caller import caller_of

# What the simulated people do with the call is in the last four digits; this one talks until somebody hangs up.
TALKS = "(512) 529-0109"
E164 = "+15125290109"
PATIENCE_SECONDS = 60.0


def fields(reply: Reply) -> dict[str, str]:
    """The form on the page, with a number filled in."""
    form = reply.value(r'name="form" value="([^"]+)"')
    return {"form": form, "line": LINE_NUMBER, "number": TALKS}


async def call(client: Client) -> str:
    """The path of a new call."""
    reply = await client.post("/dial/calls", fields(await client.get("/dial")))
    assert reply.status == 303, reply.text
    return reply.location


async def placed(desk: Desk) -> list[StoredCall]:
    """All calls of the account."""
    caller = await caller_of(desk, desk.users[Role.OWNER])
    return await desk.calls.reader.page(caller, CallFilter(), None, 10)


async def until(client: Client, path: str, *states: str) -> Reply:
    """The part with the call's state, once it is one of these: as a page without a stream would see it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            reply = await client.get(f"{path}/state")
            if reply.value(r'data-state="(\w+)"') in states:
                return reply


class Stream:
    """The stream of a call, and the states that it has told of."""

    def __init__(self, client: Client, path: str) -> None:
        self.states: list[str] = []
        self._told = asyncio.Condition()
        self._reading = asyncio.create_task(self._read(client, path))

    async def until(self, state: str) -> None:
        """Wait until it has told of this."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._told:
            await self._told.wait_for(lambda: state in self.states)

    async def end(self) -> list[str]:
        """What it has told at its end."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._reading
        return self.states

    async def _read(self, client: Client, path: str) -> None:
        async with client.session.get(f"{client.url}{path}/events") as answer:
            assert answer.content_type == "text/event-stream"
            async for line in answer.content:
                async with self._told:
                    self.states += re.findall(r'data-state="(\w+)"', line.decode())
                    self._told.notify_all()


async def test_looking_at_the_page_dials_nothing(desk: Desk, owner: Client) -> None:
    for path in ("/dial", "/dial?number=5125290109", "/dial?u=tel:%2B15125290109%3Bext=7"):
        assert (await owner.get(path)).status == 200
    assert await placed(desk) == []


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("u=tel%3A%2B1-512-529-0109%3Bext%3D77", "+1-512-529-0109 ext. 77"),
        ("u=tel:+15125290109", "+15125290109"),
        ("number=%2B15125290109", "+15125290109"),
        ("u=tel:911", "911"),
    ],
)
async def test_a_link_fills_the_number_in(owner: Client, query: str, value: str) -> None:
    reply = await owner.get(f"/dial?{query}")
    assert f'value="{value}"' in reply.text
    assert ("A link asks for a call" in reply.text) == query.startswith("u=")


@pytest.mark.parametrize("link", ["javascript:alert(1)", "sip:ann@example.com", "", "tel:<script>"])
async def test_what_is_no_telephone_link_is_said_to_be_none(owner: Client, link: str) -> None:
    reply = await owner.get(f"/dial?u={link}")
    assert reply.status == 400
    assert REFUSALS["invalid_link"] in reply.text
    assert "<script>" not in reply.text.partition("<body>")[2]


@pytest.mark.parametrize(
    ("number", "sentences"),
    [
        (TALKS, ["+1 512-529-0109", "United States", "They see +1 817-562-9656"]),
        (f"{TALKS} x 77", ["these keys are pressed: ,77"]),
        ("+44 20 7946 0018", ["+44 20 7946 0018", "United Kingdom", REFUSALS["destination_not_allowed"]]),
        ("911", [REFUSALS["emergency_number"]]),
        ("512", ["This is not a telephone number."]),
        (LINE_NUMBER, [REFUSALS["same_as_user_line"]]),
        ("<b>", ["This is not a telephone number."]),
        ("", []),
    ],
)
async def test_what_was_understood_is_told_while_typing(
    desk: Desk, owner: Client, number: str, sentences: Iterable[str]
) -> None:
    reply = await owner.post("/dial/preview", {"line": LINE_NUMBER, "number": number})
    assert reply.status == 200
    assert "<b>" not in reply.text
    assert all(sentence in reply.text for sentence in sentences), reply.text
    assert sentences or not reply.text.strip()
    assert await placed(desk) == []


async def test_a_line_whose_phone_has_not_registered_is_said_to_be_silent(desk: Desk, owner: Client) -> None:
    line = Line(id="l3", account_id=ACCOUNT_ID, number="300", kind=LineKind.DEVICE, sip_username="x-300")
    desk.administration.add_line(line)
    reply = await owner.post("/dial/preview", {"line": "300", "number": TALKS})
    assert "No phone is registered" in reply.text


async def test_a_form_is_one_call_however_often_it_is_sent(desk: Desk, owner: Client) -> None:
    form = fields(await owner.get("/dial"))
    replies = await asyncio.gather(*(owner.post("/dial/calls", form) for _ in range(3)))
    assert {reply.status for reply in replies} == {303}
    assert len({reply.location for reply in replies}) == 1
    assert len(await placed(desk)) == 1


async def test_a_form_that_has_placed_its_call_asks_before_it_places_another(owner: Client) -> None:
    form = fields(await owner.get("/dial"))
    assert (await owner.post("/dial/calls", form)).status == 303
    again = await owner.post("/dial/calls", form | {"number": "5125290100"})
    assert again.status == 400
    assert REFUSALS["idempotency_key_reused"] in again.text
    assert 'value="5125290100"' in again.text
    assert again.value(r'name="form" value="([^"]+)"') != form["form"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"number": "911"}, REFUSALS["emergency_number"]),
        ({"number": "nonsense"}, "This is not a telephone number."),
        ({"number": ""}, "This is not a telephone number."),
        ({"line": "299"}, "The account has no line with this number."),
        ({"number": "+442079460018"}, REFUSALS["destination_not_allowed"]),
    ],
)
async def test_a_refused_call_is_told_beside_the_field_and_nothing_is_lost(
    desk: Desk, owner: Client, wrong: dict[str, str], sentence: str
) -> None:
    reply = await owner.post("/dial/calls", fields(await owner.get("/dial")) | wrong)
    assert reply.status == 400
    assert sentence in reply.text
    assert f'value="{wrong.get("number", TALKS)}"' in reply.text
    assert [each.outcome for each in await placed(desk) if each.outcome != "blocked"] == []


@pytest.mark.parametrize(
    ("limits", "word"),
    [
        (AccountLimits(rate=0), "limit_is_zero"),
        (AccountLimits(per_user=0), "limit_is_zero"),
        (AccountLimits(user_per_minute=1, per_user=5), "limit_user_per_minute"),
        (AccountLimits(per_minute=1, per_user=5), "limit_per_minute"),
        (AccountLimits(concurrent=1, per_user=5), "limit_concurrent"),
        (AccountLimits(), "limit_per_user"),
    ],
)
async def test_a_limit_that_is_reached_is_named(
    desk: Desk, owner: Client, limits: AccountLimits, word: str
) -> None:
    desk.administration.set_limits(ACCOUNT_ID, replace(limits, duplicates_s=0.0))
    if word != "limit_is_zero":
        await call(owner)
    reply = await owner.post("/dial/calls", fields(await owner.get("/dial")))
    assert (reply.status, REFUSALS[word] in reply.text) == (400, True)


async def test_a_call_is_followed_by_the_stream_and_ended(desk: Desk, owner: Client) -> None:
    path = await call(owner)
    assert (await owner.get(path)).status == 200
    stream = Stream(owner, path)
    await stream.until("connected")
    state = await owner.get(f"{path}/state")
    assert state.value(r'data-possible="([^"]*)"') == "digits hangup hold transfer"
    assert state.value(r'data-elapsed="([\d.]+)"')
    assert (await owner.post(f"{path}/hold", **{"HX-Request": "true"})).status == 200
    await stream.until("held")
    assert (await owner.get(f"{path}/state")).value(r'data-possible="([^"]*)"') == "hangup resume transfer"
    assert (await owner.post(f"{path}/resume")).location == path
    await until(owner, path, "connected")
    assert (await owner.post(f"{path}/digits", {"digits": "1#"})).location == path
    assert (await owner.post(f"{path}/hang-up")).location == path
    told = await stream.end()
    assert told.count("ended") == 1
    assert told[-1] == "ended"
    over = await owner.get(path)
    assert "Cancelled" in over.text or "Completed" in over.text
    assert 'data-possible=""' in over.text


async def test_the_stream_of_a_call_that_is_over_says_so_and_ends(owner: Client) -> None:
    path = await call(owner)
    await owner.post(f"{path}/hang-up")
    await until(owner, path, "ended")
    assert await Stream(owner, path).end() == ["ended"]
    assert "over already" in (await owner.post(f"{path}/hang-up", **{"HX-Request": "true"})).text


async def test_what_cannot_be_done_now_is_said(owner: Client) -> None:
    path = await call(owner)
    await owner.post(f"{path}/hang-up")
    await until(owner, path, "ended")
    for action, form in (
        ("hold", {}),
        ("resume", {}),
        ("digits", {"digits": "1"}),
        ("transfer", {"to": TALKS}),
    ):
        part = await owner.post(f"{path}/{action}", form, **{"HX-Request": "true"})
        assert (part.status, REFUSALS["wrong_state"] in part.text) == (400, True), action
        assert "<html" not in part.text
        page = await owner.post(f"{path}/{action}", form)
        assert (page.status, REFUSALS["wrong_state"] in page.text) == (400, True), action


async def test_a_transfer_is_looked_at_like_a_call(owner: Client) -> None:
    path = await call(owner)
    await until(owner, path, "connected")
    for number, sentence in (
        ("911", REFUSALS["emergency_number"]),
        (E164, REFUSALS["already_in_call"]),
        ("nonsense", "This is not a telephone number."),
    ):
        refused = await owner.post(f"{path}/transfer", {"to": number})
        assert (refused.status, sentence in refused.text) == (400, True), number
        assert f'value="{number}"' in refused.text
    wrong = await owner.post(f"{path}/digits", {"digits": "1x"})
    assert (wrong.status, REFUSALS["invalid_digits"] in wrong.text) == (400, True)
    reply = await owner.post(f"{path}/transfer", {"to": "5125290111"}, **{"HX-Request": "true"})
    assert (reply.status, "is being called" in reply.text) == (200, True)
    assert "+1 512-529-0111" in (await until(owner, path, "transferring", "connected")).text


async def test_a_user_calls_from_the_own_line_only(desk: Desk, user: Client) -> None:
    desk.administration.add_line(EXTENSION)
    page = await user.get("/dial")
    assert "200" not in re.findall(r'<option value="([^"]*)"', page.text)
    refused = await user.post("/dial/calls", fields(page) | {"line": "200"})
    assert (refused.status, "no line with this number" in refused.text) == (400, True)
    assert (await user.post("/dial/calls", fields(page))).status == 303


async def test_an_owner_chooses_the_line_and_the_browser_keeps_it(desk: Desk, owner: Client) -> None:
    desk.administration.add_line(EXTENSION)
    page = await owner.get("/dial")
    assert {"200", LINE_NUMBER} <= set(re.findall(r'<option value="([^"]*)"', page.text))
    assert (await owner.post("/dial/calls", fields(page) | {"line": "200"})).status == 303
    assert '<option value="200" selected>' in (await owner.get("/dial")).text
    assert (
        f'<option value="{LINE_NUMBER}" selected>'
        in (await owner.get(f"/dial?line=%2B{LINE_NUMBER[1:]}")).text
    )


async def test_a_user_without_a_line_is_told_whom_to_ask(desk: Desk, owner: Client) -> None:
    changed = {"name": "Una", "role": "user", "line": ""}
    await owner.post(f"/users/{desk.users[Role.USER].id}", changed)
    user = await desk.client_of(desk.stored(desk.users[Role.USER]))
    page = await user.get("/dial")
    assert "No line is yours yet" in page.text
    assert "/dial/calls" not in page.text


async def test_an_auditor_does_not_dial(auditor: Client) -> None:
    for path in ("/dial", "/dial/favourites/new"):
        assert (await auditor.get(path)).status == 403
    for path in ("/dial/preview", "/dial/calls", "/dial/favourites"):
        assert (await auditor.post(path, {"line": LINE_NUMBER, "number": TALKS})).status == 403


async def test_another_accounts_call_is_not_there(desk: Desk, owner: Client, user: Client) -> None:
    account = await desk.directory.account(OTHER_ACCOUNT_ID)
    assert account is not None
    theirs = await desk.calls.place(
        Caller(account, desk.users[Role.OWNER].acting_key()),
        CallRequest(user_line=LINE_NUMBER, destination_line=TALKS),
    )
    await _require_hidden(owner, theirs.call_id)
    # A line of the same account that is not the user's own is as far away.
    desk.administration.add_line(EXTENSION)
    colleagues = await desk.calls.place(
        await caller_of(desk, desk.users[Role.OWNER]), CallRequest(user_line="200", destination_line=TALKS)
    )
    await _require_hidden(user, colleagues.call_id)
    await _require_hidden(owner, "nonsense")


async def _require_hidden(client: Client, call_id: str) -> None:
    for part in ("", "/state", "/events"):
        assert (await client.get(f"/dial/calls/{call_id}{part}")).status == 404, part
    for action in ("hang-up", "hold", "resume", "digits", "transfer"):
        assert (await client.post(f"/dial/calls/{call_id}/{action}")).status == 404, action


async def test_another_site_places_no_call(desk: Desk, owner: Client) -> None:
    form = fields(await owner.get("/dial"))
    for path in ("/dial/calls", "/dial/preview", "/dial/favourites"):
        assert (await owner.post(path, form, **{"Sec-Fetch-Site": "cross-site"})).status == 403
    assert await placed(desk) == []


async def test_recent_numbers_are_there_once(desk: Desk, owner: Client) -> None:
    for _ in range(2):
        path = await call(owner)
        await owner.post(f"{path}/hang-up")
        await until(owner, path, "ended")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "Cancelled" not in (page := await owner.get("/dial")).text:
            assert page.status == 200
    assert len(re.findall(rf'data-number="{re.escape(E164)}"', page.text)) == 1


async def test_who_comes_back_while_a_call_is_up_finds_the_way_to_it(owner: Client) -> None:
    assert "Your line is in a call" not in (await owner.get("/dial")).text
    path = await call(owner)
    page = await owner.get("/dial")
    assert ("Your line is in a call" in page.text, f'href="{path}"' in page.text) == (True, True)


async def test_nobody_of_a_suspended_account_calls(desk: Desk, owner: Client) -> None:
    path = await call(owner)
    await until(owner, path, "connected")
    form = fields(await owner.get("/dial"))
    SqlLimits(desk.database).set_suspended(ACCOUNT_ID, suspended=True, ends_calls=False)
    assert REFUSALS["account_suspended"] in (await owner.get("/dial")).text
    for where, wanted in (("/dial/calls", form), (f"{path}/transfer", {"to": "5125290111"})):
        refused = await owner.post(where, wanted)
        assert (refused.status, REFUSALS["account_suspended"] in refused.text) == (400, True), where
    assert (await owner.post(f"{path}/hang-up")).location == path


async def test_lines_that_are_too_many_for_a_list_are_typed(desk: Desk, owner: Client) -> None:
    for number in range(200, 300):
        desk.administration.add_line(replace(EXTENSION, id=f"l{number}", number=str(number)))
    page = await owner.get("/dial?line=250")
    assert '<select class="form-select" id="line"' not in page.text
    assert page.value(r'<input[^>]*name="line"[^>]*value="(250)"')
    reply = await owner.post("/dial/calls", fields(page) | {"line": "299"})
    assert reply.status == 303


async def test_favourites_are_ones_own(owner: Client, operator: Client) -> None:
    assert "What you call often" in (await owner.get("/dial")).text
    assert (await owner.get("/dial/favourites/new?number=5125290109")).value(r'value="(5125290109)"')
    kept = await owner.post("/dial/favourites", {"number": TALKS, "name": "<Shop>"})
    assert kept.location == "/dial"
    assert "&lt;Shop&gt;" in (await owner.get("/dial")).text
    assert "Shop" not in (await operator.get("/dial")).text
    assert (await operator.post("/dial/favourites/remove", {"number": E164})).location == "/dial"
    assert "&lt;Shop&gt;" in (await owner.get("/dial")).text
    await owner.post("/dial/favourites/remove", {"number": E164})
    assert "data-number" not in (await owner.get("/dial")).text


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"number": "nonsense"}, "This is not a telephone number."),
        ({"number": "911"}, REFUSALS["emergency_number"]),
        ({"name": "x" * 61}, REFUSALS["invalid_favourite_name"]),
    ],
)
async def test_a_favourite_that_cannot_be_kept_is_told_beside_the_field(
    owner: Client, wrong: dict[str, str], sentence: str
) -> None:
    reply = await owner.post("/dial/favourites", {"number": TALKS, "name": "Shop"} | wrong)
    assert (reply.status, sentence in reply.text) == (400, True)
    assert all(f'value="{value}"' in reply.text for value in wrong.values())


async def test_one_has_so_many_favourites(owner: Client) -> None:
    for number in range(50):
        await owner.post("/dial/favourites", {"number": f"512529{number:04}", "name": ""})
    reply = await owner.post("/dial/favourites", {"number": "5125299999", "name": ""})
    assert (reply.status, REFUSALS["too_many_favourites"] in reply.text) == (400, True)


def test_every_state_of_a_call_and_a_leg_has_a_word() -> None:
    assert set(STAGES) == {state.value for state in State}
    assert set(LEGS) == {state.value for state in LegState}


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (E164, "+1 512-529-0109"),
        ("+442079460018", "+44 20 7946 0018"),
        ("200", "200"),
        ("911", "911"),
        ("+911", "+911"),
        ("erased", "erased"),
    ],
)
def test_numbers_are_written_as_people_read_them(number: str, text: str) -> None:
    assert written(number) == text
