"""Numbers as people paste them, and hostile ones."""

import pytest

from ringbridge.call.directory import NumberFormat
from ringbridge.call.number import (
    InvalidNumber,
    Number,
    NumberType,
    normalise,
    normalise_extension,
    normalise_line,
    region_of,
    written,
)


def code_of(text: str, country: str = "US") -> str:
    """The code with which `text` is refused."""
    with pytest.raises(InvalidNumber) as caught:
        normalise(text, country)
    return caught.value.code


@pytest.mark.parametrize(
    "text",
    [
        "+1 (512) 529-2329",
        "15125292329",
        "5125292329",
        "512.529.2329",
        "(512) 529-2329",
        "(+1) 512/529/2329",
        "1-512-529-2329",
        "  15125292329\r\n",
        "tel:+1-512-529-2329",
        "TEL:15125292329",
        "+1\N{NO-BREAK SPACE}512\N{NO-BREAK SPACE}529\N{NON-BREAKING HYPHEN}2329",
        "512\N{MINUS SIGN}529\N{EN DASH}2329",
        "\N{LEFT-TO-RIGHT EMBEDDING}+15125292329\N{POP DIRECTIONAL FORMATTING}",
        "+1512\N{ZERO WIDTH SPACE}5292329\N{RIGHT-TO-LEFT OVERRIDE}",
        "+1(512)529-2329",
        "١٥١٢٥٢٩٢٣٢٩",
    ],
)
def test_a_pasted_american_number_becomes_e164(text: str) -> None:
    assert normalise(text, "US") == Number("+15125292329", "US", NumberType.FIXED_LINE_OR_MOBILE)


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("020 7946 0958", "GB"),
        ("442079460958", "GB"),
        ("442079460958", "US"),
        ("011 44 20 7946 0958", "US"),
        ("0044 20 7946 0958", "DE"),
        ("0044 20 7946 0958", "US"),
        ("0044 20 7946 0958", "BR"),
        ("+44 (0)20 7946 0958", "US"),
        ("+442079460958", "no country"),
    ],
)
def test_the_country_of_the_account_decides_how_a_number_is_read(text: str, country: str) -> None:
    assert normalise(text, country) == Number("+442079460958", "GB", NumberType.FIXED_LINE)


def test_a_national_number_without_a_known_country_is_refused() -> None:
    assert code_of("5125292329", "no country") == "invalid_number"


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("1-800-FLOWERS", "+18003569377"),
        ("1800flowers", "+18003569377"),
        ("1 800 GO-FEDEX", "+18004633339"),
        ("1-800-FLEX-123", "+18003539123"),
        ("1-800-POWER4U", "+18007693748"),
        ("1-800-4-POW3R5", "+18004769375"),
    ],
)
def test_vanity_letters_are_dialled_as_the_digits_under_them(text: str, e164: str) -> None:
    assert normalise(text, "US") == Number(e164, "US", NumberType.TOLL_FREE)


@pytest.mark.parametrize(
    ("suffix", "digits"),
    [
        (" x123", ",123"),
        ("x123", ",123"),
        (" x 9", ",9"),
        (" ext. 12", ",12"),
        (" extension 4711", ",4711"),
        (";ext=99", ",99"),
        (",,123#", ",,123#"),
        (",,, 9", ",,,9"),
        (" # 12", ",12"),
        ("p9", ",9"),
        (" W9", ",9"),
        ("p12w34#", ",12,34#"),
        (",1234#,,*6", ",1234#,,*6"),
        ("," * 16 + "1" * 16, "," * 16 + "1" * 16),
    ],
)
def test_an_extension_is_kept_for_after_the_answer(suffix: str, digits: str) -> None:
    assert normalise(f"512-529-2329{suffix}", "US") == Number(
        "+15125292329", "US", NumberType.FIXED_LINE_OR_MOBILE, digits
    )


