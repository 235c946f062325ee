import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.sip.errors import LocalUseError, MalformedField
from ringbridge.sip.headers import CSeq, Headers
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import REASON_PHRASES, Request, Response, response_to
from ringbridge.sip.parse import parse_datagram

FIELDS = (
    ("Via", "SIP/2.0/UDP edge.example.net;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK2"),
    ("Via", "SIP/2.0/TCP 192.0.2.31;branch=z9hG4bK3"),
    ("Record-Route", "<sip:edge.example.net;lr>"),
    ("Max-Forwards", "70"),
    ("From", '"Lena" <sip:lena@example.net>;tag=l-1'),
    ("To", "<sip:desk@example.org>"),
    ("Call-ID", "1@192.0.2.30"),
    ("CSeq", "31 INVITE"),
    ("Contact", "<sip:lena@192.0.2.30>, <sip:lena@192.0.2.31>"),
    ("Content-Type", "Application/SDP ;x=y"),
)
INVITE = Request(method="INVITE", uri="sip:desk@example.org", headers=Headers.of(FIELDS), body=b"v=0\r\n")
SOURCE = Hop("UDP", "198.51.100.9", 5062)

some_values = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=30)
some_names = st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=8).map("X-{}".format)


def without(*names: str) -> Request:
    """Return the INVITE without some of its fields."""
    headers = Headers.of([(name, value) for name, value in FIELDS if name not in names])
    return Request(method="INVITE", uri="sip:desk@example.org", headers=headers)


def with_to(to: str) -> Request:
    """Return the INVITE with another To field."""
    return Request(method="INVITE", uri="sip:desk@example.org", headers=INVITE.headers.replacing("To", to))


def test_a_request_tells_what_its_fields_say() -> None:
    assert INVITE.vias == (
        "SIP/2.0/UDP edge.example.net;branch=z9hG4bK1",
        "SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK2",
        "SIP/2.0/TCP 192.0.2.31;branch=z9hG4bK3",
    )
    assert INVITE.via.branch == "z9hG4bK1"
    assert (INVITE.from_.display_name, INVITE.from_tag) == ("Lena", "l-1")
    assert (INVITE.to.uri.user, INVITE.to_tag) == ("desk", None)
    assert (INVITE.call_id, INVITE.cseq) == ("1@192.0.2.30", CSeq(31, "INVITE"))
    assert [str(contact) for contact in INVITE.contacts] == ["<sip:lena@192.0.2.30>", "<sip:lena@192.0.2.31>"]
    assert INVITE.contact == INVITE.contacts[0]
    assert INVITE.content_type == "application/sdp"


def test_what_a_field_says_is_read_once() -> None:
    assert INVITE.from_ is INVITE.from_


def test_a_message_without_contact_and_body_says_so() -> None:
    request = without("Contact", "Content-Type")

    assert (request.contact, request.contacts, request.content_type, request.body) == (None, (), None, b"")


def test_the_star_of_a_registration_is_no_contact() -> None:
    request = Request(method="REGISTER", uri="sip:example.org", headers=Headers.of([("m", "*")]))

    assert request.contact is None


@pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq"])
def test_a_missing_field_is_named_to_whoever_asks(name: str) -> None:
    attribute = {"From": "from_", "To": "to", "Call-ID": "call_id", "CSeq": "cseq"}[name]

    with pytest.raises(MalformedField, match=f"^there is no {name} field$"):
        getattr(without(name), attribute)


def test_a_message_without_via_has_no_topmost_one() -> None:
    with pytest.raises(MalformedField, match="no Via can be read from ''"):
        _ = without("Via").via


def test_a_request_is_written_with_the_length_of_its_body() -> None:
    request = Request(
        method="BYE",
        uri="sip:desk@example.org",
        headers=Headers.of([("v", "SIP/2.0/UDP 192.0.2.30"), ("l", "999"), ("Subject", "ünïcode")]),
        body=b"\x00\xff",
    )

    assert request.serialize() == (
        b"BYE sip:desk@example.org SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 192.0.2.30\r\n"
        b"Subject: \xc3\xbcn\xc3\xafcode\r\n"
        b"Content-Length: 2\r\n"
        b"\r\n"
        b"\x00\xff"
    )


def test_a_response_is_written_with_its_status_line() -> None:
    response = Response(status=200, reason="OK", headers=Headers.of([]))

    assert response.serialize() == b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("value", ["a\r\nX-Smuggled: b", "a\nb", "a\rb", "a\r\n b", "a\r\n\r\nb"])
def test_a_line_break_in_a_field_is_our_own_fault(value: str) -> None:
    request = Request(method="BYE", uri="sip:desk@example.org", headers=Headers.of([("Subject", value)]))

    with pytest.raises(LocalUseError, match=r"^a start line and a header field must not hold a line break$"):
        request.serialize()


def test_a_line_break_in_a_reason_phrase_is_our_own_fault() -> None:
    with pytest.raises(LocalUseError, match="line break"):
        Response(status=200, reason="OK\r\nX: y", headers=Headers.of([])).serialize()


@pytest.mark.parametrize(
    ("method", "uri"), [("BYE", "sip:desk@example.org SIP/2.0"), ("BYE now", "sip:desk@example.org")]
)
def test_a_space_in_a_request_line_is_our_own_fault(method: str, uri: str) -> None:
    with pytest.raises(LocalUseError, match=r"^a method and a Request-URI must not hold a space$"):
        Request(method=method, uri=uri, headers=Headers.of([])).serialize()


