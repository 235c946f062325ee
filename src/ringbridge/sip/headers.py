"""Header fields: the ordered collection, and the values that the protocol itself reads.

RFC 3261 sections 7.3 and 20, RFC 3581 (rport), RFC 3326 (Reason), RFC 4028 (Session-Expires). Addresses are in
`uri`, challenges in `digest`. Values stay text until somebody asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from ringbridge.sip.errors import MalformedField
from ringbridge.sip.grammar import (
    HOST,
    MAX_CACHED_CHARACTERS,
    TOKEN,
    Parameters,
    format_parameters,
    is_token,
    parameter,
    parse_parameters,
    quote,
    read_host,
    read_number,
    shortened,
    split_list,
    unquote,
)

_COMPACT_FORMS = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}
"""The IANA registry's one-letter names."""

# Values of these are lists: a comma outside quotes and brackets stands between two elements.
_LIST_NAMES = """
    Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Call-Info Contact
    Content-Encoding Content-Language Diversion Error-Info History-Info In-Reply-To P-Asserted-Identity Path
    Proxy-Require Reason Record-Route Reject-Contact Require Route Service-Route Supported Unsupported Via Warning
"""
_OTHER_NAMES = """
    Authorization Authentication-Info CSeq Content-Disposition Date Expires MIME-Version Max-Forwards Min-Expires
    Min-SE Organization P-Preferred-Identity Priority Privacy Proxy-Authenticate Proxy-Authorization RAck RSeq
    Reply-To Retry-After Server Session-ID Timestamp User-Agent WWW-Authenticate
"""
_LISTS = frozenset(_LIST_NAMES.split())

CANONICAL_NAMES: dict[str, str] = {}
"""From each spelling that peers are likely to use to the one written here; in lower case every known name is there."""
for _name in (*_COMPACT_FORMS.values(), *_LISTS, *_OTHER_NAMES.split()):
    CANONICAL_NAMES |= dict.fromkeys((_name, _name.lower(), _name.upper(), _name.title()), _name)
for _letter, _name in _COMPACT_FORMS.items():
    CANONICAL_NAMES |= dict.fromkeys((_letter, _letter.upper()), _name)
_CANONICAL = frozenset(CANONICAL_NAMES.values())


def canonical_name(name: str) -> str:
    """Return a header field name as this package writes it; an unknown one comes back as it is."""
    return CANONICAL_NAMES.get(name) or CANONICAL_NAMES.get(name.lower(), name)


class Headers:
    """Header fields in their order: immutable, looked up without regard to case or compact form."""

    __slots__ = ("_fields", "_first")

    def __init__(self, fields: tuple[tuple[str, str], ...]) -> None:
        """Take fields whose names are canonical; `Headers.of` sees to that."""
        # Read backwards, so that of several fields with one name the first one stays.
        first = dict(reversed(fields))
        if not first.keys() <= _CANONICAL:
            first = {_key(name): value for name, value in reversed(fields)}
        self._fields = fields
        self._first = first

    @classmethod
    def of(cls, fields: Iterable[tuple[str, str]]) -> Headers:
        return cls(tuple([(canonical_name(name), value) for name, value in fields]))

    def get(self, name: str) -> str | None:
        """Return the first field's value as sent, lists unsplit."""
        value = self._first.get(name)
        if value is None and name not in _CANONICAL:
            value = self._first.get(_key(name))
        return value

    def required(self, name: str) -> str:
        """Return the first field's value by its canonical name. Raises MalformedField if there is none."""
        value = self._first.get(name)
        if value is None:
            raise MalformedField(f"there is no {name} field")
        return value

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value under a name: one for each element where values are lists, else one for each field."""
        key = name if name in _CANONICAL else _key(name)
        value = self._first.get(key)
        if value is None:
            return ()
        if len(self._first) == len(self._fields):
            return split_list(value) if key in _LISTS else (value,)
        values = [value for name, value in self._fields if name == key or _key(name) == key]
        if key not in _LISTS:
            return tuple(values)
        return tuple([element for value in values for element in split_list(value)])

    def repeated(self, names: Iterable[str]) -> str | None:
        """Return the first of some canonical names that more than one field has."""
        if len(self._first) == len(self._fields):
            return None
        every = [name for name, _ in self._fields]
        return next((name for name in names if every.count(name) > 1), None)

    def replacing(self, name: str, value: str) -> Headers:
        """Return these fields with one in place of all that have this name, where the first one stood.

        Where there was none, the field is put at the end.
        """
        key = _key(name)
        fields = [pair for pair in self._fields if _key(pair[0]) != key]
        place = next((i for i, pair in enumerate(self._fields) if _key(pair[0]) == key), len(fields))
        fields.insert(place, (canonical_name(name), value))
        return Headers(tuple(fields))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._first

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._fields == other._fields

    def __hash__(self) -> int:
        return hash(self._fields)

    def __repr__(self) -> str:
        return f"Headers({list(self._fields)!r})"


def _key(name: str) -> str:
    return CANONICAL_NAMES.get(name) or CANONICAL_NAMES.get(name.lower()) or name.lower()


_VIA = re.compile(
    rf"SIP[ \t]*+/[ \t]*+2\.0[ \t]*+/[ \t]*+({TOKEN})[ \t]++({HOST})[ \t]*+(?::[ \t]*+([0-9]{{1,5}}))?[ \t]*+",
    re.IGNORECASE,
)


class Via(NamedTuple):
    """One step of a message's way (RFC 3261 section 20.42)."""

    transport: str
    """In capitals."""
    host: str
    """Where the sender says it is, an IPv6 address without brackets."""
    port: int | None
    parameters: Parameters = ()

    @classmethod
    def parse(cls, text: str) -> Via:
        """Read one element of a Via field. Raises MalformedField."""
        return _parse_via(text) if len(text) <= MAX_CACHED_CHARACTERS else _parse_via.__wrapped__(text)

    @property
    def branch(self) -> str | None:
        return parameter(self.parameters, "branch")

    @property
    def received(self) -> str | None:
        """The address that the message came from, as the next element saw it, without brackets."""
        value = parameter(self.parameters, "received")
        return None if value is None else value.strip("[]")

    @property
    def rport(self) -> int | None:
        """The port that the message came from, as the next element saw it; None while it is only asked for."""
        return read_number(parameter(self.parameters, "rport") or "")

    def received_from(self, host: str, port: int) -> Via:
        """Note where the message came from, as a server's transport must before all else.

        RFC 3261 section 18.2.1: `received` if the sender is not where it says. RFC 3581 section 4: with `rport`
        asked for, both, always.
        """
        asks_port = parameter(self.parameters, "rport") is not None
        if not asks_port and host == self.host:
            return self
        noted = [pair for pair in self.parameters if pair[0].lower() not in ("received", "rport")]
        noted.append(("received", host))
        if asks_port:
            noted.append(("rport", str(port)))
        return self._replace(parameters=tuple(noted))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {host}{port}{format_parameters(self.parameters)}"


