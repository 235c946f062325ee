"""What a REGISTER of an authenticated phone changes."""

from collections.abc import Sequence

import pytest

from ringbridge.sip.contact import (
    MAX_CHARACTERS,
    MAX_CONTACTS,
    MAX_SECONDS,
    Contact,
    refusal_of_registration,
    register,
)
from ringbridge.sip.headers import Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request

HOME = Hop("UDP", "203.0.113.5", 40_000)
OFFICE = Hop("UDP", "198.51.100.9", 5060)
NOW = 100.0

Fields = Sequence[tuple[str, str]]


def asked(*contacts: str, call_id: str = "c1", number: int = 1, more: Fields = ()) -> Request:
    fields = [
        ("From", "<sip:alice@192.0.2.1>;tag=1"),
        ("To", "<sip:alice@192.0.2.1>"),
        ("Call-ID", call_id),
        ("CSeq", f"{number} REGISTER"),
        *[("Contact", contact) for contact in contacts],
        *more,
    ]
    return Request(method="REGISTER", uri="sip:192.0.2.1", headers=Headers.of(fields))


def after(*requests: tuple[Request, Hop]) -> tuple[Contact, ...]:
    """The contacts after some requests, none of which may be refused."""
    contacts: tuple[Contact, ...] = ()
    for request, source in requests:
        assert refusal_of_registration(contacts, request, source) is None
        contacts = register(contacts, request, source, NOW)
    return contacts


def uris(contacts: Sequence[Contact]) -> list[str]:
    return [contact.uri for contact in contacts]


def status_of(contacts: Sequence[Contact], request: Request, source: Hop = HOME) -> int | None:
    refusal = refusal_of_registration(contacts, request, source)
    return None if refusal is None else refusal[0]


# What is kept


def test_a_phone_is_kept_with_the_way_to_it() -> None:
    request = asked(
        '<sip:alice@10.0.0.7:5060;transport=udp>;expires=600;+sip.instance="<urn:uuid:1>";reg-id=2',
        more=[
            ("User-Agent", "Desk\udcffPhone 1.2"),
            ("Path", "<sip:proxy.example;lr>"),
            ("Path", "<sip:edge.example;lr>"),
        ],
    )

    assert after((request, HOME)) == (
        Contact(
            uri="sip:alice@10.0.0.7:5060;transport=udp",
            hop=HOME,
            path=("<sip:proxy.example;lr>", "<sip:edge.example;lr>"),
            user_agent="Desk?Phone 1.2",
            instance='"<urn:uuid:1>"',
            flow=2,
            call_id="c1",
            sequence=1,
            expires_at=NOW + 600,
        ),
    )


@pytest.mark.parametrize(
    ("parameters", "more", "seconds"),
    [
        (";expires=120", [("Expires", "300")], 120),
        ("", [("Expires", "300")], 300),
        ("", [], MAX_SECONDS),
        ("", [("Expires", "soon")], MAX_SECONDS),
        (";expires=never", [("Expires", "300")], 300),
        (";expires=604800", [], MAX_SECONDS),
        (";expires=60", [], 60),
    ],
)
def test_the_time_granted(parameters: str, more: Fields, seconds: int) -> None:
    (contact,) = after((asked(f"<sip:a@10.0.0.7>{parameters}", more=more), HOME))

    assert contact.expires_at == NOW + seconds


def test_a_line_may_have_several_phones() -> None:
    contacts = after(
        (asked("<sip:a@10.0.0.7>", call_id="c1"), HOME), (asked("<sip:a@10.0.0.8>", call_id="c2"), HOME)
    )

    assert uris(contacts) == ["sip:a@10.0.0.7", "sip:a@10.0.0.8"]


def test_a_refresh_takes_the_place_of_what_it_refreshes() -> None:
    (contact,) = after(
        (asked("<sip:a@10.0.0.7>", number=1), HOME),
        (asked("<sip:a@10.0.0.7>;expires=90", number=2), HOME._replace(port=41_000)),
    )

    assert (contact.hop.port, contact.sequence, contact.expires_at) == (41_000, 2, NOW + 90)


