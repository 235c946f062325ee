"""Row A7: texts that would be headers, parameters, other numbers or other people's money, in the fields of a call."""

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.peers.client import Client
from tests.peers.phone import Phone
from tests.peers.server import Server, user_number
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

FULL_WIDTH = str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))
ARABIC = str.maketrans("0123456789", "".join(chr(0x0660 + digit) for digit in range(10)))


def hostile_texts() -> list[str]:
    """Five of each hostile kind, each with a number of its own."""
    texts = []
    for kind, template in enumerate(HOSTILE):
        for repeat in range(5):
            number = f"512529{kind * 5 + repeat:04d}"
            texts.append(
                template.format(n=number, f=number.translate(FULL_WIDTH), a=number.translate(ARABIC))
            )
    return [*texts, *REFUSED]


@pytest.fixture
async def session(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": server.deployment.authorization}
    async with aiohttp.ClientSession(server.url, headers=headers) as session:
        yield session


async def test_a7_a_hostile_destination_is_refused_or_one_number_and_nothing_else(
    client: Client, user: Phone, destination: Phone, session: aiohttp.ClientSession
) -> None:
    texts = hostile_texts()
    assert len(texts) > 200
    _, *clean = await dial_destination(client, user, destination, 699)
    clean_headers = [[name for name, _ in leg.invite.headers] for leg in clean]
    clean[0].hang_up()
    accepted: list[str] = []
    for index, text in enumerate(texts):
        fields = {"user_line": user_number(index), "destination_line": text}
        async with session.post("/api/v1/call", json=fields) as response:
            assert response.status in (200, 400), f"{response.status} for {text!r}"
            if response.status == 400:
                assert await response.json() == {"error": "request destination_line field"}
                continue
            call_id = (await response.json())["api_request_id"]
        assert text not in REFUSED, f"{text!r} was accepted"
        number = (await client.call(call_id))["destination"]["number"]
        assert re.fullmatch(r"\+1512529\d{4}", number), f"{text!r} became {number}"
        user_leg = await user.leg_to(user_number(index))
        user_leg.answer()
        leg = await destination.leg_to(number.lstrip("+"))
        for shown, headers in zip((user_leg, leg), clean_headers, strict=True):
            assert [name for name, _ in shown.invite.headers] == headers
        assert re.fullmatch(r"sip:\+1512529\d{4}@127\.0\.0\.1:\d+(;transport=udp)?", leg.invite.request_uri)
        await client.hang_up(call_id)
        accepted.append(number.lstrip("+"))

    dialled = {leg.number for leg in destination.legs} - {clean[1].number}
    assert dialled == set(accepted)
    assert 20 <= len(accepted) < len(texts) / 2


async def test_a7_a_hostile_caller_id_or_line_is_refused(
    client: Client, user: Phone, session: aiohttp.ClientSession
) -> None:
    texts = [*hostile_texts(), "+13053452300"]

    async def refused(text: str, fields: dict[str, str]) -> tuple[int, str]:
        async with session.post("/api/v2/calls", json=fields) as response:
            return response.status, (await response.json()).get("code")

    for text in texts:
        wanted = {"user_line": user_number(1), "destination_line": "+15125290001"}
        for field in ("user_caller_id", "destination_caller_id", "user_line"):
            status, code = await refused(text, wanted | {field: text})
            assert status in (400, 422), f"{status} {code} for {field} {text!r}"
    assert user.legs == []
