"""The cURL command of net2phone's documentation, run by curl, with only host and credentials changed."""

import asyncio

import pytest

from tests.api.conftest import FrontDoor, basic
from tests.peers.tool import WAIT_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="package")

# As documented, line breaks included; the printed page also breaks the Authorization line, which HTTP does not allow.
COMMAND = """\
curl -X POST \\
  https://api.n2p.io/api/v1/call \\
  -H 'Content-Type: application/json' \\
  -H 'Authorization: Basic MTAwOTY4Mzo3NpU5NjQ1MC1hZDBhLTQzODItYjU0ZS1hNTQyZjZmYmViYmU=' \\
  -d '{
    "user_line": "+1 (817) 562-9657",
    "destination_line": "15125292329"
  }'
"""


async def run(command: str) -> bytes:
    """What the command prints to its standard output."""
    process = await asyncio.create_subprocess_shell(
        command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(WAIT_SECONDS):
        output, _ = await process.communicate()
    assert process.returncode == 0
    return output


async def test_the_documented_command_places_a_call(door: FrontDoor) -> None:
    command = COMMAND.replace("https://api.n2p.io", door.url("")).replace(
        "Basic MTAwOTY4Mzo3NpU5NjQ1MC1hZDBhLTQzODItYjU0ZS1hNTQyZjZmYmViYmU=", basic()
    )
    assert await run(command) == b'{"api_request_id": "019ab2c4-0000-7000-8000-000000000001"}'
    assert door.calls.placed == [("1009683", "+1 (817) 562-9657", "15125292329")]


async def test_the_documented_command_with_the_documented_key_is_refused(door: FrontDoor) -> None:
    command = COMMAND.replace("https://api.n2p.io", door.url(""))
    assert await run(command) == b'{"error": "Invalid API credentials."}'
    assert door.calls.placed == []


async def test_a_form_of_plain_digits_needs_no_options(door: FrontDoor) -> None:
    """As docs/api.md says, and that JSON under the type that `-d` gives it has no fields."""
    command = f"curl -s {door.url('/api/v1/call')} -H 'Authorization: {basic()}' -d "
    assert (
        await run(f'{command} \'{{"user_line": "18175629657"}}\'') == b'{"error": "request user_line field"}'
    )
    await run(f"{command} user_line=18175629657 -d destination_line=15125292329")
    assert door.calls.placed == [("1009683", "18175629657", "15125292329")]


@pytest.mark.parametrize("option", ["--data-urlencode", "--form-string"])
async def test_a_form_places_a_call_too(door: FrontDoor, option: str) -> None:
    command = (
        f"curl -s {door.url('/api/v1/call')} -H 'Authorization: {basic()}'"
        f" {option} 'user_line=+1 (817) 562-9657' {option} 'destination_line=15125292329'"
    )
    assert await run(command) == b'{"api_request_id": "019ab2c4-0000-7000-8000-000000000001"}'
    assert door.calls.placed == [("1009683", "+1 (817) 562-9657", "15125292329")]
