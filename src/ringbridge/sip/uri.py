"""URIs, and the name-addr form that carries them in From, To, Contact and Route.

RFC 3261 sections 19.1, 20.10 and 25.1 for sip and sips, RFC 3966 for tel, RFC 3986 for whatever else. Escaped octets
are decoded on the way in and written back where they are needed; octets that are no UTF-8 survive as surrogates.
Whether two URIs are the same (section 19.1.4) is not asked here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote as percent_encode
from urllib.parse import unquote as percent_decode

from ringbridge.sip.errors import MalformedField, MalformedUri
from ringbridge.sip.grammar import (
    HOST,
    MAX_CACHED_CHARACTERS,
    QUOTED,
    Parameters,
    format_parameters,
    parameter,
    parse_parameters,
    quote,
    read_host,
    shortened,
    unquote,
)

_ESCAPED = r"%[0-9A-Fa-f]{2}"
# RFC 3261 section 25.1: unreserved and user-unreserved; "#" besides, because phones send it bare in dialled codes.
_USER = rf"(?>(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/#]++|{_ESCAPED})+)"
_PASSWORD = rf"(?>(?:[A-Za-z0-9\-_.!~*'()&=+$,]++|{_ESCAPED})*)"
_PARAMETER_CHARACTERS = rf"(?>(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$]++|{_ESCAPED})+)"
# "=" is no part of the grammar, but of the base64 that proxies keep their state in.
_PARAMETER = rf";{_PARAMETER_CHARACTERS}(?:=(?>(?:{_PARAMETER_CHARACTERS}|=)+))?"
_HEADER_CHARACTERS = rf"(?:[A-Za-z0-9\-_.!~*'()\[\]/?:+$]|{_ESCAPED})"
_HEADER = rf"(?>{_HEADER_CHARACTERS}+)=(?>{_HEADER_CHARACTERS}*)"

_SIP_URI = re.compile(
    rf"(sips?):(?:({_USER})(?::({_PASSWORD}))?@)?({HOST})(?::([0-9]{{1,5}}))?"
    rf"((?>(?:{_PARAMETER})*))"
    rf"(?:\?({_HEADER}(?>(?:&{_HEADER})*)))?",
    re.IGNORECASE,
)
_TEL_URI = re.compile(rf"tel:(\+?[0-9A-F*#().\-]++)((?>(?:{_PARAMETER})*))", re.IGNORECASE)
_OTHER_URI = re.compile(r"""([A-Za-z][A-Za-z0-9+.\-]*+):([!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]++)""")

# What stands unescaped when written, besides letters, digits and "_.-~" which percent_encode never touches.
_PLAIN_IN_USER = "!*'()&=+$,;?/"
_PLAIN_IN_PARAMETER = "!*'()[]/:&+$"
_PLAIN_IN_HEADER = "!*'()[]/?:+$"


class Uri(NamedTuple):
    """A sip, sips or tel URI taken apart; of any other scheme only the scheme is understood."""

    scheme: str
    """In lower case."""
    user: str | None = None
    """Decoded. The number of a tel URI."""
    password: str | None = None
    host: str = ""
    """As sent, an IPv6 address without brackets. Empty unless sip or sips."""
    port: int | None = None
    parameters: Parameters = ()
    """Decoded, in the order sent."""
    headers: tuple[tuple[str, str], ...] = ()
    """Decoded: what a request made from this URI should carry."""
    opaque: str = ""
    """What follows the colon in a URI of another scheme, as sent."""

    @classmethod
    def parse(cls, text: str) -> Uri:
        """Read a URI that stands alone, without angle brackets. Raises MalformedUri."""
        return _parse_uri(text) if len(text) <= MAX_CACHED_CHARACTERS else _parse_uri.__wrapped__(text)

    def parameter(self, name: str) -> str | None:
        """Return a parameter by its name in lower case: "" if it has no value, None if it is missing."""
        return parameter(self.parameters, name)

    @property
    def transport(self) -> str | None:
        """The transport parameter in capitals, None if the URI leaves it open."""
        value = self.parameter("transport")
        return value.upper() if value else None

    def __str__(self) -> str:
        if self.opaque:
            return f"{self.scheme}:{self.opaque}"
        parameters = "".join(
            [
                f";{_encode(name, _PLAIN_IN_PARAMETER)}"
                + ("" if value is None else f"={_encode(value, _PLAIN_IN_PARAMETER + '=')}")
                for name, value in self.parameters
            ]
        )
        user = "" if self.user is None else _encode(self.user, _PLAIN_IN_USER)
        if self.scheme == "tel":
            return f"tel:{self.user}{parameters}"
        if self.password is not None:
            user += ":" + _encode(self.password, "!*'()&=+$,")
        at = "@" if user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        headers = "&".join(
            [
                f"{_encode(name, _PLAIN_IN_HEADER)}={_encode(value, _PLAIN_IN_HEADER)}"
                for name, value in self.headers
            ]
        )
        return f"{self.scheme}:{user}{at}{host}{port}{parameters}{'?' if headers else ''}{headers}"


class NameAddress(NamedTuple):
    """A URI with a display name before it and the header field's own parameters behind it."""

    uri: Uri
    display_name: str | None = None
    """Without quotes and escapes."""
    parameters: Parameters = ()
    """Of the header field, not of the URI; values as sent, with their quotes."""

    @classmethod
    def parse(cls, text: str) -> NameAddress:
        """Read one element of From, To, Contact, Route and their like.

        Raises MalformedField; MalformedUri if the URI is what is wrong.
        """
        return (
            _parse_address(text) if len(text) <= MAX_CACHED_CHARACTERS else _parse_address.__wrapped__(text)
        )

    @property
    def tag(self) -> str | None:
        return parameter(self.parameters, "tag")

    def __str__(self) -> str:
        # Always quoted and always in brackets: never wrong, whatever the name and the URI hold.
        name = "" if self.display_name is None else f"{quote(self.display_name)} "
        return f"{name}<{self.uri}>{format_parameters(self.parameters)}"


