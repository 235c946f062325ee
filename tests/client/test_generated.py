"""What is made from the description of the API: frozen, and working against a real server."""

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from clients.description import operations
from clients.generate import DESCRIPTION, REPOSITORY, generated
from clients.javascript import type_of
from clients.postman import collection, example_of

from tests.client.conftest import Access
from tests.peers.server import user_number
from tests.peers.tool import WAIT_SECONDS, require_tool

BUSY = "+15125550101"
# It takes two, on a machine that has nothing else to do.
COMPILER_SECONDS = 180.0
DOCUMENT: dict[str, Any] = json.loads(DESCRIPTION.read_text())


@pytest.mark.parametrize("path", [path.relative_to(REPOSITORY) for path in generated(DOCUMENT)], ids=str)
def test_what_is_in_the_repository_is_what_the_description_says(path: Path) -> None:
    """After a change of the API: scripts/describe-api."""
    assert (REPOSITORY / path).read_text() == generated(DOCUMENT)[REPOSITORY / path]


@pytest.mark.parametrize(
    ("schema", "type_name"),
    [
        ({"$ref": "#/components/schemas/Page_LineResource_"}, "PageLineResource"),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}, {"type": "null"}]}, "number | null"),
        ({"type": "string", "enum": ["a", "b"]}, '"a" | "b"'),
        ({"const": True}, "true"),
        ({"type": "array", "items": {"type": "boolean"}}, "Array<boolean>"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "Record<string, string>"),
        ({"type": "object", "patternProperties": {"^a": {"type": "string"}}}, "Record<string, string>"),
        ({"type": "object", "additionalProperties": True}, "Record<string, unknown>"),
        ({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, "{ a: string; }"),
        ({}, "unknown"),
    ],
)
def test_schemas_become_types(schema: dict[str, Any], type_name: str) -> None:
    assert type_of(schema) == type_name


def test_the_collection_has_every_operation_once_with_a_body_that_is_allowed() -> None:
    items = [item for folder in collection(DOCUMENT)["item"] for item in folder["item"]]
    assert sorted((item["request"]["method"], item["name"]) for item in items) == sorted(
        (operation.method, operation.summary)
        for operation in operations(DOCUMENT)
        if operation.kind != "stream"
    )
    (place,) = [item["request"] for item in items if item["name"] == "Place a call"]
    assert place["url"]["raw"] == "{{url}}/api/v2/calls"
    assert json.loads(place["body"]["raw"]) == {
        "user_line": "{{user_line}}",
        "destination_line": "{{destination_line}}",
    }


def test_the_collection_reads_and_removes_only_what_it_made_and_erases_nobody() -> None:
    whole = collection(DOCUMENT)
    items = {item["name"]: item for folder in whole["item"] for item in folder["item"]}
    variables = {variable["key"]: variable["value"] for variable in whole["variable"]}
    carried_on = set(re.findall(r'collectionVariables\.set\("(\w+)"', json.dumps(whole).replace('\\"', '"')))
    named = {
        (variable["key"], variable["value"])
        for item in items.values()
        for variable in item["request"]["url"]["variable"]
    }
    assert named == {(name, f"{{{{{name}}}}}") for name in carried_on}
    assert all(variables[name] == "" for name in carried_on)
    (erase,) = [item for item in items.values() if item["request"]["url"]["raw"].endswith("/records/erase")]
    assert json.loads(erase["request"]["body"]["raw"])["number"] == "{{number_to_erase}}"
    assert variables["number_to_erase"] == ""


def test_no_example_of_the_collection_leaves_a_text_empty() -> None:
    for folder in collection(DOCUMENT)["item"]:
        for item in folder["item"]:
            body = json.loads(item["request"].get("body", {"raw": "{}"})["raw"])
            assert "" not in body.values(), item["name"]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "array", "items": {"type": "boolean"}}, [True]),
        ({"anyOf": [{"enum": ["a"]}, {"type": "null"}]}, "a"),
        ({"type": "string", "default": "csv"}, "csv"),
    ],
)
def test_examples_are_values_that_a_schema_allows(schema: dict[str, Any], value: object) -> None:
    assert example_of(schema, DOCUMENT) == value


def test_the_types_let_programs_write_what_the_server_takes_and_nothing_else() -> None:
    compiler = require_tool("tsc", "node-typescript")
    program = Path(__file__).parent / "typed.mts"
    strictly = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noEmit"]
    modern = ["--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom"]
    compiled = subprocess.run(
        [compiler, *strictly, *modern, str(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=COMPILER_SECONDS,
    )
    assert (compiled.returncode, compiled.stdout) == (0, "")


async def test_a_program_in_javascript_places_and_follows_a_call(access: Access) -> None:
    node = require_tool("node", "nodejs")
    words = (access.url, access.account_id, access.key, f"+{user_number(0)}", BUSY)
    process = await asyncio.create_subprocess_exec(
        node, str(Path(__file__).parent / "follow.mjs"), *words, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(WAIT_SECONDS):
        out, _ = await process.communicate()
    assert process.returncode == 0
    seen = json.loads(out)
    assert seen["ids"] == [str(index + 1) for index in range(len(seen["ids"]))]
    assert (seen["names"][0], seen["names"][-1], seen["left"]) == ("accepted", "ended", 0)
    assert (seen["outcome"], seen["metadata"]) == ("destination_busy", {"order": "4711"})
    assert (seen["listed"], seen["table"]) == ([True], "call_id")
    assert (seen["nowhere"], seen["given_up"]) == (True, False)
    assert seen["refused"][:2] == [422, "unknown_line"]
    assert seen["stranger"] == [401, "invalid_credentials", "Invalid API credentials."]
