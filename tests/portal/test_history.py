"""Searching calls that are over, one call's page, the file of all, and that every way to fail is explained."""

import ast
import asyncio
import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import insert

import ringbridge
from ringbridge.api.v2.problems import _REASONS
from ringbridge.call import errors
from ringbridge.call.cause import Cause, Outcome
from ringbridge.call.history import EVENT_NAMES, StoredEvent
from ringbridge.call.key import Scope
from ringbridge.call.model import LegState, State
from ringbridge.call.user import Role
from ringbridge.portal.pages.history.call import stages_of
from ringbridge.portal.pages.history.explanations import CAUSES, OUTCOMES, REFUSALS
from ringbridge.portal.pages.history.words import EVENTS, LEG_STATES, STATES
from ringbridge.portal.words import OUTCOMES as BADGES
from ringbridge.service.keys import KeyRequest
from ringbridge.service.request import CallRequest
from ringbridge.store.database import writing
from ringbridge.store.tables import records
from tests.portal.conftest import (
    ACCOUNT_ID,
    LINE_NUMBER,
    OTHER_ACCOUNT_ID,
    STRANGER_ID,
    Client,
    Desk,
)
from tests.portal.test_caller import caller_of
from tests.store.samples import a_record

PATIENCE_SECONDS = 60.0
# 2026-11-20 12:00 UTC.
NOON = 1_795_176_000.0
DAY_SECONDS = 86_400.0
BUSY = "+15125290101"


def keep(desk: Desk, count: int = 1, **values: object) -> list[str]:
    """Records of calls that are over, a day apart, the last of them at NOON."""
    prefix = values.pop("prefix", "call")
    rows = []
    for index in range(count):
        row = a_record(f"{prefix}-{index:03}", ACCOUNT_ID, NOON - index * DAY_SECONDS)
        rows.append(row | {"user_number": LINE_NUMBER} | values)
    with writing(desk.database) as connection:
        connection.execute(insert(records), rows)
    return [row["call_id"] for row in rows]


async def over(desk: Desk, destination: str, role: Role = Role.OWNER) -> str:
    """A simulated call that is over."""
    caller = await caller_of(desk, desk.users[role])
    placed = await desk.calls.place(caller, CallRequest(user_line=LINE_NUMBER, destination_line=destination))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await desk.calls.reader.find_ended(caller, placed.call_id, PATIENCE_SECONDS)
    return placed.call_id


def shown(text: str) -> list[str]:
    return [
        part.split('"')[0]
        for part in text.split('href="/history/')[1:]
        if part.startswith(("call-", "other-"))
    ]


async def test_without_calls_the_page_says_so(owner: Client) -> None:
    reply = await owner.get("/history")
    assert reply.status == 200
    assert "No call is over yet" in reply.text
    assert "No call is like this" in (await owner.get("/history?number=2329")).text


async def test_calls_are_shown_page_by_page(desk: Desk, owner: Client) -> None:
    ids = keep(desk, 120)
    found: list[str] = []
    path = "/history"
    # They are in the order of their ends, and the ends are shown.
    text = (await owner.get(path)).text
    ended = f"{datetime.fromtimestamp(a_record(ids[0], ACCOUNT_ID, NOON)['ended_at'], UTC):%Y-%m-%dT%H:%M:%S}"
    assert ">Ended</th>" in text
    assert ended in text.split(ids[0])[1].split("</a>")[0]
    for _ in range(3):
        reply = await owner.get(path)
        found += shown(reply.text)
        path = (
            "/history?" + reply.value(r'rel="next" href="/history\?([^"]+)"')
            if 'rel="next"' in reply.text
            else ""
        )
    assert found == ids
    assert path == ""


@pytest.mark.parametrize(
    ("query", "indexes"),
    [
        ("number=(305)+345-2300", [0, 1]),
        ("number=345230", [0, 1]),
        ("number=0101", [2]),
        (f"line={LINE_NUMBER.replace('+', '%2B')}", [0, 1, 2]),
        ("line=200", [3]),
        ("outcome=destination_busy", [2]),
        ("outcome=not-destination", [2]),
        ("outcome=not-user", []),
        ("key=key-9", [3]),
        ("from=2026-11-19&until=2026-11-19", [1]),
        ("from=2026-11-20&zone=America/Chicago", [0, 2, 3]),
        ("until=2026-11-19&zone=Pacific/Kiritimati", []),
        ("outcome=completed&number=2300&from=2026-11-20", [0]),
    ],
)
async def test_each_condition_narrows(desk: Desk, owner: Client, query: str, indexes: list[int]) -> None:
    ids = keep(desk, 2)
    ids += keep(
        desk, 1, prefix="call-busy", outcome="destination_busy", cause="busy", destination_number=BUSY
    )
    ids += keep(
        desk, 1, prefix="call-bob", user_number="200", key_id="key-9", destination_number="+13215550100"
    )
    reply = await owner.get(f"/history?{query}")
    assert reply.status == 200
    assert sorted(shown(reply.text)) == sorted(ids[index] for index in indexes)


