"""Pages about lines: finding, adding, changing, importing, a phone's password, trying it; who may what, and of whose."""

import re
from dataclasses import replace

import aiohttp
import pytest
from sqlalchemy import insert, select

from ringbridge.call.directory import AccountLimits, Line, LineKind, Trunk
from ringbridge.call.user import Role
from ringbridge.service.ledger import Ledger
from ringbridge.sip.registrar import device_digests
from ringbridge.store.audit_tables import audit_entries
from ringbridge.store.database import reading, writing
from ringbridge.store.tables import lines, registrations
from ringbridge.store.users import SqlUsers
from tests.peers.tool import poll
from tests.portal.conftest import ACCOUNT_ID, EXTENSION, LINE_NUMBER, OTHER_ACCOUNT_ID, Client, Desk, Reply

OWN, STRANGE = f"line-{ACCOUNT_ID}", f"line-{OTHER_ACCOUNT_ID}"
PHONE = {"number": "201", "name": "Bob <b>", "kind": "device"}


def line_of(desk: Desk, number: str) -> Line:
    """The account's line with that number."""
    return next(line for line in desk.administration.lines(ACCOUNT_ID) if line.number == number)


def register(desk: Desk, line_id: str) -> None:
    """Let a phone be registered for a line."""
    with writing(desk.database) as connection:
        connection.execute(
            insert(registrations),
            {
                "line_id": line_id,
                "position": 0,
                "uri": "sip:201@192.0.2.9",
                "transport": "TCP",
                "host": "192.0.2.9",
                "port": 40000,
                "path": "",
                "user_agent": "Desk Phone <1>",
                "call_id": "c",
                "sequence": 1,
                "expires_at": desk.clock.utc_now() + 600.0,
            },
        )


async def test_lines_are_listed_and_found(desk: Desk, auditor: Client) -> None:
    desk.administration.add_line(EXTENSION)
    everything = (await auditor.get("/lines")).text
    assert LINE_NUMBER in everything
    assert "sip:bob@192.0.2.8" in everything
    assert STRANGE not in everything
    assert "/lines/new" not in everything
    for text, found in (("ANN", [OWN]), ("(817) 562", [OWN]), ("20", [EXTENSION.id]), ("nobody", [])):
        reply = await auditor.get(f"/lines?text={text}")
        assert re.findall(r'href="/lines/(line-[^"]+)"', reply.text) == found
    assert "No line has “nobody”" in (await auditor.get("/lines?text=nobody")).text


async def test_many_lines_come_page_by_page(desk: Desk, operator: Client) -> None:
    more = [replace(EXTENSION, id=f"x{number}", number=str(number)) for number in range(1000, 1060)]
    desk.administration.add_lines(more)
    seen: list[str] = []
    path: str | None = "/lines?text=10"
    while path is not None:
        reply = await operator.get(path)
        seen += re.findall(r'href="/lines/x\d+">(\d+)<', reply.text)
        found = re.search(r'rel="next" href="([^"]+)"', reply.text)
        path = None if found is None else found[1].replace("&amp;", "&")
    assert seen == [line.number for line in more]


async def test_an_account_without_lines_is_told_what_to_do(desk: Desk, owner: Client) -> None:
    desk.administration.remove_line(ACCOUNT_ID, LINE_NUMBER)
    reply = await owner.get("/lines")
    assert "No lines yet" in reply.text
    assert 'href="/lines/new"' in reply.text


async def test_a_phone_gets_a_password_that_is_shown_once(desk: Desk, operator: Client) -> None:
    reply = await operator.post("/lines", PHONE)
    assert reply.status == 200
    password, username = reply.value(r'id="password" value="([^"]+)"'), f"{ACCOUNT_ID}-201"
    assert username in reply.text
    assert "192.0.2.1:5060" in reply.text
    assert "Bob <b>" not in reply.text
    line = line_of(desk, "201")
    assert (line.kind, line.name, line.sip_username) == (LineKind.DEVICE, "Bob <b>", username)
    assert digests(desk, line) == device_digests(username, password)
    assert password not in (await operator.get(f"/lines/{line.id}")).text

    again = await operator.post(f"/lines/{line.id}/password")
    renewed = again.value(r'id="password" value="([^"]+)"')
    assert renewed != password
    assert digests(desk, line) == device_digests(username, renewed)