def test_a_phone_that_moved_to_another_network_is_still_one_phone() -> None:
    contacts = after(
        (asked("<sip:a@10.0.0.7>", number=1), HOME), (asked("<sip:a@10.0.0.7>", number=2), OFFICE)
    )

    assert [contact.hop for contact in contacts] == [OFFICE]


def test_two_phones_behind_two_nats_may_have_the_same_private_address() -> None:
    contacts = after(
        (asked("<sip:a@10.0.0.7>", call_id="c1"), HOME), (asked("<sip:a@10.0.0.7>", call_id="c2"), OFFICE)
    )

    assert [contact.hop for contact in contacts] == [HOME, OFFICE]


def test_a_phone_that_started_anew_is_known_by_its_instance() -> None:
    contacts = after(
        (asked('<sip:a@10.0.0.7:1024>;+sip.instance="<urn:uuid:1>"', call_id="c1"), HOME),
        (asked('<sip:a@10.0.0.9:2048>;+sip.instance="<urn:uuid:1>"', call_id="c2"), OFFICE),
    )

    assert uris(contacts) == ["sip:a@10.0.0.9:2048"]


def test_an_instance_may_have_several_ways_to_us() -> None:
    contacts = after(
        (asked('<sip:a@10.0.0.7>;+sip.instance="<urn:uuid:1>";reg-id=1'), HOME),
        (asked('<sip:a@10.0.0.7>;+sip.instance="<urn:uuid:1>";reg-id=2', number=2), HOME),
        (asked('<sip:a@10.0.0.7>;+sip.instance="<urn:uuid:1>";reg-id=9999999999', number=3), HOME),
    )

    assert [contact.flow for contact in contacts] == [1, 2, None]


@pytest.mark.parametrize(
    "other",
    [
        "sip:b@10.0.0.7",
        "sips:a@10.0.0.7",
        "sip:a@10.0.0.7:5060",
        "sip:a@10.0.0.7;transport=tcp",
        "sip:a@10.0.0.70",
    ],
)
def test_addresses_that_are_not_the_same(other: str) -> None:
    assert len(after((asked("<sip:a@10.0.0.7>"), HOME), (asked(f"<{other}>"), HOME))) == 2


def test_addresses_are_compared_as_names_are() -> None:
    (contact,) = after(
        (asked("<sip:a@PHONE.example;ob>"), HOME), (asked("<sip:a@phone.example>", number=2), HOME)
    )

    assert contact.uri == "sip:a@phone.example"


def test_one_phone_too_many_takes_the_place_of_the_one_not_heard_of_for_longest() -> None:
    requests = [
        (asked(f"<sip:a@10.0.0.{number}>", call_id=f"c{number}"), HOME) for number in range(MAX_CONTACTS)
    ]
    refresh = (asked("<sip:a@10.0.0.0>", call_id="c0", number=2), HOME)
    one_more = (asked("<sip:a@10.0.1.1>", call_id="more"), HOME)

    kept = uris(after(*requests, refresh, one_more))

    assert len(kept) == MAX_CONTACTS
    assert "sip:a@10.0.0.1" not in kept
    assert kept[-2:] == ["sip:a@10.0.0.0", "sip:a@10.0.1.1"]


# What goes


@pytest.mark.parametrize(
    "request_",
    [
        asked("<sip:a@10.0.0.7>;expires=0", number=2),
        asked("<sip:a@10.0.0.7>", number=2, more=[("Expires", "0")]),
        asked("<sip:a@10.0.0.7>;expires=0", call_id="after a restart"),
    ],
)
def test_a_phone_may_go(request_: Request) -> None:
    assert uris(
        after(
            (asked("<sip:a@10.0.0.7>"), HOME),
            (asked("<sip:a@10.0.0.8>", call_id="c2"), HOME),
            (request_, HOME),
        )
    ) == ["sip:a@10.0.0.8"]


