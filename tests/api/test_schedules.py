"""Calls that are placed later or again, over version 2: what it takes, what it shows."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ringbridge.call.cause import Outcome
from ringbridge.call.errors import InvalidOption, TooManyCalls
from ringbridge.call.history import StoredAttempt, StoredSchedule
from ringbridge.call.schedule import RETRIABLE, Retry
from ringbridge.service.preview import Decision, Preview
from ringbridge.service.request import CallRequest, ScheduleRequest
from tests.api.conftest import FrontDoor
from tests.api.scripted_schedules import CALL_ID, NOW
from tests.api.test_placing import LINES, OPTIONS, code_of, post
from tests.api.test_preview import ask as ask_preview
from tests.api.test_v2 import ENDED, RUNNING, ask

pytestmark = pytest.mark.asyncio(loop_scope="package")

PATH = f"/api/v2/calls/{CALL_ID}"
SCHEDULED = replace(
    RUNNING,
    id=CALL_ID,
    state="scheduled",
    schedule=StoredSchedule(
        at=NOW,
        when_user_is_free=True,
        window_seconds=600.0,
        max_attempts=3,
        after_seconds=120.0,
        retry_on=("user_busy",),
        next_attempt_at=None,
        attempts=(StoredAttempt("try-1", "ringing_user", None, NOW + 1.0),),
    ),
)


async def test_a_scheduled_call_is_kept_and_shown(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = SCHEDULED
    wanted = {
        "schedule": {"at": "2026-12-01T09:00:00+01:00", "window_seconds": 600},
        "when_user_is_free": True,
        "retry": {"max_attempts": 3, "after_seconds": 120, "on": ["user_busy", "failed", "user_busy"]},
    }
    reply = await post(door, LINES | OPTIONS | wanted, headers={"Idempotency-Key": "order"})
    assert (reply.status, reply.headers["location"]) == (201, PATH)
    assert json.loads(reply.body)["state"] == "scheduled"
    [(request, schedule, key)] = door.schedules.asked
    assert request == CallRequest(**LINES, **OPTIONS)
    assert schedule == ScheduleRequest(
        at=datetime(2026, 12, 1, 8, tzinfo=UTC).timestamp(),
        when_user_is_free=True,
        window_seconds=600.0,
        retry=Retry(max_attempts=3, after_seconds=120.0, on=(Outcome.USER_BUSY, Outcome.FAILED)),
    )
    assert key is not None
    assert door.calls.placed == []


@pytest.mark.parametrize(
    ("wanted", "schedule"),
    [
        ({"when_user_is_free": True}, ScheduleRequest(when_user_is_free=True)),
        ({"retry": {"max_attempts": 2}}, ScheduleRequest(retry=Retry(max_attempts=2))),
        ({"schedule": {}}, ScheduleRequest()),
    ],
)
async def test_each_of_the_three_makes_it_a_scheduled_call(
    door: FrontDoor, wanted: dict[str, Any], schedule: ScheduleRequest
) -> None:
    door.calls.stored[CALL_ID] = SCHEDULED
    assert (await post(door, LINES | wanted)).status == 201
    assert [asked[1] for asked in door.schedules.asked] == [schedule]


async def test_without_them_it_is_placed_at_once(door: FrontDoor) -> None:
    door.calls.stored["019ab2c4-0000-7000-8000-000000000001"] = RUNNING
    body = LINES | {"schedule": None, "when_user_is_free": False, "retry": None}
    assert (await post(door, body)).status == 201
    assert door.schedules.asked == []
    assert len(door.calls.placed) == 1


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        ({"schedule": {"at": "2026-12-01T09:00:00"}}, "schedule.at"),
        ({"schedule": {"at": 1_800_000_000}}, "schedule.at"),
        ({"schedule": {"at": "tomorrow"}}, "schedule.at"),
        ({"schedule": {"at": "0001-01-01T00:00:00+14:00"}}, "schedule.at"),
        ({"schedule": {"at": "9999-12-31T23:59:59-14:00"}}, "schedule.at"),
        ({"schedule": {"window_seconds": 0}}, "schedule.window_seconds"),
        ({"schedule": {"window_seconds": 86_401}}, "schedule.window_seconds"),
        ({"retry": {"max_attempts": 0}}, "retry.max_attempts"),
        ({"retry": {"max_attempts": 11}}, "retry.max_attempts"),
        ({"retry": {"max_attempts": 2, "after_seconds": 0}}, "retry.after_seconds"),
        ({"retry": {"max_attempts": 2, "on": []}}, "retry.on"),
        ({"retry": {"max_attempts": 2, "on": ["rain"]}}, "retry.on"),
        ({"when_user_is_free": "yes"}, "when_user_is_free"),
        *(
            ({"retry": {"max_attempts": 2, "on": [outcome.value]}}, "retry.on")
            for outcome in sorted(set(Outcome) - RETRIABLE, key=lambda outcome: outcome.value)
        ),
    ],
)
async def test_what_cannot_be_is_refused(door: FrontDoor, wanted: dict[str, Any], named: str) -> None:
    status, code, detail = await code_of(door, LINES | wanted)
    assert (status, code) == (422, "invalid_field")
    assert detail.startswith(named)
    assert door.schedules.asked == []


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidOption("schedule.at", "too_far_ahead"), 422, "too_far_ahead"),
        (InvalidOption("schedule.at", "in_the_past"), 422, "in_the_past"),
        (TooManyCalls("scheduled", most=1000, retry_after_seconds=60.0), 429, "limit_exceeded"),
    ],
)
async def test_refusals_have_their_codes(door: FrontDoor, error: Exception, status: int, code: str) -> None:
    door.schedules.error = error
    assert (await code_of(door, LINES | {"schedule": {}}))[:2] == (status, code)


async def test_it_is_shown_with_its_attempts(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = SCHEDULED
    shown = json.loads((await ask(door, PATH)).body)
    assert (shown["state"], shown["attempt_of"]) == ("scheduled", None)
    assert shown["schedule"] == {
        "at": "2026-09-21T14:13:20Z",
        "when_user_is_free": True,
        "window_seconds": 600.0,
        "retry": {"max_attempts": 3, "after_seconds": 120.0, "on": ["user_busy"]},
        "next_attempt_at": None,
        "attempts": [
            {
                "id": "try-1",
                "state": "ringing_user",
                "outcome": None,
                "accepted_at": "2026-09-21T14:13:21Z",
            }
        ],
    }


async def test_without_retry_it_says_so(door: FrontDoor) -> None:
    assert SCHEDULED.schedule is not None
    once = SCHEDULED.schedule._replace(retry_on=(), max_attempts=1)
    door.calls.stored[CALL_ID] = replace(SCHEDULED, schedule=once)
    assert json.loads((await ask(door, PATH)).body)["schedule"]["retry"] is None


async def test_an_attempt_says_what_it_is_one_of(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = replace(RUNNING, id=CALL_ID, attempt_of="019a")
    shown = json.loads((await ask(door, PATH)).body)
    assert (shown["attempt_of"], shown["schedule"]) == ("019a", None)


async def test_its_own_service_waits_follows_and_calls_it_off(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = SCHEDULED
    assert (await ask(door, PATH, headers={"Prefer": "wait=7"})).status == 200
    assert b"id: 2" in (await ask(door, f"{PATH}/events?after=1")).body
    assert (await ask(door, PATH, "DELETE")).status == 202
    schedules = door.schedules
    assert (schedules.waited, schedules.followed_after, schedules.cancelled) == ([7], [1], [CALL_ID])
    assert (door.calls.waited, door.calls.followed_after, door.calls.cancelled) == ([], [], [])


async def test_what_is_over_cannot_be_called_off(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = replace(ENDED, id=CALL_ID, schedule=SCHEDULED.schedule)
    door.schedules.is_over = True
    reply = await ask(door, PATH, "DELETE")
    assert (reply.status, json.loads(reply.body)["code"]) == (409, "call_already_ended")


async def test_live_actions_are_for_its_attempts(door: FrontDoor) -> None:
    door.calls.stored[CALL_ID] = SCHEDULED
    reply = await ask(door, f"{PATH}/actions/resume", "POST")
    problem = json.loads(reply.body)
    assert (problem["status"], problem["code"]) == (409, "wrong_state")
    assert "scheduled" in problem["detail"]


async def test_a_preview_tells_what_would_be_waited_for(door: FrontDoor) -> None:
    preview = Preview(None, None, None, [], [Decision("schedule", None)])
    body = LINES | {"schedule": {}, "retry": {"max_attempts": 2}}
    shown = json.loads((await ask_preview(door, preview, body)).body)
    assert shown["allowed"]
    assert shown["schedule"] == {
        "at": "2026-09-21T14:13:20Z",
        "when_user_is_free": False,
        "window_seconds": 3600.0,
        "retry": {
            "max_attempts": 2,
            "after_seconds": 60.0,
            "on": ["user_busy", "user_no_answer", "destination_busy", "destination_no_answer"],
        },
        "next_attempt_at": "2026-09-21T14:13:20Z",
        "attempts": [],
    }
    plain = json.loads((await ask_preview(door, preview, LINES)).body)
    assert plain["schedule"] is None
