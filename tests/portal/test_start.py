"""The guide to the first call: what is done, what is next, and the account's details."""

import re

import pytest

from ringbridge.call.directory import LineKind
from ringbridge.portal.services import PhoneServer
from tests.peers.tool import poll
from tests.portal.conftest import ACCOUNT_ID, EXTENSION, LINE_NUMBER, Client, Desk


def steps(text: str) -> list[str]:
    """The state of each step in its order."""
    return re.findall(r"<h2[^>]*>.*?badge[^>]*>([^<]+)<", text, re.DOTALL)


async def test_the_steps_follow_what_there_is(desk: Desk, owner: Client) -> None:
    desk.administration.remove_line(ACCOUNT_ID, LINE_NUMBER)
    for account_line in desk.administration.lines("2009683"):
        desk.administration.remove_line("2009683", account_line.number)
    desk.administration.remove_trunk("carrier")
    assert steps((await owner.get("/start")).text) == ["Done", "Next", "To do", "To do", "To do", "To do"]
    await owner.post("/trunks", {"name": "carrier", "uri": "sip:192.0.2.9"})
    assert steps((await owner.get("/start")).text)[:3] == ["Done", "Done", "Next"]
    await owner.post("/lines", {"number": "201", "kind": "device"})
    shown = (await owner.get("/start")).text
    assert steps(shown)[2:4] == ["Done", "Next"]
    assert "Once there is a line whose phone can ring." in shown
    desk.administration.change_line(
        ACCOUNT_ID, "201", lambda line: EXTENSION if line.kind is LineKind.DEVICE else line
    )
    assert 'href="/dial?line=200"' in (await owner.get("/start")).text


async def test_a_phone_that_passed_its_test_is_remembered(desk: Desk, owner: Client) -> None:
    started = await owner.post(f"/lines/line-{ACCOUNT_ID}/tests")
    await poll(
        lambda: owner.get(f"{started.location}/steps"),
        lambda reply: "hx-get" not in reply.text,
        "the end of the test",
    )
    assert steps((await owner.get("/start")).text) == ["Done", "Done", "Done", "Done", "Next", "To do"]


async def test_the_accounts_details_are_changed(desk: Desk, owner: Client) -> None:
    fields = {"name": "Acme", "country": "gb", "language": "es", "main_number": "020 7946 0000"}
    for wrong, sentence in (
        ({"country": "XX"}, "This is not a country."),
        ({"name": ""}, "Use 1 to 100 characters."),
        ({"main_number": "hello"}, "This is not a telephone number."),
        ({"language": "xx"}, "This cannot be used"),
    ):
        reply = await owner.post("/start/account", fields | wrong)
        assert (reply.status, sentence in reply.text) == (400, True)
    assert (await owner.post("/start/account", fields)).location == "/start"
    [account] = [each for each in desk.administration.accounts() if each.id == ACCOUNT_ID]
    assert (account.country, account.language, account.main_number) == ("GB", "es", "+442079460000")
    assert 'value="+442079460000"' in (await owner.get("/start/account")).text


async def test_who_may_follow_it(operator: Client, auditor: Client, user: Client) -> None:
    assert (await operator.get("/start")).status == 200
    assert "Those who run the server do this." in (await operator.get("/start")).text
    assert (await operator.post("/start/account", {"name": "x"})).status == 403
    for client in (auditor, user):
        assert (await client.get("/start")).status == 403


@pytest.mark.parametrize(
    ("host", "is_for_this_machine"), [("127.0.0.1", True), ("::1", True), ("192.0.2.1", False)]
)
def test_whom_a_server_can_be_reached_by(host: str, is_for_this_machine: bool) -> None:
    assert PhoneServer(host, 5060, None, encrypts_audio=False).is_for_this_machine is is_for_this_machine


async def test_a_call_that_was_completed_ends_the_guide(desk: Desk, owner: Client) -> None:
    placed = await owner.post(
        "/dial/calls", {"line": LINE_NUMBER, "number": "+15125550100", "form": "x" * 20}
    )
    assert placed.location.startswith("/dial/calls/")
    await poll(
        lambda: owner.get("/start"),
        lambda reply: steps(reply.text)[3:5] == ["Done", "Done"],
        "the call's end",
    )
