"""Whatever the published description of the API allows, and much that it does not, sent to a real server.

Half of the requests are about things that there are: calls that talk, keys, lines, webhooks. No telephone rings, since
the key is one for tests. No answer is a 5xx, and none is of a status, a type or a form that docs/openapi.json does not name.
"""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ringbridge.call.key import Scope
from ringbridge.call.webhook import event_id
from ringbridge.service.clock import Clock
from tests.peers.client import Client
from tests.peers.server import Deployment, Server, ringbridge, user_number
from tests.scenarios.conftest import LINES

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
EXAMPLES = 16
ANSWER_SECONDS = 30.0
DAY_SECONDS = 86_400.0
OF_EACH_KIND = 12
# A simulated destination that answers and talks until it is hung up.
TALKING = "+15125550109"
ANSWERING = "+15125550100"
# Some talk to the end.
SETTINGS = {"RINGBRIDGE_WEBHOOK_PRIVATE": "127.0.0.1", "RINGBRIDGE_DRAIN_SECONDS": "0"}
NOWHERE = "http://127.0.0.1:9/"
PLACES = {"url": [NOWHERE], "webhook": [NOWHERE], "origin": ["https://crm.example.com"]}

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

generate = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

# An answer that goes on until a call is over, or for good, is not waited for.
STREAMS = "/events$"
api = schemathesis.openapi.from_path(DOCUMENT).exclude(path_regex=STREAMS)
streams = schemathesis.openapi.from_path(DOCUMENT).include(path_regex=STREAMS)


class Target:
    """The server, the key to ask it with, and the ids of things that it has."""

    def __init__(self, server: Server, test: str, live: str, ids: dict[str, list[str]]) -> None:
        self.url = server.url
        self._test, self._live = test, live
        lines = [user_number(number) for number in range(OF_EACH_KIND, LINES)]
        values = {
            **ids,
            **dict.fromkeys(("user_line", "user_caller_id", "destination_caller_id", "line"), lines),
            "destination_line": [TALKING, ANSWERING],
            "at": [datetime.fromtimestamp(Clock().utc_now() + DAY_SECONDS, UTC).isoformat()],
            **PLACES,
        }
        self._values = {name: cycle(known) for name, known in values.items()}
        self._is_real = cycle((1, 0))
        self.done: set[str] = set()
        """The operations that have done what was asked of them."""

    def headers(self, case: schemathesis.Case[Any]) -> dict[str, str]:
        """Calls are placed by a test key, and all else is asked by one that may all: no phone rings."""
        is_placing = (
            case.operation.path in ("/api/v1/call", "/api/v2/calls") and case.operation.method == "post"
        )
        return {"Authorization": self._test if is_placing else self._live}

    def aim(self, case: schemathesis.Case[Any]) -> None:
        """Make every second request one about things that there are, where its path or its body names any."""
        if next(self._is_real):
            for named in (case.path_parameters, case.body):
                self._aim_named(named)

    def _aim_named(self, named: object) -> None:
        parameters: dict[str, Any] = named if isinstance(named, dict) else {}
        for name, value in parameters.items():
            if name in self._values:
                parameters[name] = next(self._values[name])
            else:
                self._aim_named(value)


@pytest.fixture(scope="module")
def target(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    words = [word for scope in Scope for word in ("--scope", scope.value)]
    test, live = (new_key(own, *words, *kind) for kind in (("--test",), ()))
    with Server.running(own, settings=SETTINGS) as server:
        yield Target(server, test, live, asyncio.run(things(server, test, live)))


def new_key(own: Deployment, *words: str) -> str:
    """The header of a key that is made so."""
    printed = ringbridge(own.data_dir, "key", "create", "--account", own.account_id, *words)
    header = re.search(r"Authorization:\s*(Basic \S+)", printed)
    assert header is not None
    return header[1]


async def things(server: Server, test: str, live: str) -> dict[str, list[str]]:
    """Make some of everything that has an id: the ids, by their names in paths."""
    wanted: dict[str, list[dict[str, object]]] = {
        "webhooks": [{"url": NOWHERE} for _ in range(OF_EACH_KIND)],
        "keys": [{"name": "spare", "scopes": ["calls:read"]} for _ in range(OF_EACH_KIND)],
        "lines": [{"number": str(200 + number)} for number in range(OF_EACH_KIND)],
        "calls": [
            {"user_line": user_number(number), "destination_line": TALKING} for number in range(OF_EACH_KIND)
        ],
    }
    made = defaultdict[str, list[str]](list)
    async with aiohttp.ClientSession(server.url) as session:
        for collection, bodies in wanted.items():
            headers = {"Authorization": test if collection == "calls" else live}
            for body in bodies:
                async with session.post(f"/api/v2/{collection}", json=body, headers=headers) as answer:
                    assert answer.status == 201, await answer.text()
                    made[f"{collection.removesuffix('s')}_id"].append((await answer.json())["id"])
    async with Client.of(server) as client:
        for call_id in made["call_id"]:
            await client.reaches(call_id, "connected")
        # Every third one is over.
        for call_id in made["call_id"][::3]:
            await client.hang_up(call_id)
            await client.finished(call_id)
    return {**made, "event_id": [event_id(call_id, 1) for call_id in made["call_id"]]}


@api.parametrize()
@generate
def test_every_answer_is_one_that_is_described(case: schemathesis.Case[Any], target: Target) -> None:
    target.aim(case)
    answer = case.call_and_validate(
        base_url=target.url, headers=target.headers(case), checks=CHECKS, timeout=ANSWER_SECONDS
    )
    if answer.status_code < 300:
        target.done.add(case.operation.label)


@streams.parametrize()
@generate
def test_every_stream_begins_as_is_described(case: schemathesis.Case[Any], target: Target) -> None:
    target.aim(case)
    asked = case.as_transport_kwargs(base_url=target.url, headers=target.headers(case))
    with requests.request(**asked, stream=True, timeout=ANSWER_SECONDS) as answer:
        if answer.status_code == 405 and case.method != case.operation.method.upper():
            return
        if answer.status_code < 300:
            target.done.add(case.operation.label)
        described = case.operation.definition.raw["responses"]
        assert str(answer.status_code) in described
        content = described[str(answer.status_code)].get("content", {"": {}})
        assert answer.headers.get("Content-Type", "").partition(";")[0] in content


def test_every_operation_is_asked_for_and_does_what_it_is_for(target: Target) -> None:
    """The last one: it looks at what came of the others."""
    found = [operation for part in (api, streams) for operation in part.get_all_operations()]
    asked = {operation.ok().label for operation in found if isinstance(operation, Ok)}
    assert asked == {
        f"{method.upper()} {path}"
        for path, methods in json.loads(DOCUMENT.read_text())["paths"].items()
        for method in methods
    }
    assert asked - target.done == set()
