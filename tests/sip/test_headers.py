import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.sip.errors import MalformedField
from ringbridge.sip.headers import CSeq, Headers, Reason, SessionExpires, Via, canonical_name


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("Via", "Via"),
        ("v", "Via"),
        ("V", "Via"),
        ("call-id", "Call-ID"),
        ("CALL-ID", "Call-ID"),
        ("Call-Id", "Call-ID"),
        ("cAlL-iD", "Call-ID"),
        ("cseq", "CSeq"),
        ("l", "Content-Length"),
        ("x", "Session-Expires"),
        ("www-authenticate", "WWW-Authenticate"),
        ("X-Novel", "X-Novel"),
        ("z", "z"),
    ],
)
def test_names_are_written_one_way_and_unknown_ones_are_kept(sent: str, name: str) -> None:
    assert canonical_name(sent) == name


def test_fields_are_found_by_any_spelling_of_their_name() -> None:
    headers = Headers.of([("f", "<sip:lena@example.net>"), ("X-Novel", "1"), ("x-novel", "2")])

    assert [headers.get(name) for name in ("From", "from", "F", "X-NOVEL", "To")] == [
        "<sip:lena@example.net>",
        "<sip:lena@example.net>",
        "<sip:lena@example.net>",
        "1",
        None,
    ]
    assert [name in headers for name in ("From", "x-Novel", "To")] == [True, True, False]


def test_lists_over_several_fields_are_one_list() -> None:
    headers = Headers.of([("Route", '"a,b" <sip:a>, <sip:b>'), ("To", "x"), ("route", "<sip:c>")])

    assert headers.all("Route") == ('"a,b" <sip:a>', "<sip:b>", "<sip:c>")
    assert headers.all("Contact") == ()


def test_commas_in_fields_that_are_no_lists_are_left_alone() -> None:
    challenge = 'Digest realm="a", nonce="b"'
    headers = Headers.of([("WWW-Authenticate", challenge), ("X-Novel", "a, b")])

    assert headers.all("WWW-Authenticate") == (challenge,)
    assert headers.all("X-Novel") == ("a, b",)


def test_a_repeated_field_is_noticed() -> None:
    headers = Headers.of([("Via", "a"), ("To", "a"), ("t", "b"), ("CSeq", "c")])

    assert [headers.repeated(names) for names in (["CSeq", "To"], ["CSeq", "From"])] == ["To", None]


def test_fields_keep_their_order_when_some_are_replaced() -> None:
    headers = Headers.of([("Via", "a"), ("To", "b"), ("Via", "c")])

    assert list(headers.replacing("v", "d")) == [("Via", "d"), ("To", "b")]
    assert list(headers.replacing("Subject", "d")) == [
        ("Via", "a"),
        ("To", "b"),
        ("Via", "c"),
        ("Subject", "d"),
    ]


def test_fields_compare_by_what_they_say() -> None:
    one, same, other = Headers.of([("v", "a")]), Headers.of([("Via", "a")]), Headers.of([("Via", "b")])

    assert (one == same, one == other, one == "Via: a", hash(one) == hash(same)) == (True, False, False, True)
    assert repr(one) == "Headers([('Via', 'a')])"


def test_a_via_is_taken_apart() -> None:
    via = Via.parse(
        "sip / 2.0 /udp  [2001:db8::1] : 5070 ; branch = z9hG4bK1;rport=77 ;received=[2001:db8::2]"
    )

    assert (via.transport, via.host, via.port) == ("UDP", "2001:db8::1", 5070)
    assert (via.branch, via.rport, via.received) == ("z9hG4bK1", 77, "2001:db8::2")


def test_a_via_may_say_nothing_but_where_it_is() -> None:
    via = Via.parse("SIP/2.0/UDP example.org")

    assert (via.port, via.branch, via.rport, via.received) == (None, None, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/3.0/UDP a.example",
        "SIP/2.0/UDP a.example b",
        "SIP/2.0/UDP a.example;;",
        "SIP/2.0/UDP :5060",
    ],
)
def test_what_breaks_the_grammar_is_no_via(text: str) -> None:
    with pytest.raises(MalformedField, match="can be read from"):
        Via.parse(text)


def test_a_via_names_no_port_beyond_sixteen_bits() -> None:
    with pytest.raises(MalformedField, match="no port has the number 65536"):
        Via.parse("SIP/2.0/UDP example.org:65536")


