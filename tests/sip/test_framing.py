from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.sip.errors import MalformedStream
from ringbridge.sip.framing import PING, PONG, Framing
from ringbridge.sip.parse import MAX_HEADER_FIELDS, MAX_MESSAGE_OCTETS

TORTURE = sorted(Path(__file__).with_name("torture").glob("*.dat"))

# Their Content-Length is negative or given twice.
UNFRAMABLE = {"negative-content-length", "repeated-content-length"}
# Its Content-Length is more than the file holds: on a stream the rest may still come.
UNFINISHED = "content-length-beyond-the-datagram"

HEAD = b"OPTIONS sip:desk@example.org SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.30;branch=z9hG4bK1\r\n"
EMPTY = HEAD + b"Content-Length: 0\r\n\r\n"
WITH_BODY = HEAD + b"l : 7\r\nSubject: x\r\n\r\n\r\n\r\nabc"


def frames(*portions: bytes) -> list[bytes]:
    framing = Framing()
    return [frame for portion in portions for frame in framing.receive(portion)]


def octets(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def failure(data: bytes) -> tuple[list[bytes], MalformedStream]:
    """What came out before the stream was given up, and why it was."""
    framing, found = Framing(), list[bytes]()

    def receive() -> None:
        for octet in octets(data):
            found.extend(framing.receive(octet))

    with pytest.raises(MalformedStream) as caught:
        receive()
    return found, caught.value


@pytest.mark.parametrize("path", TORTURE, ids=lambda path: path.stem)
def test_a_torture_message_cut_at_each_octet_comes_out_as_it_went_in(path: Path) -> None:
    data = path.read_bytes()
    if path.stem in UNFRAMABLE:
        found, error = failure(data)
        assert (found, error.head) == ([], data[: data.index(b"\r\n\r\n") + 4])
        return
    found = frames(*octets(data))

    assert found == frames(data)
    assert b"".join(found) == (b"" if path.stem == UNFINISHED else data)


def test_a_hundred_messages_in_one_segment_come_out_one_by_one() -> None:
    assert frames((EMPTY + WITH_BODY) * 50) == [EMPTY, WITH_BODY] * 50


@given(st.lists(st.integers(min_value=1, max_value=200), max_size=30))
def test_where_a_stream_is_cut_does_not_matter(cuts: list[int]) -> None:
    data = PING + WITH_BODY + EMPTY + b"\r\n" + WITH_BODY + PING
    framing, found = Framing(), list[bytes]()
    for cut in cuts:
        found += framing.receive(data[:cut])
        data = data[cut:]
    found += framing.receive(data)

    assert found == [WITH_BODY, EMPTY, WITH_BODY]
    assert framing.take_reply() == 2 * PONG


def test_the_length_may_stand_on_a_folded_line() -> None:
    message = HEAD + b"Content-Length:\r\n 3\r\n\r\nabc"

    assert frames(message) == [message]


def test_a_line_break_between_messages_says_nothing() -> None:
    assert frames(b"\r\n" + EMPTY + b"\r\n", EMPTY) == [EMPTY, EMPTY]


@pytest.mark.parametrize("length", [b"-1", b"2147483648", b"1000000000", b"seven", b"", b"65535"])
def test_a_length_that_cannot_be_used_ends_the_stream_and_leaves_the_header_to_be_answered(
    length: bytes,
) -> None:
    head = HEAD + b"Content-Length: " + length + b"\r\n\r\n"
    found, error = failure(EMPTY + head)

    assert (found, error.head, str(error)) == ([EMPTY], head, "no usable Content-Length")


def test_a_message_without_a_length_ends_the_stream() -> None:
    found, error = failure(EMPTY + HEAD + b"\r\n")

    assert (found, error.head, str(error)) == ([EMPTY], None, "a message has no Content-Length")


@pytest.mark.parametrize(
    "endless", [HEAD + b"X: y\r\n" * (MAX_HEADER_FIELDS + 1), b"G" * (MAX_MESSAGE_OCTETS + 1)]
)
def test_a_header_that_does_not_end_ends_the_stream(endless: bytes) -> None:
    with pytest.raises(MalformedStream, match="a header does not end"):
        frames(endless)


def test_each_ping_is_answered_once() -> None:
    framing = Framing()
    assert list(framing.receive(PING + b"\r\n")) == []
    assert framing.take_reply() == PONG
    assert list(framing.receive(b"\r\n" + EMPTY)) == [EMPTY]

    assert framing.take_reply() == PONG
    assert framing.take_reply() == b""


def test_what_we_send_needs_no_wrapping_and_a_ping_is_a_double_line_break() -> None:
    assert (Framing().wrap(EMPTY), Framing().ping()) == (EMPTY, PING)


def test_the_longest_message_passes() -> None:
    head = HEAD + b"Content-Length: 65000\r\n\r\n"
    body = b"x" * 65_000

    assert frames(head, body) == [head + body]
