"""Row C9: names looked up at a real name server, however that behaves. Calls meanwhile: test_name_outage."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ringbridge.engines.native import resolver as module
from ringbridge.engines.native.name_servers import NameServers
from ringbridge.engines.native.resolver import LOOK_UP_SECONDS, Resolver, Unresolvable
from ringbridge.engines.native.system_names import MOST_AT_ONCE
from ringbridge.sip.hop import Hop
from tests.engines.native.beat import beating
from tests.peers.nameserver import NameServer

LOCAL = "192.0.2.250"
HOST = "sip.carrier.example"
TARGET = f"sip:x@{HOST}:5070"
# What a busy machine may add to the time that a look-up may take.
SLACK_SECONDS = 15.0


@pytest.fixture
async def server() -> AsyncIterator[NameServer]:
    async with NameServer.listening() as listening:
        listening.put(HOST, "A", "192.0.2.7")
        yield listening


@pytest.fixture
def resolver(server: NameServer) -> Resolver:
    return Resolver(LOCAL, server.name_servers())


@pytest.mark.parametrize(
    ("target", "hop"),
    [
        ("sip:x@192.0.2.7:5062", Hop("UDP", "192.0.2.7", 5062)),
        ("sip:x@[2001:db8::7]:5070", Hop("UDP", "2001:db8::7", 5070)),
        ("sips:192.0.2.7", Hop("TLS", "192.0.2.7", 5061)),
    ],
)
async def test_an_address_needs_no_look_up(target: str, hop: Hop) -> None:
    resolver = Resolver("2001:db8::1" if ":" in hop.host else LOCAL)

    assert resolver.literal(target) == hop
    assert resolver.known(target) == (hop,)
    assert await resolver.resolve(target) == (hop,)


@pytest.mark.parametrize(
    ("local", "target", "text"),
    [
        (LOCAL, "sip:x@[2001:db8::7]", "2001:db8::7 is an IPv6 address, but RINGBRIDGE_SIP_HOST is not"),
        ("::1", "sip:x@192.0.2.7", "192.0.2.7 is an IPv4 address, but RINGBRIDGE_SIP_HOST is not"),
    ],
)
async def test_an_address_that_the_socket_cannot_send_to_is_told(local: str, target: str, text: str) -> None:
    with pytest.raises(Unresolvable) as literal:
        Resolver(local).literal(target)
    with pytest.raises(Unresolvable) as resolved:
        await Resolver(local).resolve(target)

    assert (str(literal.value), str(resolved.value)) == (text, text)


@pytest.mark.parametrize("target", ["", "sip:", "tel:+15125292329", "sip:192.0.2.7;transport=ws"])
def test_what_names_no_host_cannot_be_reached(target: str) -> None:
    with pytest.raises(Unresolvable):
        Resolver(LOCAL).literal(target)


async def test_a_name_of_this_machine_is_no_name_servers_business(server: NameServer) -> None:
    resolver = Resolver(LOCAL, server.name_servers())

    assert resolver.literal("sip:x@localhost:5070") is None
    assert await resolver.resolve("sip:x@localhost:5070") == (Hop("UDP", "127.0.0.1", 5070),)
    assert server.asked == []


async def test_a_name_that_name_servers_do_not_know_may_be_one_of_the_hosts_file(
    server: NameServer, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def look_up(host: str, port: object, **hints: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("127.0.0.2", 0))]

    # No test can write the hosts file of the machine.
    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    assert await resolver.resolve("sip:pbx.office.example:5060") == (Hop("UDP", "127.0.0.2", 5060),)
    assert asked == ["pbx.office.example"]
    assert server.asked == [("pbx.office.example", "A")]


async def test_service_records_lead_to_servers_in_order(server: NameServer, resolver: Resolver) -> None:
    server.put("carrier.example", "NAPTR", '10 10 "s" "SIP+D2U" "" _sip._udp.carrier.example.')
    server.put(
        "_sip._udp.carrier.example", "SRV", "20 0 5060 two.carrier.example.", "10 0 5062 one.carrier.example."
    )
    server.put("one.carrier.example", "A", "192.0.2.11")
    server.put("two.carrier.example", "A", "192.0.2.12")

    hops = await resolver.resolve("sip:+15125292329@carrier.example")

    assert hops == (Hop("UDP", "192.0.2.11", 5062), Hop("UDP", "192.0.2.12", 5060))
    assert resolver.known("sip:carrier.example") == hops
    # RFC 5922: a certificate bears the name that was called, not that of the server behind it.
    assert resolver.name_of("192.0.2.12") == "carrier.example"
    assert resolver.name_of("192.0.2.99") == "192.0.2.99"


async def test_an_answer_is_good_for_its_time_to_live(server: NameServer, resolver: Resolver) -> None:
    assert resolver.known(TARGET) == ()
    first = await resolver.resolve(TARGET)
    server.put(HOST, "A", "192.0.2.8")

    assert first == resolver.known(TARGET) == await resolver.resolve("sip:y@sip.carrier.example:5070")
    assert server.asked == [(HOST, "A")]


async def test_an_answer_without_time_to_live_is_asked_for_each_time(
    server: NameServer, resolver: Resolver
) -> None:
    server.put(HOST, "A", "192.0.2.7", ttl=0)
    first = await resolver.resolve(TARGET)
    server.put(HOST, "A", "192.0.2.8", ttl=0)

    assert resolver.known(TARGET) == ()
    assert (first, await resolver.resolve(TARGET)) == (
        (Hop("UDP", "192.0.2.7", 5070),),
        (Hop("UDP", "192.0.2.8", 5070),),
    )


async def test_calls_that_come_together_ask_once(server: NameServer, resolver: Resolver) -> None:
    server.put(HOST, "A", "192.0.2.7", ttl=0)

    hops = await asyncio.gather(*(resolver.resolve(f"sip:{number}@{HOST}:5070") for number in range(50)))

    assert set(hops) == {(Hop("UDP", "192.0.2.7", 5070),)}
    assert len(server.asked) == 1


@pytest.mark.parametrize("fault", ["silent", "refuses", "slow"])
async def test_the_last_good_answer_serves_while_the_name_server_is_down(
    server: NameServer, resolver: Resolver, fault: str
) -> None:
    server.put(HOST, "A", "192.0.2.7", ttl=0)
    good = await resolver.resolve(TARGET)
    break_(server, fault)
    began_at = time.monotonic()

    assert await resolver.resolve(TARGET) == good
    assert time.monotonic() - began_at < LOOK_UP_SECONDS + SLACK_SECONDS
    # Once it is known to be down, no call waits for it.
    assert resolver.known(TARGET) == good


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        # On a busy machine the budget of the whole look-up may be over first.
        ("silent", "the name servers do not answer|no answer within 2 s"),
        ("refuses", "the name servers cannot tell"),
        ("slow", "the name servers do not answer|no answer within 2 s"),
    ],
)
async def test_without_an_earlier_answer_a_look_up_ends_within_its_budget(
    server: NameServer, resolver: Resolver, fault: str, reason: str
) -> None:
    break_(server, fault)
    began_at = time.monotonic()

    with pytest.raises(Unresolvable, match=rf"carrier\.example cannot be looked up \({reason}\)"):
        await resolver.resolve("sip:carrier.example")
    assert time.monotonic() - began_at < LOOK_UP_SECONDS + SLACK_SECONDS


async def test_a_look_up_that_goes_on_and_on_is_ended_by_its_budget(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_UP_SECONDS", 0.05)

    async with hanging_system(monkeypatch):
        with pytest.raises(Unresolvable, match=r"pbx cannot be looked up \(no answer within 0.05 s\)"):
            await resolver.resolve("sip:pbx")


async def test_look_ups_that_hang_in_the_system_keep_nobody_else_waiting(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"sip:pbx{number}" for number in range(MOST_AT_ONCE + 1)]
    async with hanging_system(monkeypatch):
        found = await asyncio.gather(*map(resolver.resolve, names), return_exceptions=True)
        # The database is read in the threads that everybody shares.
        async with asyncio.timeout(SLACK_SECONDS):
            assert await asyncio.to_thread(lambda: "read") == "read"

    reasons = sorted(str(reason).partition("(")[2] for reason in found)
    assert reasons == ["no answer within 2 s)"] * MOST_AT_ONCE + ["too many names are being looked up)"]
    assert await resolver.resolve("sip:localhost") == (Hop("UDP", "127.0.0.1", 5060),)


async def test_the_event_loop_goes_on_while_name_servers_are_silent(
    server: NameServer, resolver: Resolver
) -> None:
    server.silent = True
    with beating() as lags, pytest.raises(Unresolvable):
        await resolver.resolve("sip:carrier.example")

    assert len(lags) > 20
    assert sorted(lags)[len(lags) * 9 // 10] < 0.5


async def test_a_name_that_is_gone_leads_nowhere(server: NameServer, resolver: Resolver) -> None:
    server.put(HOST, "A", "192.0.2.7", ttl=0)
    await resolver.resolve(TARGET)
    server.records.clear()

    with pytest.raises(Unresolvable, match=r"cannot be looked up \(it has no address\)"):
        await resolver.resolve(TARGET)


async def test_name_servers_that_never_answer_for_one_kind_are_no_obstacle(
    server: NameServer, resolver: Resolver
) -> None:
    server.silent_on = {"NAPTR", "SRV"}
    assert [hop.host for hop in await resolver.resolve(f"sip:{HOST}")] == ["192.0.2.7"]

    assert [hop.host for hop in resolver.known(f"sip:{HOST}")] == ["192.0.2.7"]


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1"])
async def test_a_name_out_there_may_not_lead_to_this_machine(
    server: NameServer, resolver: Resolver, address: str
) -> None:
    server.put(HOST, "A", address, ttl=0)
    with pytest.raises(Unresolvable, match=f"{address} is no address of another machine"):
        await resolver.resolve(TARGET)

    server.put(HOST, "A", "192.0.2.7", ttl=0)
    good = await resolver.resolve(TARGET)
    server.put(HOST, "A", address, ttl=0)
    assert await resolver.resolve(TARGET) == good


async def test_a_server_that_is_bound_to_loopback_talks_to_loopback(server: NameServer) -> None:
    server.put(HOST, "A", "127.0.0.1")

    hops = await Resolver("127.0.0.1", server.name_servers()).resolve(TARGET)

    assert hops == (Hop("UDP", "127.0.0.1", 5070),)


async def test_ipv6_asks_for_ipv6_addresses(server: NameServer) -> None:
    server.put(HOST, "AAAA", "2001:db8::7")

    hops = await Resolver("2001:db8::1", server.name_servers()).resolve(TARGET)

    assert hops == (Hop("UDP", "2001:db8::7", 5070),)
    assert server.asked == [(HOST, "AAAA")]


@pytest.mark.parametrize("target", ["sip:x@a..b:5060", f"sip:x@{'a' * 64}.example:5060", "sip:x@a..b"])
async def test_a_name_that_nobody_can_be_asked_about_is_unresolvable(resolver: Resolver, target: str) -> None:
    with pytest.raises(Unresolvable, match=r"cannot be looked up \(it is no name of a host\)"):
        await resolver.resolve(target)


async def test_a_caller_that_gives_up_leaves_the_look_up_to_the_others(
    server: NameServer, resolver: Resolver
) -> None:
    server.delay_seconds = 0.1
    impatient = asyncio.create_task(resolver.resolve(TARGET))
    patient = asyncio.create_task(resolver.resolve(TARGET))
    while not server.asked:
        await asyncio.wait((impatient,), timeout=0.01)
    impatient.cancel()

    assert await patient == (Hop("UDP", "192.0.2.7", 5070),)


async def test_the_machines_own_name_servers_are_those_of_its_file() -> None:
    assert await Resolver(LOCAL, NameServers()).resolve("sip:localhost") == (Hop("UDP", "127.0.0.1", 5060),)


@asynccontextmanager
async def hanging_system(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """While the block runs the system's own look-up does not come back; at its end it says that it cannot tell."""
    goes_on = threading.Event()
    threads: list[threading.Thread] = []

    def look_up(host: str, port: object, **hints: object) -> list[object]:
        threads.append(threading.current_thread())
        goes_on.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look_up)
        try:
            yield
        finally:
            goes_on.set()
            for thread in threads:
                thread.join()


def break_(server: NameServer, fault: str) -> None:
    """Make the server fail in the way that has this name."""
    match fault:
        case "silent":
            server.silent = True
        case "refuses":
            server.refuses = True
        case "slow":
            server.delay_seconds = 5.0
