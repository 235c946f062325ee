"""Measures a click-to-call system with a pair of real SIP phones. Run it as scripts/bench; `scripts/bench --help` explains."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.peers.certificates import Authority
from tests.peers.server import Deployment, Server, destination_number, user_number
from tests.peers.tool import LOOPBACK

from bench.process import family
from bench.report import ResultFile, print_table
from bench.step import LONG_STEPS, OWN_STEPS, STEPS, Bench, Plan
from bench.trial import Target

# A line's phone takes one call at a time, and a trial must not come round to a line before its last call is over.
LINES = 10_000
MOST_CALLS = 5_000
MOST_RUNS = 9
MOST_RATE = 2_000.0

DESCRIPTION = """\
Measures how fast, how cheaply and how promptly calls are made.

Two SIPp phones take the calls: the user's and the destination's. Each rings, answers at once, and after one second the
destination hangs up. A call counts as complete when both phones have run it from INVITE to the end. Without --url, a
server is started on free loopback ports with a data folder of its own, which is removed afterwards.
"""

EPILOG = """\
steps:
  sustain   the highest rate of 50, 100, 150 ... calls/s (up to --rate) at which every call is complete
  cost      CPU time for a complete call, HTTP and storage included: server process and media worker
  cost-tcp  the same with phones that are called over TCP (not with --url)
  cost-tls  the same over TLS (not with --url)
  delay     what passes between the messages that people wait for, seen by tcpdump (needs root), and HTTP times
  memory    RAM for a call that is up, with 1,000 calls held open and no audio, on a fresh server for each run
only when they are named, and not with --url:
  guessing  what a customer's answers take beside somebody who guesses keys: five minutes a run
  imports   the same beside the import of files of 100,000 rows: two minutes a run

examples:
  scripts/bench                                     the first six, medians of three runs: about seven minutes
  scripts/bench --step cost --calls 200 --runs 1    a first figure in ten seconds
  scripts/bench --step sustain --rate 500           look for the limit
  scripts/bench --url http://127.0.0.1:18090/api/v1/call --pid gateway=4711 \\
      --user-line '7{index}' --destination-line '8{index}'
                                                    another system, which must call the phones at --user-port and
                                                    --destination-port; {index} becomes four digits, and both
                                                    Request-URIs must end in them

The exit status is 0 if every goal was met, 1 if one was missed. Each figure is also kept as a line of JSON in
bench/results/.
"""


def main() -> int:
    """Run the steps that were asked for; 0 if every goal was met."""
    options = _options()
    plan = Plan(calls=options.calls, rate=options.rate, runs=options.runs)
    results = ResultFile()
    met = True
    with tempfile.TemporaryDirectory(prefix="ringbridge-bench-") as name:
        folder = Path(name)
        systems = ElsewhereSystem(options) if options.url else OwnServer(folder)
        bench = Bench(systems.running, folder, results)
        for step in options.step or _usual_steps(is_elsewhere=options.url is not None):
            table = asyncio.run(bench.measure(step, plan))
            if table.figures:
                print_table(table)
                results.add_table(step, table)
            met = met and not any(figure.verdict == "missed" for figure in table.figures)
    print(f"\nkept in {results.path}")
    return 0 if met else 1


def _usual_steps(*, is_elsewhere: bool) -> list[str]:
    """Those that are measured when none is named."""
    passed_over = LONG_STEPS + (OWN_STEPS if is_elsewhere else ())
    return [step for step in STEPS if step not in passed_over]


class OwnServer:
    """Servers of this repository, each on a fresh copy of the same data, which is made once for each transport.

    settings: of all of them, besides the benchmark's own.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._settings = settings or {}
        self._copies = 0
        self._deployments: dict[str, Deployment] = {}
        self._authority = Authority(folder)

    @contextmanager
    def running(self, transport: str) -> Iterator[Target]:
        """A server, ready for calls, with lines and a trunk that are called over this transport."""
        self._copies += 1
        deployment = self._deployment(transport).copied_to(self._folder / f"data-{self._copies}")
        settings = {
            "RINGBRIDGE_MEDIA_PORTS": "20000-29999",
            "RINGBRIDGE_LOG_LEVEL": "warning",
            # SIPp takes an OPTIONS for a call that its scenario does not foresee.
            "RINGBRIDGE_TRUNK_PING_SECONDS": "0",
            "RINGBRIDGE_SIP_TLS_CA": str(self._authority.file),
            **self._settings,
        }
        tls = None
        if transport == "tls":
            tls = self._authority.server_context(self._authority.issue(LOOPBACK, as_="phones"))
        # As operators start it: one that is forked from another begins with that one's memory, and pays to part from it.
        with Server.running(deployment, settings=settings, program=("-m", "ringbridge")) as server:
            yield Target(
                url=f"{server.url}/api/v1/call",
                headers={"Authorization": deployment.authorization},
                user_line=user_number(0)[:-4] + "{index}",
                destination_line=destination_number(0)[:-4] + "{index}",
                user_port=deployment.user_port,
                destination_port=deployment.trunk_port,
                processes=family(server.process.pid),
                transport=transport,
                tls=tls,
                data_dir=deployment.data_dir,
            )

    def _deployment(self, transport: str) -> Deployment:
        deployment = self._deployments.get(transport)
        if deployment is None:
            folder = self._folder / f"provisioned-{transport}"
            deployment = Deployment.provision(folder, lines=LINES, transport=transport)
            deployment.set_limits("concurrent=10000", "per_user=1", "rate=10000", "duplicates_s=3")
            self._deployments[transport] = deployment
        return deployment


