"""What takes half a minute and more, with the real timers: acknowledgements, answers and sound that never come.

RFC 3261 sections 13.3.1.4 and 17.1, RFC 4028 section 10. Every story is a call of its own; all are told at once on one
server, beside calls to which nothing happens, and the tests look at what became of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.server import Server
from tests.peers.voice import Conversation
from tests.scenarios import spoiled, talk

pytestmark = [pytest.mark.peer, pytest.mark.long]

TRANSACTION_SECONDS = 32.0
# The shortest interval that there is, and when its end is told (RFC 4028 sections 5 and 10).
SESSION_SECONDS = 90
EXPIRY_SECONDS = 60.0
RING_SECONDS = 60.0
SILENCE_SECONDS = 20.0
# Nothing takes longer than this, however busy the machine is.
PATIENCE_SECONDS = 100.0
# What a machine that is busy with all the stories may add.
SPARE_SECONDS = 15.0
UNDISTURBED_CALLS = 45
# The last of eleven messages is due half a second before they are given up: late ones leave no time for it.
REPETITIONS = (10, 11)


class Told(NamedTuple):
    """What became of one call: as the API shows it at its end, its two legs, and the seconds that the end took."""

    shown: dict[str, Any]
    user: Leg
    destination: Leg
    seconds: float


class Stage:
    """The server, its two phones, and everybody's voices."""

    def __init__(self, client: Client, user: Phone, destination: Phone, conversation: Conversation) -> None:
        self.client = client
        self.user = user
        self.destination = destination
        self.conversation = conversation
        self._places = iter(range(700))

    async def dial(self) -> tuple[str, Leg, Leg]:
        """A call whose user has answered, and whose destination has its INVITE."""
        return await talk.dial_destination(self.client, self.user, self.destination, next(self._places))

    async def connect(self) -> tuple[str, Leg, Leg]:
        """A call in which both speak."""
        call = await talk.connect(self.client, self.user, self.destination, next(self._places))
        self.conversation.join(call[1:])
        return call

    async def connect_with_session_timer(self) -> tuple[str, Leg, Leg]:
        """A call in which both speak and which the server is to refresh."""
        call_id, user_leg, leg = await self.dial()
        expires = ("Session-Expires", f"{SESSION_SECONDS};refresher=uac")
        leg.respond(
            leg.invite,
            200,
            body=leg.session(),
            headers=[expires, ("Require", "timer"), ("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE")],
        )
        await self.client.reaches(call_id, "connected")
        self.conversation.join((user_leg, leg))
        return call_id, user_leg, leg

    async def connect_with_unlike_codecs(self) -> tuple[str, Leg, Leg]:
        """A call in which both speak, and in which the user's phone owes an answer to an offer."""
        call = await talk.connect_with_unlike_codecs(
            self.client, self.user, self.destination, next(self._places), mute={"INVITE"}
        )
        self.conversation.join(call[1:])
        return call

    async def told(self, call_id: str, user: Leg, destination: Leg, since: float) -> Told:
        """Wait for the end of a call."""
        shown = await self.client.finished(call_id, seconds=PATIENCE_SECONDS)
        seconds = asyncio.get_running_loop().time() - since
        self.conversation.mute(user)
        self.conversation.mute(destination)
        return Told(shown, user, destination, seconds)


def now() -> float:
    """Loop time."""
    return asyncio.get_running_loop().time()


async def invite_that_is_never_answered(stage: Stage) -> Told:
    call_id, user_leg, leg = await stage.dial()
    user_leg.hang_up()
    return await stage.told(call_id, user_leg, leg, now())


async def invite_that_is_answered_when_nobody_waits_any_more(stage: Stage) -> Told:
    call_id, user_leg, leg = await stage.dial()
    user_leg.hang_up()
    told = await stage.told(call_id, user_leg, leg, now())
    asyncio.get_running_loop().call_later(10.0, leg.answer)
    await leg.settled()
    return told


