"""SIP addresses as an administrator types them."""

from ringbridge.cli.errors import CommandError
from ringbridge.sip.errors import SipError
from ringbridge.sip.uri import Uri


def sip_uri(text: str) -> str:
    """`text` if calls can be sent there: a sip: URI for UDP. Raises CommandError."""
    try:
        uri = Uri.parse(text)
    except SipError as error:
        raise CommandError(f"{text!r} is not a SIP address: write sip:USER@HOST:PORT") from error
    if uri.scheme != "sip":
        raise CommandError(
            f"{text!r} begins with {uri.scheme}:, but calls can be sent to sip: addresses only"
        )
    if uri.transport not in (None, "UDP"):
        raise CommandError(f"{text!r} asks for {uri.transport}, but SIP is sent over UDP only")
    if uri.headers or uri.password is not None:
        raise CommandError(f"{text!r} carries a password or headers; write sip:USER@HOST:PORT")
    return text
