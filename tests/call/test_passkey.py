"""Where browsers make and use passkeys."""

import pytest

from ringbridge.call.passkey import Place, PlaceUnusable, place_of


@pytest.mark.parametrize(
    ("scheme", "host", "origin", "name"),
    [
        ("https", "calls.example.com", "https://calls.example.com", "calls.example.com"),
        ("https", "Calls.Example.com:443", "https://calls.example.com", "calls.example.com"),
        ("https", "calls.example.com:8443", "https://calls.example.com:8443", "calls.example.com"),
        ("https", "pbx", "https://pbx", "pbx"),
        ("http", "localhost:8080", "http://localhost:8080", "localhost"),
        ("http", "ringbridge.localhost:80", "http://ringbridge.localhost", "ringbridge.localhost"),
    ],
)
def test_a_place_is_named_as_browsers_name_it(scheme: str, host: str, origin: str, name: str) -> None:
    assert place_of(scheme, host) == Place(origin, name)


@pytest.mark.parametrize(
    ("scheme", "host", "code"),
    [
        ("http", "127.0.0.1:8080", "passkey_needs_name"),
        ("https", "192.0.2.7", "passkey_needs_name"),
        ("https", "[2001:db8::1]:8443", "passkey_needs_name"),
        ("https", "", "passkey_needs_name"),
        ("https", "calls.example.com:http", "passkey_needs_name"),
        ("https", "[", "passkey_needs_name"),
        ("https", "a b", "passkey_needs_name"),
        ("https", "calls..example.com", "passkey_needs_name"),
        ("http", "calls.example.com", "passkey_needs_tls"),
        ("http", "notlocalhost", "passkey_needs_tls"),
    ],
)
def test_elsewhere_there_are_no_passkeys(scheme: str, host: str, code: str) -> None:
    with pytest.raises(PlaceUnusable) as refused:
        place_of(scheme, host)
    assert refused.value.code == code
