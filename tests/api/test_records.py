"""Records through the API: pages, one by itself, and all of them as a table or a list."""

import csv
import json
from dataclasses import replace
from io import StringIO

import aiohttp
import pytest
from sqlalchemy import delete, insert, null, update

from ringbridge.call.key import Scope
from ringbridge.store.database import writing
from ringbridge.store.tables import records
from ringbridge.store.third_tables import thirds
from tests.api import conftest
from tests.api.conftest import ACCOUNT, KEY, FrontDoor, Reply, basic, exchange, request
from tests.store.samples import a_record

pytestmark = pytest.mark.asyncio(loop_scope="package")

FIRST_END = 1_700_000_000.0


@pytest.fixture
def recorded(door: FrontDoor) -> list[str]:
    """The ids of five calls of the account that are over, the last first; the last two ended together."""
    ends = [0.0, 60.0, 120.0, 180.0, 180.0]
    rows = [
        a_record(f"019ab2c4-0000-7000-8000-00000000000{index}", ACCOUNT.id, FIRST_END + after)
        for index, after in enumerate(ends)
    ]
    with writing(door.database) as connection:
        connection.execute(delete(records))
        connection.execute(insert(records), [*rows, a_record("others", "2000000", FIRST_END)])
    return [row["call_id"] for row in reversed(rows)]


async def get(door: FrontDoor, path: str) -> Reply:
    return await exchange(door, request(method="GET", path=f"/api/v2/records{path}"))


async def download(door: FrontDoor, query: str) -> Reply:
    """An export: it comes in chunks, which `exchange` does not put together."""
    headers = {"Authorization": basic()}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(door.url(f"/api/v2/records/export{query}")) as answer,
    ):
        names = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(status=answer.status, headers=names, body=await answer.read())


async def pages(door: FrontDoor, query: str) -> list[list[str]]:
    """The ids on each page of the list, as its cursors lead from one to the next."""
    found, cursor = [], ""
    while True:
        page = json.loads((await get(door, f"?{query}{cursor}")).body)
        found.append([item["call_id"] for item in page["items"]])
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def test_pages_follow_each_other(door: FrontDoor, recorded: list[str]) -> None:
    assert await pages(door, "limit=2") == [recorded[:2], recorded[2:4], recorded[4:]]
    assert await pages(door, "limit=5") == [recorded]


async def test_records_are_filtered(door: FrontDoor, recorded: list[str]) -> None:
    from_second = "ended_from=2023-11-14T22:14:20Z"
    assert await pages(door, from_second) == [recorded[:4]]
    assert await pages(door, f"{from_second}&ended_before=2023-11-14T23:16:20%2B01:00&limit=1") == [
        [recorded[2]],
        [recorded[3]],
    ]
    assert await pages(door, "outcome=failed") == [[]]


