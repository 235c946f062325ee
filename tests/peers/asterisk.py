"""Asterisk in a process of its own, from the chroot that `scripts/install-asterisk` makes."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from tests.peers.tool import WAIT_SECONDS, go_without

ROOT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ringbridge-peers" / "sid"

_FOLDERS = ("astetcdir", "astrundir", "astlogdir", "astspooldir", "astdbdir", "astvarlibdir", "astkeydir")
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/root"}

_FILES = {
    "modules.conf": "[modules]\nautoload=yes\n",
    "logger.conf": "[general]\n[logfiles]\nmessages => notice,warning,error\n",
    "rtp.conf": "[general]\nrtpstart=40000\nrtpend=49999\n",
}
"""What the tests leave as it is installed, but for what it writes and which ports it takes."""


def require_chroot() -> Path:
    """The chroot; skips (or fails, where CI=true) with the line that makes it."""
    if os.geteuid() != 0 or not (ROOT / "complete").exists():
        go_without("Asterisk is missing, or this is not root: scripts/install-asterisk")
    return ROOT


@dataclass(frozen=True, slots=True)
class Asterisk:
    """A running Asterisk."""

    folder: Path
    """As seen from here; its log is `messages`."""

    @classmethod
    @contextmanager
    def running(cls, files: Mapping[str, str]) -> Iterator["Asterisk"]:
        """Asterisk with these configuration files, fully booted when the block begins; stopped at its end."""
        root = require_chroot()
        folder = Path(mkdtemp(prefix="asterisk-", dir=root / "tmp"))
        asterisk = cls(folder)
        # Debian names the folder after the machine's architecture.
        (modules,) = root.glob("usr/lib/*/asterisk/modules")
        places = "".join(f"{name} => {asterisk._inside}\n" for name in _FOLDERS)
        directories = f"[directories]\n{places}astmoddir => /{modules.relative_to(root)}\nastdatadir => /usr/share/asterisk\n"
        for name, text in {**_FILES, "asterisk.conf": directories, **files}.items():
            (folder / name).write_text(text)
        with (folder / "asterisk.log").open("wb") as log:
            process = subprocess.Popen(
                asterisk._words("-f"), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_ENVIRONMENT
            )
        try:
            asterisk._wait_until_up(process)
            yield asterisk
        finally:
            process.terminate()
            process.wait(WAIT_SECONDS)
            shutil.rmtree(folder)

    def command(self, text: str) -> str:
        """What its console prints for a command."""
        done = subprocess.run(self._words("-rx", text), env=_ENVIRONMENT, capture_output=True, text=True)
        return done.stdout + done.stderr

    @property
    def _inside(self) -> str:
        """The folder as Asterisk sees it."""
        return f"/{self.folder.relative_to(ROOT)}"

    def _words(self, *words: str) -> list[str]:
        return ["chroot", str(ROOT), "/usr/sbin/asterisk", "-C", f"{self._inside}/asterisk.conf", *words]

    def _wait_until_up(self, process: subprocess.Popen[bytes]) -> None:
        gives_up_at = time.monotonic() + WAIT_SECONDS
        never = threading.Event()
        while not (self.folder / "asterisk.ctl").exists():
            if process.poll() is not None or time.monotonic() > gives_up_at:
                raise RuntimeError(f"asterisk is not up:\n{(self.folder / 'asterisk.log').read_text()}")
            never.wait(0.02)
        self.command("core waitfullybooted")