async def test_keys_of_one_name_are_told_apart(desk: Desk, owner: Client) -> None:
    caller = await caller_of(desk, desk.users[Role.OWNER])
    request = KeyRequest(name="CRM", scopes=frozenset({Scope.CALLS_READ}), days=1)
    ids = [(await desk.keys.create(caller, request)).key.id for _ in range(2)]
    text = (await owner.get("/history")).text
    for key_id in ids:
        assert f'<option value="{key_id}">CRM ({key_id})</option>' in text
    assert ">Olive owner</option>" in text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("number=x", "Use a whole number, or two digits of one or more."),
        ("line=hello", "This is not a telephone number."),
        ("from=yesterday", "This is not a date."),
        ("until=9999-12-31", "This is not a date."),
    ],
)
async def test_what_cannot_be_searched_is_said_beside_it_and_stays(
    desk: Desk, owner: Client, query: str, sentence: str
) -> None:
    keep(desk, outcome="failed", cause="internal")
    reply = await owner.get(f"/history?{query}&outcome=failed")
    assert reply.status == 400
    assert shown(reply.text) == []
    assert sentence in reply.text
    assert f'value="{query.partition("=")[2]}"' in reply.text
    assert 'value="failed" selected' in reply.text


@pytest.mark.parametrize("query", ["after=x", "after=1~%00", "outcome=x", "zone=../../etc/passwd", "key=%00"])
async def test_an_address_that_no_page_has_is_harmless(desk: Desk, owner: Client, query: str) -> None:
    keep(desk)
    assert (await owner.get(f"/history?{query}")).status == 200


