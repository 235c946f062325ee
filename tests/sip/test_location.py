"""Where a URI leads, by the records of RFC 3263's own kind of example."""

from collections.abc import Sequence

import pytest

from ringbridge.sip.errors import Unlocatable
from ringbridge.sip.hop import Hop
from ringbridge.sip.location import (
    MAX_HOPS,
    Finding,
    Kind,
    Naptr,
    Place,
    Question,
    Record,
    Records,
    Srv,
    locate,
)

NAPTR = Question("carrier.example", Kind.NAPTR)
UDP = Question("_sip._udp.carrier.example", Kind.SRV)
TCP = Question("_sip._tcp.carrier.example", Kind.SRV)
TLS = Question("_sips._tcp.carrier.example", Kind.SRV)
HOST = Question("carrier.example", Kind.A)
ONE, TWO = Question("one.carrier.example", Kind.A), Question("two.carrier.example", Kind.A)
NO_RECORDS: dict[Question, Sequence[Record]] = {NAPTR: (), UDP: (), TCP: (), TLS: ()}
ADDRESSES: dict[Question, Sequence[Record]] = {
    HOST: ("192.0.2.1",),
    ONE: ("192.0.2.11",),
    TWO: ("192.0.2.12",),
}


def find(target: str, records: Records, fraction: float = 0.0) -> Finding:
    return locate(Place.of(target), records, Kind.A, fraction)


def hosts(target: str, records: Records, fraction: float = 0.0) -> list[str]:
    return [hop.host for hop in find(target, records, fraction).hops]


@pytest.mark.parametrize(
    ("target", "hop"),
    [
        ("sip:x@192.0.2.7:5062", Hop("UDP", "192.0.2.7", 5062)),
        ("sip:192.0.2.7;transport=UDP", Hop("UDP", "192.0.2.7", 5060)),
        ("sip:x@[2001:db8::7]:5070", Hop("UDP", "2001:db8::7", 5070)),
        ("sip:192.0.2.7;transport=tcp", Hop("TCP", "192.0.2.7", 5060)),
        ("sip:192.0.2.7;transport=TLS", Hop("TLS", "192.0.2.7", 5061)),
        ("sip:x@192.0.2.7:5070;transport=tls", Hop("TLS", "192.0.2.7", 5070)),
        ("sips:192.0.2.7", Hop("TLS", "192.0.2.7", 5061)),
        ("sips:192.0.2.7;transport=tcp", Hop("TLS", "192.0.2.7", 5061)),
    ],
)
def test_an_address_is_its_own_hop(target: str, hop: Hop) -> None:
    assert Place.of(target).literal == hop


def test_a_name_is_no_hop() -> None:
    assert Place.of("sip:carrier.example").literal is None


@pytest.mark.parametrize("target", ["", "sip:", "tel:+15125292329", "no address"])
def test_what_names_no_host_leads_nowhere(target: str) -> None:
    with pytest.raises(Unlocatable):
        Place.of(target)


@pytest.mark.parametrize("transport", ["sctp", "ws", "wss"])
def test_a_transport_that_we_cannot_call_over_is_told(transport: str) -> None:
    with pytest.raises(Unlocatable, match=f"asks for {transport.upper()}, and only udp, tcp and tls are"):
        Place.of(f"sip:192.0.2.7;transport={transport}")


@pytest.mark.parametrize(
    ("target", "questions"),
    [
        ("sip:carrier.example", (NAPTR, UDP, TCP, TLS)),
        ("sips:carrier.example", (NAPTR, TLS)),
        ("sip:carrier.example;transport=tcp", (TCP,)),
        ("sips:carrier.example;transport=tcp", (TLS,)),
        # RFC 3263 section 4.2: with a port there is nothing to be found out but the address.
        ("sip:carrier.example:5060", (HOST,)),
        ("sip:carrier.example:5060;transport=tls", (HOST,)),
    ],
)
def test_the_first_questions_are_those_that_the_uri_leaves_open(
    target: str, questions: tuple[Question, ...]
) -> None:
    assert find(target, {}) == Finding(missing=questions)


def test_what_is_known_is_not_asked_again() -> None:
    assert find("sip:carrier.example", {NAPTR: (), UDP: ()}) == Finding(missing=(TCP, TLS))


