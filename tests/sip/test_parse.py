from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringbridge.sip.errors import MalformedMessage
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Message, Request, response_to
from ringbridge.sip.parse import MAX_HEADER_FIELDS, MAX_MESSAGE_OCTETS, parse_datagram
from tests.sip.reading import verdict_on

TORTURE = sorted(Path(__file__).with_name("torture").glob("*.dat"))
DATAGRAMS = [path.read_bytes() for path in TORTURE]

OPTIONS = (
    b"OPTIONS sip:desk@example.org SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK1\r\n"
    b"From: <sip:lena@example.net>;tag=l-1\r\n"
    b"To: <sip:desk@example.org>\r\n"
    b"Call-ID: 1@192.0.2.30\r\n"
    b"CSeq: 31 OPTIONS\r\n"
    b"Content-Length: 0\r\n"
    b"\r\n"
)
RESPONSE = OPTIONS.replace(b"OPTIONS sip:desk@example.org SIP/2.0", b"SIP/2.0 200 OK")


def parsed(data: bytes) -> Message:
    """Return the message of a datagram that holds one."""
    message = parse_datagram(data)
    assert message is not None
    return message


def refusal(data: bytes) -> MalformedMessage:
    """Return why a datagram is refused."""
    with pytest.raises(MalformedMessage) as caught:
        parse_datagram(data)
    return caught.value


@pytest.mark.parametrize("path", TORTURE, ids=lambda path: path.stem)
def test_the_verdict_on_a_torture_message_is_the_one_written_beside_it(path: Path) -> None:
    section, _, verdict = path.with_suffix(".txt").read_text(encoding="utf-8").partition("\n")

    assert verdict_on(path.read_bytes()) == verdict
    assert section.startswith(("RFC 4475 section 3.", "RFC 5118 section 4."))


def test_there_is_a_torture_message_for_each_section_of_both_rfcs() -> None:
    sections = {path.with_suffix(".txt").read_text(encoding="utf-8").partition("\n")[0] for path in TORTURE}

    assert sections == {
        *[f"RFC 4475 section 3.1.1.{number}" for number in range(1, 14)],
        *[f"RFC 4475 section 3.1.2.{number}" for number in range(1, 20)],
        "RFC 4475 section 3.2.1",
        *[f"RFC 4475 section 3.3.{number}" for number in range(1, 17)],
        *[f"RFC 5118 section 4.{number}" for number in range(1, 11)],
    }


def test_the_body_ends_where_content_length_says() -> None:
    data = OPTIONS.replace(b"Length: 0", b"Length: 3") + b"abcdef"

    assert parsed(data).body == b"abc"


def test_without_content_length_the_body_is_the_rest_of_the_datagram() -> None:
    data = OPTIONS.replace(b"Content-Length: 0\r\n", b"") + b"abc\r\n\r\ndef"

    assert parsed(data).body == b"abc\r\n\r\ndef"


@pytest.mark.parametrize(
    "data", [b"", b"\r\n", b"\r\n\r\n", b"\n\n", b"\x00\x01\x00\x00" + b"a" * 16, b"\x03" + b"a" * 19]
)
def test_what_only_keeps_a_binding_alive_says_nothing(data: bytes) -> None:
    assert parse_datagram(data) is None


def test_line_breaks_before_the_message_are_passed_over() -> None:
    assert parsed(b"\r\n\r\n" + OPTIONS) == parsed(OPTIONS)


def test_the_version_is_read_whatever_its_case() -> None:
    assert parsed(OPTIONS.replace(b"org SIP/2.0", b"org sip/2.0")) == parsed(OPTIONS)
    assert parsed(RESPONSE.replace(b"SIP/2.0 200", b"Sip/2.0 200")) == parsed(RESPONSE)


def test_a_status_line_may_end_behind_the_status() -> None:
    assert parsed(RESPONSE.replace(b"200 OK", b"200")) == parsed(RESPONSE.replace(b"200 OK", b"200 "))


def test_octets_that_are_no_utf8_come_back_as_they_were() -> None:
    data = OPTIONS.replace(b"Content-Length: 0", b"Subject: \xff\xfe\xc3(\r\nContent-Length: 0")

    assert parsed(data).serialize() == data


