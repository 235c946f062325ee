"""Bencode, the notation of rtpengine's control protocol: integers, octet strings, lists and dictionaries.

Text is written as UTF-8 and read as octets. A dictionary's keys are text.
"""

from typing import NamedTuple, TypeAlias, assert_never

Value: TypeAlias = int | bytes | str | list["Value"] | dict[str, "Value"]

MAX_DEPTH = 16
_LONGEST_NUMBER = 20


class MalformedBencode(Exception):
    """The octets are not bencode."""


class Decoded(NamedTuple):
    """A value and the position behind it."""

    value: Value
    end: int


def encode(value: Value) -> bytes:
    """The octets of a value."""
    match value:
        case int():
            return b"i%de" % value
        case str():
            return encode(value.encode())
        case bytes():
            return b"%d:%b" % (len(value), value)
        case list():
            return b"l%be" % b"".join(map(encode, value))
        case dict():
            return b"d%be" % b"".join(encode(key) + encode(value[key]) for key in sorted(value))
        case _:
            assert_never(value)


def decode(data: bytes, start: int = 0) -> Decoded | None:
    """Read the value at `start`; None when it is not all there yet. Raises MalformedBencode."""
    return _decode(data, start, 0)


def _decode(data: bytes, start: int, depth: int) -> Decoded | None:
    if depth > MAX_DEPTH:
        raise MalformedBencode(f"more than {MAX_DEPTH} levels")
    match data[start : start + 1]:
        case b"":
            return None
        case b"i":
            return _number(data, start + 1, b"e")
        case b"l":
            return _list(data, start + 1, depth)
        case b"d":
            return _dictionary(data, start + 1, depth)
        case _:
            return _octets(data, start)


def _number(data: bytes, start: int, mark: bytes) -> Decoded | None:
    end = data.find(mark, start, start + _LONGEST_NUMBER + 1)
    if end < 0:
        if len(data) - start > _LONGEST_NUMBER:
            raise MalformedBencode("a number does not end")
        return None
    try:
        return Decoded(int(data[start:end]), end + 1)
    except ValueError:
        raise MalformedBencode(f"{data[start:end]!r} is not a number") from None


def _octets(data: bytes, start: int) -> Decoded | None:
    length = _number(data, start, b":")
    if length is None:
        return None
    assert isinstance(length.value, int)
    if length.value < 0:
        raise MalformedBencode("a string of negative length")
    end = length.end + length.value
    return Decoded(data[length.end : end], end) if end <= len(data) else None


def _list(data: bytes, start: int, depth: int) -> Decoded | None:
    values: list[Value] = []
    while data[start : start + 1] != b"e":
        item = _decode(data, start, depth + 1)
        if item is None:
            return None
        values.append(item.value)
        start = item.end
    return Decoded(values, start + 1)


def _dictionary(data: bytes, start: int, depth: int) -> Decoded | None:
    values: dict[str, Value] = {}
    while data[start : start + 1] != b"e":
        key = _octets(data, start) if start < len(data) else None
        item = _decode(data, key.end, depth + 1) if key is not None else None
        if key is None or item is None:
            return None
        assert isinstance(key.value, bytes)
        values[key.value.decode("utf-8", "replace")] = item.value
        start = item.end
    return Decoded(values, start + 1)
