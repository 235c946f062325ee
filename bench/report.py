"""Tables for people and lines of JSON for programs."""

import json
import platform
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "bench" / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity: its value in every run, and the goal if there is one.

    goal: at most that, or at least that where `more_is_better`.
    """

    name: str
    unit: str
    values: Sequence[float]
    goal: float | None = None
    more_is_better: bool = False

    @property
    def median(self) -> float:
        """The middle of the runs."""
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """`met` or `missed`; empty without a goal."""
        if self.goal is None:
            return ""
        met = self.median >= self.goal if self.more_is_better else self.median <= self.goal
        return "met" if met else "missed"


class Table(NamedTuple):
    """What a step shows; no figures if it could not be measured."""

    title: str
    figures: Sequence[Figure]


def print_table(table: Table) -> None:
    """Print one table: a line for every figure, the goal beside it."""
    rows = [("", "median", "goal", "", "runs")]
    for figure in table.figures:
        bound = "at least" if figure.more_is_better else "at most"
        goal = "" if figure.goal is None else f"{bound} {figure.goal:g}"
        runs = " ".join(_written(value) for value in figure.values)
        rows.append((figure.name, f"{_written(figure.median)} {figure.unit}", goal, figure.verdict, runs))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    print(f"\n{table.title}")
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


class ResultFile:
    """A new file of JSON lines in bench/results, one line for every figure and for every run's bare facts."""

    def __init__(self) -> None:
        RESULTS.mkdir(parents=True, exist_ok=True)
        now = datetime.fromtimestamp(time.time(), UTC)
        self.path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}.jsonl"
        self._write(
            {
                "kind": "machine",
                "at": now.isoformat(timespec="seconds"),
                "commit": _commit(),
                "python": platform.python_version(),
                "machine": f"{platform.system()} {platform.release()} {platform.machine()}",
            }
        )

    def add_run(self, step: str, facts: dict[str, object]) -> None:
        """Keep what one trial gave."""
        self._write({"kind": "run", "step": step, **facts})

    def add_table(self, step: str, table: Table) -> None:
        """Keep what a table shows."""
        for figure in table.figures:
            self._write(
                {
                    "kind": "figure",
                    "step": step,
                    "name": figure.name,
                    "unit": figure.unit,
                    "median": round(figure.median, 4),
                    "runs": [round(value, 4) for value in figure.values],
                    "goal": figure.goal,
                    "verdict": figure.verdict,
                }
            )

    def _write(self, line: dict[str, object]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def _written(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"
