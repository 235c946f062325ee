"""What a request's options make of a call, and which of them are refused."""

from dataclasses import replace

import pytest

from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import InvalidOption, InvalidUserLine
from ringbridge.call.model import Call, CallLimits
from ringbridge.service.clock import Clock
from ringbridge.service.planner import Planner
from ringbridge.service.request import CallRequest
from tests.service.double import ACCOUNT, CALLER, MOBILE, PHONE, MemoryDirectory

PLAIN = CallRequest(user_line=PHONE.number, destination_line="15125292329")
LIMITS = AccountLimits(user_ring_s=40.0, destination_ring_s=50.0, confirm_s=7.0, call_s=600.0)


async def plan(request: CallRequest) -> Call:
    directory = MemoryDirectory()
    directory.limits_of_all = LIMITS
    return (await Planner(directory, Clock()).plan(CALLER, request)).call


async def test_without_options_everything_is_as_the_line_and_the_account_have_it() -> None:
    call = await plan(PLAIN)
    assert call.limits == CallLimits(
        user_ring_seconds=40.0, confirm_seconds=7.0, destination_ring_seconds=50.0, call_seconds=600.0
    )
    assert (call.language, call.confirm, call.user.auto_answer) == ("en", False, False)
    assert (call.user.routes[0].caller_number, call.destination.routes[0].caller_number) == (
        "+15125292329",
        PHONE.number,
    )
    assert (call.metadata, call.webhook) == (None, None)


async def test_options_go_before_the_line_and_the_account() -> None:
    call = await plan(
        replace(
            PLAIN,
            confirm=True,
            auto_answer=True,
            language="es",
            user_ring_seconds=10.0,
            destination_ring_seconds=20.0,
            call_seconds=30.0,
            metadata={"order": "4711"},
            webhook="https://example.com/calls",
        )
    )
    assert call.limits == CallLimits(
        user_ring_seconds=10.0, confirm_seconds=7.0, destination_ring_seconds=20.0, call_seconds=30.0
    )
    assert (call.language, call.confirm, call.user.auto_answer) == ("es", True, True)
    assert (call.metadata, call.webhook) == ({"order": "4711"}, "https://example.com/calls")


async def test_whoever_answers_over_a_trunk_is_not_asked_when_the_request_says_so() -> None:
    assert (await plan(replace(PLAIN, user_line=MOBILE.number))).confirm
    assert not (await plan(replace(PLAIN, user_line=MOBILE.number, confirm=False))).confirm


@pytest.mark.parametrize("number", [MOBILE.number, ACCOUNT.main_number])
async def test_each_phone_shows_the_number_of_the_account_that_was_asked_for(number: str) -> None:
    call = await plan(replace(PLAIN, user_caller_id=number, destination_caller_id=number))
    assert (call.user.routes[0].caller_number, call.destination.routes[0].caller_number) == (number, number)
    over_trunk = await plan(replace(PLAIN, user_line=MOBILE.number, user_caller_id=number))
    assert over_trunk.user.routes[0].caller_number == number


@pytest.mark.parametrize("option", ["user_caller_id", "destination_caller_id"])
@pytest.mark.parametrize(
    ("text", "code"),
    [("+12125550123", "not_own_number"), ("204", "invalid_number"), ('"x" <sip:a@b>', "invalid_number")],
)
async def test_no_phone_shows_a_number_that_is_not_the_accounts(option: str, text: str, code: str) -> None:
    with pytest.raises(InvalidOption, match=option) as refused:
        await plan(replace(PLAIN, **{option: text}))  # type: ignore[arg-type]
    assert (refused.value.option, refused.value.code) == (option, code)


@pytest.mark.parametrize(
    ("option", "most"),
    [("user_ring_seconds", 40.0), ("destination_ring_seconds", 50.0), ("call_seconds", 600.0)],
)
async def test_no_stage_takes_longer_than_the_account_may(option: str, most: float) -> None:
    assert getattr((await plan(replace(PLAIN, **{option: most}))).limits, option) == most  # type: ignore[arg-type]
    with pytest.raises(InvalidOption) as refused:
        await plan(replace(PLAIN, **{option: most + 0.5}))  # type: ignore[arg-type]
    assert (refused.value.option, refused.value.code) == (option, "above_limit")


async def test_a_key_of_other_lines_places_no_call_for_this_one() -> None:
    bound = CALLER._replace(key=replace(CALLER.key, lines=(MOBILE.number,)))
    planner = Planner(MemoryDirectory(), Clock())
    assert await planner.plan(bound, replace(PLAIN, user_line=MOBILE.number))
    with pytest.raises(InvalidUserLine, match="unknown_line"):
        await planner.plan(bound, PLAIN)