async def test_a_search_that_was_long_enough_says_where_it_stopped(
    desk: Desk, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringbridge.store.record_search.LOOKED_AT", 5)
    ids = keep(desk, 12, outcome="completed")
    ids += keep(
        desk, 1, prefix="call-old", outcome="failed", cause="internal", ended_at=NOON - 30 * DAY_SECONDS
    )
    reply = await owner.get("/history?outcome=failed")
    assert "Nothing was found so far." in reply.text
    found = shown(reply.text)
    for _ in range(3):
        if "Look further back" in reply.text:
            reply = await owner.get(
                "/history?" + reply.value(r'rel="next" href="/history\?([^"]+)"').replace("&amp;", "&")
            )
            found += shown(reply.text)
    assert found == [ids[-1]]


async def test_a_user_sees_the_own_lines_calls_only(desk: Desk, user: Client) -> None:
    own = keep(desk)
    others = keep(desk, prefix="call-other", user_number="200")
    reply = await user.get("/history?line=200")
    assert shown(reply.text) == own
    assert (await user.get(f"/history/{others[0]}")).status == 404
    assert (await user.get(f"/history/{own[0]}")).status == 200
    assert others[0] not in (await user.get("/history/export?format=csv")).text


async def test_another_accounts_calls_are_not_there(desk: Desk, owner: Client) -> None:
    theirs = keep(desk, prefix="other", account_id=OTHER_ACCOUNT_ID)
    assert shown((await owner.get("/history")).text) == []
    assert (await owner.get(f"/history/{theirs[0]}")).status == 404
    assert (await owner.get("/history/nothing")).status == 404
    stranger = await desk.client_of(desk.stored(replace(desk.users[Role.OWNER], id=STRANGER_ID)))
    assert (await stranger.get(f"/history/{theirs[0]}")).status == 200


async def test_what_was_found_is_had_as_a_file(desk: Desk, auditor: Client) -> None:
    ids = keep(desk, 3)
    keep(desk, prefix="call-busy", outcome="destination_busy", cause="busy")
    reply = await auditor.get("/history/export?format=csv&outcome=completed")
    assert reply.headers["content-type"].startswith("text/csv")
    assert [row["call_id"] for row in csv.DictReader(StringIO(reply.text))] == ids
    reply = await auditor.get("/history/export?format=json&outcome=completed")
    assert [each["call_id"] for each in json.loads(reply.text)] == ids
    assert (await auditor.get("/history/export?format=pdf")).status == 400
    assert (await auditor.get("/history/export?format=csv&number=x")).location.startswith("/history?number=x")


async def test_a_calls_page_tells_how_it_went(desk: Desk, owner: Client) -> None:
    call_id = await over(desk, BUSY)
    reply = await owner.get(f"/history/{call_id}")
    assert reply.status == 200
    for text in (
        "The destination was busy.",
        "Olive owner",
        "The destination rings",
        "Call again later.",
        "486 Busy Here",
        "INVITE",
        "180 Ringing",
        "No webhook was told of this call.",
        f"/history/why#{Cause.BUSY.value}",
        # The user's own phone was not busy.
        "ringbridge hung up. The destination was busy.",
    ):
        assert text in reply.text, text
    assert reply.text.count("The phone was busy.") == 1


async def test_a_record_without_its_call_is_shown_all_the_same(desk: Desk, owner: Client) -> None:
    (call_id,) = keep(desk)
    reply = await owner.get(f"/history/{call_id}")
    assert reply.status == 200
    assert "Both sides talked." in reply.text
    assert "order" in reply.text


async def test_a_call_that_runs_is_followed_and_can_be_hung_up(
    desk: Desk, owner: Client, auditor: Client
) -> None:
    caller = await caller_of(desk, desk.users[Role.OWNER])
    placed = await desk.calls.place(
        caller, CallRequest(user_line=LINE_NUMBER, destination_line="15125290102")
    )
    reply = await owner.get(f"/history/{placed.call_id}")
    assert f'data-follows-call="{placed.call_id}"' in reply.text
    assert f"/live/{placed.call_id}/hang-up" in reply.text
    assert "hang-up" not in (await auditor.get(f"/history/{placed.call_id}")).text


async def test_spanish_pages_speak_spanish(desk: Desk, owner: Client) -> None:
    owner.headers["Accept-Language"] = "es"
    call_id = await over(desk, BUSY)
    assert "El destino estaba ocupado." in (await owner.get(f"/history/{call_id}")).text
    assert "Por qué fallan las llamadas" in (await owner.get("/history/why")).text


async def test_why_has_every_outcome_cause_and_refusal(user: Client) -> None:
    reply = await user.get("/history/why")
    assert reply.status == 200
    for name in [*(f"outcome-{each.value}" for each in Outcome), *(each.value for each in Cause), *REFUSALS]:
        assert f'id="{name}"' in reply.text, name


def test_no_word_of_the_model_lacks_a_text() -> None:
    assert OUTCOMES.keys() == set(Outcome) == BADGES.keys()
    assert CAUSES.keys() == set(Cause)
    assert STATES.keys() == {state.value for state in State}
    assert LEG_STATES.keys() == {state.value for state in LegState}
    assert EVENTS.keys() >= EVENT_NAMES


# Where requests for calls are read, planned and admitted.
_REFUSING_MODULES = (
    "api/v1.py",
    "api/v2/placing.py",
    "call/number.py",
    "call/policy.py",
    "call/routing.py",
    "service/admission.py",
    "service/blocked.py",
    "service/calls.py",
    "service/planner.py",
    "service/schedules.py",
    "service/spending.py",
)
_REFUSING_CLASSES = {
    "InvalidUserLine",
    "InvalidDestination",
    "InvalidOption",
    "InvalidNumber",
    "DestinationRefused",
    "CannotPlaceCalls",
}


def refusal_codes() -> set[str]:
    """Every code with which a request for a call is refused, as the source has them."""
    found: set[str] = set()
    for name in _REFUSING_MODULES:
        tree = ast.parse((Path(ringbridge.__file__).parent / name).read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _REFUSING_CLASSES:
                texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
                # The code is the last text; an option's name comes before.
                wanted = 2 if getattr(node.func, "id", "") == "InvalidOption" else 1
                if len(texts) >= wanted:
                    found.add(str(texts[wanted - 1]))
    waiting: list[type[errors.CallError]] = [errors.RequestRefused, errors.CannotPlaceCalls]
    while waiting:
        kind = waiting.pop()
        waiting += [each for each in kind.__subclasses__() if each.__module__ == errors.__name__]
        if "code" in vars(kind):
            found.add(kind.code)
    return found | {errors.StoreUnavailable.code}


def test_no_refusal_of_a_call_lacks_a_text() -> None:
    codes = refusal_codes()
    assert {"unknown_line", "no_trunk", "engine_down", "draining", "emergency_number"} <= codes, (
        "none is found any more"
    )
    explained = REFUSALS.keys() | {cause.value for cause in Cause}
    assert codes - explained == set()
    # What the API has a sentence for besides is about keys, lines and limits, not calls.
    besides = {
        "invalid_network",
        "invalid_origin",
        "invalid_value",
        "not_an_extension",
        "not_with_lines",
        "too_late",
    }
    assert _REASONS.keys() - explained <= besides


def test_stages_are_the_states_in_a_row() -> None:
    lines = [("a", 1.0), ("b", 2.0), ("b", 5.0), ("c", 6.0), ("a", 7.5), ("ended", 8.0)]
    events = [StoredEvent(n, "x", at, state, "", "") for n, (state, at) in enumerate(lines, 1)]
    assert stages_of(events) == [("a", 1.0), ("b", 4.0), ("c", 1.5), ("a", 0.5)]
    assert stages_of(events[:1]) == []
