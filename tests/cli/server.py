"""A server in a process of its own, for the commands that work beside one or through one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

# Nothing here takes three seconds, unless the machine has much else to do.
END_SECONDS = 120.0


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """Ours without settings, and then those of a server on free ports of loopback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RINGBRIDGE_")}
    return kept | {
        "RINGBRIDGE_DATA_DIR": str(data_dir),
        "RINGBRIDGE_HTTP_PORT": "0",
        "RINGBRIDGE_SIP_PORT": "0",
        "RINGBRIDGE_MEDIA_PORTS": "36000-36999",
        **settings,
    }


class Server:
    """`ringbridge serve` on free ports, from entry to exit."""

    def __init__(self, data_dir: Path) -> None:
        self._environment = environment(data_dir)

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ringbridge", "serve", "--json"],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        listening = json.loads(self.process.stdout.readline())
        self.http_port: int = listening["http_port"]
        self.sip_port: int = listening["sip_port"]
        self.url = f"http://127.0.0.1:{self.http_port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.communicate(timeout=END_SECONDS)


def failed_start(data_dir: Path, **settings: str) -> tuple[int, str]:
    """Exit status and stderr of a server that cannot start."""
    done = subprocess.run(
        [sys.executable, "-m", "ringbridge", "serve"],
        env=environment(data_dir, **settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
        check=False,
    )
    return done.returncode, done.stderr
