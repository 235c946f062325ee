"""What the doctor looks at on this machine: Python, clock, folder, ports, media relay, socket buffers."""

import errno
import importlib.util
import json
import os
import socket
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from ringbridge.cli.finding import Finding, fail, ok, warn
from ringbridge.config import PortRange, unbindable, unwritable
from ringbridge.demo.curl import http_url
from ringbridge.engines.native.sockets import RECEIVE_BUFFER_OCTETS
from ringbridge.service.clock import Clock

ANSWER_SECONDS = 1.0

# No clock that is right shows a time before this version was made.
RELEASED_AT = datetime(2026, 11, 1, tzinfo=UTC)

PORTS_PER_CALL = 4


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
    return False, _unbindable("HTTP", f"{host} port {port}", port, refusal)


def sip_port(host: str, port: int, *, is_running: bool) -> Finding:
    """Whether the port is free, or taken by the server that runs."""
    refusal = _refusal(socket.SOCK_DGRAM, host, port)
    if refusal is None and is_running and port:
        return warn(
            "SIP port",
            f"{host} port {port} is free, though a server runs",
            "the server has other settings than this shell: compare RINGBRIDGE_SIP_HOST and RINGBRIDGE_SIP_PORT",
        )
    if refusal is None:
        return ok("SIP port", f"{host} UDP port {port} is free")
    if is_running and refusal.errno == errno.EADDRINUSE:
        return ok("SIP port", f"{host} UDP port {port} is in use, and the server runs")
    return _unbindable("SIP", f"{host} UDP port {port}", port, refusal)


def media_relay() -> Finding:
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
    free = sum(_refusal(socket.SOCK_DGRAM, host, port) is None for port in range(ports.first, ports.last + 1))
    found = f"{free} of {ports.last - ports.first + 1} UDP ports of {ports} are free: {free // PORTS_PER_CALL} calls"
    if free >= PORTS_PER_CALL:
        return ok("media ports", found)
    if is_running:
        return warn("media ports", found, "the server carries all it can: widen RINGBRIDGE_MEDIA_PORTS")
    return fail(
        "media ports", found, "set RINGBRIDGE_MEDIA_HOST to an address of this machine, and widen the range"
    )


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


def _unbindable(what: str, address: str, port: int, error: OSError) -> Finding:
    reason, mend = unbindable(what, error)
    if error.errno == errno.EADDRINUSE:
        words = "ss -ltnp" if what == "HTTP" else "ss -lunp"
        mend = f"`{words} 'sport = :{port}'` names the program: stop it, or {mend}"
    return fail(f"{what} port", f"{address}: {reason}", mend)