@pytest.mark.parametrize(
    ("srtp", "told", "untold"),
    [
        ("off", ["192.0.2.1:5060", "TCP or UDP; TLS at port 5061"], ["SRTP, SDES", "relay of audio"]),
        ("optional", ["192.0.2.1:5061", "Optional, or best effort", "relay of audio cannot"], ["TCP or UDP"]),
        ("required", ["192.0.2.1:5061", "Required, or mandatory", "relay of audio cannot"], ["best effort"]),
    ],
)
async def test_what_is_entered_in_a_phone_follows_the_encryption(
    operator: Client, srtp: str, told: list[str], untold: list[str]
) -> None:
    shown = (await operator.post("/lines", PHONE | {"srtp": srtp})).text
    assert [words for words in told if words not in shown] == []
    assert [words for words in untold if words in shown] == []


async def test_where_a_phone_is_registered_is_shown(desk: Desk, operator: Client) -> None:
    await operator.post("/lines", PHONE)
    line = line_of(desk, "201")
    assert "No phone is registered" in (await operator.get(f"/lines/{line.id}")).text
    register(desk, line.id)
    reply = await operator.get(f"/lines/{line.id}/phones")
    assert "Desk Phone &lt;1&gt;" in reply.text
    assert "TCP from 192.0.2.9 port 40000" in reply.text
    assert "1 phone" in (await operator.get("/lines?text=201")).text


async def test_a_line_is_changed_and_typed_values_stay(desk: Desk, owner: Client) -> None:
    fields = {
        "name": "Ada",
        "kind": "uri",
        "uri": "sip:ada@192.0.2.9",
        "confirm": "yes",
        "auto_answer": "on",
        "language": "es",
    }
    wrong = await owner.post(f"/lines/{OWN}", fields | {"uri": "ada@192.0.2.9"})
    assert wrong.status == 400
    assert "This is not a SIP address." in wrong.text
    assert 'value="ada@192.0.2.9"' in wrong.text
    assert line_of(desk, LINE_NUMBER).name == "Ann"

    assert (await owner.post(f"/lines/{OWN}", fields)).location == f"/lines/{OWN}"
    line = line_of(desk, LINE_NUMBER)
    assert (line.name, line.uri, line.confirm, line.auto_answer, line.language) == (
        "Ada", "sip:ada@192.0.2.9", True, True, "es",
    )  # fmt: skip
    over_trunk = await owner.post(f"/lines/{OWN}", {"kind": "trunk", "trunk": "carrier"})
    assert over_trunk.status == 303
    assert line_of(desk, LINE_NUMBER).trunk == "carrier"
    # With a phone of its own it gets a password, and loses it with the phone.
    reply = await owner.post(f"/lines/{OWN}", {"kind": "device"})
    assert 'id="password"' in reply.text
    assert digests(desk, line) is not None
    assert (await owner.post(f"/lines/{OWN}", {"kind": "device", "name": "Ann"})).status == 303
    assert digests(desk, line) is not None
    await owner.post(f"/lines/{OWN}", fields)
    assert digests(desk, line) is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"number": "hello"}, "neither a telephone number nor an extension"),
        ({"number": "911"}, "emergency number"),
        ({"number": LINE_NUMBER}, "There is a line with this number already."),
        ({"number": "(817) 562-9658 x7"}, "without an extension"),
        ({"name": "A\x07"}, "characters that cannot be shown"),
        ({"name": "x" * 101}, "1 to 100 characters"),
        ({"kind": "uri", "uri": ""}, "This is not a SIP address."),
        ({"kind": "uri", "uri": "sip:a@192.0.2.1", "srtp": "required"}, "needs TLS"),
        ({"kind": "trunk", "trunk": "nowhere"}, "There is no such trunk."),
        ({"kind": "trunk", "trunk": "carrier", "nat": "on"}, "no automatic answer"),
        ({"kind": "balloon"}, "none of the choices"),
        ({"language": "xx"}, "none of the choices"),
    ],
)
async def test_a_wrong_field_is_said_beside_it(owner: Client, fields: dict[str, str], sentence: str) -> None:
    reply = await owner.post("/lines", PHONE | fields)
    assert reply.status == 400
    assert sentence in reply.text


async def test_telephone_numbers_are_for_those_who_run_the_server(desk: Desk, operator: Client) -> None:
    sentence = "given by those who run the server"
    for fields in ({"number": "+18175629699"}, {"kind": "uri", "uri": "sip:a@192.0.2.1"}):
        reply = await operator.post("/lines", PHONE | fields)
        assert (reply.status, sentence in reply.text) == (400, True)
    for path in (f"/lines/{OWN}", f"/lines/{OWN}/remove"):
        reply = await operator.post(path, {"kind": "device", "name": "x"})
        assert (reply.status, sentence in reply.text) == (400, True)
    assert (await operator.get("/lines/import")).status == 403
    assert line_of(desk, LINE_NUMBER).name == "Ann"
    await operator.post("/lines", PHONE)
    mine = line_of(desk, "201").id
    reply = await operator.post(f"/lines/{mine}", {"kind": "uri", "uri": "sip:a@192.0.2.1"})
    assert (reply.status, sentence in reply.text) == (400, True)
    assert (await operator.post(f"/lines/{mine}/remove")).location == "/lines"


