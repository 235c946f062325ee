"""Who is calling, as header fields. Pure.

Where a trunk vouches for its customers, the number goes into P-Asserted-Identity (RFC 3325), and what the called phone
is not to show stays out of From (RFC 3323 section 4.1, RFC 3325 section 9.3).
"""

from ringbridge.call.model import Route
from ringbridge.sip.uri import NameAddress, Uri

# RFC 3323 section 4.1.1.3: who the caller is must not be read out of the host either.
_NOWHERE = "anonymous.invalid"


def from_field(route: Route, host: str) -> str:
    """The name-addr of From for a call by this route; `host` is our own address."""
    uri = Uri(scheme="sip", user=route.caller_number, host=_NOWHERE if route.is_private else host)
    return str(NameAddress(display_name=_one_line(route.caller_name), uri=uri))


def identity_fields(route: Route, host: str) -> list[tuple[str, str]]:
    """The header fields that say who is calling beside From; none where the route asks for none."""
    fields = []
    if route.asserted_number is not None:
        uri = Uri(scheme="sip", user=route.asserted_number, host=host)
        fields.append(("P-Asserted-Identity", f"<{uri}>"))
    if route.is_private:
        fields.append(("Privacy", "id"))
    return fields


def _one_line(name: str | None) -> str | None:
    """A name as it may stand in a header field: whatever would break a line is a blank."""
    if name is None or name.isprintable():
        return name
    return "".join(letter if letter.isprintable() else " " for letter in name)
