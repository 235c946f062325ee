"""Row A4: whatever another account asks for by an id of ours is answered as an id that never was, on every route there is."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import aiohttp
import pytest

from ringbridge.call.key import Scope
from ringbridge.call.webhook import event_id
from tests.peers.client import Client
from tests.peers.phone import Leg, Phone
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import WAIT_SECONDS
from tests.scenarios.talk import connect

pytestmark = pytest.mark.peer

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
METHODS = ("get", "post", "put", "patch", "delete")
SCOPES = [scope.value for scope in Scope]
# Of the same form as the real ones.
NEVER = {
    "call_id": "019ab2c4-0000-7000-8000-000000000001",
    "key_id": "AAAAAAAAAA",
}
NOWHERE = "http://127.0.0.1:9/"
OF_EACH_KIND = 7
# How many there have to be of what there would be few, and how one is made. Of keys an account has no more than twenty.
MADE: dict[str, tuple[int, dict[str, object]]] = {
    "/api/v2/keys": (5, {"scopes": ["calls:read"]}),
    "/api/v2/webhooks": (OF_EACH_KIND, {"url": NOWHERE}),
}
LEAST_ASKED = 500
PAIRS = 200
MOST_MILLISECONDS_APART = 0.2
VARYING_HEADERS = ("date", "x-request-id")


class Answer(NamedTuple):
    """What can be compared of an answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