async def test_a_cursor_is_for_the_filters_that_it_was_made_with(
    door: FrontDoor, recorded: list[str]
) -> None:
    cursor = json.loads((await get(door, "?limit=2")).body)["next_cursor"]
    for path in (f"?cursor={cursor}&outcome=completed", "?cursor=nonsense"):
        reply = await get(door, path)
        assert (reply.status, json.loads(reply.body)["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("query", ["ended_from=yesterday", "ended_from=2023-11-14T22:14:20", "outcome=good"])
async def test_a_filter_that_cannot_be_read_is_refused(door: FrontDoor, query: str) -> None:
    for path in (f"?{query}", f"/export?{query}"):
        reply = await get(door, path)
        assert (reply.status, json.loads(reply.body)["code"]) == (422, "invalid_parameter")


async def test_one_record_joins_both_sides(door: FrontDoor, recorded: list[str]) -> None:
    reply = await get(door, f"/{recorded[-1]}")
    assert (reply.status, json.loads(reply.body)) == (
        200,
        {
            "call_id": recorded[-1],
            "key_id": "key-1",
            "outcome": "completed",
            "cause": "normal",
            "ended_by": "destination",
            "accepted_at": "2023-11-14T22:13:00.000Z",
            "ended_at": "2023-11-14T22:13:20.000Z",
            "talk_seconds": 12.0,
            "metadata": {"order": "=7"},
            "user": {
                "number": "+18175629656",
                "trunk": None,
                "caller_number": "+13053452300",
                "dialed_at": "2023-11-14T22:13:00.000Z",
                "ringing_at": "2023-11-14T22:13:01.000Z",
                "answered_at": "2023-11-14T22:13:03.000Z",
                "ended_at": "2023-11-14T22:13:20.000Z",
                "cause": "normal",
                "sip_status": None,
                "q850": None,
                "ring_seconds": 2.0,
            },
            "destination": {
                "number": "+13053452300",
                "trunk": "main",
                "caller_number": "+18175629656",
                "dialed_at": "2023-11-14T22:13:03.000Z",
                "ringing_at": "2023-11-14T22:13:04.000Z",
                "answered_at": "2023-11-14T22:13:08.000Z",
                "ended_at": "2023-11-14T22:13:20.000Z",
                "cause": "normal",
                "sip_status": 200,
                "q850": 16,
                "ring_seconds": 4.0,
            },
            "thirds": [],
            "test": False,
            "cost": None,
        },
    )


async def test_the_records_of_others_are_as_unknown_as_what_never_was(
    door: FrontDoor, recorded: list[str]
) -> None:
    others, unknown = await get(door, "/others"), await get(door, "/nobody")
    assert (others.status, others.body) == (unknown.status, unknown.body)
    assert others.status == 404


async def test_the_table_is_whole_and_safe_for_spreadsheets(door: FrontDoor, recorded: list[str]) -> None:
    reply = await download(door, "")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert reply.headers["content-disposition"] == 'attachment; filename="records.csv"'
    rows = list(csv.DictReader(StringIO(reply.body.decode(), newline="")))
    assert [row["call_id"] for row in rows] == recorded
    assert rows[0]["destination_number"] == "'+13053452300"
    assert rows[0]["user_trunk"] == ""
    assert rows[0]["metadata"] == '{"order": "=7"}'
    assert rows[0]["talk_seconds"] == "12.0"
    assert (rows[0]["test"], rows[0]["cost"]) == ("false", "")


async def test_whom_a_call_was_transferred_to_is_in_its_record(door: FrontDoor, recorded: list[str]) -> None:
    start = FIRST_END + 170.0
    third = {
        "call_id": recorded[0],
        "account_id": ACCOUNT.id,
        "number": "+13053452399",
        "asked_at": start,
        "micros_per_minute": 75_000,
        "reserved_micros": 750_000,
        "state": "ended",
        "trunk": "main",
        "dialed_at": start,
        "ended_at": start + 2.0,
        "cause": "busy",
        "sip_status": 486,
        "settled_micros": 0,
    }
    answered = {
        "position": 1,
        "ringing_at": start + 4.0,
        "answered_at": start + 5.0,
        "ended_at": start + 10.0,
    }
    talked = {"cause": "normal", "sip_status": None, "settled_micros": 6_250}
    with writing(door.database) as connection:
        connection.execute(delete(thirds))
        connection.execute(insert(thirds), third | {"position": 0})
        connection.execute(insert(thirds), third | answered | talked)

    shown = [
        {
            "number": "+13053452399",
            "trunk": "main",
            "outcome": "destination_busy",
            "dialed_at": "2023-11-14T22:16:10.000Z",
            "ringing_at": None,
            "answered_at": None,
            "ended_at": "2023-11-14T22:16:12.000Z",
            "cause": "busy",
            "sip_status": 486,
            "q850": None,
            "talk_seconds": 0.0,
            "cost": "0.00",
        },
        {
            "number": "+13053452399",
            "trunk": "main",
            "outcome": "completed",
            "dialed_at": "2023-11-14T22:16:10.000Z",
            "ringing_at": "2023-11-14T22:16:14.000Z",
            "answered_at": "2023-11-14T22:16:15.000Z",
            "ended_at": "2023-11-14T22:16:20.000Z",
            "cause": "normal",
            "sip_status": None,
            "q850": None,
            "talk_seconds": 5.0,
            "cost": "0.00625",
        },
    ]
    assert json.loads((await get(door, f"/{recorded[0]}")).body)["thirds"] == shown
    rows = list(csv.DictReader(StringIO((await download(door, "")).body.decode(), newline="")))
    assert [json.loads(row["thirds"] or "[]") for row in rows] == [shown, *[[]] * 4]


async def test_a_call_without_metadata_has_none_in_its_record(door: FrontDoor, recorded: list[str]) -> None:
    with writing(door.database) as connection:
        connection.execute(update(records).values(metadata=null()))
    assert json.loads((await get(door, f"/{recorded[0]}")).body)["metadata"] == {}
    assert json.loads((await erase(door, "(305) 345-2399")).body) == {"calls": 1, "running": 0}
    assert b"3053452399" not in (await download(door, "")).body


async def test_the_list_is_whole_json(door: FrontDoor, recorded: list[str]) -> None:
    reply = await download(door, "?format=json&ended_before=2023-11-14T22:16:20Z")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert [record["call_id"] for record in json.loads(reply.body)] == recorded[2:]
    assert json.loads(reply.body)[0] == json.loads((await get(door, f"/{recorded[2]}")).body)


async def test_an_export_of_nothing_is_well_formed(door: FrontDoor, recorded: list[str]) -> None:
    assert json.loads((await download(door, "?format=json&outcome=failed")).body) == []
    assert len((await download(door, "?outcome=failed")).body.splitlines()) == 1


async def erase(door: FrontDoor, number: str) -> Reply:
    body = json.dumps({"number": number}).encode()
    return await exchange(door, request(body, path="/api/v2/records/erase"))


async def test_a_number_is_forgotten_and_the_record_stays(door: FrontDoor, recorded: list[str]) -> None:
    reply = await erase(door, "(305) 345-2300")
    assert (reply.status, json.loads(reply.body)) == (200, {"calls": 5, "running": 0})
    record = json.loads((await get(door, f"/{recorded[0]}")).body)
    assert (record["destination"]["number"], record["talk_seconds"]) == ("erased", 12.0)
    assert b"3053452300" not in (await download(door, "")).body
    # An extension is a number, too; nobody has this one.
    assert json.loads((await erase(door, "201")).body) == {"calls": 0, "running": 0}


async def test_what_is_no_number_is_not_erased(door: FrontDoor, recorded: list[str]) -> None:
    reply = await erase(door, "nobody")
    assert (reply.status, json.loads(reply.body)["code"]) == (422, "invalid_number")


async def test_a_key_that_is_bound_to_lines_sees_their_calls_only(
    door: FrontDoor, recorded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = json.loads((await get(door, f"/{recorded[0]}")).body)["user"]["number"]
    for lines, shown in (((line, "204"), recorded), (("204",), [])):
        monkeypatch.setattr(conftest, "KEY", replace(KEY, lines=lines))
        assert await pages(door, "limit=9") == [shown]
        assert (await get(door, f"/{recorded[0]}")).status == (200 if shown else 404)
        assert len(json.loads((await download(door, "?format=json")).body)) == len(shown)


async def test_a_test_key_knows_of_records_of_test_calls_only(
    door: FrontDoor, recorded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await pages(door, "limit=9&test=false"), await pages(door, "limit=9&test=true")) == (
        [recorded],
        [[]],
    )
    monkeypatch.setattr(conftest, "KEY", replace(KEY, is_test=True))
    assert (await pages(door, "limit=9"), await pages(door, "limit=9&test=false")) == ([[]], [[]])
    assert (await get(door, f"/{recorded[0]}")).status == 404
    assert json.loads((await download(door, "?format=json")).body) == []
    assert json.loads((await erase(door, "(305) 345-2300")).body) == {"calls": 0, "running": 0}


async def test_reading_and_erasing_are_two_scopes(
    door: FrontDoor, recorded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for scope, statuses in ((Scope.RECORDS_READ, [200, 403]), (Scope.RECORDS_ERASE, [403, 200])):
        monkeypatch.setattr(conftest, "KEY", replace(KEY, scopes=frozenset({scope})))
        assert [(await get(door, "")).status, (await erase(door, "201")).status] == statuses
