"""baresip as a phone: a real user agent with real audio. It answers by itself, speaks a tone and records what it hears.

It takes calls at a port of its own, or at a server where it registers.
"""

import asyncio
import contextlib
import json
import math
import socket
import subprocess
import wave
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from tests.peers.certificates import Files
from tests.peers.tool import LOOPBACK, WAIT_SECONDS, free_port, poll, require_tool

SAMPLE_RATE_HZ = 8000
TONE_SECONDS = 30

Samples = NDArray[numpy.float64]

_CONFIG = """\
poll_method epoll
net_interface {host}
sip_listen {host}:{port}
rtp_ports 40000-59999
audio_player aubridge,unheard
audio_source aufile,{folder}/tone.wav
audio_alert aubridge,unheard
ausrc_srate {rate}
auplay_srate {rate}
ausrc_channels 1
auplay_channels 1
module_path /usr/lib/baresip/modules
module g711.so
module g722.so
module srtp.so
module aubridge.so
module aufile.so
module sndfile.so
module ctrl_tcp.so
module_app account.so
module_app menu.so
ctrl_tcp_listen {host}:{control_port}
snd_path {folder}
"""


class Baresip:
    """A running baresip. Its control port tells of every event of its calls, as JSON in netstrings."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        folder: Path,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._folder = folder
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        number: str,
        *,
        port: int,
        tone_hz: float,
        folder: Path,
        picks_up: bool = True,
        host: str = LOOPBACK,
        transport: str = "udp",
        tls: Files | None = None,
        codec: str = "PCMU/8000/1",
        parameters: str = "",
    ) -> AsyncIterator["Baresip"]:
        """A phone for calls to the user part `number` at `port`; `folder` must be its own.

        It listens for UDP and TCP there and, with certificate and key, for TLS at the next port. It answers every
        call at once if it `picks_up`, and otherwise rings until `accept`. `parameters` are further ones of its
        account, in baresip's words, and `codec` is all that it speaks.
        """
        uri = f"sip:{number}@{host}:{port if tls is None else port + 1};transport={transport}"
        account = _account(uri, f"regint=0{parameters}", picks_up=picks_up, codec=codec)
        async with cls._started(host, account, port, tone_hz, folder, tls) as phone:
            yield phone

    @classmethod
    @asynccontextmanager
    async def registered(
        cls,
        uri: str,
        password: str,
        *,
        tone_hz: float,
        folder: Path,
        picks_up: bool = True,
        host: str = LOOPBACK,
        parameters: str = "",
        tls: Files | None = None,
    ) -> AsyncIterator["Baresip"]:
        """A phone that is registered as `uri` (`sip:100@pbx.example.com;transport=tcp`) once the block begins.

        It sends from any port of `host`. `parameters` are further ones of its account, in baresip's words.
        """
        account = _account(uri, f"auth_pass={password};regint=60{parameters}", picks_up=picks_up)
        async with cls._started(host, "", 0, tone_hz, folder, tls) as phone:
            # Made now, not by the file of accounts: of what happened before the connection nobody is told.
            phone._command("uanew", account)
            await phone.event("REGISTER_OK")
            yield phone

    @classmethod
    @asynccontextmanager
    async def _started(
        cls, host: str, account: str, port: int, tone_hz: float, folder: Path, tls: Files | None
    ) -> AsyncIterator["Baresip"]:
        control_port = free_port(socket.SOCK_STREAM)
        process = _start(host, account, port, control_port, tone_hz, folder, tls)
        try:
            reader, writer = await _connect(host, control_port)
            try:
                yield cls(process, folder, reader, writer)
            finally:
                writer.close()
                await writer.wait_closed()
        finally:
            process.terminate()
            process.wait(WAIT_SECONDS)

    async def event(self, kind: str, *, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
        """The next event of that kind (`CALL_ESTABLISHED`, `CALL_CLOSED`); those before it are passed over."""
        async with asyncio.timeout(seconds):
            while True:
                length = await self._reader.readuntil(b":")
                text = (await self._reader.readexactly(int(length[:-1]) + 1))[:-1]
                event: dict[str, Any] = json.loads(text)
                if event.get("type") == kind:
                    return event

    def dial(self, uri: str) -> None:
        """Call somebody."""
        self._command("dial", uri)

    def accept(self) -> None:
        """Answer the call that rings."""
        self._command("accept")

    def hang_up(self) -> None:
        """End the call."""
        self._command("hangup")

    def press(self, keys: str) -> None:
        """Send keys to whom the call is with."""
        self._command("sndcode", keys)

    def hold(self) -> None:
        """Put the call on hold."""
        self._command("hold")

    def resume(self) -> None:
        """Take the call up again."""
        self._command("resume")

    async def hears_for(self, sound_seconds: float) -> None:
        """Return once that much more sound has been recorded."""
        wanted = await self._recorded_seconds() + sound_seconds
        await poll(
            self._recorded_seconds,
            lambda recorded: recorded >= wanted,
            "sound",
            seconds=sound_seconds + WAIT_SECONDS,
        )

    def heard(self) -> Samples:
        """What it heard in its last call, at 8 kHz, from -1 to 1. Ends baresip: only then is the recording whole."""
        self._process.terminate()
        self._process.wait(WAIT_SECONDS)
        # Named by when they begin, to the second.
        recording = max(self._folder.glob("dump-*-dec.wav"))
        with wave.open(str(recording)) as sound:
            return _samples(sound.readframes(sound.getnframes()), sound.getframerate())

    def heard_so_far(self) -> Samples:
        """What it has heard by now in its last call, as far as that is written."""
        octets = max(self._folder.glob("dump-*-dec.wav")).read_bytes()
        # The header's length is that of a recording without sound; its rate is right.
        return _samples(octets[44:], int.from_bytes(octets[24:28], "little"))

    async def _recorded_seconds(self) -> float:
        return sum(_seconds_in(recording) for recording in self._folder.glob("dump-*-dec.wav"))

    def _command(self, name: str, parameters: str = "") -> None:
        command = json.dumps({"command": name, "params": parameters}).encode()
        self._writer.write(b"%d:%s," % (len(command), command))


def tone_share(samples: Samples, tone_hz: float) -> float:
    """How much of the energy of `samples` is a tone of that frequency: 0 none, 1 all."""
    energy = float(numpy.sum(samples**2))
    if energy == 0.0:
        return 0.0
    turns = numpy.exp(-2j * math.pi * tone_hz / SAMPLE_RATE_HZ * numpy.arange(len(samples)))
    return 2 * abs(complex(numpy.dot(samples, turns))) ** 2 / (len(samples) * energy)


def level(samples: Samples) -> float:
    """The root mean square of `samples`."""
    return float(numpy.sqrt(numpy.mean(samples**2)))


def _samples(octets: bytes, rate_hz: int) -> Samples:
    whole = numpy.frombuffer(octets[: len(octets) // 2 * 2], dtype=numpy.int16)
    return whole[:: rate_hz // SAMPLE_RATE_HZ].astype(numpy.float64) / 32768


def _seconds_in(recording: Path) -> float:
    """Of a WAVE file that still grows, whose header tells its octets in a second but not its length."""
    with recording.open("rb") as file:
        octets_in_a_second = int.from_bytes(file.read(32)[28:32], "little")
    return recording.stat().st_size / octets_in_a_second if octets_in_a_second else 0.0


def _account(uri: str, parameters: str, *, picks_up: bool, codec: str = "PCMU/8000/1") -> str:
    mode = "auto" if picks_up else "manual"
    return f"<{uri}>;{parameters};answermode={mode};audio_codecs={codec}"


def _start(
    host: str,
    account: str,
    port: int,
    control_port: int,
    tone_hz: float,
    folder: Path,
    tls: Files | None,
) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True)
    config = _CONFIG.format(
        host=host, port=port, folder=folder, rate=SAMPLE_RATE_HZ, control_port=control_port
    )
    if tls is not None:
        both = folder / "certificate.pem"
        both.write_bytes(tls.key.read_bytes() + tls.certificate.read_bytes())
        config += f"sip_certificate {both}\n"
    (folder / "config").write_text(config)
    (folder / "accounts").write_text(account + "\n")
    (folder / "contacts").touch()
    _write_tone(folder / "tone.wav", tone_hz)
    with (folder / "baresip.log").open("wb") as log:
        return subprocess.Popen(
            [require_tool("baresip", "baresip"), "-f", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _write_tone(path: Path, tone_hz: float) -> None:
    turn = 2 * math.pi * tone_hz / SAMPLE_RATE_HZ
    samples = array("h", (int(12_000 * math.sin(turn * i)) for i in range(TONE_SECONDS * SAMPLE_RATE_HZ)))
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE_HZ)
        sound.writeframes(samples.tobytes())


async def _connect(host: str, control_port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def is_connected() -> bool:
        with contextlib.suppress(OSError):
            streams.append(await asyncio.open_connection(host, control_port))
        return bool(streams)

    await poll(is_connected, bool, "the control port of baresip")
    return streams[0]
