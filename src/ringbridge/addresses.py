"""SIP addresses as people type them, and whether calls can be sent there."""

from ringbridge.call.errors import InvalidOption
from ringbridge.sip.errors import SipError
from ringbridge.sip.uri import Uri


def sip_address(text: str, option: str = "uri") -> str:
    """`text` if calls can be sent there: a sip: URI for UDP, TCP or TLS, or a sips: URI. Raises InvalidOption of `option`."""
    code = _fault(text)
    if code is not None:
        raise InvalidOption(option, code)
    return text


def goes_over_tls(text: str) -> bool:
    """Whether what is sent to this URI, one that `sip_address` takes, is encrypted on its way."""
    uri = Uri.parse(text)
    return uri.scheme == "sips" or uri.transport == "TLS"


def _fault(text: str) -> str | None:
    # Late: commands that need no settings start without what reads them.
    from ringbridge.config import is_host

    try:
        uri = Uri.parse(text)
    except SipError:
        return "no_sip_address"
    if uri.scheme not in ("sip", "sips"):
        return "unknown_scheme"
    if not is_host(uri.host):
        return "no_host"
    if uri.transport not in (None, "UDP", "TCP", "TLS"):
        return "unknown_transport"
    if uri.scheme == "sips" and uri.transport == "UDP":
        return "sips_over_udp"
    if uri.headers or uri.password is not None:
        return "address_with_password"
    return None