def test_a_line_of_unicode_is_one_line() -> None:
    data = OPTIONS.replace(b"Content-Length: 0", "Subject: a\u2028b\x85c\r\nContent-Length: 0".encode())

    assert parsed(data).headers.get("Subject") == "a\u2028b\x85c"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"To:", b"X y: z\r\nTo:", "no header field can be read from 'X y: z'"),
        (b"To:", b"no colon here\r\nTo:", "no header field can be read from 'no colon here'"),
        (b"To:", b": no name\r\nTo:", "no header field can be read from ': no name'"),
        (b"To:", b"Subject: a\nTo:", "a carriage return or line feed stands alone"),
        (b"To:", b"Subject: a\rTo:", "a carriage return or line feed stands alone"),
        (b"To:", b"Subject: a\x00b\r\nTo:", "a control character stands outside quotes"),
        (b"To:", b'Subject: "a\x07b"\r\nTo:', "a control character stands outside quotes"),
        (b"To:", b'Subject: "a" \\\x07 "b"\r\nTo:', "a control character stands outside quotes"),
        (b"To:", b"To: <sip:a@example.org>\r\nt:", "there is more than one To field"),
        (b"To:", b"Max-Forwards: 70\r\nMax-Forwards: 70\r\nTo:", "there is more than one Max-Forwards field"),
        (b"To:", b"Max-Forwards: -1\r\nTo:", "no Max-Forwards can be read from '-1'"),
        (b"To:", b"Record-Route: <sip:a;lr>, sip b\r\nTo:", "no URI can be read from 'sip b'"),
        (b"To:", b"Contact: <sip:a@b>, <>\r\nTo:", "no URI can be read from ''"),
        (b"1@192.0.2.30", b"", "no Call-ID can be read from ''"),
        (b"1@192.0.2.30", b"1 2", "no Call-ID can be read from '1 2'"),
        (b"1@192.0.2.30", "ü".encode(), "no Call-ID can be read from '\\xfc'"),
        (b"Length: 0", b"Length: 0x0", "no Content-Length can be read from '0x0'"),
        (b"Length: 0", b"Length: 0, 0", "no Content-Length can be read from '0, 0'"),
        (b"Length: 0", b"Length: " + b"9" * 5000, "no Content-Length can be read from '" + "9" * 60 + "...'"),
        (b"org SIP/2.0", b"org HTTP/1.1", "no SIP version can be read from 'HTTP/1.1'"),
        (b"org SIP/2.0", b"org SIP/2", "no SIP version can be read from 'SIP/2'"),
        (b"OPTIONS sip", b"OPT(ONS sip", "no method can be read from 'OPT(ONS'"),
        (
            b"OPTIONS sip:desk@example.org SIP/2.0",
            b"OPTIONS",
            "no method, Request-URI and version can be read",
        ),
        (b"\r\n\r\n", b"\r\n", "no empty line ends the header"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(old: bytes, new: bytes, message: str) -> None:
    error = refusal(OPTIONS.replace(old, new, 1))

    assert message in str(error)
    assert error.status == 400


def test_only_a_quoted_pair_may_hold_a_control_character() -> None:
    data = OPTIONS.replace(b"To:", b'Subject: "a\\\x00\\\x07b"\r\nTo:')

    assert parsed(data).headers.get("Subject") == '"a\\\x00\\\x07b"'


def test_a_second_contact_is_refused_in_an_invite_only() -> None:
    contacts = OPTIONS.replace(b"To:", b"Contact: <sip:a@b>\r\nContact: <sip:c@d>\r\nTo:")

    assert len(parsed(contacts).contacts) == 2
    assert str(refusal(contacts.replace(b"OPTIONS", b"INVITE"))) == "an INVITE has more than one Contact"


def test_a_date_is_weighed_in_requests_only() -> None:
    good, bad = b"Date: Mon, 23 Nov 2026 09:30:00 GMT\r\nTo:", b"Date: today\r\nTo:"

    assert parsed(OPTIONS.replace(b"To:", good)).headers.get("Date") == "Mon, 23 Nov 2026 09:30:00 GMT"
    assert str(refusal(OPTIONS.replace(b"To:", bad))) == "no Date can be read from 'today'"
    assert parsed(RESPONSE.replace(b"To:", bad)).headers.get("Date") == "today"


def test_there_is_a_limit_to_the_number_of_fields() -> None:
    fields = b"X-Novel: 1\r\n" * (MAX_HEADER_FIELDS - 6)

    assert "X-Novel" in parsed(OPTIONS.replace(b"To:", fields + b"To:")).headers
    assert (
        str(refusal(OPTIONS.replace(b"To:", fields + b"X: 1\r\nTo:")))
        == "there are more than 200 header fields"
    )


def test_what_no_datagram_can_hold_is_too_large() -> None:
    error = refusal(OPTIONS + b"x" * MAX_MESSAGE_OCTETS)

    assert (str(error), error.status) == ("a message has more than 65535 octets", 413)


def test_a_refused_request_can_be_answered() -> None:
    request = refusal(OPTIONS.replace(b"31 OPTIONS", b"31 INVITE")).request
    assert request is not None

    answer = response_to(request.received_from(Hop("UDP", "192.0.2.99", 5060)), 400, to_tag="d-1")

    assert (request.method, request.uri) == ("OPTIONS", "sip:desk@example.org")
    assert answer.serialize() == (
        b"SIP/2.0 400 Bad Request\r\n"
        b"Via: SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK1;received=192.0.2.99\r\n"
        b"From: <sip:lena@example.net>;tag=l-1\r\n"
        b"To: <sip:desk@example.org>;tag=d-1\r\n"
        b"Call-ID: 1@192.0.2.30\r\n"
        b"CSeq: 31 INVITE\r\n"
        b"Content-Length: 0\r\n"
        b"\r\n"
    )


def test_a_stray_line_break_does_not_get_into_the_answer() -> None:
    request = refusal(OPTIONS.replace(b"l-1", b"l-1\nX-Smuggled: y\rZ: z")).request
    assert request is not None

    assert (
        response_to(request, 400).headers.get("From") == "<sip:lena@example.net>;tag=l-1 X-Smuggled: y Z: z"
    )


@pytest.mark.parametrize(
    "data",
    [
        RESPONSE.replace(b"200", b"2000"),
        RESPONSE.replace(b"SIP/2.0 200", b"SIP/3.0 200"),
        RESPONSE.replace(b"31 OPTIONS", b"31"),
        RESPONSE.replace(b"200", b"099"),
        RESPONSE.replace(b"200", b"700"),
        OPTIONS.replace(b"OPTIONS sip:", b"ACK sip:"),
        OPTIONS.replace(b"Via", b"X-Via").replace(b"31 OPTIONS", b"31"),
        OPTIONS.replace(b"OPTIONS sip:", b"OPT(ONS sip:"),
        b"hello",
    ],
)
def test_nobody_is_answered_who_does_not_expect_it(data: bytes) -> None:
    assert refusal(data).request is None


def examine(data: bytes) -> None:
    """Parse octets of any kind, and do with the message what the endpoint does."""
    source = Hop("UDP", "192.0.2.99", 5060)
    try:
        message = parse_datagram(data)
    except MalformedMessage as error:
        if error.request is not None:
            response_to(error.request.received_from(source), error.status, to_tag="d-1").serialize()
        return
    if message is None:
        return
    # Nothing that passed may mean something else once it has been written by us.
    assert verdict_on(message.serialize()) == verdict_on(data)
    assert (message.from_tag, message.to_tag, message.contact) is not None
    if isinstance(message, Request):
        answer = response_to(message.received_from(source), 200, to_tag="d-1")
        assert parsed(answer.serialize()).cseq == message.cseq


@given(st.binary())
def test_octets_of_any_kind_are_a_message_or_malformed(data: bytes) -> None:
    examine(data)


@given(
    st.sampled_from([OPTIONS, RESPONSE, *DATAGRAMS]),
    st.lists(
        st.tuples(
            st.integers(0, 700),
            st.integers(0, 8),
            st.sampled_from(
                [
                    b"",
                    b"\r\n",
                    b"\n",
                    b"\x00",
                    b'"',
                    b"\\",
                    b"<",
                    b">",
                    b",",
                    b";",
                    b":",
                    b" ",
                    b"%",
                    b"\xff",
                    b"@",
                ]
            )
            | st.binary(max_size=6),
        ),
        max_size=4,
    ),
)
@example(OPTIONS, [(0, 0, b"SIP/2.0 ")])
def test_damaged_messages_are_messages_or_malformed(
    data: bytes, damages: list[tuple[int, int, bytes]]
) -> None:
    for position, length, octets in damages:
        data = data[:position] + octets + data[position + length :]

    examine(data)
