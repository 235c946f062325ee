"""Bodies as clients send them, whole and broken."""

import gzip
import json
import zlib
from collections.abc import Iterable

import pytest
from starlette.types import Message

from ringbridge.api.body import BodyTooLarge, MalformedBody, read_body, read_fields

FIELDS = {"user_line": "18175629656", "destination_line": "15125292329"}
JSON = json.dumps(FIELDS).encode()
FORM = b"user_line=18175629656&destination_line=15125292329"
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="user_line"\r\n\r\n18175629656\r\n'
    b'--b\r\nContent-Disposition: form-data; name="destination_line"\r\n\r\n15125292329\r\n--b--\r\n'
)


class Sender:
    """The ASGI side of a client that sends these chunks and then nothing more, or goes away."""

    def __init__(self, chunks: Iterable[bytes], *, leaves: bool = False) -> None:
        self._messages: list[Message] = [
            {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
        ]
        if leaves:
            self._messages.append({"type": "http.disconnect"})
        else:
            self._messages[-1]["more_body"] = False
        self.read = 0

    async def __call__(self) -> Message:
        self.read += 1
        return self._messages[self.read - 1]


async def test_a_body_in_many_chunks_is_put_together() -> None:
    assert await read_body({}, Sender([b"a", b"", b"bc"])) == b"abc"


async def test_a_body_of_64_kib_is_read() -> None:
    assert len(await read_body({}, Sender([b"x" * 65_535, b"x"]))) == 65_536


async def test_reading_stops_at_the_first_octet_too_many() -> None:
    sender = Sender([b"x" * 65_536, b"x", b"x", b"x"])
    with pytest.raises(BodyTooLarge):
        await read_body({}, sender)
    assert sender.read == 2


async def test_the_last_chunk_may_be_the_one_too_many() -> None:
    with pytest.raises(BodyTooLarge):
        await read_body({}, Sender([b"x" * 65_537]))


async def test_a_declared_length_over_the_bound_is_not_read_at_all() -> None:
    sender = Sender([b"x"])
    with pytest.raises(BodyTooLarge):
        await read_body({b"content-length": b"65537"}, sender)
    assert sender.read == 0


async def test_a_client_that_goes_away_in_the_middle_has_sent_nothing() -> None:
    with pytest.raises(MalformedBody):
        await read_body({}, Sender([b"{"], leaves=True))


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [(b"gzip", gzip.compress(JSON, mtime=0)), (b"deflate", zlib.compress(JSON)), (b"Identity", JSON)],
)
async def test_a_packed_body_is_unpacked(encoding: bytes, packed: bytes) -> None:
    assert await read_body({b"content-encoding": encoding}, Sender([packed])) == JSON


async def test_a_bomb_is_refused_when_it_has_unpacked_to_the_bound() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 65_536
    with pytest.raises(BodyTooLarge):
        await read_body({b"content-encoding": b"gzip"}, Sender([bomb]))


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        (b"gzip", JSON),
        (b"gzip", gzip.compress(JSON, mtime=0)[:-9]),
        (b"br", JSON),
        (b"gzip, gzip", JSON),
        (b"gzip", b""),
    ],
)
async def test_what_cannot_be_unpacked_is_malformed(encoding: bytes, packed: bytes) -> None:
    with pytest.raises(MalformedBody):
        await read_body({b"content-encoding": encoding}, Sender([packed]))


@pytest.mark.parametrize(
    ("content_type", "octets"),
    [
        (b"application/json", JSON),
        (b"Application/JSON; charset=utf-8", JSON),
        (b"application/vnd.api+json", JSON),
        (b"application/json", b"\xef\xbb\xbf" + JSON),
        (b"application/json", b" \r\n" + JSON + b"\n"),
        (b"", JSON),
        (b"", b"\xef\xbb\xbf \n" + JSON),
        (b"", FORM),
        (b"application/x-www-form-urlencoded", FORM),
        (b"application/x-www-form-urlencoded; charset=UTF-8", FORM),
        (b"multipart/form-data; boundary=b", MULTIPART),
    ],
)
async def test_fields_are_found_in_every_accepted_form(content_type: bytes, octets: bytes) -> None:
    assert await read_fields({b"content-type": content_type}, octets) == FIELDS


@pytest.mark.parametrize(
    "content_type", [b"text/plain", b"application/xml", b"text/json", b"image/png", b"json"]
)
async def test_a_type_that_is_not_understood_has_no_fields(content_type: bytes) -> None:
    assert await read_fields({b"content-type": content_type}, JSON) == {}


async def test_the_last_of_two_fields_with_one_name_counts() -> None:
    json_type, form_type = b"application/json", b"application/x-www-form-urlencoded"
    assert await read_fields({b"content-type": json_type}, b'{"a": "1", "a": "2"}') == {"a": "2"}
    assert await read_fields({b"content-type": form_type}, b"a=1&a=2") == {"a": "2"}


async def test_whole_numbers_keep_their_digits_and_text_its_surrogates() -> None:
    octets = b'{"a": 0, "b": -7, "c": %s, "d": "\\ud800", "e": 1e999}' % (b"9" * 5000)
    assert await read_fields({}, octets) == {
        "a": "0",
        "b": "-7",
        "c": "9" * 5000,
        "d": "\ud800",
        "e": float("inf"),
    }


async def test_an_empty_field_of_a_form_is_kept() -> None:
    assert await read_fields({}, b"user_line=&x") == {"user_line": "", "x": ""}


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"1",
        b"null",
        JSON + b"x",
        JSON + JSON,
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 01}',
        b'{"a": "\x00"}',
        b'{"a": "\xff"}',
        b'{"a":' * 10_000,
        b"[" * 60_000,
        JSON.decode().encode("utf-16"),
    ],
)
async def test_what_is_no_json_object_is_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedBody):
        await read_fields({b"content-type": b"application/json"}, octets)


@pytest.mark.parametrize("octets", [b"&".join([b"a=b"] * 101), b"a=\xff"])
async def test_what_is_no_form_is_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedBody):
        await read_fields({b"content-type": b"application/x-www-form-urlencoded"}, octets)


@pytest.mark.parametrize(
    ("content_type", "octets"),
    [
        (b"multipart/form-data", MULTIPART),
        (b"multipart/form-data; boundary=", MULTIPART),
        (b"multipart/form-data; boundary=c", MULTIPART),
        (b"multipart/form-data; boundary=" + b"c" * 300, MULTIPART),
        (b"multipart/form-data; boundary=b; charset=\x00", MULTIPART),
        (b"multipart/form-data; boundary=b", MULTIPART.replace(b'name="', b'filename="f"; name="')),
        (b"multipart/form-data; boundary=b", MULTIPART.replace(b"name=", b"nam=")),
        (b"multipart/form-data; boundary=b", MULTIPART.removesuffix(b"--b--\r\n") * 51 + b"--b--\r\n"),
        (b"multipart/form-data; boundary=b", b"\x00" * 100),
    ],
)
async def test_a_broken_multipart_form_is_malformed(content_type: bytes, octets: bytes) -> None:
    with pytest.raises(MalformedBody):
        await read_fields({b"content-type": content_type}, octets)
