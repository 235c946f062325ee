"""`ringbridge` in a process that begins with everything loaded.

To load the program takes more of a machine than most tests do. So Python's fork server loads it once for each run of
the tests, and every server is forked from there. tests/cli starts the command as a user does.
"""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from unittest import mock

from ringbridge.__main__ import main

_forks = multiprocessing.get_context("forkserver")
# By name: what is loaded there need not be loaded here.
_forks.set_forkserver_preload(
    ["ringbridge.bootstrap", "ringbridge.cli.app", "uvloop", "sqlite3", "pydantic.v1", __name__]
)

# Of <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1


class ServerProcess:
    """The process of a server, with the methods of `subprocess.Popen` that tests use. It leads a process group.

    words: those of the command line. environment: all of it. folder: where it works. log: what it prints, to be made.
    """

    def __init__(
        self, words: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path
    ) -> None:
        # The log is there before anybody reads it.
        log.write_bytes(b"")
        self._process = _forks.Process(
            target=_run, args=(list(words), dict(environment), str(folder), str(log)), daemon=True
        )
        # A forked process would run our own main module, to find `_run` in it if need be.
        with mock.patch.dict(sys.modules, __main__=ModuleType("__main__")):
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has ended. Raises TimeoutExpired after `timeout` seconds."""
        self._process.join(timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired("ringbridge", timeout or 0.0)
        return status

    def send_signal(self, kind: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, kind)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def _run(words: list[str], environment: dict[str, str], folder: str, log: str) -> None:
    """What a forked process does: it makes itself what a shell would have started."""
    # The fork server ends with the tests, also when those are killed; nothing of theirs may be left then.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setpgid(0, 0)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    nothing, sink = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND)
    for ours, theirs in ((nothing, 0), (sink, 1), (sink, 2)):
        os.dup2(ours, theirs)
    os.close(nothing)
    os.close(sink)
    sys.argv = ["ringbridge", *words]
    main()