async def offer_whose_answer_is_never_acknowledged(stage: Stage) -> Told:
    call_id, user_leg, leg = await stage.connect()
    user_leg.unanswered.add("200 INVITE")
    user_leg.offer()
    await user_leg.heard("200 INVITE")
    told = await stage.told(call_id, user_leg, leg, now())
    await asyncio.gather(user_leg.settled(), leg.settled())
    return told


async def offer_whose_answer_is_acknowledged_late(stage: Stage) -> Told:
    call_id, user_leg, leg = await stage.connect()
    user_leg.unanswered.add("200 INVITE")
    user_leg.offer()
    # The eighth comes after 0.5 + 1 + 2 + 4 + 4 + 4 + 4 s.
    late = await user_leg.heard("200 INVITE", count=8, seconds=PATIENCE_SECONDS)
    user_leg.acknowledge(late)
    heard_before = user_leg.count("200 INVITE")
    is_later = asyncio.Event()
    asyncio.get_running_loop().call_later(TRANSACTION_SECONDS - 15.0, is_later.set)
    await is_later.wait()
    assert (await stage.client.call(call_id))["state"] == "connected"
    assert user_leg.count("200 INVITE") == heard_before
    user_leg.hang_up()
    return await stage.told(call_id, user_leg, leg, now())


async def offer_that_gets_damaged_answers_only(stage: Stage) -> Told:
    call_id, user_leg, leg = await stage.connect_with_unlike_codecs()
    ours = await user_leg.heard("INVITE", count=2)
    spoiled.answer(user_leg, ours)
    told = await stage.told(call_id, user_leg, leg, now())
    await asyncio.gather(user_leg.settled(), leg.settled())
    return told


async def destination_that_rings_for_ever(stage: Stage) -> Told:
    started_at = now()
    call_id, user_leg, leg = await stage.dial()
    leg.ring()
    told = await stage.told(call_id, user_leg, leg, started_at)
    await leg.settled()
    return told


async def destination_that_answers_late(stage: Stage) -> Told:
    call_id, user_leg, leg = await stage.dial()
    leg.ring()
    stage.conversation.join((user_leg,))
    asyncio.get_running_loop().call_later(45.0, leg.answer)
    await stage.client.reaches(call_id, "connected", seconds=PATIENCE_SECONDS)
    stage.conversation.join((leg,))
    await stage.conversation.is_mutual(user_leg, leg)
    leg.hang_up()
    return await stage.told(call_id, user_leg, leg, now())


async def destination_whose_sound_stops(stage: Stage) -> Told:
    call_id, user_leg, leg = await stage.connect()
    await stage.conversation.is_mutual(user_leg, leg)
    stage.conversation.mute(leg)
    told = await stage.told(call_id, user_leg, leg, now())
    await asyncio.gather(user_leg.settled(), leg.settled())
    return told


async def user_whose_sound_stops_while_the_destination_rings(stage: Stage) -> Told:
    call_id, user_leg, leg = await stage.dial()
    leg.ring()
    stage.conversation.join((user_leg,))
    await stage.client.reaches(call_id, "ringing_destination")
    # One count of the relay's at least must have seen the user before the silence begins, and one the silence.
    loop = asyncio.get_running_loop()
    loop.call_later(6.0, stage.conversation.mute, user_leg)
    loop.call_later(30.0, leg.answer)
    await stage.client.reaches(call_id, "connected", seconds=PATIENCE_SECONDS)
    stage.conversation.join((leg,))
    return await stage.told(call_id, user_leg, leg, now())


async def destination_that_is_cut_off(stage: Stage) -> Told:
    call_id, user_leg, leg = await stage.connect()
    await stage.conversation.is_mutual(user_leg, leg)
    leg.unanswered |= {"BYE", "INVITE", "UPDATE"}
    stage.conversation.mute(leg)
    told = await stage.told(call_id, user_leg, leg, now())
    await user_leg.settled()
    return told


async def destination_whose_signalling_is_cut_off(stage: Stage) -> Told:
    call_id, user_leg, leg = await stage.connect_with_session_timer()
    leg.unanswered |= {"BYE", "INVITE", "UPDATE"}
    told = await stage.told(call_id, user_leg, leg, now())
    # It is back, so that the test need not wait until the BYE is given up.
    leg.unanswered.clear()
    await asyncio.gather(user_leg.settled(), leg.settled())
    return told


