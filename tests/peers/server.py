"""A real `ringbridge serve` in a process of its own, with an account, lines and a trunk that lead to test phones.

`Deployment` is the data: made once with the command line, as an administrator would, then copied for every server,
so that each test module starts from the same database and owns what it changes. `Server` is the running process.
"""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import chdir, closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from unittest import mock

from ringbridge.call.key import Scope
from ringbridge.cli.app import run
from tests.peers.server_process import ServerProcess
from tests.peers.tool import LOOPBACK, free_port, free_sip_port, media_ports

Process = ServerProcess | subprocess.Popen[bytes]

REPOSITORY = Path(__file__).resolve().parents[2]
# Neither takes two seconds, unless the machine has much else to do.
START_SECONDS = 120.0
STOP_SECONDS = 120.0


def ringbridge(data_dir: Path, *words: str) -> str:
    """What `ringbridge WORDS` prints; an error with its complaint if it fails.

    In this process, because a process of its own would take longer to start than most commands to do their work.
    """
    out, err = StringIO(), StringIO()
    with (
        mock.patch.dict(os.environ, _environment(data_dir), clear=True),
        chdir(data_dir),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        status = run(words)
    if status != 0:
        raise RuntimeError(
            f"ringbridge {' '.join(words)}: exit status {status}\n{err.getvalue()}{out.getvalue()}"
        )
    return out.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A provisioned data folder: one account, one key, lines that ring at `user_port`, a trunk at `trunk_port`.

    authorization: the value of the header that a customer sends.
    """

    data_dir: Path
    account_id: str
    authorization: str
    user_port: int
    trunk_port: int
    host: str

    @classmethod
    def provision(
        cls,
        data_dir: Path,
        *,
        lines: int,
        host: str = LOOPBACK,
        transport: str = "udp",
        trunk_words: Sequence[str] = (),
    ) -> "Deployment":
        """Make the folder and everything in it; `trunk_words` are further options of the trunk."""
        data_dir.mkdir(parents=True, exist_ok=True)
        user_port = free_sip_port(host=host)
        trunk_port = free_sip_port(host=host)
        place = f"[{host}]" if ":" in host else host
        account_id = _first_match(
            r"\b(\d{4,})\b", ringbridge(data_dir, "account", "add", "--name", "Scenarios")
        )
        scopes = (word for scope in Scope for word in ("--scope", scope.value))
        printed = ringbridge(data_dir, "key", "create", "--account", account_id, *scopes)
        authorization = _first_match(r"Authorization:\s*(Basic [A-Za-z0-9+/=]+)", printed)
        table = data_dir / "lines.csv"
        rows = (
            f"+{user_number(i)},Phone {i},sip:{user_number(i)}@{place}:{user_port};transport={transport}"
            for i in range(lines)
        )
        table.write_text("number,name,uri\n" + "\n".join(rows) + "\n")
        ringbridge(data_dir, "line", "import", str(table), "--account", account_id)
        trunk = f"sip:{place}:{trunk_port};transport={transport}"
        ringbridge(data_dir, "trunk", "add", "--name", "exchange", "--uri", trunk, *trunk_words)
        limits = ("concurrent=10000", "per_user=2", "rate=10000", "duplicates_s=0", "countries=US,CA")
        ringbridge(data_dir, "limits", "set", "--account", account_id, *limits)
        return cls(
            data_dir=data_dir,
            account_id=account_id,
            authorization=authorization,
            user_port=user_port,
            trunk_port=trunk_port,
            host=host,
        )

    def copied_to(self, data_dir: Path) -> "Deployment":
        """The same deployment in a folder of its own."""
        shutil.copytree(self.data_dir, data_dir)
        return replace(self, data_dir=data_dir)

    def add_mobiles(self, indexes: Iterable[int]) -> None:
        """Lines that are reached over a trunk of their own, at the users' phone: whoever answers there is asked first."""
        # With a prefix that no destination has.
        uri = f"sip:{self.host}:{self.user_port}"
        ringbridge(self.data_dir, "trunk", "add", "--name", "mobile", "--uri", uri, "--prefix", "+1817")
        table = self.data_dir / "mobiles.csv"
        table.write_text("number,trunk\n" + "".join(f"+{user_number(index)},mobile\n" for index in indexes))
        ringbridge(self.data_dir, "line", "import", str(table), "--account", self.account_id)

    def set_limits(self, *words: str) -> None:
        """Change limits of the account, `KEY=VALUE` each."""
        ringbridge(self.data_dir, "limits", "set", "--account", self.account_id, *words)


def user_number(index: int) -> str:
    """The number of the line `index` (0 to 9999), without the plus sign."""
    return f"1817562{index:04d}"


def destination_number(index: int) -> str:
    """A number to call that ends in the four digits of `index`, without the plus sign."""
    return f"1512529{index:04d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server."""

    deployment: Deployment
    process: Process
    http_port: int
    sip_port: int
    log: Path

    @property
    def url(self) -> str:
        """The root of its HTTP."""
        return f"http://{LOOPBACK}:{self.http_port}"

    @property
    def sip_address(self) -> tuple[str, int]:
        """Where it listens for SIP."""
        return (self.deployment.host, self.sip_port)

    @classmethod
    @contextmanager
    def running(
        cls,
        deployment: Deployment,
        *,
        settings: Mapping[str, str] | None = None,
        program: Sequence[str] | None = None,
        http_port: int | None = None,
    ) -> Iterator["Server"]:
        """The server while the block runs: ready at its start; stopped at its end, where exit status 0 and a log without a traceback are checked.

        program: what Python runs instead of `ringbridge`. http_port: of a server before, for clients that come back.
        """
        http_port = http_port or free_port(socket.SOCK_STREAM)
        sip_port = free_sip_port(host=deployment.host)
        log = deployment.data_dir / "serve.log"
        audio = media_ports()
        environment = _environment(deployment.data_dir) | {
            "RINGBRIDGE_HTTP_PORT": str(http_port),
            "RINGBRIDGE_SIP_HOST": deployment.host,
            "RINGBRIDGE_SIP_PORT": str(sip_port),
            # SIPp takes an OPTIONS for a call that its scenario does not foresee.
            "RINGBRIDGE_TRUNK_PING_SECONDS": "0",
            "RINGBRIDGE_MEDIA_PORTS": f"{audio[0]}-{audio[-1]}",
            **(settings or {}),
        }
        process: Process
        if program is None:
            process = ServerProcess(["serve"], environment=environment, folder=deployment.data_dir, log=log)
        else:
            with log.open("wb") as sink:
                process = subprocess.Popen(
                    [sys.executable, *program, "serve"],
                    env=environment,
                    cwd=deployment.data_dir,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    process_group=0,
                )
        server = cls(deployment=deployment, process=process, http_port=http_port, sip_port=sip_port, log=log)
        try:
            server._wait_until_ready()
            yield server
            status = server.stop()
            assert status == 0, f"serve ended with status {status}:\n{server.last_words()}"
            assert "Traceback" not in log.read_text(), f"a traceback in the log:\n{server.last_words()}"
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def recorded_calls(self) -> list[str]:
        """The ids of every call that has a record, read from the database itself."""
        with closing(
            sqlite3.connect(f"file:{self.deployment.data_dir}/ringbridge.db?mode=ro", uri=True)
        ) as database:
            return [call_id for (call_id,) in database.execute("SELECT call_id FROM records")]

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-60:])

    def _wait_until_ready(self) -> None:
        gives_up_at = time.monotonic() + START_SECONDS
        never = threading.Event()
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                pass
            if self.process.poll() is not None or time.monotonic() > gives_up_at:
                raise RuntimeError(f"serve is not ready:\n{self.last_words()}")
            never.wait(0.02)


def _environment(data_dir: Path) -> dict[str, str]:
    """Our own environment without any RINGBRIDGE_ setting of the developer's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RINGBRIDGE_")}
    return kept | {"RINGBRIDGE_DATA_DIR": str(data_dir), "PYTHONPATH": str(REPOSITORY / "src")}


def _first_match(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"nothing like {pattern} in what was printed:\n{text}")
    return match[1]
