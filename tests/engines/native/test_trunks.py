"""How trunks are looked after: pinged, registered at, looked up again; over a real socket, with the pace turned up."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from ringbridge.call.directory import Trunk
from ringbridge.call.trunk_state import TrunkStatus
from ringbridge.engines.native import trunks as module
from ringbridge.engines.native.driver import SipDriver, SystemRandomness
from ringbridge.engines.native.resolver import Resolver
from ringbridge.engines.native.trunks import Trunks
from ringbridge.sip.endpoint import Endpoint, EndpointSettings
from ringbridge.sip.hop import Hop
from ringbridge.sip.trunk_registration import RegistrationChanged
from tests.peers.carrier import Carrier
from tests.peers.nameserver import NameServer
from tests.peers.tool import LOOPBACK, free_port, poll
from tests.peers.wire import SipMessage

PASSWORD = "s3cret"


class House:
    """The trunks, the driver that they speak over, and a name server."""

    def __init__(self, names: NameServer) -> None:
        self.names = names
        self.moves = 0
        self.resolver = Resolver(LOOPBACK, names.name_servers())
        self.trunks = Trunks(self.resolver, now=time.monotonic, ping_seconds=0.05, on_moved=self._on_moved)
        self.driver: SipDriver

    def _on_moved(self) -> None:
        self.moves += 1

    async def status(self, good: Callable[[TrunkStatus], bool]) -> TrunkStatus:
        """How the one trunk does, once it does so."""

        async def ask() -> TrunkStatus:
            [status] = self.trunks.statuses()
            return status

        return await poll(ask, good, "a trunk's status")


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(module, "LOOK_AROUND_SECONDS", 0.02)
    async with NameServer.listening() as names:
        made = House(names)
        made.driver = await SipDriver.open(
            LOOPBACK,
            0,
            lambda local, others: Endpoint(EndpointSettings(local=local, others=others), SystemRandomness()),
            lambda event: None,
            time.monotonic,
            on_server=made.trunks.on_event,
        )
        made.trunks.start(made.driver)
        try:
            yield made
        finally:
            await made.trunks.stop()
            await made.driver.quiesce(1.0)
            made.driver.close()


@pytest.fixture
async def carrier() -> AsyncIterator[Carrier]:
    async with Carrier.listening(free_port()) as listening:
        listening.accounts["1009683"] = PASSWORD
        yield listening


def trunk_at(
    place: str, *, registers: bool = False, password: str = PASSWORD, channels: int | None = None
) -> Trunk:
    return Trunk(
        id="t",
        name="carrier",
        uri=f"sip:{place}",
        username="1009683",
        password=password,
        registers=registers,
    )


def at(carrier: Carrier, *, registers: bool = False) -> Trunk:
    return trunk_at(f"someone@{LOOPBACK}:{carrier.port}", registers=registers)


async def test_a_trunk_is_asked_whether_it_is_there(house: House, carrier: Carrier) -> None:
    house.trunks.set([at(carrier)])
    request = await carrier.hears("OPTIONS", count=3)

    assert request.request_uri == f"sip:{LOOPBACK}:{carrier.port}"
    [status] = house.trunks.statuses()
    assert (status.name, status.is_up, status.channels) == ("carrier", True, 0)
    answered = await house.status(lambda status: status.answered_at is not None)
    assert answered.answered_at is not None
    await house.status(lambda status: (status.answered_at or 0.0) > (answered.answered_at or 0.0))
    registration = (status.is_registered, status.registered_until, status.registration_status)
    assert registration == (None, None, None)


async def test_a_trunk_that_says_that_it_cannot_work_is_down_until_it_says_otherwise(
    house: House, carrier: Carrier
) -> None:
    carrier.options_status = 503
    house.trunks.set([at(carrier)])
    await house.status(lambda status: not status.is_up)

    carrier.options_status = 405
    await house.status(lambda status: status.is_up)


async def test_a_trunk_that_never_answers_options_is_not_down_for_that(
    house: House, carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringbridge.sip.servers.PING_SECONDS", 0.01)
    carrier.options_status = None
    house.trunks.set([at(carrier)])
    await carrier.hears("OPTIONS", count=6)
    assert house.trunks.statuses()[0].is_up

    carrier.options_status = 200
    await carrier.hears("OPTIONS", count=12)
    carrier.options_status = None
    await house.status(lambda status: not status.is_up)


async def test_a_trunk_whose_port_is_closed_is_down_though_it_never_answered(house: House) -> None:
    house.trunks.set([trunk_at(f"{LOOPBACK}:{free_port()}")])

    await house.status(lambda status: not status.is_up)


async def test_a_trunk_that_asks_to_be_left_alone_is_not_even_asked_whether_it_is_there(
    house: House, carrier: Carrier
) -> None:
    # Rounds go on, as the look-ups of another trunk show.
    house.names.put("other.example", "A", LOOPBACK, ttl=0)
    house.trunks.set([at(carrier), replace(trunk_at(f"other.example:{free_port()}"), name="other")])
    await carrier.hears("OPTIONS")
    house.trunks.health.failed(("carrier", Hop("UDP", LOOPBACK, carrier.port)), time.monotonic(), 60)
    heard, rounds = len(carrier.heard), len(house.names.asked)
    await poll_until(lambda: len(house.names.asked) > rounds + 10)

    # One may have been on its way.
    assert len(carrier.heard) <= heard + 1
    assert not house.trunks.statuses()[0].is_up


async def test_we_register_and_take_it_back(house: House, carrier: Carrier) -> None:
    house.trunks.set([at(carrier, registers=True)])
    status = await house.status(lambda status: status.registered_until is not None)

    assert (status.is_registered, status.registration_status) == (True, 200)
    assert status.registered_until is not None
    assert 0 < status.registered_until - time.monotonic() <= 60
    contact = f"sip:1009683@{LOOPBACK}:{house.driver.local.port}"
    assert carrier.contacts == {"1009683": contact}

    house.trunks.set([at(carrier)])
    await poll_contacts(carrier, {})
    house.trunks.set([at(carrier, registers=True)])
    await poll_contacts(carrier, {"1009683": contact})
    house.trunks.set([])
    await poll_contacts(carrier, {})


async def test_a_carrier_that_wants_longer_registrations_gets_one(house: House, carrier: Carrier) -> None:
    carrier.least_seconds = carrier.granted_seconds = 7200
    house.trunks.set([at(carrier, registers=True)])
    status = await house.status(lambda status: bool(status.is_registered))

    assert status.registered_until is not None
    assert 7000 < status.registered_until - time.monotonic() <= 7200
    asked = [message.first("Expires") for message in carrier.heard if message.kind == "REGISTER"]
    assert asked == ["3600", "3600", "7200"]


async def test_an_answer_that_has_become_stale_is_given_anew(house: House, carrier: Carrier) -> None:
    carrier.granted_seconds = 2
    house.trunks.set([at(carrier, registers=True)])
    await carrier.hears("REGISTER", count=2)
    carrier.forget_nonces()
    await carrier.hears("REGISTER", count=4)

    nonces = [nonce_of(message) for message in carrier.heard if message.kind == "REGISTER"][:4]
    # Unasked, asked, with what it knows, and with what it was then told.
    assert nonces[0] is None
    assert nonces[1] == nonces[2] != nonces[3]
    assert (await house.status(lambda status: bool(status.is_registered))).registration_status == 200


async def test_a_server_that_stops_takes_its_registrations_back(house: House, carrier: Carrier) -> None:
    house.trunks.set([at(carrier, registers=True)])
    await house.status(lambda status: status.registered_until is not None)
    await house.trunks.stop()
    await house.driver.quiesce(5.0)

    assert carrier.contacts == {}


async def test_a_wrong_password_is_told_and_is_no_storm(house: House, carrier: Carrier) -> None:
    carrier.accounts["1009683"] = "another"
    house.trunks.set([at(carrier, registers=True)])
    status = await house.status(lambda status: status.registration_status is not None)
    await carrier.hears("OPTIONS", count=5)

    assert (status.is_registered, status.registered_until, status.registration_status) == (False, None, 403)
    assert sum(message.kind == "REGISTER" for message in carrier.heard) == 2


async def test_a_trunk_that_moves_is_followed(house: House, carrier: Carrier) -> None:
    name = "sip.carrier.example"
    house.names.put(name, "A", "127.0.0.9", ttl=0)
    house.trunks.set([trunk_at(f"{name}:{carrier.port}", registers=True)])
    await poll_until(lambda: len(house.names.asked) > 1)
    assert carrier.contacts == {}
    house.names.put(name, "A", LOOPBACK, ttl=0)

    await house.status(lambda status: status.registered_until is not None)
    assert house.moves == 1
    assert house.trunks.tls_peer(Hop("TLS", LOOPBACK, 5061)).name == name


async def test_a_trunk_that_leads_nowhere_is_down(house: House) -> None:
    house.trunks.set([trunk_at("nobody.invalid")])

    await house.status(lambda status: not status.is_up)


def test_trunks_at_one_host_share_what_files_say_of_it() -> None:
    trunks = Trunks(Resolver(LOOPBACK), now=lambda: 0.0, ping_seconds=0.0, on_moved=lambda: None)
    plain = trunk_at("192.0.2.1")
    secure = replace(plain, name="secure", uri="sip:192.0.2.1:5061;transport=tls", tls_ca="/ca.pem")
    for order in ((plain, secure), (secure, plain)):
        trunks.set(order)
        peer = trunks.tls_peer(Hop("TLS", "192.0.2.1", 5061))
        assert (peer.name, peer.ca) == ("192.0.2.1", "/ca.pem")


def test_a_trunk_that_is_gone_is_told_nothing() -> None:
    trunks = Trunks(Resolver(LOOPBACK), now=lambda: 0.0, ping_seconds=0.0, on_moved=lambda: None)

    assert trunks.credentials("carrier") is None


def nonce_of(request: SipMessage) -> str | None:
    """The nonce of a request's credentials, if it has some."""
    found = re.search(r'nonce="([^"]+)"', " ".join(request.all("Authorization")))
    return None if found is None else found[1]