@pytest.mark.parametrize("path", ["", "/remove", "/password", "/tests"])
async def test_only_some_change_lines(auditor: Client, user: Client, owner: Client, path: str) -> None:
    assert (await auditor.post(f"/lines/{OWN}{path}", {"kind": "device"})).status == 403
    if path != "/tests":
        assert (await user.post(f"/lines/{OWN}{path}", {"kind": "device"})).status == 403
    assert (await owner.post(f"/lines/{STRANGE}{path}", {"kind": "device"})).status == 404
    cross_site = {"Sec-Fetch-Site": "cross-site"}
    assert (await owner.post(f"/lines/{OWN}{path}", {"kind": "device"}, **cross_site)).status == 403


@pytest.mark.parametrize(
    "path", ["/lines/" + STRANGE, f"/lines/{STRANGE}/phones", f"/lines/{OWN}/tests/none"]
)
async def test_what_is_not_there(owner: Client, user: Client, path: str) -> None:
    assert (await owner.get(path)).status == 404
    assert (await user.get(path)).status == (404 if "/tests/" in path else 403)


async def test_a_removed_line_is_gone_and_the_audit_log_names_who_did_it(desk: Desk, owner: Client) -> None:
    assert (await owner.post(f"/lines/{OWN}/remove")).location == "/lines"
    assert desk.administration.lines(ACCOUNT_ID) == []
    with reading(desk.database) as connection:
        last = (
            connection.execute(select(audit_entries).order_by(audit_entries.c.sequence.desc()))
            .mappings()
            .first()
        )
    assert last is not None
    assert (last["action"], last["actor_id"]) == ("line.removed", desk.users[Role.OWNER].id)


def digests(desk: Desk, line: Line) -> object:
    """What is kept of the password of its phone."""
    with reading(desk.database) as connection:
        return connection.scalar(select(lines.c.device_digests).where(lines.c.id == line.id))


# Files


async def test_a_file_is_shown_first_and_then_added(desk: Desk, owner: Client) -> None:
    text = "number,name,uri,trunk\n201,Grace <b>,sip:201@192.0.2.8,\n+18175629700,,,carrier\n"
    shown = await owner.post("/lines/import", {"step": "preview", "text": text})
    assert "2 rows would become lines." in shown.text
    assert "Grace &lt;b&gt;" in shown.text
    assert "Add 2 lines" in shown.text
    assert len(desk.administration.lines(ACCOUNT_ID)) == 1
    assert (await owner.post("/lines/import", {"step": "add", "text": text})).location == "/lines"
    assert {line.number for line in desk.administration.lines(ACCOUNT_ID)} == {
        LINE_NUMBER,
        "201",
        "+18175629700",
    }


async def test_each_wrong_row_says_why(desk: Desk, owner: Client) -> None:
    rows = [
        "201,sip:a@192.0.2.8",
        "201,sip:a@192.0.2.8",
        "911,sip:a@192.0.2.8",
        "202,x",
        "203,",
        f"{LINE_NUMBER},sip:a@192.0.2.8",
        "204,sip:a@192.0.2.8,more",
    ]
    text = "number,uri\n" + "\n".join(rows)
    for step in ("preview", "add"):
        reply = await owner.post("/lines/import", {"step": step, "text": text})
        for sentence in (
            "This number is in an earlier row already.",
            "This is an emergency number.",
            "This is not a SIP address.",
            "A row has a uri or a trunk",
            "There is a line with this number already.",
            "more cells than there are columns",
            "1 row would become a line.",
            "6 rows are wrong.",
        ):
            assert sentence in reply.text
        assert "203," in reply.text
        assert 'value="add"' not in reply.text
    assert len(desk.administration.lines(ACCOUNT_ID)) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The first row names the columns"),
        ("number,uri\n", "There are no rows yet."),
        ("number,phone\n1,2\n", "The first row names the columns"),
        ("number,uri\n" + "201,sip:a@192.0.2.8\n" * 5001, "5,000 rows at most"),
        ('number,uri\n201,"' + "x" * 140_000 + '"\n', "This is not CSV."),
    ],
)
async def test_what_is_no_file_of_lines(owner: Client, text: str, sentence: str) -> None:
    assert sentence in (await owner.post("/lines/import", {"step": "preview", "text": text})).text


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        (b"\xef\xbb\xbfnumber;uri\n201;sip:a@192.0.2.8\n", "1 row would become a line."),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
async def test_a_file_that_was_chosen_goes_before_what_was_pasted(
    owner: Client, octets: bytes, sentence: str
) -> None:
    form = aiohttp.FormData({"step": "preview", "text": "number,uri\nx,y\n"})
    form.add_field("file", octets, filename="lines.csv", content_type="text/csv")
    async with owner.session.post(
        f"{owner.url}/lines/import", data=form, headers={"Sec-Fetch-Site": "same-origin"}
    ) as answer:
        assert sentence in await answer.text()