# A name without quotes consists of tokens. Octets beyond ASCII are let through as well: many a phone sends its owner's
# name like that, and nothing can be mistaken for them.
_NAME_ADDRESS = re.compile(
    rf"(?:({QUOTED})|([A-Za-z0-9\-.!%*_+`'~ \t\u0080-\U0010ffff]*+))[ \t]*+<([^<>]*+)>[ \t]*+", re.DOTALL
)


@lru_cache(maxsize=1024)
def _parse_address(text: str) -> NameAddress:
    match = _NAME_ADDRESS.match(text)
    if match is not None:
        quoted, tokens, uri, rest = match[1], match[2], match[3], text[match.end() :]
        name = unquote(quoted) if quoted is not None else tokens.strip(" \t") or None
    else:
        if "<" in text or '"' in text:
            raise MalformedField(f"no name and address can be read from {shortened(text)}")
        uri, semicolon, rest = text.partition(";")
        uri, rest, name = uri.rstrip(" \t"), semicolon + rest, None
        # RFC 3261 section 20.10: without brackets, a URI with any of these cannot be told from what follows it.
        if "?" in uri or "," in uri:
            raise MalformedField(
                f"a URI with a comma or question mark needs angle brackets: {shortened(text)}"
            )
    return NameAddress(
        display_name=name, uri=Uri.parse(uri), parameters=parse_parameters(rest) if rest else ()
    )


@lru_cache(maxsize=1024)
def _parse_uri(text: str) -> Uri:
    match = _SIP_URI.fullmatch(text)
    if match is not None:
        scheme, user, password, host, port, parameters, headers = match.groups()
        if port is not None and int(port) > 65_535:
            raise MalformedUri(f"no port has the number {port}")
        return Uri(
            scheme=scheme.lower(),
            user=None if user is None else _decode(user),
            password=None if password is None else _decode(password),
            host=read_host(host),
            port=None if port is None else int(port),
            parameters=_decode_parameters(parameters),
            headers=() if headers is None else _decode_headers(headers),
        )
    match = _TEL_URI.fullmatch(text)
    if match is not None:
        return Uri(scheme="tel", user=match[1], parameters=_decode_parameters(match[2]))
    match = _OTHER_URI.fullmatch(text)
    if match is not None and match[1].lower() not in ("sip", "sips", "tel"):
        return Uri(scheme=match[1].lower(), opaque=match[2])
    raise MalformedUri(f"no URI can be read from {shortened(text)}")


def _decode(text: str) -> str:
    return percent_decode(text, errors="surrogateescape") if "%" in text else text


def _encode(text: str, plain: str) -> str:
    return (
        text
        if text.isalnum() and text.isascii()
        else percent_encode(text, safe=plain, errors="surrogateescape")
    )


def _decode_parameters(text: str) -> Parameters:
    parameters = []
    for item in text.split(";")[1:]:
        name, equals, value = item.partition("=")
        parameters.append((_decode(name), _decode(value) if equals else None))
    return tuple(parameters)


def _decode_headers(text: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for item in text.split("&"):
        name, _, value = item.partition("=")
        pairs.append((_decode(name), _decode(value)))
    return tuple(pairs)