async def poll_contacts(carrier: Carrier, wanted: dict[str, str]) -> None:
    """Wait until these are registered."""
    await poll_until(lambda: carrier.contacts == wanted)


async def poll_until(is_true: Callable[[], bool]) -> None:
    """Wait for what tells nobody."""

    async def ask() -> bool:
        return is_true()

    await poll(ask, bool, "a condition")


async def test_the_watch_survives_a_fault(
    house: House, carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()

    async def fail(target: str) -> tuple[Hop, ...]:
        failed.set()
        raise RuntimeError("the resolver has a fault")

    with monkeypatch.context() as patch:
        patch.setattr(house.resolver, "resolve", fail)
        house.trunks.set([at(carrier)])
        await failed.wait()

    await carrier.hears("OPTIONS")


def test_a_registration_is_told_when_it_comes_and_not_each_time_that_it_is_renewed() -> None:
    trunks = Trunks(Resolver(LOOPBACK), now=lambda: 0.0, ping_seconds=0.0, on_moved=lambda: None)
    good = RegistrationChanged(name="carrier", until=60.0, status=200, retry_at=None)
    bad = RegistrationChanged(name="carrier", until=None, status=503, retry_at=30.0)
    with capture_logs() as logs:
        for event in (good, good, bad, bad, good):
            trunks.on_event(event)

    assert [line["event"] for line in logs] == [
        "trunk.registered",
        "trunk.not_registered",
        "trunk.not_registered",
        "trunk.registered",
    ]
