"""Where phones asked to be reached, and the rules by which a REGISTER changes that (RFC 3261 section 10.3).

`refusal_of_registration` says whether all of a request can be done, `register` does it: nothing is half done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from ringbridge.sip.dialog import Field
from ringbridge.sip.errors import MalformedField
from ringbridge.sip.grammar import parameter, read_number
from ringbridge.sip.hop import Hop
from ringbridge.sip.message import Request
from ringbridge.sip.uri import NameAddress, Uri

if TYPE_CHECKING:
    from ringbridge.sip.screening import Refusal

MIN_SECONDS = 60
"""Who registers more often than this is told to take longer (423)."""
MAX_SECONDS = 3600
"""What is granted to those who ask for more, or for nothing in particular."""
MAX_CONTACTS = 10
"""More phones do not ring for one line; a further one takes the place of the one that was refreshed longest ago."""
MAX_CHARACTERS = 512
"""Of a contact's URI or path: a longer one serves nobody, and is kept for an hour."""

_EXTENSIONS = ("path",)
_SCHEMES = ("sip", "sips")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One binding: a phone, and the way to it."""

    uri: str
    """What its INVITEs are addressed to."""
    hop: Hop
    """Where its REGISTER came from, which is the only way through a NAT."""
    path: tuple[str, ...] = ()
    """The proxies to pass on the way, first one first, as Route fields (RFC 3327)."""
    user_agent: str | None = None
    instance: str | None = None
    """What stays the same when the phone starts anew: `+sip.instance` as sent, with its quotes (RFC 5626)."""
    flow: int | None = None
    """Which of the instance's ways to us this is: `reg-id`."""
    call_id: str
    sequence: int
    expires_at: float
    """In seconds of the caller's clock."""

    def field(self, now: float) -> Field:
        """The Contact field that tells the phone of it."""
        value = f"<{self.uri}>;expires={ceil(self.expires_at - now)}"
        if self.instance is not None:
            value += f";+sip.instance={self.instance}"
        if self.flow is not None:
            value += f";reg-id={self.flow}"
        return ("Contact", value)


def refusal_of_registration(contacts: Sequence[Contact], request: Request, source: Hop) -> Refusal | None:
    """Return how a REGISTER of an authenticated phone is to be refused, None if nothing speaks against it."""
    unknown = [option for option in request.headers.all("Require") if option not in _EXTENSIONS]
    if unknown:
        return (420, (("Unsupported", ", ".join(unknown)),))
    if _removes_all(request):
        # RFC 3261 section 10.2.2: "*" stands alone, and only to remove.
        is_wrong = _header_seconds(request) != 0 or len(request.headers.all("Contact")) > 1
        changed: Sequence[Contact] = contacts
    else:
        is_wrong = not all(map(_is_usable, request.contacts)) or not _has_usable_path(request)
        changed = [old for new in request.contacts for old in contacts if _is_same(old, new, request, source)]
    if is_wrong:
        return (400, ())
    if len(request.contacts) > MAX_CONTACTS:
        return (403, ())
    if any(0 < _seconds_of(contact, request) < MIN_SECONDS for contact in request.contacts):
        return (423, (("Min-Expires", str(MIN_SECONDS)),))
    if any(old.call_id == request.call_id and old.sequence >= request.cseq.number for old in changed):
        # An older request that was overtaken on its way (RFC 3261 section 10.3, step 7).
        return (500, ())
    return None


def register(contacts: Sequence[Contact], request: Request, source: Hop, now: float) -> tuple[Contact, ...]:
    """Return the contacts after a REGISTER that was not refused; the one refreshed last comes last."""
    if _removes_all(request):
        return ()
    kept = list(contacts)
    for named in request.contacts:
        kept = [old for old in kept if not _is_same(old, named, request, source)]
        seconds = _seconds_of(named, request)
        if seconds:
            kept.append(_contact_of(named, request, source, now + seconds))
    return tuple(kept[-MAX_CONTACTS:])


def _contact_of(named: NameAddress, request: Request, source: Hop, expires_at: float) -> Contact:
    user_agent = request.headers.get("User-Agent")
    return Contact(
        uri=str(named.uri),
        hop=source,
        path=request.headers.all("Path"),
        user_agent=None if user_agent is None else _shown(user_agent),
        instance=parameter(named.parameters, "+sip.instance"),
        flow=_flow_of(named),
        call_id=request.call_id,
        sequence=request.cseq.number,
        expires_at=expires_at,
    )


def _removes_all(request: Request) -> bool:
    return "*" in request.headers.all("Contact")


def _is_same(old: Contact, named: NameAddress, request: Request, source: Hop) -> bool:
    """Whether a Contact names a phone that is known already.

    By its instance where it has one. Else by its URI; but that may be a private address, which two phones behind two
    NATs may share, so it is the same only at the same public address or in the same series of REGISTERs.
    """
    instance = parameter(named.parameters, "+sip.instance")
    if instance is not None and old.instance is not None:
        return (old.instance, old.flow) == (instance, _flow_of(named))
    is_near = old.hop.host == source.host or old.call_id == request.call_id
    return is_near and _identity(Uri.parse(old.uri)) == _identity(named.uri)


def _identity(uri: Uri) -> tuple[object, ...]:
    # RFC 3261 section 19.1.4, for as much as a Contact has: an absent port is not 5060, an absent transport not UDP.
    return (uri.scheme, uri.user, uri.password, uri.host.lower(), uri.port, uri.transport)


def _flow_of(named: NameAddress) -> int | None:
    flow = read_number(parameter(named.parameters, "reg-id") or "")
    # RFC 5626 section 4.2 lets it be any number up to 2**31 - 1.
    return flow if flow is not None and flow < 2**31 else None


def _seconds_of(named: NameAddress, request: Request) -> int:
    """How long a contact is granted: 0 to remove it, more than MAX_SECONDS never (RFC 3261 section 10.2.1.1)."""
    seconds = read_number(parameter(named.parameters, "expires") or "")
    return min(_header_seconds(request) if seconds is None else seconds, MAX_SECONDS)


def _header_seconds(request: Request) -> int:
    seconds = read_number(request.headers.get("Expires") or "")
    return MAX_SECONDS if seconds is None else seconds


def _is_usable(named: NameAddress) -> bool:
    """Whether an INVITE can be addressed to it."""
    uri, instance = named.uri, parameter(named.parameters, "+sip.instance") or ""
    is_ours = uri.scheme in _SCHEMES and not uri.headers
    return is_ours and all(
        len(text) <= MAX_CHARACTERS and text.isprintable() for text in (str(uri), instance)
    )


def _has_usable_path(request: Request) -> bool:
    path = request.headers.all("Path")
    if sum(map(len, path)) > MAX_CHARACTERS:
        return False
    try:
        return all(NameAddress.parse(proxy).uri.scheme in _SCHEMES and proxy.isprintable() for proxy in path)
    except MalformedField:
        return False


def _shown(user_agent: str) -> str:
    """A phone's name for itself, as it may stand in a log or a table."""
    return "".join(letter if letter.isprintable() else "?" for letter in user_agent[:MAX_CHARACTERS])