@pytest.mark.parametrize(
    ("sent", "noted"),
    [
        # RFC 3261 section 18.2.1
        ("SIP/2.0/UDP 192.0.2.1:5070;branch=b", "SIP/2.0/UDP 192.0.2.1:5070;branch=b"),
        ("SIP/2.0/UDP example.org;branch=b", "SIP/2.0/UDP example.org;branch=b;received=192.0.2.1"),
        # RFC 3581 section 4
        (
            "SIP/2.0/UDP 192.0.2.1;rport;branch=b",
            "SIP/2.0/UDP 192.0.2.1;branch=b;received=192.0.2.1;rport=5062",
        ),
        # What a peer claims to have been seen as is not believed.
        ("SIP/2.0/UDP a.b;received=203.0.113.9;rport=1", "SIP/2.0/UDP a.b;received=192.0.2.1;rport=5062"),
    ],
)
def test_the_source_of_a_request_is_noted_in_its_via(sent: str, noted: str) -> None:
    assert str(Via.parse(sent).received_from("192.0.2.1", 5062)) == noted


def test_a_via_with_an_ipv6_address_is_written_with_brackets() -> None:
    assert (
        str(Via("UDP", "2001:db8::1", 5060, (("branch", "b"),))) == "SIP/2.0/UDP [2001:db8::1]:5060;branch=b"
    )


@pytest.mark.parametrize("text", ["0 ACK", "2147483647 INVITE", "0009 \t INVITE"])
def test_sequence_numbers_up_to_31_bits_are_read(text: str) -> None:
    number, method = text.split()

    assert CSeq.parse(text) == CSeq(int(number), method)


@pytest.mark.parametrize(
    "text",
    ["", "1", "INVITE", "INVITE 1", "-1 INVITE", "2147483648 INVITE", "1 IN VITE", "1 (", "9" * 30 + " BYE"],
)
def test_other_sequence_numbers_are_refused(text: str) -> None:
    with pytest.raises(MalformedField, match="no CSeq can be read from"):
        CSeq.parse(text)


@given(st.integers(0, 2**31 - 1), st.sampled_from(["INVITE", "x.y!"]))
def test_every_sequence_number_survives_being_written_and_read(number: int, method: str) -> None:
    assert CSeq.parse(str(CSeq(number, method))) == CSeq(number, method)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('Q.850 ;cause=16;text="Normal \\"clearing\\""', Reason("Q.850", 16, 'Normal "clearing"')),
        ("SIP ; cause = 600", Reason("SIP", 600)),
        ("SIP;cause=many;text=Moved", Reason("SIP", None, "Moved")),
        ("Q.850;cause=4294967296", Reason("Q.850", None, None)),
        ("preemption", Reason("preemption")),
    ],
)
def test_a_reason_is_read_as_far_as_it_goes(text: str, reason: Reason) -> None:
    assert Reason.parse(text) == reason


@pytest.mark.parametrize("text", ["", ";cause=16", "two words;cause=16", "SIP;cause="])
def test_what_breaks_the_grammar_is_no_reason(text: str) -> None:
    with pytest.raises(MalformedField, match="can be read from"):
        Reason.parse(text)


@given(st.none() | st.integers(0, 699), st.none() | st.text())
def test_every_reason_survives_being_written_and_read(cause: int | None, text: str | None) -> None:
    assert Reason.parse(str(Reason("Q.850", cause, text))) == Reason("Q.850", cause, text)


@pytest.mark.parametrize(
    ("text", "expires"),
    [
        ("1800", SessionExpires(1800)),
        ("90 ; Refresher = UAS ; x", SessionExpires(90, "uas")),
        ("90;refresher=nobody", SessionExpires(90)),
    ],
)
def test_the_life_of_a_session_is_read(text: str, expires: SessionExpires) -> None:
    assert SessionExpires.parse(text) == expires


@pytest.mark.parametrize("text", ["", "soon", "-90", "90;;"])
def test_what_is_no_time_is_no_life_of_a_session(text: str) -> None:
    with pytest.raises(MalformedField, match="can be read from"):
        SessionExpires.parse(text)


@pytest.mark.parametrize(
    ("expires", "text"), [(SessionExpires(1800), "1800"), (SessionExpires(90, "uac"), "90;refresher=uac")]
)
def test_the_life_of_a_session_is_written(expires: SessionExpires, text: str) -> None:
    assert str(expires) == text