# Trying a phone


async def concluded(client: Client, path: str) -> Reply:
    """The steps of a test once it is over."""
    return await poll(
        lambda: client.get(f"{path}/steps"), lambda reply: "hx-get" not in reply.text, "the end of the test"
    )


async def test_a_phone_is_tried_step_by_step(desk: Desk, owner: Client) -> None:
    started = await owner.post(f"/lines/{OWN}/tests")
    assert started.location.startswith(f"/lines/{OWN}/tests/")
    assert "press 1" in (await owner.get(started.location)).text
    # A second click leads to the test that runs.
    assert (await owner.post(f"/lines/{OWN}/tests")).location == started.location
    reply = await concluded(owner, started.location)
    for sentence in ("It works", "It rings", "It was answered", "Key 1 arrived", "The phone was hung up"):
        assert sentence in reply.text
    assert desk.calls.admission.calls_now(Ledger(ACCOUNT_ID)) == 0
    # It is nobody else's, and of no other line.
    stranger = await desk.client_of(next(filter(None, [SqlUsers(desk.database).find("stranger")])))
    assert (await stranger.get(started.location)).status == 404
    assert (await owner.get(started.location.replace(OWN, "line-x"))).status == 404


async def test_somebody_tries_their_own_phone_and_no_other(desk: Desk, user: Client) -> None:
    desk.administration.add_line(EXTENSION)
    assert f'action="/lines/{OWN}/tests"' in (await user.get("/dial")).text
    assert (await user.post(f"/lines/{EXTENSION.id}/tests")).status == 404
    started = await user.post(f"/lines/{OWN}/tests")
    assert (await user.post(f"/lines/{OWN}/tests")).location == started.location
    assert "It works" in (await concluded(user, started.location)).text
    page = (await user.get(started.location)).text
    assert f'href="/lines/{OWN}"' not in page
    assert 'href="/start"' not in page


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("+18175550111", "Not answered"),
        ("+18175550110", "Busy"),
        ("+18175550112", "Declined"),
        ("+18175550113", "SIP 480"),
    ],
)
async def test_what_a_phone_does_instead(desk: Desk, owner: Client, number: str, sentence: str) -> None:
    desk.administration.set_limits(ACCOUNT_ID, AccountLimits(user_ring_s=2.0))
    desk.administration.add_line(replace(EXTENSION, number=number))
    started = await owner.post(f"/lines/{EXTENSION.id}/tests")
    assert sentence in (await concluded(owner, started.location)).text


async def test_why_a_phone_is_not_tried(desk: Desk, owner: Client, operator: Client) -> None:
    await operator.post("/lines", PHONE)
    phone = line_of(desk, "201").id
    assert "No phone is registered" in flash(
        await owner.post(f"/lines/{phone}/tests"), await owner.get(f"/lines/{phone}")
    )
    desk.administration.add_trunk(Trunk(id="t2", name="mobile", uri="sip:192.0.2.1"))
    desk.administration.add_line(
        replace(EXTENSION, kind=LineKind.TRUNK, uri=None, trunk="mobile", number="+18175550100")
    )
    desk.administration.set_limits(ACCOUNT_ID, AccountLimits(spend_per_day=1))
    path = f"/lines/{EXTENSION.id}"
    assert "money is limited" in flash(await owner.post(f"{path}/tests"), await owner.get(path))
    desk.calls.refuse_new_calls()
    assert "cannot place calls" in flash(
        await owner.post(f"/lines/{OWN}/tests"), await owner.get(f"/lines/{OWN}")
    )


def flash(sent: Reply, shown: Reply) -> str:
    """What the next page says of it."""
    assert sent.status == 303
    return shown.text