async def destination_that_dies_before_its_bye(stage: Stage) -> Told:
    call_id, user_leg, leg = await stage.connect()
    leg.unanswered.add("BYE")
    user_leg.hang_up()
    told = await stage.told(call_id, user_leg, leg, now())
    await leg.heard("BYE", count=min(REPETITIONS), seconds=PATIENCE_SECONDS)
    return told


STORIES: list[Callable[[Stage], Awaitable[Told]]] = [
    invite_that_is_never_answered,
    invite_that_is_answered_when_nobody_waits_any_more,
    offer_whose_answer_is_never_acknowledged,
    offer_whose_answer_is_acknowledged_late,
    offer_that_gets_damaged_answers_only,
    destination_that_rings_for_ever,
    destination_that_answers_late,
    destination_whose_sound_stops,
    user_whose_sound_stops_while_the_destination_rings,
    destination_that_is_cut_off,
    destination_whose_signalling_is_cut_off,
    destination_that_dies_before_its_bye,
]

Outcome = Told | BaseException


class Undisturbed(NamedTuple):
    """The calls beside the stories, as the API showed them when all were told; and how many legs were left after them."""

    shown: list[dict[str, Any]]
    legs_left: float


@pytest.fixture(scope="module")
def outcomes(server: Server) -> tuple[Mapping[str, Outcome], Undisturbed]:
    """What became of every story, by its name, and of the calls beside them."""
    return asyncio.run(_tell_all(server))


async def _tell_all(server: Server) -> tuple[Mapping[str, Outcome], Undisturbed]:
    deployment = server.deployment
    async with (
        Client.of(server) as client,
        Phone.listening(deployment.user_port) as user,
        Phone.listening(deployment.trunk_port) as destination,
        Conversation.between() as conversation,
    ):
        stage = Stage(client, user, destination, conversation)
        others = await asyncio.gather(*(stage.connect() for _ in range(UNDISTURBED_CALLS)))
        told = await asyncio.gather(*(story(stage) for story in STORIES), return_exceptions=True)
        shown = [await client.call(call_id) for call_id, *_ in others]
        for _, user_leg, _ in others:
            user_leg.hang_up()
        for call_id, user_leg, leg in others:
            await client.finished(call_id)
            await asyncio.gather(user_leg.settled(), leg.settled())
        await client.sees_nothing_left()
        legs_left = (await client.gauges())["ringbridge_sip_sessions"]
    names = [story.__name__ for story in STORIES]
    return dict(zip(names, told, strict=True)), Undisturbed(shown, legs_left)


@pytest.fixture
def told(outcomes: tuple[Mapping[str, Outcome], Undisturbed]) -> Callable[[Callable[..., object]], Told]:
    """The outcome of one story; its error if it went wrong."""

    def of(story: Callable[..., object]) -> Told:
        outcome = outcomes[0][story.__name__]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return of


Of = Callable[[Callable[..., object]], Told]


def test_an_invite_that_is_never_answered_stops_and_is_not_cancelled(told: Of) -> None:
    _, _, leg, seconds = told(invite_that_is_never_answered)

    assert seconds < SPARE_SECONDS, "the call was not over at once"
    assert {line.message.kind for line in leg.ladder} == {"INVITE"}
    assert leg.ladder[-1].at - leg.ladder[0].at < TRANSACTION_SECONDS


def test_an_invite_that_is_answered_when_nobody_waits_any_more_is_acknowledged_and_ended(told: Of) -> None:
    leg = told(invite_that_is_answered_when_nobody_waits_any_more).destination

    assert (leg.ending, leg.count("BYE"), leg.count("CANCEL")) == (Ending.TALKED, 1, 0)