@pytest.fixture(scope="module")
def own(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deployment.copied_to(tmp_path_factory.mktemp("accounts") / "data")


@pytest.fixture(scope="module")
def headers(own: Deployment) -> tuple[str, str]:
    """The Authorization headers of two keys that may do everything, the second of another account."""
    printed = ringbridge(own.data_dir, "account", "add", "--name", "Stranger")
    strangers = re.search(r"\b(\d{4,})\b", printed)
    assert strangers is not None
    words = [word for scope in SCOPES for word in ("--scope", scope)]
    found = [
        re.search(
            r"Authorization:\s*(Basic \S+)",
            ringbridge(own.data_dir, "key", "create", "--account", account, *words),
        )
        for account in (own.account_id, strangers[1])
    ]
    ours, theirs = (match[1] for match in found if match is not None)
    return ours, theirs


@pytest.fixture(scope="module")
def server(own: Deployment, headers: tuple[str, str]) -> Iterator[Server]:
    with Server.running(own, settings={"RINGBRIDGE_WEBHOOK_PRIVATE": "127.0.0.1"}) as running:
        yield running


async def ask(session: aiohttp.ClientSession, method: str, path: str, body: object = None) -> Answer:
    async with asyncio.timeout(WAIT_SECONDS), session.request(method, path, json=body) as answer:
        kept = [(name.lower(), value) for name, value in answer.headers.items()]
        return Answer(
            answer.status,
            tuple(sorted(pair for pair in kept if pair[0] not in VARYING_HEADERS)),
            await answer.text(),
        )


async def made(session: aiohttp.ClientSession, path: str, body: object = None) -> dict[str, Any]:
    answer = await ask(session, "POST", path, body)
    assert answer.status < 300, answer
    told: dict[str, Any] = json.loads(answer.body)
    return told


@pytest.fixture
async def ours(server: Server, headers: tuple[str, str]) -> AsyncIterator[aiohttp.ClientSession]:
    """The connections of the account that all calls belong to."""
    async with aiohttp.ClientSession(server.url, headers={"Authorization": headers[0]}) as session:
        yield session


@pytest.fixture
async def theirs(server: Server, headers: tuple[str, str]) -> AsyncIterator[aiohttp.ClientSession]:
    """Those of the other account."""
    async with aiohttp.ClientSession(server.url, headers={"Authorization": headers[1]}) as session:
        yield session


async def test_a4_no_route_tells_another_account_anything_by_an_id(
    server: Server,
    ours: aiohttp.ClientSession,
    theirs: aiohttp.ClientSession,
    user: Phone,
    destination: Phone,
) -> None:
    async with Client.of(server) as client:
        leg = await talk(client, user, destination)
        ids = await ids_of(ours)
        before = await everything(ours)
        asked = 0
        for method, path, name in routes():
            body = body_of(method, path)
            for identifier in ids[name]:
                told, of_none = [
                    await ask(theirs, method, re.sub(r"\{\w+\}", "1", path.replace(f"{{{name}}}", one)), body)
                    for one in (identifier, unknown(name, ids[name]))
                ]
                assert told == of_none, f"{method} {path}"
                assert told.status in (404, 405), f"{method} {path}: {told}"
                assert identifier not in told.body
                asked += 1
        assert asked >= LEAST_ASKED
        assert await everything(ours) == before, "somebody else changed it"
        leg.hang_up()
        await client.sees_nothing_left()


async def test_a4_an_event_of_another_account_is_not_sent_to_ones_own_webhook(
    server: Server, ours: aiohttp.ClientSession, theirs: aiohttp.ClientSession
) -> None:
    async with Client.of(server) as client:
        call_id = await client.place(20, 20)
        await client.finished(call_id)
    webhook = (await made(theirs, "/api/v2/webhooks", {"url": NOWHERE}))["id"]
    told, of_none = [
        await ask(theirs, "POST", f"/api/v2/webhooks/{webhook}/deliveries/{one}/replay")
        for one in (event_id(call_id, 1), event_id(NEVER["call_id"], 1))
    ]
    assert told == of_none
    assert told.status == 404


async def test_a4_no_clock_tells_an_id_of_another_account_from_one_that_never_was(
    server: Server,
    ours: aiohttp.ClientSession,
    theirs: aiohttp.ClientSession,
    user: Phone,
    destination: Phone,
) -> None:
    async with Client.of(server) as client:
        leg = await talk(client, user, destination)
        ids = await ids_of(ours)
        for method, path, name in routes():
            if method == "GET" and "get" in DOCUMENT["paths"][path]:
                # The first call is over, and the last one runs.
                for identifier in {ids[name][0], ids[name][-1]}:
                    places = [
                        path.replace(f"{{{name}}}", one) for one in (identifier, unknown(name, ids[name]))
                    ]
                    apart, uncertain = await milliseconds_apart(theirs, places)
                    assert abs(apart) < MOST_MILLISECONDS_APART + 3 * uncertain, f"{path} of {identifier}"
        leg.hang_up()
        await client.sees_nothing_left()


async def milliseconds_apart(session: aiohttp.ClientSession, paths: list[str]) -> tuple[float, float]:
    """How much longer the first of two paths takes than the second, and how uncertain that is on a machine as busy as this.

    It is the median of many pairs, of which either may begin, and its standard error.
    """
    loop = asyncio.get_running_loop()

    async def took(path: str) -> float:
        began_at = loop.time()
        async with session.get(path) as answer:
            await answer.read()
        return (loop.time() - began_at) * 1000.0

    differences = []
    for _ in range(PAIRS // 2):
        for order, sign in ((paths, 1.0), (paths[::-1], -1.0)):
            first, second = [await took(path) for path in order]
            differences.append(sign * (first - second))
    middle = median(differences)
    # Of normal noise, the median absolute deviation is 1 / 1.4826 of the standard deviation.
    deviation = 1.4826 * median(abs(difference - middle) for difference in differences)
    return middle, 1.2533 * deviation / len(differences) ** 0.5


async def talk(client: Client, user: Phone, destination: Phone) -> Leg:
    """Some calls that are over, and one whose sides talk: its user's leg."""
    for index in range(30, 30 + OF_EACH_KIND):
        call_id = await client.place(index, index)
        await user.leg_to(user_number(index))
        await client.hang_up(call_id)
        await client.finished(call_id)
    _, leg, _ = await connect(client, user, destination, 1)
    return leg


async def ids_of(ours: aiohttp.ClientSession) -> dict[str, list[str]]:
    """Ids of every kind that some path has, as lists tell them, the oldest first; where there are few, more are made."""
    ids: dict[str, list[str]] = {}
    for _, path, name in routes():
        # A record is found by the id of its call.
        if name not in ids:
            collection = path.partition("/{")[0]
            wanted, body = MADE.get(collection, (0, {}))
            while len(found := await listed(ours, collection)) < wanted:
                await made(ours, collection, body | {"name": f"Number {len(found)}"})
            ids[name] = found[-OF_EACH_KIND:]
            assert ids[name], f"there is nothing in {collection}: say in MADE how it is made"
    return ids


async def listed(ours: aiohttp.ClientSession, collection: str) -> list[str]:
    """The ids in a list, the oldest first."""
    answer = await ask(ours, "GET", collection)
    return [item["id"] for item in reversed(json.loads(answer.body)["items"])]


async def everything(ours: aiohttp.ClientSession) -> dict[str, str]:
    """What the account's lists tell, but for when a key was used, which is written down once a minute."""
    collections = sorted({path.partition("/{")[0] for _, path, _ in routes()})
    bodies = {path: (await ask(ours, "GET", path)).body for path in collections}
    return {path: re.sub(r'"last_used_at":(null|"[^"]*")', "", body) for path, body in bodies.items()}


def unknown(name: str, known: list[str]) -> str:
    """An id that never was, of the form that the others of its kind have."""
    never = NEVER.get(name) or known[0][:3] + known[0][:2:-1]
    assert never not in known
    return never


async def test_a4_no_list_tells_another_account_anything(
    server: Server, ours: aiohttp.ClientSession, theirs: aiohttp.ClientSession
) -> None:
    async with Client.of(server) as client:
        for index in range(10, 13):
            await client.finished(await client.place(index, index))
        listed = json.loads((await ask(ours, "GET", "/api/v2/calls?limit=1")).body)
        secret = re.compile("|".join([listed["items"][0]["id"], user_number(10), destination_number(11)]))
        queries = (
            "",
            f"?cursor={listed['next_cursor']}&limit=1",
            f"?user_line={user_number(10)}",
            f"?account_id={server.deployment.account_id}",
            "?metadata=account_id:1",
            f"?outcome=user_unreachable&account={server.deployment.account_id}",
        )
        for path in DOCUMENT["paths"]:
            if "get" in DOCUMENT["paths"][path] and "{" not in path and not path.endswith("/events"):
                for query in queries:
                    told = await ask(theirs, "GET", f"{path}{query}")
                    assert not secret.search(told.body), f"{path}{query}"
                    assert told.status in (200, 400, 422), f"{path}{query}: {told}"


def routes() -> Iterator[tuple[str, str, str]]:
    """Every path with an id in it, with every method, described or not; and the name of the first id."""
    for path in DOCUMENT["paths"]:
        first = re.search(r"\{(\w+)\}", path)
        if first is not None:
            for method in METHODS:
                yield method.upper(), path, first[1]


def body_of(method: str, path: str) -> object:
    """A body that the route takes, as far as its description tells."""
    operation = DOCUMENT["paths"][path].get(method.lower(), {})
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return None if content is None else value_of(content["schema"])


def value_of(schema: dict[str, Any]) -> object:
    """The least that fits the schema."""
    if "$ref" in schema:
        return value_of(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return value_of(schema[choice][0])
    if "enum" in schema or "const" in schema:
        return schema.get("const") or schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: value_of(schema["properties"][name]) for name in schema.get("required", ())}
        case "array":
            return [value_of(schema["items"])] * schema.get("minItems", 0)
        case "string":
            return "1" * max(1, schema.get("minLength", 1))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case _:
            return False
