"""What the phones' sockets saw, to the microsecond: tcpdump on the loopback interface, and the steps of each call in it."""

import asyncio
import re
import signal
import statistics
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

_START = re.compile(rb"^(?:SIP/2\.0 (\d+)|([A-Z]+) [a-z]+:(?:\+?(\w+)@)?)")
_CSEQ = re.compile(rb"^CSeq: *\d+ ([A-Z]+)", re.MULTILINE | re.IGNORECASE)
_CALL_ID = re.compile(rb"^(?:Call-ID|i): *(\S+)", re.MULTILINE | re.IGNORECASE)

STEPS = {
    "request to user INVITE": ("request", "user INVITE"),
    "user 200 to destination INVITE": ("user 200 INVITE", "destination INVITE"),
    "destination 200 to ACK": ("destination 200 INVITE", "destination ACK"),
    "BYE to BYE": ("destination BYE", "user BYE"),
}


class CaptureUnavailable(Exception):
    """tcpdump could not listen; the text says what it said."""


@dataclass(slots=True)
class Ladders:
    """When each message of each call passed: by the digits that its two numbers share, then by leg and message."""

    calls: dict[str, dict[str, float]] = field(default_factory=dict)
    repeated: Counter[str] = field(default_factory=Counter)

    def delays_ms(self, requested_at: Mapping[str, float]) -> dict[str, list[float]]:
        """Milliseconds of every step, of all calls that took it. `requested_at`: the wall clock at each HTTP request."""
        delays: dict[str, list[float]] = {step: [] for step in STEPS}
        for digits, seen in self.calls.items():
            times = seen | ({"request": requested_at[digits]} if digits in requested_at else {})
            for step, (first, second) in STEPS.items():
                if first in times and second in times:
                    delays[step].append((times[second] - times[first]) * 1000)
        return delays


@asynccontextmanager
async def capturing(path: Path, ports: tuple[int, int]) -> AsyncIterator[None]:
    """Write what passes the two UDP ports to `path`, while the block runs. Raises CaptureUnavailable."""
    words = f"-i lo -s 0 -B 65536 -U --immediate-mode -w {path} udp and (port {ports[0]} or port {ports[1]})"
    try:
        dump = await asyncio.create_subprocess_exec(
            "tcpdump", *words.split(), stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
        )
    except FileNotFoundError as error:
        raise CaptureUnavailable("tcpdump is missing: apt-get install tcpdump") from error
    assert dump.stderr is not None
    said = b""
    while b"listening on" not in said:
        line = await dump.stderr.readline()
        if not line:
            raise CaptureUnavailable(f"tcpdump cannot listen (it needs root): {said.decode().strip()}")
        said += line
    try:
        yield
    finally:
        # What the kernel still holds for it is written in the time that the phones took to end.
        dump.send_signal(signal.SIGINT)
        await dump.communicate()


def read_ladders(path: Path, user_port: int, destination_port: int, digits: int) -> Ladders:
    """The calls in a capture. The last `digits` of the called number pair a user's leg with a destination's."""
    ladders = Ladders()
    legs: dict[bytes, tuple[str, str]] = {}
    seen: set[tuple[bytes, bytes, bytes]] = set()
    for at, source, target, data in _datagrams(path):
        start, cseq, call_id = _START.match(data), _CSEQ.search(data), _CALL_ID.search(data)
        if start is None or cseq is None or call_id is None:
            continue
        status, method, number = start.groups()
        if method == b"INVITE" and target in (user_port, destination_port) and call_id[1] not in legs:
            leg = "user" if target == user_port else "destination"
            legs[call_id[1]] = (leg, number.decode()[-digits:])
        if call_id[1] not in legs:
            continue
        leg, shared = legs[call_id[1]]
        word = f"{status.decode()} {cseq[1].decode()}" if status else method.decode()
        identity = (call_id[1], data[: data.find(b"\r\n")], cseq[0] + str(source).encode())
        if identity in seen:
            ladders.repeated[word] += 1
        seen.add(identity)
        ladders.calls.setdefault(shared, {}).setdefault(f"{leg} {word}", at)
    return ladders


def percentiles(values: list[float]) -> dict[str, float]:
    """p50, p90 and p99 of at least one value."""
    if len(values) == 1:
        return dict.fromkeys(("p50", "p90", "p99"), values[0])
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": cuts[49], "p90": cuts[89], "p99": cuts[98]}


def _datagrams(path: Path) -> Iterator[tuple[float, int, int, bytes]]:
    """Time, source port, target port and payload of every IPv4 UDP packet in a pcap file of an Ethernet-like link."""
    data = path.read_bytes()
    (magic,) = struct.unpack_from("<I", data)
    if magic != 0xA1B2C3D4:
        raise ValueError(f"{path} is no little-endian pcap file with microseconds")
    at, link_octets = 24, 14
    while at + 16 <= len(data):
        seconds, microseconds, captured, _ = struct.unpack_from("<IIII", data, at)
        packet = data[at + 16 + link_octets : at + 16 + captured]
        at += 16 + captured
        if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] != 17:
            continue
        header_octets = (packet[0] & 15) * 4
        source, target = struct.unpack_from(">HH", packet, header_octets)
        yield seconds + microseconds / 1e6, source, target, packet[header_octets + 8 :]
