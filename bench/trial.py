"""One trial: so many calls at such a rate against one system, with the pair of SIPp phones, and what came of it."""

import asyncio
import socket
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from tests.peers.scenario import phone_scenario
from tests.peers.sipp import Sipp
from tests.peers.tool import LOOPBACK, free_port

from bench.capture import capturing, read_ladders
from bench.process import cpu_seconds, resident_kib
from bench.tls_front import tls_front

INDEX_DIGITS = 4

# The user's phone never hangs up first: an hour is longer than any trial.
_NEVER_MS = 3_600_000
_ANSWER_MS = 1
_LAST_CALL_SECONDS = 2.0
_END_SECONDS = 20.0
_CAPTURE_FLUSH_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The system that is measured.

    user_line, destination_line: the fields of the request, with {index} where the four digits of the call go.
    user_port, destination_port: where it calls the two phones. processes: whose CPU and memory count, by name.
    transport: over what it calls them, `udp`, `tcp` or `tls`. tls: what the phones show, over TLS.
    data_dir: of a server of this repository, for commands.
    """

    url: str
    headers: Mapping[str, str]
    user_line: str
    destination_line: str
    user_port: int
    destination_port: int
    processes: Mapping[str, int]
    transport: str = "udp"
    tls: ssl.SSLContext | None = None
    data_dir: Path | None = None


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of a trial.

    complete: calls that both phones ran from INVITE to the end. answers: HTTP statuses (or errors) and how often.
    cpu_ms: for a complete call, by process. growth_kib: from before the first call to when all were up, by process.
    delays_ms: of every call, by step. repeated: SIP messages seen more than once.
    """

    asked: int
    rate: float
    complete: int = 0
    failed: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    requested_at: dict[str, float] = field(default_factory=dict)
    http_ms: list[float] = field(default_factory=list)
    cpu_ms: dict[str, float] = field(default_factory=dict)
    growth_kib: dict[str, int] = field(default_factory=dict)
    delays_ms: dict[str, list[float]] = field(default_factory=dict)
    repeated: int = 0

    @property
    def every_call_complete(self) -> bool:
        """Whether no call was lost."""
        return self.complete == self.asked

    def facts(self) -> dict[str, object]:
        """The bare numbers, for the file of results."""
        return {
            "calls": self.asked,
            "rate": self.rate,
            "complete": self.complete,
            "failed": self.failed,
            "http": dict(self.answers),
            "cpu_ms": self.cpu_ms,
            "growth_kib": self.growth_kib,
            "repeated": self.repeated,
        }


async def run_trial(
    target: Target,
    *,
    first: int,
    calls: int,
    rate: float,
    hold_ms: int,
    folder: Path,
    is_captured: bool,
    is_weighed: bool,
) -> Result:
    """Place `calls` calls, the n-th at n/rate seconds whatever became of those before it; both phones answer at once.

    first: the index of the first call. is_captured: also take the delays, with tcpdump (raises CaptureUnavailable).
    is_weighed: also take the memory once all calls are up, for which `hold_ms` must be long enough.
    """
    result = Result(asked=calls, rate=rate)
    pcap = folder / "capture.pcap"
    async with AsyncExitStack() as stack:
        rtp_port = stack.enter_context(_unread_socket()).getsockname()[1]
        user = await stack.enter_async_context(
            _phone(target, target.user_port, calls, _NEVER_MS, folder / "user", rtp_port)
        )
        destination = await stack.enter_async_context(
            _phone(target, target.destination_port, calls, hold_ms, folder / "destination", rtp_port)
        )
        ports = (target.user_port, target.destination_port)
        async with capturing(pcap, ports) if is_captured else nullcontext():
            cpu_before = {name: cpu_seconds(pid) for name, pid in target.processes.items()}
            kib_before = {name: resident_kib(pid) for name, pid in target.processes.items()}
            await _place_calls(target, first, result)
            if is_weighed:
                await asyncio.sleep(_LAST_CALL_SECONDS)
                for name, pid in target.processes.items():
                    result.growth_kib[name] = resident_kib(pid) - kib_before[name]
            for phone in (user, destination):
                # A phone that has not had all its calls by then shows it in its counts.
                with suppress(AssertionError):
                    await phone.finished(seconds=hold_ms / 1000 + _END_SECONDS)
            cpu_after = {name: cpu_seconds(pid) for name, pid in target.processes.items()}
            if is_captured:
                await asyncio.sleep(_CAPTURE_FLUSH_SECONDS)
        for phone in (user, destination):
            await phone.stop()
            result.failed += phone.counts().get("failed", 0)
        result.complete = min(phone.counts().get("successful", 0) for phone in (user, destination))
    for name, after in cpu_after.items():
        result.cpu_ms[name] = (after - cpu_before[name]) * 1000 / max(1, result.complete)
    if is_captured:
        ladders = read_ladders(pcap, target.user_port, target.destination_port, INDEX_DIGITS)
        result.delays_ms = ladders.delays_ms(result.requested_at)
        result.repeated = ladders.repeated.total()
    return result


@asynccontextmanager
async def _phone(
    target: Target, port: int, calls: int, hold_ms: int, folder: Path, rtp_port: int
) -> AsyncIterator[Sipp]:
    """A phone that is called at `port` over the transport of `target`."""
    scenario = phone_scenario(answer_ms=_ANSWER_MS, hold_ms=hold_ms)
    if target.transport != "udp":
        scenario = scenario.replace("[local_port]>", f"{port};transport={target.transport}>")
    own_port = port if target.tls is None else free_port(socket.SOCK_STREAM)
    async with (
        Sipp.running(
            scenario,
            port=own_port,
            calls=calls,
            folder=folder,
            keys={"rtp_port": str(rtp_port)},
            traced=False,
            transport="udp" if target.transport == "udp" else "tcp",
        ) as phone,
        nullcontext() if target.tls is None else tls_front(port, target.tls, own_port),
    ):
        yield phone


async def _place_calls(target: Target, first: int, result: Result) -> None:
    connector = aiohttp.TCPConnector(limit=200)
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=target.headers) as http:
        started_at = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for place in range(result.asked):
                await asyncio.sleep(max(0.0, started_at + place / result.rate - time.monotonic()))
                digits = f"{(first + place) % 10**INDEX_DIGITS:0{INDEX_DIGITS}d}"
                tasks.create_task(_place_call(http, target, digits, result))


async def _place_call(http: aiohttp.ClientSession, target: Target, digits: str, result: Result) -> None:
    fields = {
        "user_line": target.user_line.replace("{index}", digits),
        "destination_line": target.destination_line.replace("{index}", digits),
    }
    result.requested_at[digits] = time.time()
    started_at = time.perf_counter()
    try:
        async with http.post(target.url, json=fields) as answer:
            await answer.read()
            word = str(answer.status)
    except (aiohttp.ClientError, TimeoutError) as error:
        word = type(error).__name__
    result.http_ms.append((time.perf_counter() - started_at) * 1000)
    result.answers[word] += 1


def _unread_socket() -> socket.socket:
    """A UDP port that somebody owns and nobody reads: without it every packet of the prompt costs an ICMP error."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    sock.bind((LOOPBACK, 0))
    return sock