def test_all_phones_may_go_at_once() -> None:
    assert (
        after(
            (asked("<sip:a@10.0.0.7>"), HOME),
            (asked("<sip:a@10.0.0.8>", call_id="c2"), OFFICE),
            (asked("*", number=2, more=[("Expires", "0")]), HOME),
        )
        == ()
    )


# What is refused


@pytest.mark.parametrize(
    "request_",
    [
        asked("*"),
        asked("*", more=[("Expires", "60")]),
        asked("*", "<sip:a@10.0.0.7>", more=[("Expires", "0")]),
        asked("<tel:+18175629656>"),
        asked("<mailto:a@example.com>"),
        asked("<sip:a@10.0.0.7?Route=x>"),
        asked(f"<sip:{'a' * MAX_CHARACTERS}@10.0.0.7>"),
        asked('<sip:a@10.0.0.7>;+sip.instance="\x80"'),
        asked("<sip:a@10.0.0.7>", more=[("Path", "<sip:proxy.example;lr>, what")]),
        asked("<sip:a@10.0.0.7>", more=[("Path", "<tel:1>")]),
        asked("<sip:a@10.0.0.7>", more=[("Path", f"<sip:{'a' * MAX_CHARACTERS}@x>")]),
    ],
)
def test_what_nobody_could_ring_is_refused(request_: Request) -> None:
    assert status_of((), request_) == 400


def test_too_many_at_once_are_refused() -> None:
    contacts = [f"<sip:a@10.0.0.{number}>" for number in range(MAX_CONTACTS + 1)]

    assert status_of((), asked(*contacts)) == 403


def test_an_extension_that_is_not_known_is_refused() -> None:
    request = asked("<sip:a@10.0.0.7>", more=[("Require", "path, gruu"), ("Require", "outbound")])

    assert refusal_of_registration((), request, HOME) == (420, (("Unsupported", "gruu, outbound"),))


@pytest.mark.parametrize("seconds", [1, 59])
def test_too_short_a_time_is_refused(seconds: int) -> None:
    request = asked(f"<sip:a@10.0.0.7>;expires={seconds}")

    assert refusal_of_registration((), request, HOME) == (423, (("Min-Expires", "60"),))


@pytest.mark.parametrize(
    "overtaken",
    [
        asked("<sip:a@10.0.0.7>", number=5),
        asked("<sip:a@10.0.0.7>", number=4),
        asked("<sip:a@10.0.0.7>;expires=0", number=4),
        asked("*", number=4, more=[("Expires", "0")]),
    ],
)
def test_a_request_that_was_overtaken_changes_nothing(overtaken: Request) -> None:
    contacts = after((asked("<sip:a@10.0.0.7>", number=5), HOME))

    assert status_of(contacts, overtaken) == 500


def test_a_lower_number_in_another_series_is_none() -> None:
    contacts = after((asked("<sip:a@10.0.0.7>", number=5), HOME))

    assert status_of(contacts, asked("<sip:a@10.0.0.7>", call_id="c2", number=1)) is None


# What the phone is told


def test_the_phone_is_told_how_long_it_has() -> None:
    (contact,) = after((asked("<sip:a@10.0.0.7;ob>"), HOME))

    assert contact.field(NOW) == ("Contact", "<sip:a@10.0.0.7;ob>;expires=3600")
    assert contact.field(NOW + 0.5) == ("Contact", "<sip:a@10.0.0.7;ob>;expires=3600")
    assert contact.field(NOW + 1.5) == ("Contact", "<sip:a@10.0.0.7;ob>;expires=3599")


def test_the_phone_knows_its_instance_again() -> None:
    (contact,) = after((asked('<sip:a@10.0.0.7>;+sip.instance="<urn:uuid:1>";reg-id=1'), HOME))

    assert contact.field(NOW)[1] == ('<sip:a@10.0.0.7>;expires=3600;+sip.instance="<urn:uuid:1>";reg-id=1')
