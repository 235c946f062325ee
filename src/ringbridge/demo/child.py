"""A process that the demo starts, talks to in lines of JSON, and ends: always, however the demo itself ends."""

import asyncio
import ctypes
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ringbridge.demo.errors import DemoFailed

START_SECONDS = 15.0
END_SECONDS = 5.0

# prctl(2): the signal that this process gets when its parent dies without having ended it.
PR_SET_PDEATHSIG = 1


class Child:
    """A Python process of ours. Entering starts it, leaving ends it; what it logs goes to a file."""

    def __init__(self, name: str, words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._name = name
        self._words = words
        self._environment = environment
        self._log = log
        self._process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._words,
                env=self._environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                # Ctrl-C is for the demo, which then ends its children in order.
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is not None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.terminate()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def first_words(self) -> dict[str, Any]:
        """What it says once it is ready. Raises DemoFailed."""
        try:
            async with asyncio.timeout(START_SECONDS):
                return await self.read()
        except TimeoutError as error:
            raise DemoFailed(f"the {self._name} did not start within {START_SECONDS:g} s") from error

    async def read(self) -> dict[str, Any]:
        """The next thing it says. Raises DemoFailed when it ends instead."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            status = await self._process.wait()
            raise DemoFailed(f"the {self._name} ended with status {status}{self._last_words()}")
        told = json.loads(line)
        assert isinstance(told, dict)
        return told

    def write(self, order: dict[str, Any]) -> None:
        """Tell it something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")

    def _last_words(self) -> str:
        lines = self._log.read_text("utf-8", "replace").strip().splitlines()
        # The commands of ours begin their sentence with the program's name, and so does the demo.
        return f": {lines[-1].removeprefix('ringbridge: ')}" if lines else ""


def _die_with_parent() -> None:
    """Runs in the child before its program does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def environment_for(data_dir: Path) -> dict[str, str]:
    """This process's environment with settings of the demo's own and no others: free ports of loopback, quiet logs."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("RINGBRIDGE_")}
    return kept | {
        # Even a server that is killed leaves nothing behind: the demo removes its folder.
        "TMPDIR": str(data_dir),
        "RINGBRIDGE_DATA_DIR": str(data_dir),
        "RINGBRIDGE_DATABASE_URL": f"sqlite:///{data_dir}/ringbridge.db",
        "RINGBRIDGE_HTTP_HOST": "127.0.0.1",
        "RINGBRIDGE_HTTP_PORT": "0",
        "RINGBRIDGE_SIP_HOST": "127.0.0.1",
        "RINGBRIDGE_SIP_PORT": "0",
        "RINGBRIDGE_MEDIA_HOST": "127.0.0.1",
        "RINGBRIDGE_LOG_LEVEL": "warning",
        "RINGBRIDGE_LOG_FORMAT": "console",
        "RINGBRIDGE_DRAIN_SECONDS": "0",
    }
