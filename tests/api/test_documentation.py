"""The description of the API, and the page that shows it."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from tests.api.conftest import FrontDoor, exchange, request

pytestmark = pytest.mark.asyncio(loop_scope="package")

FROZEN = Path(__file__).parents[2] / "docs" / "openapi.json"


async def get(door: FrontDoor, path: str) -> bytes:
    reply = await exchange(door, request(method="GET", path=path, authorization=None))
    assert reply.status == 200
    return reply.body


async def test_the_description_is_the_frozen_one(door: FrontDoor) -> None:
    """A change of the API is a change of docs/openapi.json in the same commit; docs/api.md says how to write it."""
    assert json.loads(await get(door, "/openapi.json")) == json.loads(FROZEN.read_text())


async def test_the_description_names_every_route_of_both_versions(door: FrontDoor) -> None:
    # Many at once are told the same.
    first, *others = await asyncio.gather(*(get(door, "/openapi.json") for _ in range(5)))
    assert {*others} == {first}
    document = json.loads(first)
    assert document["openapi"] == "3.1.0"
    assert {path: sorted(operations) for path, operations in document["paths"].items()} == {
        "/api/v1/call": ["post"],
        "/api/v2/calls": ["get", "post"],
        "/api/v2/calls/preview": ["post"],
        "/api/v2/events": ["get"],
        "/api/v2/calls/{call_id}": ["delete", "get"],
        "/api/v2/calls/{call_id}/events": ["get"],
        **{
            f"/api/v2/calls/{{call_id}}/actions/{action}": ["post"]
            for action in ("hold", "resume", "digits", "transfer", "hangup")
        },
        "/api/v2/limits": ["get", "patch"],
        "/api/v2/audit": ["get"],
        "/api/v2/keys": ["get", "post"],
        "/api/v2/keys/{key_id}": ["delete", "get"],
        "/api/v2/keys/{key_id}/rotate": ["post"],
        "/api/v2/lines": ["get", "post"],
        "/api/v2/lines/{line_id}": ["delete", "get", "patch"],
        "/api/v2/lines/{line_id}/password": ["post"],
        "/api/v2/records": ["get"],
        "/api/v2/webhooks": ["get", "post"],
        "/api/v2/webhooks/call-secret": ["get"],
        "/api/v2/webhooks/{webhook_id}": ["delete", "get", "patch"],
        "/api/v2/webhooks/{webhook_id}/rotate-secret": ["post"],
        "/api/v2/webhooks/{webhook_id}/test": ["post"],
        "/api/v2/webhooks/{webhook_id}/deliveries": ["get"],
        "/api/v2/webhooks/{webhook_id}/deliveries/{event_id}/replay": ["post"],
        "/api/v2/webhooks/{webhook_id}/replay": ["post"],
        "/api/v2/records/erase": ["post"],
        "/api/v2/records/export": ["get"],
        "/api/v2/records/{call_id}": ["get"],
        "/api/v2/tokens": ["post"],
        "/api/v2/trunks": ["get"],
        "/api/v2/usage": ["get"],
    }


async def test_the_page_loads_nothing_from_elsewhere(door: FrontDoor) -> None:
    page = (await get(door, "/docs")).decode()
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(addresses) == 3
    for address in addresses:
        assert address.startswith("/docs/static/")
        assert len(await get(door, address)) > 0


@pytest.mark.parametrize("path", ["/", "/nothing", "/apiary"])
async def test_what_is_not_the_apis_is_the_portals(door: FrontDoor, path: str) -> None:
    assert await get(door, path) == b"a page\n"


@pytest.mark.parametrize("path", ["/docs/static/../app.py", "/docs/static/%2e%2e/app.py", "/docs/static/"])
async def test_nothing_but_the_files_of_the_page_is_given_out(door: FrontDoor, path: str) -> None:
    reply = await exchange(door, request(method="GET", path=path, authorization=None))
    assert (reply.status, reply.body) == (404, b'{"error": "Not Found"}')


async def test_the_collection_for_postman_is_there(door: FrontDoor) -> None:
    assert json.loads(await get(door, "/docs/static/postman.json"))["info"]["name"]
