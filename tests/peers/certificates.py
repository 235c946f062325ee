"""Certificates for tests: an authority of our own, and what it issues."""

import datetime
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from tests.peers.tool import LOOPBACK, free_sip_port


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """A certificate and its key, as files in PEM form."""

    certificate: Path
    key: Path

    def settings(self, *, host: str = LOOPBACK) -> dict[str, str]:
        """Those of a server that shows this certificate, at ports of `host` that are free."""
        return {
            "RINGBRIDGE_SIP_TLS_CERTIFICATE": str(self.certificate),
            "RINGBRIDGE_SIP_TLS_KEY": str(self.key),
            "RINGBRIDGE_SIP_TLS_PORT": str(free_sip_port(host=host)),
            "RINGBRIDGE_SIP_WSS_PORT": str(free_sip_port(host=host)),
        }


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority that nobody knows but who is given its file."""

    folder: Path
    _ca: trustme.CA = field(default_factory=trustme.CA)

    @property
    def file(self) -> Path:
        """Its own certificate, as a file."""
        path = self.folder / "ca.pem"
        self._ca.cert_pem.write_to_path(path)
        return path

    def issue(self, *names: str, days: float = 30.0, as_: str = "server") -> Files:
        """A certificate for host names and addresses that is good for so many days; none if that is negative."""
        now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
        until = now + datetime.timedelta(days=days)
        since = min(until, now) - datetime.timedelta(days=1)
        issued = self._ca.issue_cert(*names, not_before=since, not_after=until)
        files = Files(certificate=self.folder / f"{as_}.pem", key=self.folder / f"{as_}.key")
        files.certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(files.key)
        return files

    def server_context(self, files: Files, *, asks_for_certificate: bool = False) -> ssl.SSLContext:
        """The context of a test's own server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        if asks_for_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            self._ca.configure_trust(context)
        return context

    def client_context(self) -> ssl.SSLContext:
        """The context of a test's own client, which believes this authority and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._ca.configure_trust(context)
        return context
