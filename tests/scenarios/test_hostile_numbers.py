"""Row A7: texts that would be headers, parameters, other numbers or other people's money, in the fields of a call."""

import csv
import re
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import pytest

from tests.peers import wire
from tests.peers.client import Client
from tests.peers.phone import Leg, Phone
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.scenarios.talk import dial_destination

# {n} is a national number of ten digits that no other text has, {f} the same in full-width digits, {a} in Arabic ones.
HOSTILE = (
    "+1{n}\r\nX-Injected: 1",
    "+1{n}\nRoute: <sip:evil.example>",
    "+1{n}\r\n\r\nINVITE sip:1@evil.example SIP/2.0",
    "+1{n}%0d%0aX-Injected: 1",
    "+1{n}\0",
    "+1{n}@evil.example",
    "sip:+1{n}@evil.example",
    "sips:+1{n}",
    "+1{n};user=phone;x=y",
    "+1{n}?Route=evil",
    "+1{n}>;tag=1",
    '"+1{n}" <sip:1@evil.example>',
    "+1{n}'; DROP TABLE calls; --",
    "500&SIP/itsp/1{n}",
    "SIP/trunk/+1{n}",
    "tel:+1{n};phone-context=evil.example",
    "${{EXTEN}}{n}",
    "+1{n},+14165550123",
    "+1{n} +14165550123",
    "{f}",
    "+1{f}",
    "{a}",
    "\u202e+1{n}",
    "+1{n}\u202e;ext=5",
    "\ufeff+1{n}",
    "+1{n};ext=55",
    "+1{n}x55",
    "+1{n},,55#",
    "1-800-FLOWERS{n}",
    "00 1 {n}",
    "011 1 {n}",
    "+1 ({n})",
    "1{n}" + "0" * 290,
    "+1{n}" * 5,
)

REFUSED = (
    "911",
    "112",
    "999",
    "+1911",
    "+1 911",
    "tel:911",
    "9-1-1",
    "\uff19\uff11\uff11",
    "\u0669\u0661\u0661",
    "988",
    "411",
    "211",
    "12345",
    "0",
    "+19005550100",
    "1-900-555-0100",
    "+18764445555",
    "+18492201234",
    "+442079460958",
    "+44 70 1234 5678",
    "+39 0899 123456",
    "+39 899 123456",
    "+870 773 111111",
    "+8816 1234 5678",
    "+882 99 123456",
    "+883 5100 12345678",
    "+888 123456789",
    "+979 123456789",
    "+80012345678",
    "hello",
    "+",
    "\u2764",
)

NAMES = (
    'Bob" <sip:1@evil.example>;x="',
    "Bob <sip:1@evil.example>",
    "Bob\\",
    'Bob\\" <sip:1@evil.example>',
    "Bob, sip:1@evil.example",
    "Bob;tag=1",
    "%0d%0aX-Injected: 1",
    "\uff22\u0663 \u2764",
)
FIRST_NAMED = 9000

# The path, and the statuses of what is accepted and of what is refused.
VERSIONS = {1: ("/api/v1/call", 200, 400), 2: ("/api/v2/calls", 201, 422)}
FULL_WIDTH = str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))
ARABIC = str.maketrans("0123456789", "".join(chr(0x0660 + digit) for digit in range(10)))


# What would tell in a message that more of a text has come through than a number.
TRACES = re.compile(
    r"evil|inject|ext=|x55|phone-context|context|drop|table|exten|flowers|%|\*/|itsp|[^\x00-\x7f]", re.I
)


def hostile_texts(national: Callable[[int], str]) -> list[str]:
    """Five of each hostile kind, and those that can only be refused. `national` gives each of them its number, ten digits."""
    texts = []
    for kind, template in enumerate(HOSTILE):
        for repeat in range(5):
            number = national(kind * 5 + repeat)
            texts.append(
                template.format(n=number, f=number.translate(FULL_WIDTH), a=number.translate(ARABIC))
            )
    return [*texts, *REFUSED]


