"""Row A4: whatever another account asks for by an id of ours is answered as an id that never was, on every route there is."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from ringbridge.call.key import Scope
from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import WAIT_SECONDS

pytestmark = pytest.mark.peer

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
METHODS = ("get", "post", "put", "patch", "delete")
SCOPES = [scope.value for scope in Scope]
# Of the same form as the real ones.
NEVER = {
    "call_id": "019ab2c4-0000-7000-8000-000000000001",
    "key_id": "AAAAAAAAAA",
}
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


async def test_a4_no_route_tells_another_account_anything_by_an_id(
    server: Server, headers: tuple[str, str], user: Phone, destination: Phone
) -> None:
    ours, theirs = (
        aiohttp.ClientSession(server.url, headers={"Authorization": authorization})
        for authorization in headers
    )
    async with ours, theirs, Client.of(server) as client:
        body = {"user_line": user_number(1), "destination_line": destination_number(1)}
        ended = (await made(ours, "/api/v2/calls", body))["id"]
        await user.leg_to(user_number(1))
        await client.hang_up(ended)
        await client.finished(ended)
        body = {"user_line": user_number(2), "destination_line": destination_number(2)}
        running = (await made(ours, "/api/v2/calls", body))["id"]
        user_leg = await user.leg_to(user_number(2))
        user_leg.answer()
        destination_leg = await destination.leg_to(destination_number(2))
        destination_leg.answer()
        await client.reaches(running, "connected")
        lists = {
            name: json.loads((await ask(ours, "GET", f"/api/v2/{name}")).body)["items"]
            for name in ("keys", "lines")
        }
        ids = {
            "call_id": [ended, running],
            "key_id": [item["id"] for item in lists["keys"]],
            "line_id": [item["id"] for item in lists["lines"][:2]],
        }
        webhook = {"url": "http://127.0.0.1:9/"}
        ids["webhook_id"] = [(await made(ours, "/api/v2/webhooks", webhook))["id"]]
        assert {name for _, _, name in routes()} == set(ids), "every kind of id is tried"
        asked = 0
        for method, path, name in routes():
            for identifier in ids[name]:
                least = body_of(method, path)
                never = NEVER.get(name, identifier[::-1])
                told, of_none = [
                    await ask(
                        theirs, method, re.sub(r"\{\w+\}", "1", path.replace(f"{{{name}}}", one)), least
                    )
                    for one in (identifier, never)
                ]
                assert told == of_none, f"{method} {path}"
                assert told.status in (403, 404, 405), f"{method} {path}: {told}"
                assert identifier not in told.body
                asked += 1
        assert asked >= 30
        call = await client.call(running)
        assert call["state"] == "connected", "somebody else changed it"
        user_leg.hang_up()
        await client.finished(running)


async def test_a4_no_list_tells_another_account_anything(server: Server, headers: tuple[str, str]) -> None:
    ours, theirs = (
        aiohttp.ClientSession(server.url, headers={"Authorization": authorization})
        for authorization in headers
    )
    async with ours, theirs, Client.of(server) as client:
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
