"""Every final code from either phone: the caller of the API gets the right word, and both legs are released.

SIPp refuses with the code that the called number ends in. All calls run at once; the tests look at what became of each.
Row B1 of docs/reliability.md.
"""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.scenario import refusing_scenario
from tests.peers.server import Server, destination_number, user_number
from tests.peers.sipp import Sipp

pytestmark = pytest.mark.peer

OUTCOME_WORDS = {
    "busy": [486, 600],
    "no_answer": [408, 487],
    "declined": [603, 607, 608],
    "invalid": [404, 410, 414, 416, 484, 485, 604],
    "unreachable": [
        *(400, 401, 402, 403, 405, 406, 407, 413, 415, 420, 421, 422, 423, 433, 480, 481, 482, 483, 488),
        *(491, 493, 500, 501, 502, 503, 504, 505, 513, 580, 606),
    ],
}
DESTINATION_OUTCOMES = {
    code: f"destination_{word}" for word, codes in OUTCOME_WORDS.items() for code in codes
}
USER_OUTCOMES = {
    486: "user_busy",
    600: "user_busy",
    408: "user_no_answer",
    487: "user_no_answer",
    603: "user_declined",
    404: "user_unreachable",
    480: "user_unreachable",
    488: "user_unreachable",
    503: "user_unreachable",
}
# The spoken reason is at most 0.95 s long; the rest is the way there and back on a busy machine.
RELEASE_SECONDS = 1.2 + 9.0


class Refused(NamedTuple):
    """What became of one call: as the API shows it, on the refusing phone, and on the user's phone if it answered."""

    shown: dict[str, Any]
    refusing: list[str]
    user: Leg | None


@pytest.fixture(scope="module")
def refused_by_destination(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Refused]:
    """One call for every code, refused by the destination."""
    return asyncio.run(_call_refusing_destinations(server, tmp_path_factory.mktemp("sipp")))


@pytest.fixture(scope="module")
def refused_by_user(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Refused]:
    """One call for every code of the selection, refused by the user's phone."""
    return asyncio.run(_call_refusing_users(server, tmp_path_factory.mktemp("sipp")))


@pytest.mark.parametrize(("code", "outcome"), sorted(DESTINATION_OUTCOMES.items()))
def test_a_refusing_destination_gives_the_word_for_its_code(
    refused_by_destination: dict[int, Refused], code: int, outcome: str
) -> None:
    shown = refused_by_destination[code].shown

    assert (shown["outcome"], shown["destination"]["sip_status"]) == (outcome, code)


@pytest.mark.parametrize("code", [*OUTCOME_WORDS["busy"], *OUTCOME_WORDS["declined"]])
def test_a_person_who_refuses_has_ended_the_call(
    refused_by_destination: dict[int, Refused], code: int
) -> None:
    assert refused_by_destination[code].shown["ended_by"] == "destination"


@pytest.mark.parametrize("code", sorted(DESTINATION_OUTCOMES))
def test_a_refusing_destination_is_acknowledged_and_not_called_again(
    refused_by_destination: dict[int, Refused], code: int
) -> None:
    assert refused_by_destination[code].refusing == ["INVITE", f"{code} INVITE", "ACK"]


@pytest.mark.parametrize("code", sorted(DESTINATION_OUTCOMES))
def test_the_user_is_told_and_released_within_a_second(
    refused_by_destination: dict[int, Refused], code: int
) -> None:
    leg = refused_by_destination[code].user
    assert leg is not None
    answered_at, released_at = leg.time_of("ACK"), leg.time_of("BYE")
    assert answered_at is not None
    assert released_at is not None

    assert leg.ending is Ending.TALKED
    assert released_at - answered_at < RELEASE_SECONDS
    assert re.fullmatch(r"Q\.850;cause=\d+(;text=.*)?", leg.reason_of_bye)


@pytest.mark.parametrize(("code", "outcome"), sorted(USER_OUTCOMES.items()))
def test_a_refusing_user_gives_the_word_for_its_code(
    refused_by_user: dict[int, Refused], code: int, outcome: str
) -> None:
    refused = refused_by_user[code]

    assert (refused.shown["outcome"], refused.shown["user"]["sip_status"]) == (outcome, code)
    assert refused.refusing == ["INVITE", f"{code} INVITE", "ACK"]


async def _call_refusing_destinations(server: Server, folder: Path) -> dict[int, Refused]:
    codes = sorted(DESTINATION_OUTCOMES)
    async with Phone.listening(server.deployment.user_port, on_leg=Leg.answer) as user:
        shown, ladders = await _refuse_all(
            server, codes, folder, server.deployment.trunk_port, called=destination_number
        )
        legs = {code: await user.leg_to(user_number(code)) for code in codes}
        for leg in legs.values():
            await leg.settled()
    return {code: Refused(shown[code], ladders[code], legs[code]) for code in codes}


async def _call_refusing_users(server: Server, folder: Path) -> dict[int, Refused]:
    codes = sorted(USER_OUTCOMES)
    async with Phone.listening(server.deployment.trunk_port) as destination:
        shown, ladders = await _refuse_all(
            server, codes, folder, server.deployment.user_port, called=user_number
        )
        assert destination.legs == [], "a destination was called though its user refused"
    return {code: Refused(shown[code], ladders[code], None) for code in codes}


async def _refuse_all(
    server: Server, codes: list[int], folder: Path, port: int, *, called: Callable[[int], str]
) -> tuple[dict[int, dict[str, Any]], dict[int, list[str]]]:
    """One call for every code, refused by SIPp at `port`: what the API shows, and SIPp's messages, by code.

    called: the number that is rung there for a code.
    """
    async with (
        Client.of(server) as client,
        Sipp.running(refusing_scenario(codes), port=port, calls=len(codes), folder=folder / "sipp") as sipp,
    ):
        shown = await _place_all(client, codes)
        assert await sipp.finished() == 0, sipp.complaints()
    return shown, _ladders(sipp, {called(code): code for code in codes})


async def _place_all(client: Client, codes: list[int]) -> dict[int, dict[str, Any]]:
    async def one(code: int) -> dict[str, Any]:
        return await client.finished(await client.place(code, code))

    return dict(zip(codes, await asyncio.gather(*map(one, codes)), strict=True))


def _ladders(sipp: Sipp, codes: dict[str, int]) -> dict[int, list[str]]:
    """The messages of every call as words, by the code that its called number stands for."""
    ladders: dict[str, list[str]] = {}
    code_of: dict[int, str] = {}
    for _, message in sipp.messages():
        ladder = ladders.setdefault(message.call_id, [])
        if message.kind == "INVITE":
            code_of.setdefault(codes[message.called_number], message.call_id)
        ladder.append(message.kind)
    return {code: ladders[call_id] for code, call_id in code_of.items()}
