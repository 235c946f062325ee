import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.sip.errors import MalformedField
from ringbridge.sip.grammar import (
    format_parameters,
    is_token,
    parameter,
    parse_parameters,
    quote,
    read_number,
    read_seconds,
    shortened,
    split_list,
    unquote,
)


def test_tokens_are_what_methods_are_made_of() -> None:
    assert [
        word for word in ["INVITE", "a.b-c!%*_+`'~9", "", "two words", "a/b", "naïve"] if is_token(word)
    ] == [
        "INVITE",
        "a.b-c!%*_+`'~9",
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("0068", 68),
        ("18446744073709551615", 2**64 - 1),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1 ", None),
        ("1.0", None),
        ("٣", None),
        ("²", None),
        ("0" * 21, None),
    ],
)
def test_numbers_are_ascii_digits_and_nothing_else(text: str, number: int | None) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("18000;duration=3600", 18000),
        ("120 (I am in a meeting)", 120),
        ("9" * 10, None),
        ("-1", None),
        ("soon", None),
        ("٣", None),
        ("", None),
        (None, None),
    ],
)
def test_seconds_stand_before_comments_and_parameters(text: str | None, seconds: int | None) -> None:
    assert read_seconds(text) == seconds


def test_parameters_are_read_with_spaces_quotes_and_missing_values() -> None:
    text = ' ; lr;tag = 98as ;say="a;b=\\"c\\"" ; received=[2001:db8::1]'

    assert parse_parameters(text) == (
        ("lr", None),
        ("tag", "98as"),
        ("say", '"a;b=\\"c\\""'),
        ("received", "[2001:db8::1]"),
    )


@pytest.mark.parametrize(
    "text", [";;", ";", ";a=", ";=b", ";a=b,c", "a=b", ';a="b', ';a="b"c', ";a b", ";a=<b>"]
)
def test_parameters_that_break_the_grammar_are_refused(text: str) -> None:
    with pytest.raises(MalformedField, match="no parameter can be read from"):
        parse_parameters(text)


def test_a_parameter_is_found_whatever_its_case() -> None:
    parameters = (("Tag", "a"), ("lr", None), ("tag", "b"))

    assert [parameter(parameters, name) for name in ("tag", "lr", "q")] == ["a", "", None]


def test_parameters_are_written_as_they_are_read() -> None:
    assert format_parameters((("lr", None), ("tag", "98as"))) == ";lr;tag=98as"


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("one", ["one"]),
        ("one, two ,three", ["one", "two", "three"]),
        ('"a,b" <sip:c,d@e>, f', ['"a,b" <sip:c,d@e>', "f"]),
        ('"a\\",b", c', ['"a\\",b"', "c"]),
        ("a,,b,", ["a", "", "b", ""]),
        ('a, "open, quote', ["a", '"open, quote']),
        ("a, <open, bracket", ["a", "<open, bracket"]),
    ],
)
def test_lists_are_split_at_commas_outside_quotes_and_brackets(text: str, elements: list[str]) -> None:
    assert list(split_list(text)) == elements


@given(st.text())
def test_quoted_text_is_read_as_it_was_meant(text: str) -> None:
    assert unquote(quote(text)) == text


def test_text_without_quotes_is_left_alone_by_unquoting() -> None:
    assert unquote("a\\b") == "a\\b"


def test_a_peers_text_is_shown_in_printable_characters_and_cut() -> None:
    assert shortened("a\x00\r\nü" + "x" * 100) == "'a\\x00\\r\\n\\xfc" + "x" * 55 + "...'"
