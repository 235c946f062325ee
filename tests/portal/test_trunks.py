"""Pages about trunks: how they do, adding, changing, removing and testing them; their passwords are never shown."""

import asyncio

import pytest

from ringbridge.call.directory import Line, LineKind, NumberFormat, Trunk
from ringbridge.call.trunk_state import TrunkStatus
from tests.peers.carrier import Carrier
from tests.portal.conftest import ACCOUNT_ID, Client, Desk

NEW = {
    "name": "Europe <b>",
    "uri": "sip:192.0.2.9",
    "username": "u",
    "password": "hunter2 hunter2",
    "registers": "on",
}


def trunk(desk: Desk, name: str = "Europe <b>") -> Trunk:
    return next(each for each in desk.administration.trunks() if each.name == name)


async def test_trunks_are_listed_with_their_state(desk: Desk, owner: Client, operator: Client) -> None:
    assert "Not looked at yet" in (await owner.get("/trunks")).text
    desk.trunk_statuses["carrier"] = TrunkStatus(
        name="carrier",
        is_up=False,
        channels=3,
        is_registered=False,
        registered_until=None,
        answered_at=None,
        registration_status=403,
    )
    shown = (await owner.get("/trunks")).text
    assert all(
        text in shown for text in ("Out of service", "Not registered: 403", "sip:carrier.example", ">3<")
    )
    # Who does not run the server sees no more than what calls name, and how it does.
    seen = await operator.get("/trunks/states")
    assert "Out of service" in seen.text
    assert "sip:carrier.example" not in seen.text
    assert "/trunks/new" not in (await operator.get("/trunks")).text


async def test_a_server_without_trunks_says_what_to_do(desk: Desk, owner: Client) -> None:
    desk.administration.remove_trunk("carrier")
    reply = await owner.get("/trunks")
    assert "Without one nobody can be called." in reply.text
    assert 'href="/trunks/new"' in reply.text


async def test_a_trunk_is_added_and_changed_and_its_password_stays_unseen(desk: Desk, owner: Client) -> None:
    added = await owner.post("/trunks", NEW | {"prefixes": "+44, 33", "channels": "30"})
    made = trunk(desk)
    assert added.location == f"/trunks/{made.id}"
    assert (made.registers, made.prefixes, made.channels, made.position) == (True, ("+44", "+33"), 30, 1)
    shown = await owner.get(added.location)
    assert "Europe &lt;b&gt;" in shown.text
    assert "hunter2" not in shown.text
    assert "There is one, which is not shown." in shown.text

    fields = {
        "uri": "sip:192.0.2.9",
        "username": "u2",
        "password": "",
        "number_format": "e164",
        "number_prefix": "9",
    }
    assert (await owner.post(added.location, fields)).location == added.location
    changed = trunk(desk)
    assert (changed.uri, changed.username, changed.password, changed.registers) == (
        "sip:192.0.2.9", "u2", "hunter2 hunter2", False,
    )  # fmt: skip
    assert (changed.number_format, changed.number_prefix, changed.channels, changed.position) == (
        NumberFormat.E164, "9", None, 1,
    )  # fmt: skip
    await owner.post(added.location, fields | {"username": ""})
    assert (trunk(desk).username, trunk(desk).password) == (None, None)


async def test_a_password_goes_to_no_other_address(desk: Desk, owner: Client) -> None:
    path = (await owner.post("/trunks", NEW)).location
    for uri in ("sip:192.0.2.66", "sip:192.0.2.9:5070"):
        refused = await owner.post(path, NEW | {"uri": uri, "password": ""})
        assert (refused.status, "give the password for it, too" in refused.text) == (400, True)
    assert (trunk(desk).uri, trunk(desk).password) == ("sip:192.0.2.9", "hunter2 hunter2")
    assert (await owner.post(path, NEW | {"uri": "sip:192.0.2.66", "password": "new"})).location == path
    assert (trunk(desk).uri, trunk(desk).password) == ("sip:192.0.2.66", "new")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": " "}, "at least one character"),
        ({"name": "x" * 101}, "1 to 100 characters"),
        ({"name": "carrier"}, "There is a trunk with this name already."),
        ({"name": "simulated"}, "There is a trunk with this name already."),
        ({"uri": "192.0.2.9"}, "This is not a SIP address."),
        ({"uri": "tel:+1"}, "sip: and sips: addresses only"),
        ({"uri": "sip:u:p@192.0.2.9"}, "without a password"),
        ({"password": ""}, "go together"),
        ({"username": "", "password": ""}, "To register takes"),
        ({"prefixes": "044"}, "no beginning of a number"),
        ({"channels": "many"}, "Write a whole number."),
        ({"weight": "1001"}, "Write a whole number."),
        ({"position": "-1"}, "Write a whole number."),
        ({"number_prefix": "9"}, "A plus comes first"),
        ({"srtp": "required"}, "This needs TLS"),
        ({"srtp": "balloon"}, "none of the choices"),
    ],
)
async def test_a_wrong_field_is_said_beside_it(owner: Client, fields: dict[str, str], sentence: str) -> None:
    reply = await owner.post("/trunks", NEW | fields)
    assert reply.status == 400
    assert sentence in reply.text
    assert "hunter2" not in reply.text


