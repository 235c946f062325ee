import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbridge.sip.errors import MalformedField, MalformedUri
from ringbridge.sip.uri import NameAddress, Uri

some_hosts = st.sampled_from(["example.org", "192.0.2.1", "2001:db8::1", "a_b-c.d", "localhost"])
some_text = st.text(min_size=1, max_size=20)
some_uris = st.builds(
    Uri,
    scheme=st.sampled_from(["sip", "sips"]),
    user=some_text,
    password=st.none() | st.text(max_size=8),
    host=some_hosts,
    port=st.none() | st.integers(0, 65_535),
    parameters=st.lists(st.tuples(some_text, st.none() | some_text), max_size=3).map(tuple),
    headers=st.lists(st.tuples(some_text, st.text(max_size=8)), max_size=3).map(tuple),
    opaque=st.just(""),
)
some_tokens = st.text("abcXYZ019-.!%*_+`'~", min_size=1, max_size=9)
some_addresses = st.builds(
    NameAddress,
    display_name=st.none() | st.text(max_size=20),
    uri=some_uris,
    parameters=st.lists(st.tuples(some_tokens, st.none() | some_tokens), max_size=3).map(tuple),
)


def test_a_sip_uri_is_taken_apart() -> None:
    uri = Uri.parse("SIP:lena:secret@example.org:5080;transport=Tcp;lr?Subject=a%20b&Priority=")

    assert uri == Uri(
        scheme="sip",
        user="lena",
        password="secret",
        host="example.org",
        port=5080,
        parameters=(("transport", "Tcp"), ("lr", None)),
        headers=(("Subject", "a b"), ("Priority", "")),
    )


def test_a_tel_uri_keeps_its_number_as_the_user() -> None:
    uri = Uri.parse("tel:+1-817-555-0100;phone-context=example.org")

    assert (uri.scheme, uri.user, uri.parameter("phone-context")) == ("tel", "+1-817-555-0100", "example.org")


def test_of_an_unknown_scheme_only_the_scheme_is_understood() -> None:
    assert Uri.parse("Soap.Beep://192.0.2.77:3002") == Uri(scheme="soap.beep", opaque="//192.0.2.77:3002")


def test_the_transport_is_told_in_capitals_or_left_open() -> None:
    uris = [
        "sip:example.org;Transport=udp",
        "sip:example.org;transport=UDP",
        "sip:example.org",
        "sip:example.org;transport",
    ]

    assert [Uri.parse(uri).transport for uri in uris] == ["UDP", "UDP", None, None]


def test_a_third_colon_in_an_ipv6_reference_is_mended() -> None:
    assert str(Uri.parse("sip:desk@[2001:db8:::192.0.2.1]:5080")) == "sip:desk@[2001:db8::192.0.2.1]:5080"


def test_octets_that_are_no_utf8_survive() -> None:
    assert str(Uri.parse("sip:%ff%FE@example.org")) == "sip:%FF%FE@example.org"


def test_a_dialled_code_may_hold_a_bare_number_sign() -> None:
    assert Uri.parse("sip:*67#1@example.org").user == "*67#1"


def test_base64_in_a_parameter_may_end_in_equals_signs() -> None:
    assert str(Uri.parse("sip:example.org;lr;vsf=AAE==")) == "sip:example.org;lr;vsf=AAE=="


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "sip:@example.org",
        "sip:a b@example.org",
        "sip:desk@example.org ",
        "<sip:desk@example.org>",
        "sip:2001:db8::1",
        "sip:desk@[2001:db8::1",
        "sip:desk@[2001:db8::zz]",
        "sip:desk@example.org:",
        "sip:desk@example.org:5060:5060",
        "sip:desk@example.org;",
        "sip:desk@example.org;;lr",
        "sip:desk@example.org;a=",
        "sip:desk@example.org?",
        "sip:desk@example.org?name",
        "sip:a%zz@example.org",
        "sip:naïve@example.org",
        "sip:a@b@example.org",
        "sip:a\r\n@example.org",
        "sips",
        "tel:",
        "tel:call me",
        "9tel:1",
        "name:",
        "name:two words",
    ],
)
def test_what_breaks_the_grammar_is_no_uri(text: str) -> None:
    with pytest.raises(MalformedUri, match="no URI can be read from"):
        Uri.parse(text)