@pytest.fixture
async def session(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": server.deployment.authorization}
    async with aiohttp.ClientSession(server.url, headers=headers) as session:
        yield session


@pytest.fixture
async def clean(client: Client, user: Phone, destination: Phone) -> list[Leg]:
    """The legs of a call between two numbers that mean no harm."""
    _, *legs = await dial_destination(client, user, destination, 699)
    legs[1].ring()
    legs[0].hang_up()
    return legs


async def both_legs(user: Phone, destination: Phone, line: str, number: str) -> list[Leg]:
    """Both legs of a call: the user has answered, and the destination rings, so that it can be cancelled."""
    user_leg = await user.leg_to(line)
    user_leg.answer()
    leg = await destination.leg_to(number)
    leg.ring()
    return [user_leg, leg]


@pytest.fixture(scope="module")
def server(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server some of whose lines have hostile names."""
    own = deployment.copied_to(tmp_path_factory.mktemp("server") / "data")
    table = own.data_dir / "named.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("number", "name", "uri"))
        for index, name in enumerate(NAMES, FIRST_NAMED):
            uri = f"sip:{user_number(index)}@{own.host}:{own.user_port}"
            rows.writerow((f"+{user_number(index)}", name, uri))
    ringbridge(own.data_dir, "line", "import", str(table), "--account", own.account_id)
    with Server.running(own) as running:
        yield running


def assert_clean(legs: list[Leg], clean: list[Leg]) -> None:
    """The raw messages have the same header fields, in the same order, as those of a harmless call, and no trace of a text."""
    for leg, harmless in zip(legs, clean, strict=True):
        assert [name for name, _ in leg.invite.headers] == [name for name, _ in harmless.invite.headers]
        lines = [leg.invite.start_line, *map(": ".join, leg.invite.headers), leg.invite.body.decode()]
        assert not TRACES.search("\n".join(lines)), lines


@pytest.mark.parametrize(("version", "first"), [(1, 0), (2, 200)])
async def test_a7_a_hostile_destination_is_refused_or_one_number_and_nothing_else(
    client: Client,
    user: Phone,
    destination: Phone,
    session: aiohttp.ClientSession,
    clean: list[Leg],
    version: int,
    first: int,
) -> None:
    texts = hostile_texts(lambda index: f"512529{first + index:04d}")
    assert len(texts) >= 200
    path, accepted_status, refused_status = VERSIONS[version]
    accepted: list[str] = []
    for index, text in enumerate(texts, first):
        fields = {"user_line": user_number(index), "destination_line": text}
        async with session.post(path, json=fields) as response:
            assert response.status in (accepted_status, refused_status), f"{response.status} for {text!r}"
            told = await response.json()
        if response.status == refused_status:
            assert "destination_line" in (told.get("error") or told["detail"])
            continue
        assert text not in REFUSED, f"{text!r} was accepted"
        call_id = told.get("api_request_id") or told["id"]
        number = (await client.call(call_id))["destination"]["number"]
        assert re.fullmatch(r"\+1512529\d{4}", number), f"{text!r} became {number}"
        legs = await both_legs(user, destination, user_number(index), number.lstrip("+"))
        assert_clean(legs, clean)
        assert re.fullmatch(
            r"sip:\+1512529\d{4}@127\.0\.0\.1:\d+(;transport=udp)?", legs[1].invite.request_uri
        )
        await client.hang_up(call_id)
        accepted.append(number.lstrip("+"))

    dialled = {leg.number for leg in destination.legs} - {clean[1].number}
    assert dialled == set(accepted)
    assert 20 <= len(accepted) < len(texts) / 2


@pytest.mark.parametrize("field", ["user_caller_id", "destination_caller_id", "user_line"])
async def test_a7_a_hostile_caller_id_or_line_is_refused_or_is_one_of_the_account(
    client: Client,
    user: Phone,
    destination: Phone,
    session: aiohttp.ClientSession,
    clean: list[Leg],
    field: str,
) -> None:
    # Each is made of a number of the account, but for a few.
    texts = [*hostile_texts(lambda index: user_number(index)[1:]), "+15125290001", "+13053452300"]
    accepted = 0
    for index, text in enumerate(texts, 400):
        wanted = {"user_line": user_number(index), "destination_line": destination_number(index)}
        async with session.post("/api/v2/calls", json=wanted | {field: text}) as response:
            told = await response.json()
        if response.status != 201:
            assert response.status == 422, f"{response.status} for {field} {text!r}"
            continue
        assert text not in REFUSED, f"{text!r} was accepted"
        line = told["user"]["number"].lstrip("+")
        legs = await both_legs(user, destination, line, destination_number(index))
        assert_clean(legs, clean)
        shown = wire.uri_in(legs[field != "user_caller_id"].invite.first("From"))
        assert re.fullmatch(r"sip:\+18175620[01]\d\d@127\.0\.0\.1(:\d+)?", shown), f"{text!r} is {shown}"
        await client.hang_up(told["id"])
        await client.finished(told["id"])
        accepted += 1
    assert 20 <= accepted < len(texts) / 2


async def test_a7_nothing_of_the_metadata_reaches_the_wire(
    client: Client,
    user: Phone,
    destination: Phone,
    session: aiohttp.ClientSession,
    clean: list[Leg],
) -> None:
    texts = hostile_texts(lambda index: f"512529{index:04d}")
    accepted = 0
    for index, text in enumerate(texts, 200):
        wanted = {"user_line": user_number(index), "destination_line": destination_number(index)}
        async with session.post("/api/v2/calls", json=wanted | {"metadata": {"note": text}}) as response:
            told = await response.json()
        if response.status != 201:
            assert (response.status, text.isprintable()) == (422, False), f"{response.status} for {text!r}"
            continue
        assert_clean(await both_legs(user, destination, user_number(index), destination_number(index)), clean)
        await client.hang_up(told["id"])
        accepted += 1
    assert accepted > len(texts) / 2


async def test_a7_a_hostile_name_of_a_line_is_shown_as_a_name(
    client: Client, user: Phone, destination: Phone, clean: list[Leg]
) -> None:
    for index, name in enumerate(NAMES, FIRST_NAMED):
        call_id = await client.place(index, index)
        legs = await both_legs(user, destination, user_number(index), destination_number(index))
        for leg, harmless in zip(legs, clean, strict=True):
            assert [field for field, _ in leg.invite.headers] == [
                field for field, _ in harmless.invite.headers
            ]
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        shown = legs[1].invite.first("From")
        assert re.fullmatch(rf'"{re.escape(quoted)}" <sip:\+{user_number(index)}@[0-9.:]+>;tag=\w+', shown)
        await client.hang_up(call_id)
