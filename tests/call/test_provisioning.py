"""The rules for lines and trunks that the command line and the portal share."""

import pytest

from ringbridge.call.directory import Line, LineKind, NumberFormat, Srtp, Trunk
from ringbridge.call.errors import InvalidOption
from ringbridge.call.number import InvalidNumber
from ringbridge.call.provisioning import (
    check_line,
    check_trunk,
    new_line_number,
    number_beginning,
    shown_name,
    sip_username,
)


def line(**values: object) -> Line:
    return Line(**{"id": "1", "account_id": "7", "number": "201", "kind": LineKind.DEVICE} | values)  # type: ignore[arg-type]


def trunk(**values: object) -> Trunk:
    return Trunk(**{"id": "1", "name": "carrier", "uri": "sip:192.0.2.1"} | values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "number"),
    [("201", "201"), ("(817) 562-9656", "+18175629656"), ("+44 20 7946 0000", "+442079460000")],
)
def test_a_line_has_an_extension_or_a_whole_number(text: str, number: str) -> None:
    assert new_line_number(text, "US") == number


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("112", "emergency_number"),
        ("911", "emergency_number"),
        ("hello", "invalid_number"),
        ("(817) 562-9656 x7", "has_extension"),
    ],
)
def test_what_no_line_can_have(text: str, code: str) -> None:
    with pytest.raises(InvalidNumber) as error:
        new_line_number(text, "US")
    assert error.value.code == code


def test_a_phone_registers_as_account_and_number() -> None:
    assert sip_username("7", "+18175629656") == "7-18175629656"


@pytest.mark.parametrize(("text", "beginning"), [("+44", "+44"), (" 1 ", "+1")])
def test_beginnings_of_numbers(text: str, beginning: str) -> None:
    assert number_beginning(text) == beginning


@pytest.mark.parametrize("text", ["", "044", "+4a"])
def test_what_no_number_begins_with(text: str) -> None:
    with pytest.raises(InvalidOption):
        number_beginning(text)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"srtp": Srtp.REQUIRED, "auto_answer": True, "nat": True},
        {"kind": LineKind.TRUNK, "trunk": "carrier"},
        {"kind": LineKind.URI, "uri": "sip:a@192.0.2.1"},
    ],
)
def test_a_line_that_goes_together(values: dict[str, object]) -> None:
    check_line(line(**values), over_tls=False)


def test_a_line_over_tls_may_be_encrypted() -> None:
    check_line(line(kind=LineKind.URI, uri="sips:a@192.0.2.1", srtp=Srtp.REQUIRED), over_tls=True)


@pytest.mark.parametrize(
    ("values", "option", "code"),
    [
        ({"kind": LineKind.TRUNK, "trunk": "carrier", "auto_answer": True}, "kind", "own_phones_only"),
        ({"kind": LineKind.TRUNK, "trunk": "carrier", "nat": True}, "kind", "own_phones_only"),
        ({"kind": LineKind.TRUNK, "trunk": "carrier", "srtp": Srtp.OPTIONAL}, "kind", "own_phones_only"),
        ({"kind": LineKind.URI, "uri": "sip:a@192.0.2.1", "srtp": Srtp.REQUIRED}, "srtp", "needs_tls"),
    ],
)
def test_a_line_that_does_not(values: dict[str, object], option: str, code: str) -> None:
    with pytest.raises(InvalidOption) as error:
        check_line(line(**values), over_tls=False)
    assert (error.value.option, error.value.code) == (option, code)


def test_a_trunk_that_goes_together() -> None:
    check_trunk(trunk(), over_tls=False)
    check_trunk(
        trunk(
            username="u",
            password="p",
            registers=True,
            srtp=Srtp.REQUIRED,
            tls_ca="a",
            tls_certificate="b",
            tls_key="c",
            number_format=NumberFormat.E164,
            number_prefix="9*#",
        ),
        over_tls=True,
    )


@pytest.mark.parametrize(
    ("values", "option", "code"),
    [
        ({"username": "u"}, "password", "username_and_password"),
        ({"password": "p"}, "username", "username_and_password"),
        ({"registers": True}, "username", "registers_without_username"),
        ({"tls_key": "a"}, "tls_certificate", "certificate_and_key"),
        ({"number_prefix": "a"}, "number_prefix", "invalid_number_prefix"),
        ({"number_prefix": "9"}, "number_prefix", "prefix_before_plus"),
        ({"srtp": Srtp.OPTIONAL}, "srtp", "needs_tls"),
        ({"tls_ca": "a"}, "srtp", "needs_tls"),
        ({"tls_certificate": "a", "tls_key": "b"}, "srtp", "needs_tls"),
    ],
)
def test_a_trunk_that_does_not(values: dict[str, object], option: str, code: str) -> None:
    with pytest.raises(InvalidOption) as error:
        check_trunk(trunk(**values), over_tls=False)
    assert (error.value.option, error.value.code) == (option, code)


@pytest.mark.parametrize(("text", "name"), [(" Ada ", "Ada"), ("می\u200cخواهم", "می\u200cخواهم")])
def test_names_that_people_can_see(text: str, name: str) -> None:
    assert shown_name(text) == name


@pytest.mark.parametrize(("text", "code"), [(" ", "no_name"), ("A\x07da", "control_characters")])
def test_names_that_they_cannot(text: str, code: str) -> None:
    with pytest.raises(InvalidOption) as error:
        shown_name(text)
    assert error.value.code == code