def test_there_is_no_port_beyond_sixteen_bits() -> None:
    with pytest.raises(MalformedUri, match="no port has the number 65536"):
        Uri.parse("sip:example.org:65536")


def test_a_long_uri_is_read_like_a_short_one() -> None:
    assert Uri.parse("sip:" + "a" * 5000 + "@example.org").user == "a" * 5000


@pytest.mark.parametrize(
    "text",
    [
        "sip:example.org",
        "sips:[2001:db8::1]:5061;lr",
        "sip:desk;day=mon%40work:pass@example.org",
        "tel:+18175550100;ext=7;x",
        "isbn:2983792873",
        "sip:desk@example.org;a%3Bb=c%20d?e=f%26g",
    ],
)
def test_a_uri_is_written_as_it_was_read(text: str) -> None:
    assert str(Uri.parse(text)) == text


@given(some_uris)
def test_every_uri_survives_being_written_and_read(uri: Uri) -> None:
    assert Uri.parse(str(uri)) == uri


@pytest.mark.parametrize(
    ("text", "name", "user", "tag"),
    [
        ("<sip:lena@example.org>", None, "lena", None),
        ("Lena<sip:lena@example.org>;tag=1", "Lena", "lena", "1"),
        ("Lena L. \t <sip:lena@example.org> ; x ; TAG = 1", "Lena L.", "lena", "1"),
        ('"L, \\"Lena\\" <x>" <sip:lena@example.org>;tag=1', 'L, "Lena" <x>', "lena", "1"),
        ('"" <sip:lena@example.org>', "", "lena", None),
        ("Léna <sip:lena@example.org>", "Léna", "lena", None),
        ("sip:lena@example.org", None, "lena", None),
        ("sip:lena@example.org ; tag = 1", None, "lena", "1"),
    ],
)
def test_names_and_addresses_are_told_apart(text: str, name: str | None, user: str, tag: str | None) -> None:
    address = NameAddress.parse(text)

    assert (address.display_name, address.uri.user, address.tag) == (name, user, tag)


def test_parameters_behind_a_bare_uri_belong_to_the_field() -> None:
    address = NameAddress.parse("sip:lena@example.org;lr")

    assert (address.uri.parameters, address.parameters) == ((), (("lr", None),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"Lena <sip:lena@example.org>', "no name and address can be read from"),
        ("Lena, L. <sip:lena@example.org>", "no name and address can be read from"),
        ("<sip:lena@example.org", "no name and address can be read from"),
        ('"Lena"', "no name and address can be read from"),
        ("<sip:a@example.org>, <sip:b@example.org>", "no parameter can be read from"),
        ("<sip:lena@example.org>;;", "no parameter can be read from"),
        ("< sip:lena@example.org >", "no URI can be read from"),
        ("<>", "no URI can be read from"),
        ("", "no URI can be read from"),
        ("sip:lena@example.org?a=b", "needs angle brackets"),
        ("sip:le,na@example.org", "needs angle brackets"),
    ],
)
def test_what_breaks_the_grammar_is_no_address(text: str, message: str) -> None:
    with pytest.raises(MalformedField, match=message):
        NameAddress.parse(text)


def test_a_long_address_is_read_like_a_short_one() -> None:
    assert NameAddress.parse("<sip:lena@example.org>;tag=" + "a" * 5000).tag == "a" * 5000


@given(some_addresses)
def test_every_address_survives_being_written_and_read(address: NameAddress) -> None:
    assert NameAddress.parse(str(address)) == address
