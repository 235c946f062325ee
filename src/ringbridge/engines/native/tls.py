"""TLS for SIP: whose certificate we show, and whom we believe (RFC 3261 section 26.3.1, RFC 5922).

There is no way around the checks: a peer whose certificate or name is wrong is not talked to.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

log = structlog.get_logger()

File = str | Path
_Kept = tuple[tuple[float, ...], ssl.SSLContext]
"""When the files of a context were written, and the context."""


class UnusableCertificate(Exception):
    """A certificate, key or list of authorities cannot be read; the text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsPeer:
    """What is known beforehand of a server that we connect to.

    name: what its certificate must name, from its URI: a host name or an address. ca: authorities that are believed in
    place of all others. certificate, key: what we show it, where it asks. All files in PEM form.
    """

    name: str
    ca: File | None = None
    certificate: File | None = None
    key: File | None = None


class TlsContexts:
    """The contexts of all connections, kept until their files change into others that can be used.

    ca: authorities that are believed besides the system's, where a peer has none of its own. certificate, key: what we
    show to those who connect to us, and to servers for whom there is nothing else.
    """

    def __init__(
        self, *, ca: File | None = None, certificate: File | None = None, key: File | None = None
    ) -> None:
        self._ca = ca
        self._certificate = certificate
        self._key = key
        self._clients: dict[tuple[File | None, ...], _Kept] = {}
        self._server: _Kept | None = None

    def check(self) -> None:
        """Read the files now rather than with the first connection. Raises UnusableCertificate."""
        if self._ca is not None:
            self.for_server(TlsPeer(name=""))
        if self._certificate is not None:
            self.for_clients()

    def reload(self) -> None:
        """Read the files again. Raises UnusableCertificate, and then connections go on with what was read before."""
        client = None if self._ca is None else self._make_client_context(None, self._certificate, self._key)
        server = None if self._certificate is None else self._make_server_context()
        if client is not None:
            files = (None, self._certificate, self._key)
            self._clients[files] = (_changed_at(self._ca, *files), client)
        if server is not None:
            self._server = (_changed_at(self._certificate, self._key), server)

    def for_server(self, peer: TlsPeer) -> ssl.SSLContext:
        """The context of a connection that we make. Raises UnusableCertificate."""
        files = (peer.ca, peer.certificate or self._certificate, peer.key or self._key)
        changed_at = _changed_at(self._ca, *files)
        kept = self._clients.get(files)
        if kept is None or kept[0] != changed_at:
            kept = (changed_at, self._renewed(kept, partial(self._make_client_context, *files)))
            self._clients[files] = kept
        return kept[1]

    def for_clients(self) -> ssl.SSLContext:
        """The context of connections that others make. Raises UnusableCertificate."""
        changed_at = _changed_at(self._certificate, self._key)
        if self._server is None or self._server[0] != changed_at:
            self._server = (changed_at, self._renewed(self._server, self._make_server_context))
        return self._server[1]

    @staticmethod
    def _renewed(kept: _Kept | None, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        """What `make` makes; what was there before if that cannot be, as while a file is being written. Raises UnusableCertificate."""
        try:
            return make()
        except UnusableCertificate as exc:
            if kept is None:
                raise
            log.error("tls.files_refused", error=str(exc))
            return kept[1]

    def _make_server_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        _show(context, self._certificate, self._key)
        return context

    def _make_client_context(
        self, ca: File | None, certificate: File | None, key: File | None
    ) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=ca)
            if ca is None and self._ca is not None:
                context.load_verify_locations(self._ca)
        except (OSError, ValueError) as exc:
            raise UnusableCertificate(
                f"no authorities can be read from {ca or self._ca}: {reason_of(exc)}"
            ) from exc
        if certificate is not None:
            _show(context, certificate, key)
        return context


def reason_of(error: Exception) -> str:
    """Why a connection came to nothing, in words for the administrator."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no connection within the time allowed"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _show(context: ssl.SSLContext, certificate: File | None, key: File | None) -> None:
    try:
        # An empty password: a key that wants one is refused rather than asked for on the terminal.
        context.load_cert_chain(certificate or "", key, password="")
    except (OSError, ValueError) as exc:
        raise UnusableCertificate(
            f"no certificate and key can be read from {certificate} and {key or certificate}: {reason_of(exc)}"
        ) from exc


def _changed_at(*files: File | None) -> tuple[float, ...]:
    """When each file was last written; what cannot be looked at is told by whoever reads it."""
    times = []
    for file in files:
        try:
            times.append(Path(file).stat().st_mtime if file is not None else 0.0)
        except OSError:
            times.append(-1.0)
    return tuple(times)
