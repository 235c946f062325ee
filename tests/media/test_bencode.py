import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.media.bencode import MalformedBencode, Value, decode, encode

VALUES = st.recursive(
    st.integers(-(2**60), 2**60) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(VALUES)
def test_what_is_written_can_be_read(value: Value) -> None:
    data = encode(value)
    assert decode(data) == (value, len(data))


@given(VALUES)
def test_a_part_of_it_is_not_taken_for_the_whole(value: Value) -> None:
    data = encode(value)
    assert all(decode(data[:end]) is None for end in range(len(data)))


@given(st.binary())
def test_anything_else_is_unfinished_or_malformed(data: bytes) -> None:
    try:
        found = decode(data)
    except MalformedBencode:
        return
    assert found is None or found.end <= len(data)


def test_a_value_may_stand_among_others() -> None:
    assert decode(b"x i7ei8e", 2) == (7, 5)


def test_text_is_utf_8_and_keys_are_in_order() -> None:
    assert encode({"b": "\u00e9", "a": 1}) == b"d1:ai1e1:b2:\xc3\xa9e"


@pytest.mark.parametrize(
    "data", [b"ixe", b"-1:", b"x:", b"i" + b"1" * 30, b"1" * 30, b"di1e1:ae", b"l" * 20, b"d1:a" * 20]
)
def test_malformed_octets_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedBencode):
        decode(data)
