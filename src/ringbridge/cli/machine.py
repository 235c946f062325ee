"""What the doctor looks at on this machine: Python, clock, folder, ports, media relay, socket buffers."""

import errno
import importlib.util
import json
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from ringbridge.cli.finding import Finding, fail, ok, warn
from ringbridge.cli.output import host_and_port
from ringbridge.config import PortRange, unbindable, unwritable
from ringbridge.demo.curl import http_url
from ringbridge.engines.native.sockets import RECEIVE_BUFFER_OCTETS
from ringbridge.engines.native.tls import TlsContexts, UnusableCertificate
from ringbridge.service.clock import Clock

ANSWER_SECONDS = 1.0

# No clock that is right shows a time before this version was made.
RELEASED_AT = datetime(2026, 11, 1, tzinfo=UTC)

PORTS_PER_CALL = 4

# By transport: what the finding is called, and the setting without what stands around it.
_SIP_PORTS = {
    "UDP": ("SIP port", "SIP"),
    "TCP": ("SIP port over TCP", "SIP"),
    "TLS": ("SIP port over TLS", "SIP_TLS"),
    "WSS": ("SIP port over WSS", "SIP_WSS"),
}

# By the names of /readyz; that there is no trunk is told elsewhere.
_NOT_READY = {
    "accepting": warn(
        "server", "draining: it takes no new calls and stops when the running ones end", "start it again"
    ),
    "database": fail("server", "it cannot work with its database", "start the database; its log says more"),
    "media": fail("server", "its media relay is gone", "start the relay; the server's log says more"),
}


def python_build(prefix: str, configured_with: str | None) -> Finding:
    """Whether the interpreter was optimised by a profile.

    prefix: where it is installed. configured_with: the arguments of its `configure`. Those of a distribution's Python do
    not tell, but distributions build theirs so.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    if configured_with is None or prefix == "/usr" or "--enable-optimizations" in configured_with:
        return ok("Python", version)
    return warn(
        "Python",
        f"{version} in {prefix} was built without optimisation by profile: calls take 30 to 40 % more CPU",
        "use the distribution's Python, or build one with --enable-optimizations",
    )


def clock() -> Finding:
    """Whether the time is possible at all; whether it is right, no machine can tell by itself."""
    now = datetime.fromtimestamp(Clock().utc_now(), UTC)
    shown = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < RELEASED_AT:
        return fail(
            "clock", f"it is {shown}, before this version was made", "set the clock, for example with chrony"
        )
    return ok("clock", shown)


def data_folder(data_dir: Path) -> Finding:
    """Whether files can be made there."""
    nearest = next(folder for folder in (data_dir, *data_dir.parents) if folder.exists())
    if not nearest.is_dir():
        return fail("data folder", f"{nearest} is no folder", "set RINGBRIDGE_DATA_DIR to another one")
    if not os.access(nearest, os.W_OK | os.X_OK):
        error = OSError(errno.EACCES, os.strerror(errno.EACCES))
        return fail(
            "data folder", unwritable(data_dir, error), f"or give this user the right to write in {nearest}"
        )
    return ok("data folder", f"{data_dir}{'' if nearest == data_dir else ' (not made yet)'}")


def http_port(host: str, port: int) -> tuple[bool, Finding]:
    """Whether a ringbridge server runs there, and what is to be said of the port."""
    url = http_url(host, port)
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=ANSWER_SECONDS) as answer:  # noqa: S310 - always http
            is_ringbridge = json.load(answer) == {"status": "ok"}
    except (OSError, ValueError):
        is_ringbridge = False
    if is_ringbridge:
        return True, ok("HTTP port", f"ringbridge answers at {url}")
    refusal = _refusal(socket.SOCK_STREAM, host, port)
    if refusal is None:
        return False, ok("HTTP port", f"{host} port {port} is free")
    return False, _unbindable("HTTP port", "HTTP", f"{host} port {port}", port, refusal)


def server_state(url: str) -> list[Finding]:
    """What the server at that URL itself misses for a new call; nothing when it is ready."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=ANSWER_SECONDS):  # noqa: S310 - always http
            return []
    except urllib.error.HTTPError as answer:
        try:
            checks = json.load(answer)["checks"]
        except (OSError, ValueError, KeyError, TypeError):
            return []
    except OSError:
        return []
    return [finding for name, finding in _NOT_READY.items() if checks.get(name) is False]


def tls_files(tls: TlsContexts) -> list[Finding]:
    """Whether certificate, key and authorities of the settings can be read, as `serve` reads them."""
    try:
        tls.check()
    except UnusableCertificate as error:
        return [fail("TLS files", str(error), "correct RINGBRIDGE_SIP_TLS_CERTIFICATE, _KEY or _CA")]
    return []