def test_an_answer_that_is_never_acknowledged_is_repeated_and_ends_both_legs(told: Of) -> None:
    shown, user_leg, leg, seconds = told(offer_whose_answer_is_never_acknowledged)

    assert shown["cause"] == "no_ack"
    assert user_leg.count("200 INVITE") in REPETITIONS
    assert TRANSACTION_SECONDS - 1 < seconds < TRANSACTION_SECONDS + SPARE_SECONDS
    assert (user_leg.count("BYE"), leg.count("BYE")) == (1, 1)
    assert (user_leg.ending, leg.ending) == (Ending.TALKED, Ending.TALKED)


def test_an_answer_that_is_acknowledged_late_keeps_the_call(told: Of) -> None:
    shown = told(offer_whose_answer_is_acknowledged_late).shown

    assert (shown["outcome"], shown["cause"], shown["ended_by"]) == ("completed", "normal", "user")


def test_an_offer_that_gets_damaged_answers_only_ends_both_legs(told: Of) -> None:
    shown, user_leg, leg, seconds = told(offer_that_gets_damaged_answers_only)

    assert shown["cause"] == "no_response"
    assert seconds < TRANSACTION_SECONDS + SPARE_SECONDS
    assert (user_leg.ending, leg.ending) == (Ending.TALKED, Ending.TALKED)


def test_a_destination_that_rings_for_ever_is_cancelled_after_a_minute_and_the_user_is_told(told: Of) -> None:
    shown, user_leg, leg, seconds = told(destination_that_rings_for_ever)

    assert shown["outcome"] == "destination_no_answer"
    assert RING_SECONDS - 1 < seconds < RING_SECONDS + SPARE_SECONDS
    assert (user_leg.ending, leg.ending) == (Ending.TALKED, Ending.CANCELLED)
    # Acknowledged at once, and never asked again.
    assert (user_leg.count("INVITE"), user_leg.count("ACK")) == (1, 1)


def test_a_destination_may_answer_after_45_seconds(told: Of) -> None:
    shown = told(destination_that_answers_late).shown

    assert (shown["outcome"], shown["ended_by"]) == ("completed", "destination")


@pytest.mark.parametrize(
    "story", [destination_whose_sound_stops, user_whose_sound_stops_while_the_destination_rings]
)
def test_a_talk_of_which_one_side_has_gone_silent_is_ended(told: Of, story: Callable[..., object]) -> None:
    shown, user_leg, leg, seconds = told(story)

    assert (shown["outcome"], shown["cause"], shown["ended_by"]) == ("completed", "media_timeout", "server")
    assert seconds < SILENCE_SECONDS + SPARE_SECONDS
    assert (user_leg.count("BYE"), leg.count("BYE")) == (1, 1)


def test_a_talk_with_a_phone_that_is_cut_off_is_ended(told: Of) -> None:
    shown, user_leg, leg, seconds = told(destination_that_is_cut_off)

    assert shown["cause"] == "media_timeout"
    assert seconds < SILENCE_SECONDS + SPARE_SECONDS
    assert user_leg.ending is Ending.TALKED
    assert leg.count("BYE") > 0


def test_a_talk_that_cannot_be_refreshed_is_ended_though_its_sound_goes_on(told: Of) -> None:
    shown, user_leg, leg, seconds = told(destination_whose_signalling_is_cut_off)

    assert shown["cause"] == "session_expired"
    assert seconds < EXPIRY_SECONDS + SPARE_SECONDS
    assert leg.count("UPDATE") > 1
    assert (user_leg.ending, leg.ending) == (Ending.TALKED, Ending.TALKED)


def test_a_call_is_over_at_once_though_its_bye_is_never_answered(told: Of) -> None:
    shown, _, leg, seconds = told(destination_that_dies_before_its_bye)

    assert (shown["outcome"], shown["ended_by"]) == ("completed", "user")
    assert seconds < SPARE_SECONDS
    assert leg.count("BYE") in REPETITIONS


def test_the_calls_beside_them_are_not_disturbed(
    outcomes: tuple[Mapping[str, Outcome], Undisturbed],
) -> None:
    assert {shown["state"] for shown in outcomes[1].shown} == {"connected"}


def test_nothing_is_left_on_the_wire_in_the_end(outcomes: tuple[Mapping[str, Outcome], Undisturbed]) -> None:
    assert outcomes[1].legs_left == 0
