"""SIPp as a phone: runs a scenario in a process of its own and reads what it says afterwards.

A scenario is an XML file whose text may hold words in capitals (ANSWER_MS) that are filled in before it runs:
SIPp 3.6 takes no variable for the timeout of a `recv` or for the status of an answer.
"""

import csv
import os
import re
import resource
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers import wire
from tests.peers.tool import LOOPBACK, WAIT_SECONDS, poll, port_is_taken, require_tool
from tests.peers.wire import SipMessage

_TRACE_ENTRY = re.compile(rb"^-{20,} [^\n]*\n(?:UDP|TCP) message (sent|received)[^\n]*\n\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sipp:
    """A running SIPp that takes `calls` calls and then ends."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    transport: str

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        scenario: str,
        *,
        port: int,
        calls: int,
        folder: Path,
        keys: Mapping[str, str] | None = None,
        traced: bool = True,
        transport: str = "udp",
        echo_port: int | None = None,
    ) -> AsyncIterator["Sipp"]:
        """SIPp with the scenario text, listening on `port`; ended at the end of the block if it has not by itself.

        `keys` fills in words in brackets of the scenario; `rtp_port` is 9 (discard) unless given, or is `echo_port`,
        where SIPp sends all audio back to whom it came from.
        `folder` must be its own: the scenario, the trace, the errors and the counts are written there.
        """
        keys = {"rtp_port": str(echo_port or 9), **(keys or {})}
        words = ["-trace_msg", "-message_file", "messages.log"] if traced else []
        if echo_port is not None:
            words += ["-rtp_echo", "-mp", str(echo_port)]
        process = _start(scenario, port, calls, folder, keys=keys, words=words, transport=transport)
        sipp = cls(process=process, port=port, folder=folder, transport=transport)
        try:
            await poll(sipp._is_up, bool, f"sipp at port {port}")
            yield sipp
        finally:
            await sipp.stop()

    async def finished(self, *, seconds: float = WAIT_SECONDS) -> int:
        """The exit status once every call is over: 0 if each went as the scenario says."""
        await poll(
            self._has_ended, bool, f"the end of sipp at port {self.port}: {self.counts()}", seconds=seconds
        )
        return self.process.wait()

    async def stop(self) -> None:
        """End it: politely, so that it writes its last counts, then at once."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGUSR1)
            try:
                await poll(self._has_ended, bool, "the end of sipp", seconds=1.5)
            except AssertionError:
                self.process.kill()
                self.process.wait()

    def complaints(self) -> str:
        """What it wrote about messages that the scenario did not foresee."""
        log = self.folder / "errors.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def counts(self) -> dict[str, int]:
        """Calls so far: `created`, `successful`, `failed`, `retransmissions`; empty before its first report."""
        table = self.folder / "counts.csv"
        rows = list(csv.DictReader(table.read_text().splitlines(), delimiter=";")) if table.exists() else []
        if not rows:
            return {}
        columns = {
            "created": "TotalCallCreated",
            "successful": "SuccessfulCall(C)",
            "failed": "FailedCall(C)",
            "retransmissions": "Retransmissions(C)",
        }
        return {name: int(rows[-1][column] or 0) for name, column in columns.items()}

    def messages(self) -> list[tuple[bool, SipMessage]]:
        """Everything it sent (True) and received (False), in order."""
        _, *parts = _TRACE_ENTRY.split((self.folder / "messages.log").read_bytes())
        entries = zip(parts[::2], parts[1::2], strict=True)
        return [(way == b"sent", wire.read(_without_trailer(text))) for way, text in entries]

    def kinds(self, call_id: str | None = None) -> list[str]:
        """The ladder as words (`INVITE`, `200 INVITE`), of one Call-ID or of all."""
        return [message.kind for _, message in self.messages() if call_id in (None, message.call_id)]

    async def _is_up(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(
                f"sipp did not start: {(self.folder / 'start.log').read_text()}{self.complaints()}"
            )
        return port_is_taken(self.port, self.transport)

    async def _has_ended(self) -> bool:
        return self.process.poll() is not None


def _start(
    scenario: str,
    port: int,
    calls: int,
    folder: Path,
    *,
    keys: Mapping[str, str],
    words: Sequence[str],
    transport: str,
) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True)
    (folder / "scenario.xml").write_text(scenario)
    fixed = (
        f"-sf scenario.xml -i {LOOPBACK} -p {port} -t {transport[0]}1 -m {calls} -nostdin -buff_size 4194304 "
        f"-trace_err -error_file errors.log -trace_stat -stf counts.csv -fd 1"
    )
    words = [*fixed.split(), *words]
    for name, value in keys.items():
        words += ["-key", name, value]
    with (folder / "start.log").open("wb") as log:
        return subprocess.Popen(
            [require_tool("sipp", "sip-tester"), *words],
            cwd=folder,
            env={**os.environ, "TERM": "dumb"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            preexec_fn=_allow_many_files,
        )


def _allow_many_files() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _without_trailer(text: bytes) -> bytes:
    """A traced message cut to its Content-Length: the trace puts empty lines after each."""
    head, _, rest = text.partition(b"\r\n\r\n")
    length = re.search(rb"^(?:Content-Length|l) *: *(\d+)", head, re.MULTILINE | re.IGNORECASE)
    return head + b"\r\n\r\n" + rest[: int(length[1]) if length else 0]
