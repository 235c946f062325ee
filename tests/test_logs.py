"""One line for each event, whoever logs it, and no secret in any of them."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import structlog

from ringbridge.logs import configure_logging

KEY = "c2c_live_0123456789_" + "s" * 43 + "crc012"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configuration = structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configuration)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_event_is_one_json_object() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)

    structlog.get_logger().info("call.ended", call="0199", outcome="completed")
    structlog.get_logger().debug("call.step")

    [line] = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "call.ended", "level": "info", "call": "0199", "outcome": "completed"}


def test_libraries_log_through_the_same_door() -> None:
    stream = io.StringIO()
    configure_logging("debug", "json", stream)

    logging.getLogger("uvicorn.error").warning("lost %s", "something")
    logging.getLogger("asyncio").debug("chatter")

    [line] = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "library.message",
        "level": "warning",
        "library": "uvicorn.error",
        "text": "lost something",
    }


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"authorization": "Basic bG9sOnNlY3VyZQ=="}, {"authorization": "[hidden]"}),
        ({"account": {"Password": "hunter2"}}, {"account": {"Password": "[hidden]"}}),
        ({"text": f"key {KEY} refused"}, {"text": "key c2c_live_0123456789_[hidden] refused"}),
        (
            {"line": b"Authorization: Basic bG9sOnNlY3VyZQ=="},
            {"line": "Authorization: Basic [hidden]"},
        ),
        (
            {"sip": 'Authorization: Digest username="u", response="1f"\r\nVia: x'},
            {"sip": "Authorization: Digest [hidden]\r\nVia: x"},
        ),
        (
            {"url": ["postgresql://ringbridge:hunter2@db/calls"]},
            {"url": ["postgresql://ringbridge:[hidden]@db/calls"]},
        ),
        ({"error": ValueError(f"bad {KEY}")}, {"error": "bad c2c_live_0123456789_[hidden]"}),
        (
            {"seconds": 1.5, "note": "a basic plan, digest of today"},
            {"seconds": 1.5, "note": "a basic plan, digest of today"},
        ),
    ],
)
def test_secrets_are_hidden_and_the_rest_is_not(given: dict[str, Any], shown: dict[str, Any]) -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)

    structlog.get_logger().info("seen", **given)

    [line] = lines(stream)
    assert {name: line[name] for name in shown} == shown


def test_a_traceback_keeps_no_secret() -> None:
    stream = io.StringIO()
    configure_logging("info", "console", stream)

    try:
        raise ValueError(f"cannot use {KEY}")
    except ValueError:
        structlog.get_logger().exception("failed")

    assert "ValueError: cannot use c2c_live_0123456789_[hidden]" in stream.getvalue()
    assert "s" * 43 not in stream.getvalue()


def test_a_line_that_cannot_be_written_is_let_go() -> None:
    with suppress(OSError), Path("/dev/full").open("w") as full:
        configure_logging("info", "json", full)

        structlog.get_logger().info("unheard")
        logging.getLogger("library").warning("unheard")
        went_on = True

    assert went_on