def sip_ports(host: str, ports: Mapping[str, int], *, is_running: bool) -> Iterator[Finding]:
    """What is to be said of the port of each transport; of an address that is not this machine's, once."""
    for transport, port in ports.items():
        yield sip_port(host, port, transport, is_running=is_running)
        if _refusal(socket.SOCK_DGRAM, host, 0) is not None:
            return


def sip_port(host: str, port: int, transport: str, *, is_running: bool) -> Finding:
    """Whether the port for UDP, TCP, TLS or WSS is free, or taken by the server that runs."""
    subject, what = _SIP_PORTS[transport]
    is_udp = transport == "UDP"
    address = f"{host} {'UDP' if is_udp else 'TCP'} port {port}"
    refusal = _refusal(socket.SOCK_DGRAM if is_udp else socket.SOCK_STREAM, host, port)
    if refusal is None and is_running and port:
        return warn(
            subject,
            f"{address} is free, though a server runs",
            f"the server has other settings than this shell: compare RINGBRIDGE_SIP_HOST and RINGBRIDGE_{what}_PORT",
        )
    if refusal is None:
        return ok(subject, f"{address} is free")
    if is_running and refusal.errno == errno.EADDRINUSE:
        return ok(subject, f"{address} is in use, and the server runs")
    return _unbindable(subject, what, address, port, refusal)


async def rtpengine(host: str, port: int) -> Finding:
    """Whether the daemon answers at its control port."""
    from ringbridge.engines.native.media import MediaUnavailable
    from ringbridge.engines.native.rtpengine_link import DaemonLink

    try:
        link = await DaemonLink.connect(host, port, lambda notice: None, lambda link: None)
    except MediaUnavailable as error:
        return fail(
            "media relay",
            str(error),
            f"start it with --listen-tcp-ng={host_and_port(host, port)}, or correct RINGBRIDGE_RTPENGINE",
        )
    link.close()
    return ok("media relay", f"rtpengine answers at {host_and_port(host, port)}; ports for audio are its own")


def rtpio() -> Finding:
    """Whether the package that relays audio is installed."""
    try:
        is_there = importlib.util.find_spec("rtp.io") is not None
    except ImportError:
        is_there = False
    if not is_there:
        return fail(
            "media relay", "the package rtp.io is not installed", "pip install rtp.io, or scripts/install"
        )
    return ok("media relay", "rtp.io is installed")


def media_ports(host: str, ports: PortRange, *, is_running: bool) -> Finding:
    """How many ports of the range could be had now."""
    refusals = [_refusal(socket.SOCK_DGRAM, host, port) for port in range(ports.first, ports.last + 1)]
    other = next((error for error in refusals if error is not None and error.errno != errno.EADDRINUSE), None)
    if other is not None:
        reason, mend = unbindable("MEDIA", other)
        return fail("media ports", f"{host}: {reason}", f"{mend}; without it RINGBRIDGE_SIP_HOST counts")
    free = refusals.count(None)
    found = f"{free} of {ports.last - ports.first + 1} UDP ports of {ports} are free: {free // PORTS_PER_CALL} calls"
    if free >= PORTS_PER_CALL:
        return ok("media ports", found)
    if is_running:
        return warn("media ports", found, "the server carries all it can: widen RINGBRIDGE_MEDIA_PORTS")
    return fail("media ports", found, "widen RINGBRIDGE_MEDIA_PORTS, or stop what uses them")


def receive_buffer() -> Finding:
    """Whether the kernel lets the SIP socket have the buffer that it asks for."""
    limit = Path("/proc/sys/net/core/rmem_max")
    try:
        octets = int(limit.read_text())
    except (OSError, ValueError):
        return warn("UDP buffer", f"{limit} cannot be read", "nothing to do outside Linux")
    if octets < RECEIVE_BUFFER_OCTETS:
        return warn(
            "UDP buffer",
            f"the kernel grants {octets} octets of {RECEIVE_BUFFER_OCTETS}: bursts of SIP messages may be lost",
            f"sysctl -w net.core.rmem_max={RECEIVE_BUFFER_OCTETS}",
        )
    return ok("UDP buffer", f"the kernel grants up to {octets} octets")


def _refusal(kind: socket.SocketKind, host: str, port: int) -> OSError | None:
    """Why the address cannot be bound, or None when it can."""
    try:
        family, _, protocol, _, address = socket.getaddrinfo(host, port, type=kind)[0]
        with socket.socket(family, kind, protocol) as probe:
            if kind is socket.SOCK_STREAM:
                # Connections of a server that has just stopped do not keep the next one from starting.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None


def _unbindable(subject: str, what: str, address: str, port: int, error: OSError) -> Finding:
    reason, mend = unbindable(what, error)
    if error.errno == errno.EADDRINUSE:
        words = "ss -lunp" if "UDP" in address else "ss -ltnp"
        mend = f"`{words} 'sport = :{port}'` names the program: stop it, or {mend}"
    return fail(subject, f"{address}: {reason}", mend)
