"""Phones that register: all of a line's phones ring, the first that answers has the call, and nobody else gets in."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

import pytest

from tests.peers.client import Client
from tests.peers.phone import Ending, Leg, Phone
from tests.peers.registrant import DeviceAccount, Registrant, behind_nat
from tests.peers.server import Deployment, Server, destination_number, ringbridge, user_number
from tests.peers.tool import LOOPBACK, free_port, poll
from tests.peers.wire import SipMessage

pytestmark = pytest.mark.peer

LINE = 9001
"""A line that is made for these tests: the others are at fixed addresses."""


@pytest.fixture(scope="module")
def own(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Data with a line whose phones register."""
    return deployment.copied_to(tmp_path_factory.mktemp("registrar") / "data")


@pytest.fixture(scope="module")
def account(own: Deployment) -> DeviceAccount:
    """What is typed into the phones of that line."""
    return DeviceAccount.added_to(own, f"+{user_number(LINE)}")


@pytest.fixture(scope="module")
def server(own: Deployment, account: DeviceAccount) -> Iterator[Server]:
    """A server with that line."""
    with Server.running(own, settings={"RINGBRIDGE_SIP_DIGEST_ALGORITHMS": "SHA-256,MD5"}) as running:
        yield running


@asynccontextmanager
async def registered(server: Server, account: DeviceAccount, count: int) -> AsyncIterator[list[Phone]]:
    """Some phones of the line, behind NATs; they go at the end, so that the next test begins with none."""
    async with AsyncExitStack() as resources:
        phones = []
        for number in range(count):
            phone = await resources.enter_async_context(Phone.listening(0))
            behind_nat(phone)
            registrant = Registrant(
                phone, server.sip_address, account, algorithm=("MD5", "SHA-256")[number % 2]
            )
            assert (await registrant.register()).kind == "200 REGISTER"
            resources.push_async_callback(registrant.register, seconds=0)
            phones.append(phone)
        yield phones


async def rings(phone: Phone) -> Leg:
    """The phone's one leg; behind a NAT its number is the Contact's."""
    leg = await phone.leg_to("phone")
    leg.ring()
    return leg


async def unreachable(client: Client) -> None:
    """A call to the line ends within a second, because no phone is there."""
    shown = await client.finished(await client.place(LINE, 1))
    assert shown["outcome"] == "user_unreachable"
    taken = datetime.fromisoformat(shown["ended_at"]) - datetime.fromisoformat(shown["accepted_at"])
    assert taken.total_seconds() < 10.0


# Ringing


async def test_a_call_to_a_line_without_phones_ends_at_once(server: Server, client: Client) -> None:
    await unreachable(client)


async def test_all_phones_ring_and_the_first_that_answers_has_the_call(
    server: Server, client: Client, account: DeviceAccount, destination: Phone
) -> None:
    async with registered(server, account, 3) as phones:
        call_id = await client.place(LINE, 1)
        first, second, third = [await rings(phone) for phone in phones]
        await client.reaches(call_id, "ringing_user")
        second.answer()

        for other in (first, third):
            reason = (await other.heard("CANCEL")).first("Reason")
            assert reason == 'SIP;cause=200;text="Call completed elsewhere"'
            assert await other.settled() is Ending.CANCELLED
        destination_leg = await destination.leg_to(destination_number(1))
        destination_leg.answer()
        await client.reaches(call_id, "connected")
        destination_leg.hang_up()

        assert (await client.finished(call_id))["outcome"] == "completed"
        # All of it came through the NAT, although the Contact says otherwise.
        assert await second.settled() is Ending.TALKED
        assert [len(phone.legs) for phone in phones] == [1, 1, 1]


async def test_two_that_answer_at_once_are_one_call(
    server: Server, client: Client, account: DeviceAccount, destination: Phone
) -> None:
    async with registered(server, account, 2) as phones:
        call_id = await client.place(LINE, 2)
        legs = [await rings(phone) for phone in phones]
        for leg in legs:
            leg.answer()
        destination_leg = await destination.leg_to(destination_number(2))
        destination_leg.answer()
        await client.reaches(call_id, "connected")
        destination_leg.hang_up()
        await client.finished(call_id)

        assert [await leg.settled() for leg in legs] == [Ending.TALKED, Ending.TALKED]
        assert sum(leg.count("BYE") for leg in legs) == 2
        assert len(destination.legs) == 1


async def test_one_may_be_busy_while_another_rings(
    server: Server, client: Client, account: DeviceAccount, destination: Phone
) -> None:
    async with registered(server, account, 2) as phones:
        call_id = await client.place(LINE, 3)
        busy, free = [await rings(phone) for phone in phones]
        busy.refuse(486)
        await busy.heard("ACK")
        free.answer()
        await destination.leg_to(destination_number(3))
        free.hang_up()

        assert (await client.finished(call_id))["ended_by"] == "user"
        assert (await busy.settled(), await free.settled()) == (Ending.REFUSED, Ending.TALKED)