@given(st.lists(st.tuples(some_names, some_values), max_size=5), st.binary(max_size=200))
def test_every_request_survives_being_written_and_read(fields: list[tuple[str, str]], body: bytes) -> None:
    request = Request(
        method="INVITE",
        uri="sip:desk@example.org",
        headers=Headers.of([*INVITE.headers.replacing("m", "<sip:a@b>"), *fields]),
        body=body,
    )

    read = parse_datagram(request.serialize())

    assert isinstance(read, Request)
    assert list(read.headers)[:-1] == list(request.headers)
    assert (read.method, read.uri, read.body) == (request.method, request.uri, request.body)


@given(st.integers(100, 699), some_values, st.binary(max_size=200))
def test_every_response_survives_being_written_and_read(status: int, reason: str, body: bytes) -> None:
    response = response_to(INVITE, status, reason, to_tag="d-1", body=body)

    read = parse_datagram(response.serialize())

    assert isinstance(read, Response)
    assert list(read.headers)[:-1] == list(response.headers)
    assert (read.status, read.reason, read.body) == (status, reason, body)


def test_an_answer_copies_what_identifies_the_request() -> None:
    assert list(response_to(INVITE, 486, to_tag="d-1").headers) == [
        ("Via", FIELDS[0][1]),
        ("Via", FIELDS[1][1]),
        ("From", '"Lena" <sip:lena@example.net>;tag=l-1'),
        ("To", "<sip:desk@example.org>;tag=d-1"),
        ("Call-ID", "1@192.0.2.30"),
        ("CSeq", "31 INVITE"),
    ]


@pytest.mark.parametrize(
    ("status", "copied"), [(100, False), (180, True), (183, True), (200, True), (300, False), (486, False)]
)
def test_an_answer_that_can_make_a_dialog_copies_the_record_routes(status: int, copied: bool) -> None:
    assert ("Record-Route" in response_to(INVITE, status).headers) == copied


def test_an_answer_has_the_usual_phrase_unless_another_is_given() -> None:
    assert [response_to(INVITE, 486).reason, response_to(INVITE, 486, "In a Meeting").reason] == [
        "Busy Here",
        "In a Meeting",
    ]
    assert response_to(INVITE, 499).reason == ""
    assert all(100 <= status <= 699 and phrase for status, phrase in REASON_PHRASES.items())


def test_an_answer_carries_the_callers_fields_and_body() -> None:
    response = response_to(INVITE, 200, headers=[("c", "application/sdp")], body=b"v=0\r\n")

    assert (response.content_type, response.body) == ("application/sdp", b"v=0\r\n")


@pytest.mark.parametrize(
    ("to", "answered"),
    [
        ("<sip:desk@example.org>;tag=old", "<sip:desk@example.org>;tag=old"),
        ("<sip:desk@example.org> ; TAG = old", "<sip:desk@example.org> ; TAG = old"),
        ("sip:desk@example.org;x", "sip:desk@example.org;x;tag=new"),
        ('"a;tag=b" <sip:desk@example.org>', '"a;tag=b" <sip:desk@example.org>;tag=new'),
        ("<sip:desk@example.org;tag=b>", "<sip:desk@example.org;tag=b>;tag=new"),
        # Not readable, yet answered: with a tag, for RFC 3261 section 8.2.6.2 asks for one.
        ('"open <sip:desk@example.org>', '"open <sip:desk@example.org>;tag=new'),
        ("", ";tag=new"),
    ],
)
def test_an_answer_tags_the_to_field_once(to: str, answered: str) -> None:
    assert response_to(with_to(to), 200, to_tag="new").headers.get("To") == answered


def test_an_answer_without_a_tag_leaves_the_to_field_alone() -> None:
    assert response_to(INVITE, 100).headers.get("To") == "<sip:desk@example.org>"


def test_an_answer_to_a_request_that_says_everything_twice_says_it_once() -> None:
    twice = Request(method="INVITE", uri="sip:desk@example.org", headers=Headers.of([*FIELDS, *FIELDS]))

    names = [name for name, _ in response_to(twice, 400).headers]

    assert sorted(names) == ["CSeq", "Call-ID", "From", "To", "Via", "Via", "Via", "Via"]


def test_an_answer_to_a_request_that_says_too_little_copies_what_there_is() -> None:
    response = response_to(without("From", "To", "Call-ID"), 400, to_tag="d-1")

    assert [name for name, _ in response.headers] == ["Via", "Via", "CSeq"]


def test_the_source_of_a_request_is_noted_in_its_topmost_via_only() -> None:
    noted = INVITE.received_from(SOURCE)

    assert noted.vias == (
        "SIP/2.0/UDP edge.example.net;branch=z9hG4bK1;received=198.51.100.9",
        *INVITE.vias[1:],
    )
    assert noted.via.received == "198.51.100.9"
    assert next(iter(noted.headers))[0] == "Via"


def test_nothing_is_noted_of_a_source_that_is_where_it_says() -> None:
    request = Request(
        method="BYE", uri="sip:a", headers=Headers.of([("Via", "SIP/2.0/UDP 198.51.100.9:5062")])
    )

    assert request.received_from(SOURCE) is request


def test_nothing_is_noted_in_a_via_that_cannot_be_read() -> None:
    request = Request(method="BYE", uri="sip:a", headers=Headers.of([("Via", "SIP/7.0/UDP 198.51.100.9")]))

    assert request.received_from(SOURCE) is request