class ElsewhereSystem:
    """A system that somebody else has started and set up."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._target = Target(
            url=options.url,
            headers=dict(options.header),
            user_line=options.user_line,
            destination_line=options.destination_line,
            user_port=options.user_port,
            destination_port=options.destination_port,
            processes=dict(options.pid),
        )

    @contextmanager
    def running(self, transport: str) -> Iterator[Target]:
        """The system, as it is."""
        yield self._target


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--step", action="append", choices=STEPS, help="only this step; may be given again")
    parser.add_argument("--calls", type=_whole(MOST_CALLS), default=500, help="calls in one run (500)")
    parser.add_argument("--rate", type=_rate, help="calls/s (50; for sustain: the highest to try, 300)")
    parser.add_argument("--runs", type=_whole(MOST_RUNS), default=3, help="runs of each step (3)")
    other = parser.add_argument_group("measuring another system")
    other.add_argument("--url", help="where it takes POST {user_line, destination_line}")
    other.add_argument(
        "--header",
        type=_pair(":"),
        action="append",
        default=[],
        metavar="NAME:VALUE",
        help="sent with each request",
    )
    other.add_argument(
        "--pid",
        type=_process,
        action="append",
        default=[],
        metavar="NAME=PID",
        help="a process whose CPU counts",
    )
    other.add_argument(
        "--user-line", default="1817562{index}", help="the field, with {index} (1817562{index})"
    )
    other.add_argument("--destination-line", default="1512529{index}", help="the same (1512529{index})")
    other.add_argument("--user-port", type=_whole(65_535), default=16001, help="of the user's phone (16001)")
    other.add_argument("--destination-port", type=_whole(65_535), default=16002, help="of the other (16002)")
    options = parser.parse_args()
    if options.url and set(options.step or ()) & set(OWN_STEPS):
        parser.error(f"{' and '.join(OWN_STEPS)} measure servers of this repository only, not --url")
    return options


def _whole(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {most}")
        return int(text)

    return read


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= MOST_RATE:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and up to {MOST_RATE:g}")
    return rate


def _pair(separator: str) -> Callable[[str], tuple[str, str]]:
    def read(text: str) -> tuple[str, str]:
        name, found, value = text.partition(separator)
        if not found:
            raise argparse.ArgumentTypeError(f"{text!r} has no {separator!r}")
        return name.strip(), value.strip()

    return read


def _process(text: str) -> tuple[str, int]:
    name, pid = _pair("=")(text)
    if not pid.isdigit() or not Path(f"/proc/{pid}").exists():
        raise argparse.ArgumentTypeError(f"there is no process {pid!r}")
    return name, int(pid)


if __name__ == "__main__":
    sys.exit(main())