async def test_a_trunk_that_lines_use_stays(desk: Desk, owner: Client) -> None:
    line = Line(id="l", account_id=ACCOUNT_ID, number="300", kind=LineKind.TRUNK, trunk="carrier")
    desk.administration.add_line(line)
    reply = await owner.post("/trunks/trunk-1/remove")
    assert (reply.status, "Lines are reached over this trunk." in reply.text) == (400, True)
    desk.administration.remove_line(ACCOUNT_ID, "300")
    assert (await owner.post("/trunks/trunk-1/remove")).location == "/trunks"
    assert desk.administration.trunks() == []


@pytest.mark.parametrize(
    "path", ["/trunks", "/trunks/trunk-1", "/trunks/trunk-1/remove", "/trunks/trunk-1/test"]
)
async def test_only_those_who_run_the_server_change_trunks(
    owner: Client, operator: Client, auditor: Client, user: Client, path: str
) -> None:
    for client in (operator, auditor, user):
        assert (await client.post(path, NEW)).status == 403
    assert (await owner.post(path, NEW, **{"Sec-Fetch-Site": "cross-site"})).status == 403


async def test_the_password_is_asked_for_again_first(desk: Desk, owner: Client, user: Client) -> None:
    desk.clock.skipped_seconds = 700.0
    assert (await owner.get("/trunks/new")).location == "/login/again?next=/trunks/new"
    assert (await owner.get("/trunks/trunk-1")).location.startswith("/login/again")
    assert (await owner.get("/trunks")).status == 200
    assert (await user.get("/trunks")).status == 403


async def test_what_is_not_there(owner: Client) -> None:
    assert (await owner.get("/trunks/none")).status == 404
    assert (await owner.post("/trunks/none/test")).status == 404


async def test_a_trunk_is_tested(desk: Desk, owner: Client) -> None:
    async with Carrier.listening(0) as phone:
        await owner.post("/trunks", NEW | {"uri": f"sip:127.0.0.1:{phone.port}"})
        reply = await owner.post(f"/trunks/{trunk(desk).id}/test")
    assert "It answers" in reply.text
    assert f"127.0.0.1 {phone.port} UDP" in reply.text
    assert " ms" in reply.text


async def test_what_to_do_about_a_trunk_that_does_not_answer(desk: Desk, owner: Client) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    fields = {"uri": f"sip:127.0.0.1:{port};transport=tcp"}
    await owner.post("/trunks", NEW | fields)
    path = f"/trunks/{trunk(desk).id}"
    assert "It takes connections" in (await owner.post(f"{path}/test")).text
    server.close()
    await server.wait_closed()
    desk.trunk_statuses["Europe <b>"] = TrunkStatus(
        name="Europe <b>",
        is_up=True,
        channels=0,
        is_registered=False,
        registered_until=None,
        answered_at=None,
        registration_status=404,
    )
    refused = (await owner.post(f"{path}/test")).text
    assert "nobody listens at this port" in refused
    assert "does not know the user name" in refused
    await owner.post(path, NEW | {"uri": "sip:192.0.2.9"})
    assert "reaches its own machine only" in (await owner.post(f"{path}/test")).text
    await owner.post(path, NEW | {"uri": "sip:nowhere.invalid"})
    assert "leads nowhere" in (await owner.post(f"{path}/test")).text


async def test_until_when_it_is_registered_is_told_in_utc(desk: Desk, owner: Client) -> None:
    desk.trunk_statuses["carrier"] = TrunkStatus(
        name="carrier",
        is_up=True,
        channels=1,
        is_registered=True,
        registered_until=desk.clock.now() + 60.0,
        answered_at=None,
        registration_status=200,
    )
    shown = (await owner.get("/trunks/trunk-1")).text
    assert "Registered until" in shown
    assert "1 call leg goes over it now." in shown
