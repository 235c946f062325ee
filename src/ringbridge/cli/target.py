"""SIP addresses as an administrator types them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ringbridge.cli.errors import CommandError
from ringbridge.sip.errors import SipError
from ringbridge.sip.uri import Uri

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringbridge.engines.native.resolver import Resolver


def sip_uri(text: str) -> str:
    """`text` if calls can be sent there: a sip: URI for UDP, TCP or TLS, or a sips: URI. Raises CommandError."""
    from ringbridge.config import is_host

    try:
        uri = Uri.parse(text)
    except SipError as error:
        raise CommandError(f"{text!r} is not a SIP address: write sip:USER@HOST:PORT") from error
    if uri.scheme not in ("sip", "sips"):
        raise CommandError(
            f"{text!r} begins with {uri.scheme}:, but calls can be sent to sip: and sips: addresses only"
        )
    if not is_host(uri.host):
        raise CommandError(f"{text!r} names no host: {uri.host!r} is neither an IP address nor a host name")
    if uri.transport not in (None, "UDP", "TCP", "TLS"):
        raise CommandError(f"{text!r} asks for {uri.transport}, but SIP is sent over UDP, TCP and TLS only")
    if uri.scheme == "sips" and uri.transport == "UDP":
        raise CommandError(f"{text!r} asks for UDP, but sips: goes over TLS only")
    if uri.headers or uri.password is not None:
        raise CommandError(f"{text!r} carries a password or headers; write sip:USER@HOST:PORT")
    return text


def goes_over_tls(text: str) -> bool:
    """Whether what is sent to this URI, one that `sip_uri` takes, is encrypted on its way."""
    uri = Uri.parse(text)
    return uri.scheme == "sips" or uri.transport == "TLS"


def resolver_from(sip_host: str) -> Resolver:
    """What a server that sends SIP from `sip_host` looks addresses up with."""
    from ringbridge.engines.native.resolver import Resolver

    return Resolver(sip_host)


def warn_of_other_family(uris: Iterable[str], sip_host: str) -> None:
    """Say on stderr which of the stored `uris` a server that sends from `sip_host` has no way to; names may change."""
    from ringbridge.engines.native.resolver import Unresolvable

    resolver = resolver_from(sip_host)
    sentences = []
    for uri in uris:
        try:
            resolver.literal(uri)
        except Unresolvable as error:
            sentences.append(str(error))
    if sentences:
        more = f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else ""
        typer.echo(f"ringbridge: warning: {sentences[0]}{more}: no call gets there", err=True)
