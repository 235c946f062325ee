"""What the kernel says about processes: CPU time and memory, from /proc (Linux)."""

import os
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user_ticks, system_ticks = fields[11:13]
    return (int(user_ticks) + int(system_ticks)) / _TICKS_PER_SECOND


def resident_kib(pid: int) -> int:
    """Memory of a process that is in RAM now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ProcessLookupError(f"no process {pid}")


def open_files(pid: int) -> int:
    """How many file descriptors a process has."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def threads(pid: int) -> int:
    """How many threads a process has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def family(pid: int) -> dict[str, int]:
    """The server process and everything it has started, by what they are: `server`, `media worker`, or a program's name."""
    named = {"server": pid}
    for child in _descendants(pid):
        words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        is_media = any("rtpio_worker" in word for word in words)
        named["media worker" if is_media else Path(words[0]).name] = child
    return named


def _descendants(pid: int) -> list[int]:
    children = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += [int(word) for word in (task / "children").read_text().split()]
    return [found for child in children for found in (child, *_descendants(child))]
