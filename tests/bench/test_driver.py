"""The benchmark as a person runs it, with few calls: it must end, print its tables and keep its figures."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.peers.server import REPOSITORY
from tests.peers.tool import require_tool

pytestmark = pytest.mark.peer


@pytest.mark.parametrize("step", ["cost", "cost-tcp", "cost-tls"])
def test_a_small_run_prints_its_table_and_keeps_every_figure(step: str) -> None:
    require_tool("sipp", "sip-tester")
    words = ["--step", step, "--calls", "20", "--rate", "20", "--runs", "1"]
    done = subprocess.run(
        [REPOSITORY / "scripts" / "bench", *words], capture_output=True, text=True, check=False, timeout=900
    )

    # Status 1 says that a goal was missed, such as that all calls are complete: of the machine that tests run on little
    # is asked.
    assert done.returncode in (0, 1), done.stderr
    complete = re.search(r"calls complete +(\d+) % +at least 100", done.stdout)
    assert complete is not None, done.stdout + done.stderr
    assert int(complete[1]) >= 50, done.stdout + done.stderr
    kept = re.search(r"kept in (\S+)", done.stdout)
    assert kept is not None
    lines = [json.loads(line) for line in Path(kept[1]).read_text().splitlines()]
    assert [line["name"] for line in lines if line["kind"] == "figure"] == [
        "server",
        "media worker",
        "together",
        "calls complete",
    ]


def test_another_system_is_measured_over_udp() -> None:
    words = ["--url", "http://127.0.0.1:9/", "--step", "cost-tls"]
    done = subprocess.run(
        [REPOSITORY / "scripts" / "bench", *words], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "measure servers of this repository only" in done.stderr


def test_a_wrong_word_is_explained() -> None:
    done = subprocess.run(
        [REPOSITORY / "scripts" / "bench", "--calls", "0"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "'0' is not a whole number from 1 to 5000" in done.stderr
