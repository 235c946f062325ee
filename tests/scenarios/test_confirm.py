"""A user's phone that is reached over a trunk: whoever answers it must press 1, or the destination is never dialled."""

from collections.abc import Iterator

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Phone
from tests.peers.server import Deployment, Server, ringbridge, user_number
from tests.peers.tool import LOOPBACK

CONFIRM_SECONDS = 1.0
MOBILE = 9001
WITHOUT_QUESTION = 9002


@pytest.fixture(scope="module")
def server(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two lines that are reached over a trunk; that trunk carries no destination."""
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    uri = f"sip:{LOOPBACK}:{own.user_port}"
    ringbridge(own.data_dir, "trunk", "add", "--name", "mobile", "--uri", uri, "--prefix", "+1817")
    for index, words in ((MOBILE, ()), (WITHOUT_QUESTION, ("--no-confirm",))):
        line = ("--account", own.account_id, "--number", f"+{user_number(index)}", "--trunk", "mobile")
        ringbridge(own.data_dir, "line", "add", *line, *words)
    own.set_limits(f"confirm_s={CONFIRM_SECONDS:g}")
    with Server.running(own) as running:
        yield running


async def test_a_mailbox_that_answers_is_released_and_nobody_else_is_called(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id = await client.place(MOBILE, 1)
    leg = await user.leg_to(user_number(MOBILE))
    leg.answer()
    await client.reaches(call_id, "confirming")
    shown = await client.finished(call_id, seconds=CONFIRM_SECONDS + 2)

    assert (shown["outcome"], shown["cause"], shown["ended_by"]) == ("not_confirmed",) * 2 + ("server",)
    assert await leg.settled() is Ending.TALKED
    assert destination.legs == []
    assert shown["user"]["trunk"] == "mobile"


async def test_a_user_may_hang_up_in_place_of_an_answer(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id = await client.place(MOBILE, 2)
    leg = await user.leg_to(user_number(MOBILE))
    leg.answer()
    await client.reaches(call_id, "confirming")
    leg.hang_up()
    shown = await client.finished(call_id)

    assert (shown["outcome"], shown["ended_by"]) == ("user_hung_up", "user")
    assert destination.legs == []


async def test_a_line_that_does_without_is_connected_at_once(
    client: Client, user: Phone, destination: Phone
) -> None:
    call_id = await client.place(WITHOUT_QUESTION, 3)
    leg = await user.leg_to(user_number(WITHOUT_QUESTION))
    leg.answer()
    await client.reaches(call_id, "dialing_destination")
    await client.hang_up(call_id)
    shown = await client.finished(call_id)

    assert shown["outcome"] == "canceled"
    assert len(destination.legs) == 1
