"""An account's lines through the API: what its programs may make and change, and what is the administrator's."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, select

from ringbridge.call.directory import Line, LineKind, Trunk
from ringbridge.call.key import CALL_SCOPES, Scope
from ringbridge.sip.registrar import device_digests
from ringbridge.store.administration import Administration
from ringbridge.store.database import reading, writing
from ringbridge.store.tables import accounts, lines, trunks
from tests.api import conftest
from tests.api.conftest import ACCOUNT, KEY, FrontDoor, Reply, exchange, request

pytestmark = pytest.mark.asyncio(loop_scope="package")

OTHER = "2000000"


@pytest.fixture
def directory(door: FrontDoor) -> Iterator[Administration]:
    """A trunk, a telephone number of the account over it, and a line of another account."""
    administration = Administration(door.database)
    administration.add_account("Other", account_id=OTHER)
    administration.add_trunk(Trunk(id="t1", name="carrier", uri="sip:192.0.2.1", prefixes=("+1",)))
    administration.add_line(
        Line(id="1", account_id=ACCOUNT.id, number="+18175629656", kind=LineKind.TRUNK, trunk="carrier")
    )
    administration.add_line(
        Line(id="2", account_id=OTHER, number="201", kind=LineKind.URI, uri="sip:192.0.2.7")
    )
    yield administration
    with writing(door.database) as connection:
        connection.execute(delete(lines))
        connection.execute(delete(trunks))
        connection.execute(delete(accounts).where(accounts.c.id == OTHER))


async def ask(door: FrontDoor, method: str, path: str, body: Any = None) -> Reply:
    octets = b"" if body is None else json.dumps(body).encode()
    return await exchange(door, request(octets, method=method, path=f"/api/v2{path}"))


async def made(door: FrontDoor, number: str, **options: Any) -> dict[str, Any]:
    reply = await ask(door, "POST", "/lines", {"number": number, **options})
    assert reply.status == 201
    line: dict[str, Any] = json.loads(reply.body)
    assert reply.headers["location"] == f"/api/v2/lines/{line['id']}"
    return line


def code_of(reply: Reply) -> tuple[int, str]:
    return reply.status, json.loads(reply.body)["code"]


@pytest.mark.usefixtures("directory")
async def test_a_line_is_made_with_a_password_that_is_told_once(door: FrontDoor) -> None:
    line = await made(door, "201", name="Ada", auto_answer=True)
    password = line.pop("sip_password")
    assert line == {
        "id": line["id"],
        "number": "201",
        "name": "Ada",
        "kind": "device",
        "uri": None,
        "trunk": None,
        "sip_username": "1009683-201",
        "language": None,
        "confirm": False,
        "auto_answer": True,
        "srtp": "off",
        "nat": False,
    }
    found = await ask(door, "GET", f"/lines/{line['id']}")
    assert (found.status, json.loads(found.body)) == (200, line)
    with reading(door.database) as connection:
        kept = connection.scalar(select(lines.c.device_digests).where(lines.c.id == line["id"]))
    assert kept == device_digests("1009683-201", password)


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"number": "+18175629657"}, (422, "not_an_extension")),
        ({"number": "911"}, (422, "emergency_number")),
        ({"number": "201", "uri": "sip:192.0.2.7"}, (422, "unknown_field")),
        ({"number": "201", "name": "\u0007"}, (422, "invalid_field")),
        ({"number": "201", "auto_answer": "yes"}, (422, "invalid_field")),
        ({}, (422, "missing_field")),
    ],
)
async def test_what_is_no_line_for_a_phone_of_ones_own_is_refused(
    door: FrontDoor, body: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert code_of(await ask(door, "POST", "/lines", body)) == refusal


@pytest.mark.usefixtures("directory")
async def test_a_number_is_given_once(door: FrontDoor) -> None:
    await made(door, "201")
    assert code_of(await ask(door, "POST", "/lines", {"number": "201"})) == (409, "already_exists")


@pytest.mark.usefixtures("directory")
async def test_what_is_named_is_changed_and_the_rest_stays(door: FrontDoor) -> None:
    line = await made(door, "201", name="Ada", nat=True)
    del line["sip_password"]
    changed = await ask(door, "PATCH", f"/lines/{line['id']}", {"name": None, "confirm": True})
    assert (changed.status, json.loads(changed.body)) == (200, line | {"name": None, "confirm": True})
    found = await ask(door, "GET", f"/lines/{line['id']}")
    assert json.loads(found.body) == json.loads(changed.body)


@pytest.mark.usefixtures("directory")
async def test_a_new_password_takes_the_old_ones_place(door: FrontDoor) -> None:
    line = await made(door, "201", name="Ada")
    renewed = json.loads((await ask(door, "POST", f"/lines/{line['id']}/password")).body)
    assert renewed["sip_password"] != line["sip_password"]
    with reading(door.database) as connection:
        kept = connection.scalar(select(lines.c.device_digests).where(lines.c.id == line["id"]))
    assert kept == device_digests("1009683-201", renewed["sip_password"])


@pytest.mark.usefixtures("directory")
async def test_a_line_is_removed(door: FrontDoor) -> None:
    line = await made(door, "201")
    assert (await ask(door, "DELETE", f"/lines/{line['id']}")).status == 204
    assert code_of(await ask(door, "GET", f"/lines/{line['id']}")) == (404, "not_found")


@pytest.mark.usefixtures("directory")
async def test_a_telephone_number_is_the_administrators(door: FrontDoor) -> None:
    assert (await ask(door, "GET", "/lines/1")).status == 200
    for method, path, body in (
        ("PATCH", "/lines/1", {"name": "Eve"}),
        ("POST", "/lines/1/password", None),
        ("DELETE", "/lines/1", None),
    ):
        assert code_of(await ask(door, method, path, body)) == (403, "administrators_line")


@pytest.mark.usefixtures("directory")
async def test_the_lines_of_others_are_as_unknown_as_what_never_was(door: FrontDoor) -> None:
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/password")):
        body: dict[str, Any] | None = {} if method == "PATCH" else None
        others = await ask(door, method, f"/lines/2{path}", body)
        unknown = await ask(door, method, f"/lines/3{path}", body)
        assert (others.status, others.body) == (404, unknown.body)


@pytest.mark.usefixtures("directory")
async def test_pages_follow_each_other_by_number(door: FrontDoor) -> None:
    for number in ("203", "201", "202"):
        await made(door, number)
    numbers, cursor = [], ""
    while True:
        page = json.loads((await ask(door, "GET", f"/lines?limit=2{cursor}")).body)
        numbers.append([line["number"] for line in page["items"]])
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert numbers == [["+18175629656", "201"], ["202", "203"]]


@pytest.mark.usefixtures("directory")
async def test_a_key_that_is_bound_to_lines_has_only_those(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await made(door, "201"), await made(door, "202")
    monkeypatch.setattr(conftest, "KEY", replace(KEY, lines=("202",)))
    page = json.loads((await ask(door, "GET", "/lines")).body)
    assert [line["number"] for line in page["items"]] == ["202"]
    assert (await ask(door, "GET", f"/lines/{second['id']}")).status == 200
    assert (await ask(door, "GET", f"/lines/{first['id']}")).status == 404
    assert code_of(await ask(door, "POST", "/lines", {"number": "203"})) == (403, "administrators_line")


@pytest.mark.usefixtures("directory")
async def test_trunks_are_named_and_no_more(door: FrontDoor) -> None:
    assert json.loads((await ask(door, "GET", "/trunks")).body) == {
        "items": [{"name": "carrier", "prefixes": ["+1"]}]
    }


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        (CALL_SCOPES, set()),
        ({Scope.LINES_READ}, {"GET /lines", "GET /lines/1"}),
        ({Scope.LINES_WRITE}, {"POST /lines", "PATCH /lines/1", "DELETE /lines/1", "POST /lines/1/password"}),
        ({Scope.TRUNKS_READ}, {"GET /trunks"}),
    ],
)
async def test_each_needs_its_scope(
    door: FrontDoor, monkeypatch: pytest.MonkeyPatch, scopes: set[Scope], allowed: set[str]
) -> None:
    monkeypatch.setattr(conftest, "KEY", replace(KEY, scopes=frozenset(scopes)))
    asked = {
        "GET /lines",
        "GET /lines/1",
        "POST /lines",
        "PATCH /lines/1",
        "DELETE /lines/1",
        "POST /lines/1/password",
        "GET /trunks",
    }
    refused = set()
    for words in asked:
        method, path = words.split()
        reply = await ask(door, method, path, {} if method == "PATCH" else None)
        if re.search(rb'"code": "missing_scope"', reply.body):
            assert reply.status == 403
            refused.add(words)
    assert refused == asked - allowed
