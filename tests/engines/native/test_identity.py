"""What the called side is told of the caller."""

from ringbridge.call.model import Route
from ringbridge.engines.native.identity import from_field, identity_fields

OPEN = Route(
    trunk="carrier",
    target="sip:+15125292329@192.0.2.1",
    caller_number="+18175629657",
    caller_name="Ann",
)


def test_a_plain_route_shows_the_caller_in_from_only() -> None:
    assert from_field(OPEN, "192.0.2.9") == '"Ann" <sip:+18175629657@192.0.2.9>'
    assert identity_fields(OPEN, "192.0.2.9") == []


def test_an_asserted_number_stands_beside_from() -> None:
    route = Route(
        trunk="carrier",
        target="sip:+15125292329@192.0.2.1",
        caller_number="+18175629657",
        asserted_number="+18175629657",
    )

    assert from_field(route, "192.0.2.9") == "<sip:+18175629657@192.0.2.9>"
    assert identity_fields(route, "192.0.2.9") == [("P-Asserted-Identity", "<sip:+18175629657@192.0.2.9>")]


def test_a_withheld_number_is_asserted_only_and_from_tells_nothing() -> None:
    route = Route(
        trunk="carrier",
        target="sip:+15125292329@192.0.2.1",
        caller_number="anonymous",
        caller_name="Anonymous",
        asserted_number="+18175629657",
        is_private=True,
    )

    assert from_field(route, "192.0.2.9") == '"Anonymous" <sip:anonymous@anonymous.invalid>'
    assert identity_fields(route, "192.0.2.9") == [
        ("P-Asserted-Identity", "<sip:+18175629657@192.0.2.9>"),
        ("Privacy", "id"),
    ]


def test_a_name_cannot_break_out_of_its_line() -> None:
    route = Route(
        target="sip:u@192.0.2.1", caller_number="1", caller_name="Ann\r\nVia: <evil>\N{LINE SEPARATOR}x"
    )

    assert from_field(route, "192.0.2.9") == '"Ann  Via: <evil> x" <sip:1@192.0.2.9>'