@lru_cache(maxsize=1024)
def _parse_via(text: str) -> Via:
    match = _VIA.match(text)
    if match is None:
        raise MalformedField(f"no Via can be read from {shortened(text)}")
    transport, host, digits = match.groups()
    port = None if digits is None else int(digits)
    if port is not None and port > 65_535:
        raise MalformedField(f"no port has the number {port}")
    return Via(transport.upper(), read_host(host), port, parse_parameters(text[match.end() :]))


_CSEQ = re.compile(rf"([0-9]++)[ \t]++({TOKEN})")

MAX_SEQUENCE_NUMBER = 2**31 - 1
"""RFC 3261 section 8.1.1.5."""


class CSeq(NamedTuple):
    """The number of a request in its dialog, and its method (RFC 3261 section 20.16)."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> CSeq:
        """Read a CSeq field's value. Raises MalformedField."""
        return _parse_cseq(text) if len(text) <= MAX_CACHED_CHARACTERS else _parse_cseq.__wrapped__(text)

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


@lru_cache(maxsize=1024)
def _parse_cseq(text: str) -> CSeq:
    match = _CSEQ.fullmatch(text)
    number = read_number(match[1]) if match else None
    if match is None or number is None or number > MAX_SEQUENCE_NUMBER:
        raise MalformedField(f"no CSeq can be read from {shortened(text)}")
    return CSeq(number, match[2])


class Reason(NamedTuple):
    """Why a request was sent (RFC 3326)."""

    protocol: str
    """`SIP` or `Q.850`, whose causes mean different things."""
    cause: int | None = None
    text: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reason:
        """Read one element of a Reason field. Raises MalformedField."""
        protocol, semicolon, rest = text.partition(";")
        protocol = protocol.strip(" \t")
        if not is_token(protocol):
            raise MalformedField(f"no Reason can be read from {shortened(text)}")
        parameters = parse_parameters(semicolon + rest)
        explanation = parameter(parameters, "text")
        cause = read_number(parameter(parameters, "cause") or "")
        return cls(
            protocol,
            # A SIP status or a Q.850 value: a larger number is neither, and fits in no column for one.
            cause if cause is not None and cause <= 699 else None,
            None if explanation is None else unquote(explanation),
        )

    def __str__(self) -> str:
        cause = "" if self.cause is None else f";cause={self.cause}"
        explanation = "" if self.text is None else f";text={quote(self.text)}"
        return f"{self.protocol}{cause}{explanation}"


class SessionExpires(NamedTuple):
    """How long a session lives without a refresh, and who refreshes it (RFC 4028 section 4). Min-SE reads alike."""

    seconds: int
    refresher: str | None = None
    """`uac` or `uas`; None if it is still open."""

    @classmethod
    def parse(cls, text: str) -> SessionExpires:
        """Read a Session-Expires or Min-SE field's value. Raises MalformedField."""
        digits, semicolon, rest = text.partition(";")
        seconds = read_number(digits.strip(" \t"))
        if seconds is None:
            raise MalformedField(f"no time can be read from {shortened(text)}")
        refresher = (parameter(parse_parameters(semicolon + rest), "refresher") or "").lower()
        return cls(seconds, refresher if refresher in ("uac", "uas") else None)

    def __str__(self) -> str:
        return f"{self.seconds}" if self.refresher is None else f"{self.seconds};refresher={self.refresher}"
