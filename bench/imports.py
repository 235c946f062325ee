"""A customer at work beside long files that an administrator imports: how long an answer takes, and whether one is a refusal."""

import asyncio
import os
import statistics
import sys
import time
from asyncio.subprocess import DEVNULL
from pathlib import Path

from tests.peers.server import REPOSITORY

from bench.customer import Customer, busy_user
from bench.report import Figure, Table
from bench.trial import Target

ROWS = 100_000
CALLS_PER_SECOND = 20.0
ALONE_SECONDS = 15.0

# Not the customer's, so that his own lines and list stay what they are.
_ACCOUNT = "7654321"


async def measure_imports(target: Target, runs: int) -> Table:
    """The figures of `runs` runs, each with files of numbers that the server has not yet."""
    assert target.data_dir is not None, "the commands work on the server's own folder"
    figures: dict[tuple[str, str, str], list[float]] = {}
    await _command(target.data_dir, ("account", "add", "--name", "Other", "--id", _ACCOUNT))
    async with busy_user(target):
        for run in range(runs):
            for kind, words in _files(target.data_dir, run).items():
                customer = Customer(target, CALLS_PER_SECOND)
                began_at = time.monotonic()
                if words:
                    took = await customer.work_beside(asyncio.create_task(_command(target.data_dir, words)))
                else:
                    took = await customer.work(ALONE_SECONDS)
                seconds = time.monotonic() - began_at
                for name, unit, value in (
                    ("answers, p99", "ms", statistics.quantiles(took, n=100)[98]),
                    ("answers, the slowest", "ms", max(took)),
                    ("refusals", "calls", customer.refused.total()),
                    ("all", "s", seconds),
                ):
                    figures.setdefault((kind, name, unit), []).append(value)
    return Table(
        f"Answers to {CALLS_PER_SECOND:g} calls/s beside files of {ROWS} rows",
        [
            Figure(f"{kind}: {name}", unit, values, goal=0.0 if name == "refusals" else None)
            for (kind, name, unit), values in figures.items()
        ],
    )


def _files(folder: Path, run: int) -> dict[str, tuple[str, ...]]:
    """The words of each command, whose files are written."""
    numbers = [f"+1{212 + run}{5_000_000 + index}" for index in range(ROWS)]
    barred, lines = folder / "barred.csv", folder / "more-lines.csv"
    barred.write_text("number\n" + "\n".join(numbers) + "\n")
    rows = (f"{number},sip:{number[1:]}@192.0.2.7" for number in numbers)
    lines.write_text("number,uri\n" + "\n".join(rows) + "\n")
    return {
        "alone": (),
        "do-not-call import": ("do-not-call", "import", str(barred), "--account", _ACCOUNT),
        "line import": ("line", "import", str(lines), "--account", _ACCOUNT),
    }


async def _command(data_dir: Path, words: tuple[str, ...]) -> None:
    environment = os.environ | {"RINGBRIDGE_DATA_DIR": str(data_dir), "PYTHONPATH": str(REPOSITORY / "src")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ringbridge", *words, env=environment, cwd=data_dir, stdout=DEVNULL
    )
    assert await process.wait() == 0, words