@pytest.mark.parametrize(
    ("target", "hop"),
    [
        ("sip:carrier.example", Hop("UDP", "192.0.2.1", 5060)),
        ("sips:carrier.example", Hop("TLS", "192.0.2.1", 5061)),
        ("sip:carrier.example;transport=tcp", Hop("TCP", "192.0.2.1", 5060)),
        ("sip:carrier.example:5080", Hop("UDP", "192.0.2.1", 5080)),
        ("sip:carrier.example:5080;transport=tls", Hop("TLS", "192.0.2.1", 5080)),
    ],
)
def test_a_name_without_service_records_is_a_host(target: str, hop: Hop) -> None:
    assert find(target, NO_RECORDS) == Finding(missing=() if HOST in NO_RECORDS else (HOST,))
    assert find(target, NO_RECORDS | ADDRESSES) == Finding(hops=(hop,))


def test_service_records_without_naptr_are_taken_in_our_order_of_transports() -> None:
    records = NO_RECORDS | {TCP: (Srv(0, 0, 5062, "two.carrier.example"),)}
    records[UDP] = (Srv(9, 0, 5061, "one.carrier.example"),)

    assert find("sip:carrier.example", records) == Finding(missing=(ONE, TWO))
    assert find("sip:carrier.example", records | ADDRESSES).hops == (
        Hop("UDP", "192.0.2.11", 5061),
        Hop("TCP", "192.0.2.12", 5062),
    )


def test_naptr_records_choose_transports_and_their_order() -> None:
    secure, plain = Question("_sips._tcp.elsewhere.example", Kind.SRV), UDP
    records = NO_RECORDS | ADDRESSES
    records[NAPTR] = (
        Naptr(20, 10, "s", "SIP+D2U", plain.name),
        Naptr(10, 20, "S", "sips+d2t", secure.name),
        Naptr(10, 10, "u", "E2U+sip", ""),
        Naptr(5, 10, "s", "SIPS+D2S", "_sips._sctp.carrier.example"),
    )
    records[plain] = (Srv(0, 0, 5060, "one.carrier.example"),)

    assert find("sip:carrier.example", records) == Finding(missing=(secure,))
    records[secure] = (Srv(0, 0, 5061, "two.carrier.example"),)
    assert find("sip:carrier.example", records).hops == (
        Hop("TLS", "192.0.2.12", 5061),
        Hop("UDP", "192.0.2.11", 5060),
    )
    # Section 4.1: for a sips URI nothing but TLS will do.
    assert find("sips:carrier.example", records).hops == (Hop("TLS", "192.0.2.12", 5061),)


def test_naptr_records_of_other_services_are_as_none() -> None:
    records = NO_RECORDS | ADDRESSES | {NAPTR: (Naptr(1, 1, "u", "E2U+sip", ""), "no record of the kind")}

    assert hosts("sip:carrier.example", records) == ["192.0.2.1"]


def test_a_service_that_is_declared_to_be_missing_is_not_looked_for_at_the_host() -> None:
    records = NO_RECORDS | ADDRESSES | {UDP: (Srv(0, 0, 0, "."),)}

    assert find("sip:carrier.example;transport=udp", records) == Finding()


def test_a_host_without_addresses_leads_nowhere() -> None:
    assert find("sip:carrier.example:5060", {HOST: ()}) == Finding()


@pytest.mark.parametrize(
    ("fraction", "order"),
    [(0.0, "abcd"), (0.24, "abcd"), (0.26, "bacd"), (0.99, "bacd")],
)
def test_the_lowest_priority_goes_first_and_weights_share_it(fraction: float, order: str) -> None:
    servers = [Srv(1, 10, 4, "d"), Srv(1, 0, 3, "c"), Srv(0, 3, 2, "b"), Srv(0, 1, 1, "a")]
    records: Records = {UDP: servers} | {Question(name, Kind.A): (f"192.0.2.{ord(name)}",) for name in "abcd"}

    found = hosts("sip:carrier.example;transport=udp", records, fraction)

    assert found[:2] == [f"192.0.2.{ord(name)}" for name in order[:2]]
    assert set(found[2:]) == {f"192.0.2.{ord(name)}" for name in "cd"}


@pytest.mark.parametrize(("fraction", "first"), [(0.0, "a"), (0.01, "b"), (0.999, "b")])
def test_a_server_without_weight_has_a_small_chance(fraction: float, first: str) -> None:
    records: Records = {
        UDP: [Srv(0, 10, 1, "b"), Srv(0, 0, 1, "a")],
        Question("a", Kind.A): ("a",),
        Question("b", Kind.A): ("b",),
    }

    assert hosts("sip:carrier.example;transport=udp", records, fraction)[0] == first


def test_the_same_server_is_tried_once_and_only_so_many() -> None:
    records: dict[Question, Sequence[Record]] = {
        HOST: [f"192.0.2.{number}" for number in (1, 1, *range(1, 40))],
    }

    found = hosts("sip:carrier.example:5060", records)

    assert found == [f"192.0.2.{number}" for number in range(1, MAX_HOPS + 1)]
