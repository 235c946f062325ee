"""Kamailio in processes of its own."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.tool import WAIT_SECONDS, go_without, port_is_taken, require_tool

# How long it may take to end; then it is killed, whatever it waits for.
_END_SECONDS = 5.0


@contextmanager
def kamailio_running(config: str, port: int, folder: Path) -> Iterator[None]:
    """Kamailio with this configuration, listening at the UDP `port` when the block begins; `folder` must be its own."""
    program = require_tool("kamailio", "kamailio")
    if '"tls.so"' in config and not list(Path("/usr/lib").glob("*/kamailio/modules/tls.so")):
        go_without("Kamailio's TLS is missing: apt-get install kamailio-tls-modules")
    folder.mkdir()
    (folder / "kamailio.cfg").write_text(config)
    log = folder / "kamailio.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [program, "-f", "kamailio.cfg", "-DD", "-E", "-n", "2", "-m", "32", "-w", folder, "-Y", folder],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    try:
        gives_up_at = time.monotonic() + WAIT_SECONDS
        never = threading.Event()
        while not port_is_taken(port):
            if process.poll() is not None or time.monotonic() > gives_up_at:
                raise RuntimeError(f"kamailio is not up:\n{log.read_text()}")
            never.wait(0.02)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            # Its processes wait for one another now and then as they end; it gives them a minute.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
