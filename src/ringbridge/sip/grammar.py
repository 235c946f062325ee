"""The pieces of RFC 3261's grammar (section 25.1) that several header fields share.

Text comes in unfolded: a line break and its indentation have become one space. Every pattern is possessive where
it repeats, so that no input makes matching cost more than its length. A repeated group that can match by half is
atomic instead, `(?>(?:x)*)`: before Python 3.11.5, `(?:x)*+` keeps the half.
"""

import re
from functools import lru_cache

from ringbridge.sip.errors import MalformedField

Parameters = tuple[tuple[str, str | None], ...]
"""Name and value of each parameter in the order sent; None for a parameter without a value."""

ALPHANUM = "A-Za-z0-9"
TOKEN = rf"[{ALPHANUM}\-.!%*_+`'~]++"
QUOTED = r'"(?:[^"\\]|\\.)*+"'
HOST = r"(?:[A-Za-z0-9_.\-]++|\[[0-9A-Fa-f:.]++\])"
"""A name, an IPv4 address or an IPv6 reference. Underscores are no part of a host name, yet hosts have them."""

_TOKEN = re.compile(TOKEN)
# A value is a token, a host or quoted text (gen-value). Unquoted, it may hold what peers are seen to send there:
# an IPv6 address without brackets in "received" (RFC 5118 section 4.5), "=" at the end of base64.
_PARAMETER = re.compile(
    rf'[ \t]*+;[ \t]*+({TOKEN})(?:[ \t]*+=[ \t]*+({QUOTED}|[^ \t;,"<>]++))?[ \t]*+', re.DOTALL
)
# An open quote takes the rest of the text, so that nothing is scanned twice.
_LIST_ELEMENT = re.compile(r'(?:[^,"<]++|"(?:[^"\\]|\\.)*+"?|<[^<>]*+>?)*+', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_TO_ESCAPE = re.compile(r'(["\\])')

MAX_CACHED_CHARACTERS = 256
"""What comes back unchanged in every answer is read once. Longer texts are read every time, so that a peer cannot fill
the caches with megabytes."""

MAX_NUMBER_DIGITS = 20
"""Leading zeros are legal, but nothing in SIP counts further than 2**64."""


def is_token(text: str) -> bool:
    """Whether `text` is a token, as methods and header field names are."""
    return _TOKEN.fullmatch(text) is not None


def read_number(text: str) -> int | None:
    """Read 1*DIGIT; None for anything else: signs, spaces, digits of other scripts, absurd lengths."""
    if text.isascii() and text.isdigit() and len(text) <= MAX_NUMBER_DIGITS:
        return int(text)
    return None


def read_seconds(text: str | None) -> int | None:
    """Read the delta-seconds at the start of a field's value, as in `120 (in a meeting);duration=60`; None if there are none."""
    digits = (text or "").split(";")[0].split("(")[0].strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def read_host(text: str) -> str:
    """Return a host without the brackets of an IPv6 reference.

    A third colon in a row, which the grammar of RFC 3261 let through and RFC 5954 took back, has to be tolerated (RFC
    5118 section 4.10); it goes, so that the address can be used.
    """
    return text[1:-1].replace(":::", "::") if text[0] == "[" else text


def parse_parameters(text: str) -> Parameters:
    """Read `;name=value;name` up to the end of `text`; quoted values keep their quotes.

    Raises MalformedField, for empty parameters too (`;;`).
    """
    parameters = []
    position = 0
    while position < len(text):
        match = _PARAMETER.match(text, position)
        if match is None:
            raise MalformedField(f"no parameter can be read from {shortened(text[position:])}")
        parameters.append((match[1], match[2]))
        position = match.end()
    return tuple(parameters)


def format_parameters(parameters: Parameters) -> str:
    """Write parameters as they stand behind a value: `;name=value;name`."""
    return "".join([f";{name}" if value is None else f";{name}={value}" for name, value in parameters])


def parameter(parameters: Parameters, name: str) -> str | None:
    """Return the first value under a name, "" for a parameter without value, None if it is missing.

    `name` is in lower case; names compare without regard to case (RFC 3261 section 7.3.1).
    """
    for key, value in parameters:
        if key == name or key.lower() == name:
            return "" if value is None else value
    return None


def split_list(text: str) -> tuple[str, ...]:
    """Split a header field's value at the commas that stand outside quotes and angle brackets."""
    if "," not in text:
        return (text,)
    # A peer's Allow and Supported are in all that it sends.
    return _elements(text) if len(text) <= MAX_CACHED_CHARACTERS else _elements.__wrapped__(text)


@lru_cache(maxsize=256)
def _elements(text: str) -> tuple[str, ...]:
    elements = []
    position = 0
    while position <= len(text):
        match = _LIST_ELEMENT.match(text, position)
        assert match is not None  # the pattern matches nothing, too
        elements.append(match[0].strip(" \t"))
        position = match.end() + 1
    return tuple(elements)


def unquote(text: str) -> str:
    """Return what a quoted string says; text without quotes is returned as it is."""
    if text.startswith('"'):
        return _QUOTED_PAIR.sub(r"\1", text[1:-1])
    return text


def quote(text: str) -> str:
    """Write text as a quoted string."""
    escaped = _TO_ESCAPE.sub(r"\\\1", text)
    return f'"{escaped}"'


def shortened(text: str) -> str:
    """Quote a peer's text for an error message: printable, and not longer than a line of a log."""
    return ascii(text if len(text) <= 60 else f"{text[:60]}...")
