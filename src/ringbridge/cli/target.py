"""SIP addresses as an administrator types them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ringbridge.addresses import goes_over_tls, sip_address
from ringbridge.call.errors import InvalidOption
from ringbridge.cli.errors import CommandError
from ringbridge.sip.uri import Uri

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringbridge.engines.native.resolver import Resolver


__all__ = ["goes_over_tls", "resolver_from", "sip_uri", "warn_of_other_family"]

_SENTENCES = {
    "no_sip_address": "{text!r} is not a SIP address: write sip:USER@HOST:PORT",
    "unknown_scheme": "{text!r} begins with {uri.scheme}:, but calls can be sent to sip: and sips: addresses only",
    "no_host": "{text!r} names no host: {uri.host!r} is neither an IP address nor a host name",
    "unknown_transport": "{text!r} asks for {uri.transport}, but SIP is sent over UDP, TCP and TLS only",
    "sips_over_udp": "{text!r} asks for UDP, but sips: goes over TLS only",
    "address_with_password": "{text!r} carries a password or headers; write sip:USER@HOST:PORT",
}


def sip_uri(text: str) -> str:
    """`text` if calls can be sent there: a sip: URI for UDP, TCP or TLS, or a sips: URI. Raises CommandError."""
    try:
        return sip_address(text)
    except InvalidOption as error:
        uri = None if error.code == "no_sip_address" else Uri.parse(text)
        raise CommandError(_SENTENCES[error.code].format(text=text, uri=uri)) from error


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