def test_a_vanity_number_may_have_an_extension() -> None:
    assert normalise("1-800-FLOWERS x5", "US") == Number("+18003569377", "US", NumberType.TOLL_FREE, ",5")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "+",
        "abc",
        "123",
        "1" * 20,
        "1" * 300,
        "1" * 100_000,
        "5125292329 x",
        "5125292329p",
        "5125292329,p1",
        "5125292329," + "1" * 32,
        "5125292329x" + "1" * 32,
        "5125292329 mobile",
        "1 800 GO",
        "FLOWERS 1800",
        "++15125292329",
        "-15125292329",
        "*67 5125292329",
        "1e10",
        "0x1F",
        "\N{SUPERSCRIPT TWO}15125292329",
        "+15125292329\x00",
        "1512\r\n5292329",
        "15125292329\r\nTo: <sip:1@evil.example>",
        "%0d%0a15125292329",
        "15125292329@evil.example",
        "15125292329\N{FULLWIDTH COMMERCIAL AT}evil.example",
        "15125292329;user=phone;x=",
        "15125292329;phone-context=evil.example",
        "sip:15125292329",
        "500&SIP/itsp/14165551234",
        '"Alice" <15125292329>',
        "15125292329,",
        "\ud80015125292329",
        "+1900",
        "+88161234567",
        "00112",
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    assert code_of(text) == "invalid_number"


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("911", "US"),
        ("9-1-1", "US"),
        ("1911", "US"),
        ("+1911", "US"),
        ("112", "US"),
        ("999", "US"),
        ("٩١١", "US"),
        ("110", "DE"),
        ("+44999", "US"),
        ("030 110", "DE"),
        ("+49 89 112", "US"),
    ],
)
def test_an_emergency_number_is_refused_in_every_spelling(text: str, country: str) -> None:
    assert code_of(text, country) == "emergency_number"


def test_a_number_that_only_begins_like_an_emergency_number_is_read() -> None:
    assert normalise("+33 1 12 34 56 78", "FR").e164 == "+33112345678"
    assert normalise("15125292329", "FR").e164 == "+15125292329"


def test_a_satellite_number_has_no_country() -> None:
    assert normalise("+870773111111", "US").region == "001"


@pytest.mark.parametrize(("text", "extension"), [("101", "101"), (" 123456 ", "123456"), ("١٢", "12")])
def test_an_internal_extension_has_two_to_six_digits(text: str, extension: str) -> None:
    assert normalise_extension(text) == extension


@pytest.mark.parametrize("text", ["", "1", "1234567", "10a", "1 0 1", "+101", "101\r\n1", "1" * 100_000])
def test_what_is_no_extension_is_refused(text: str) -> None:
    with pytest.raises(InvalidNumber, match="invalid_number"):
        normalise_extension(text)


@pytest.mark.parametrize(
    ("number", "number_format", "country", "text"),
    [
        ("+15125292329", NumberFormat.E164_PLUS, "US", "+15125292329"),
        ("+15125292329", NumberFormat.E164, "US", "15125292329"),
        ("+15125292329", NumberFormat.NATIONAL, "US", "5125292329"),
        ("+12042342345", NumberFormat.NATIONAL, "US", "2042342345"),
        ("+442079460958", NumberFormat.NATIONAL, "US", "011442079460958"),
        ("+442079460958", NumberFormat.NATIONAL, "GB", "02079460958"),
        ("+15125292329", NumberFormat.NATIONAL, "GB", "0015125292329"),
        ("+4930123456", NumberFormat.NATIONAL, "DE", "030123456"),
        ("+442079460958", NumberFormat.NATIONAL, "RU", "810442079460958"),
        ("+442079460958", NumberFormat.NATIONAL, "BR", "+442079460958"),
        ("204", NumberFormat.NATIONAL, "US", "204"),
    ],
)
def test_a_number_is_written_as_a_trunk_wants_it(
    number: str, number_format: NumberFormat, country: str, text: str
) -> None:
    assert written(number, number_format, country) == text


def test_a_line_is_an_extension_or_a_whole_number() -> None:
    assert [normalise_line(text, "US") for text in ("204", "(817) 562-9656")] == ["204", "+18175629656"]
    with pytest.raises(InvalidNumber):
        normalise_line("nobody", "US")


@pytest.mark.parametrize(
    ("number", "region"), [("+18492201234", "DO"), ("+441481960194", "GG"), ("+80012345678", "001")]
)
def test_the_country_of_a_number_is_told_by_its_region(number: str, region: str) -> None:
    assert region_of(number) == region