@pytest.mark.parametrize(
    ("statuses", "outcome"), [((480, 486), "user_busy"), ((486, 404), "user_busy"), ((603,), "user_declined")]
)
async def test_what_tells_most_is_the_outcome(
    server: Server, client: Client, account: DeviceAccount, statuses: tuple[int, ...], outcome: str
) -> None:
    async with registered(server, account, 2) as phones:
        call_id = await client.place(LINE, 4)
        legs = [await rings(phone) for phone in phones]
        for leg, status in zip(legs, statuses, strict=False):
            leg.refuse(status)

        assert (await client.finished(call_id))["outcome"] == outcome
        # Whoever declines does so for all phones.
        ends = [await leg.settled() for leg in legs]
        assert ends == [Ending.REFUSED, Ending.REFUSED if len(statuses) == 2 else Ending.CANCELLED]


async def test_a_call_that_is_given_up_leaves_no_phone_ringing(
    server: Server, client: Client, account: DeviceAccount
) -> None:
    async with registered(server, account, 2) as phones:
        call_id = await client.place(LINE, 5)
        legs = [await rings(phone) for phone in phones]
        await client.hang_up(call_id)

        assert [await leg.settled() for leg in legs] == [Ending.CANCELLED, Ending.CANCELLED]


# Registering


async def test_a_wrong_password_registers_nobody(
    server: Server, client: Client, account: DeviceAccount
) -> None:
    wrong = DeviceAccount(username=account.username, password="wrong")
    nobody = DeviceAccount(username="9999999-201", password="wrong")
    async with Phone.listening(0) as phone:
        answers = [
            await Registrant(phone, server.sip_address, impostor).register() for impostor in (wrong, nobody)
        ]

    assert [answer.kind for answer in answers] == ["401 REGISTER", "401 REGISTER"]
    assert shape(answers[0]) == shape(answers[1])
    await unreachable(client)


async def test_a_phone_that_goes_does_not_ring(
    server: Server, client: Client, account: DeviceAccount
) -> None:
    async with Phone.listening(0) as phone:
        registrant = Registrant(phone, server.sip_address, account)
        await registrant.register()
        answer = await registrant.register(contact="*", seconds=0)

    assert answer.kind == "200 REGISTER"
    assert answer.all("Contact") == []
    await unreachable(client)


async def test_a_phone_that_would_come_too_often_is_told_so(server: Server, account: DeviceAccount) -> None:
    async with Phone.listening(0) as phone:
        answer = await Registrant(phone, server.sip_address, account).register(seconds=5)

    assert (answer.kind, answer.first("Min-Expires")) == ("423 REGISTER", "60")


async def test_the_phones_of_a_line_that_is_removed_are_forgotten(
    deployment: Deployment, own: Deployment, server: Server
) -> None:
    temporary = f"+{user_number(LINE + 1)}"
    account = DeviceAccount.added_to(own, temporary)
    async with Phone.listening(0) as phone:
        registrant = Registrant(phone, server.sip_address, account)

        async def status() -> int | None:
            return (await registrant.register()).status

        await poll(status, lambda answer: answer == 200, "the new line to be known")
        ringbridge(own.data_dir, "line", "remove", "--account", own.account_id, "--number", temporary)
        await poll(status, lambda answer: answer == 401, "the line to be forgotten")


async def test_a_restarted_server_knows_where_its_phones_are(
    deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = deployment.copied_to(tmp_path_factory.mktemp("restart") / "data")
    account = DeviceAccount.added_to(own, f"+{user_number(LINE)}")
    same_port = {"RINGBRIDGE_SIP_PORT": str(free_port())}
    async with Phone.listening(0) as phone:
        behind_nat(phone)
        with Server.running(own, settings=same_port) as server:
            address = (server.sip_address[0], int(same_port["RINGBRIDGE_SIP_PORT"]))
            assert (await Registrant(phone, address, account).register()).status == 200
        with Server.running(own, settings=same_port) as server:
            async with Client.of(server) as client:
                call_id = await client.place(LINE, 6)
                leg = await rings(phone)
                leg.refuse(486)
                assert (await client.finished(call_id))["outcome"] == "user_busy"
            report = ringbridge(own.data_dir, "device", "list", "--account", own.account_id)
    assert account.username in report
    assert f"127.0.0.1:{phone.via[1]}" in report
    assert "Test Phone 1.0" in report


async def test_a_registered_phone_cannot_call_us(server: Server, account: DeviceAccount) -> None:
    async with registered(server, account, 1) as phones:
        (phone,) = phones
        for method in ("INVITE", "OPTIONS"):
            phone.send(out_of_the_blue(method, phone.port), server.sip_address)

        async def kinds() -> set[str]:
            return {stray.kind for stray in phone.strays}

        await poll(kinds, lambda seen: {"403 INVITE", "200 OPTIONS"} <= seen, "answers to both")


def out_of_the_blue(method: str, port: int) -> SipMessage:
    """A request that begins something."""
    return SipMessage(
        start_line=f"{method} sip:{LOOPBACK} SIP/2.0",
        headers=(
            ("Via", f"SIP/2.0/UDP {LOOPBACK}:{port};branch=z9hG4bK-{method}-{port};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:someone@{LOOPBACK}:{port}>;tag=1"),
            ("To", f"<sip:{LOOPBACK}>"),
            ("Call-ID", f"{method}-{port}"),
            ("CSeq", f"1 {method}"),
            ("Contact", f"<sip:someone@{LOOPBACK}:{port}>"),
        ),
    )


def shape(answer: SipMessage) -> list[str]:
    """The names of the header fields and the challenge's own words: what a stranger could compare."""
    return [name for name, _ in answer.headers] + [
        word.partition("=")[0] for value in answer.all("WWW-Authenticate") for word in value.split(", ")
    ]
