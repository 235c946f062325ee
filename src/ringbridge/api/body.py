"""The body of a request: read within bounds, and its fields, whatever way they were sent.

Reading goes on only as far as it must: a body that is too long is given up at the first octet too many. What the
fields mean is not decided here.

Errors: BodyError
 +-- BodyTooLarge    more than MAX_OCTETS, as declared, as sent, or once unpacked
 +-- MalformedBody   cannot be read as what it says it is, or broke off
"""

import json
import zlib
from collections.abc import AsyncGenerator, Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive

MAX_OCTETS = 64 * 1024

# A call has two fields; a form with hundreds is somebody trying out what happens.
MAX_FIELDS = 100


class BodyError(Exception):
    """The body cannot be used. `code` is the stable word for programs, shown as X-Error-Code."""

    code = "body_error"


class BodyTooLarge(BodyError):
    """Too many octets."""

    code = "body_too_large"


class MalformedBody(BodyError):
    """Not what it says it is."""

    code = "malformed_body"


async def read_body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """The whole body, unpacked if it came packed. Raises BodyError."""
    if int(headers.get(b"content-length", b"0")) > MAX_OCTETS:
        raise BodyTooLarge
    body = await _receive_all(receive)
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    return body if encoding == b"identity" else _unpack(body, encoding)


async def read_fields(headers: Mapping[bytes, bytes], body: bytes) -> Mapping[str, object]:
    """The fields of a JSON object or a form; the last of two with one name counts. Raises MalformedBody.

    A body of a type that is not understood has no fields. Values of a form are text; whole numbers in JSON come as
    their digits, since nobody calculates with telephone numbers.
    """
    declared = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    kind = declared or _sniff(body)
    if kind == b"application/json" or (kind.startswith(b"application/") and kind.endswith(b"+json")):
        return _json_fields(body)
    if kind == b"application/x-www-form-urlencoded":
        return _form_fields(body)
    if kind == b"multipart/form-data":
        return await _multipart_fields(headers, body)
    return {}


async def _receive_all(receive: Receive) -> bytes:
    message = await receive()
    chunks: list[bytes] = [message.get("body", b"")]
    size = len(chunks[0])
    while message.get("more_body", False):
        if size > MAX_OCTETS:
            raise BodyTooLarge
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
    if message["type"] == "http.disconnect":
        raise MalformedBody
    if size > MAX_OCTETS:
        raise BodyTooLarge
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _unpack(body: bytes, encoding: bytes) -> bytes:
    """Undo gzip or deflate without ever holding more than the bound: a few octets can unpack to gigabytes."""
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        raise MalformedBody
    # 32 + 15: zlib finds out by itself which of the two headers is there.
    unpacker = zlib.decompressobj(wbits=47)
    try:
        unpacked = unpacker.decompress(body, MAX_OCTETS + 1)
    except zlib.error as exc:
        raise MalformedBody from exc
    if len(unpacked) > MAX_OCTETS:
        raise BodyTooLarge
    if not unpacker.eof:
        raise MalformedBody
    return unpacked


def _sniff(body: bytes) -> bytes:
    is_json = body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    return b"application/json" if is_json else b"application/x-www-form-urlencoded"


def _refuse_constant(name: str) -> NoReturn:
    """NaN and Infinity are no JSON (RFC 8259 section 6)."""
    raise ValueError(f"{name} is not JSON")


# Digits stay text: int() refuses very long ones, and a number's leading zeros and length are all that matters here.
_JSON = json.JSONDecoder(parse_int=str, parse_constant=_refuse_constant)


def _json_fields(body: bytes) -> Mapping[str, object]:
    try:
        fields: Any = _JSON.decode(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as exc:
        raise MalformedBody from exc
    if not isinstance(fields, dict):
        raise MalformedBody
    return fields


def _form_fields(body: bytes) -> Mapping[str, object]:
    try:
        return dict(parse_qsl(body.decode("utf-8-sig"), keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError as exc:
        raise MalformedBody from exc


async def _multipart_fields(headers: Mapping[bytes, bytes], body: bytes) -> Mapping[str, object]:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(Headers(raw=list(headers.items())), stream(), max_files=0, max_fields=MAX_FIELDS)
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError, KeyError) as exc:
        raise MalformedBody from exc
    return dict(form.items())
