"""Processes of the demo: what they say, how they end, and what is said of those that end too early."""

from pathlib import Path

import pytest

from ringbridge.demo.child import Child, environment_for
from ringbridge.demo.errors import DemoFailed


def child(tmp_path: Path, program: str) -> Child:
    return Child("server", ["-c", program], environment_for(tmp_path), tmp_path / "log")


async def test_it_speaks_and_is_spoken_to_in_lines_of_json(tmp_path: Path) -> None:
    program = "import sys; print('{\"a\": 1}', flush=True); print(sys.stdin.readline(), flush=True)"
    async with child(tmp_path, program) as process:
        assert await process.first_words() == {"a": 1}
        process.write({"b": [2]})
        assert await process.read() == {"b": [2]}


@pytest.mark.parametrize("words", ["the port is taken", "ringbridge: the port is taken"])
async def test_one_that_ends_too_early_is_quoted(tmp_path: Path, words: str) -> None:
    async with child(tmp_path, f"import sys; sys.exit('{words}')") as process:
        with pytest.raises(DemoFailed) as error:
            await process.first_words()

    assert str(error.value) == "the server ended with status 1: the port is taken"


async def test_leaving_ends_it(tmp_path: Path) -> None:
    async with child(tmp_path, "import signal; print('{}', flush=True); signal.pause()") as process:
        await process.first_words()

    with pytest.raises(DemoFailed) as error:
        await process.read()
    assert str(error.value) == "the server ended with status -15"


def test_no_setting_of_the_newcomers_own_gets_into_a_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBRIDGE_HTTP_PORT", "80")
    monkeypatch.setenv("ringbridge_media_ports", "1024-2048")

    environment = environment_for(tmp_path)

    assert environment["RINGBRIDGE_HTTP_PORT"] == "0"
    assert "ringbridge_media_ports" not in environment
    assert environment["RINGBRIDGE_DATABASE_URL"] == f"sqlite:///{tmp_path}/ringbridge.db"
