"""Measures how long the portal's pages take with a million calls in the history: `.venv/bin/python -m bench.portal_pages`.

For SQLite and for PostgreSQL, a real server with all that the screenshots show, and the calls of bench/portal_history.py
behind that. Every page of tests/browser/pages.py, and some searches besides, is asked for by an owner who is signed in, one
request after the other; the goal is 50 ms at the median of each. The exit status is 1 if one misses it.
"""

import argparse
import http.client
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from sqlalchemy import Engine, delete, insert, select
from tests.browser.integration_furniture import KEY_ID
from tests.browser.pages import PAGES, furnish
from tests.peers.server import Deployment, Server, user_number
from tests.peers.tool import LOOPBACK
from tests.store.postgres import running_postgres

import ringbridge.bootstrap  # noqa: F401 - every table is known from here on
from bench.portal_history import DAY_SECONDS, fill
from bench.process import cpu_seconds
from ringbridge.call.user import Role, Session, User
from ringbridge.service.sign_in import token_digest
from ringbridge.store.database import migrate, open_database, reading, writing
from ringbridge.store.statistics import SqlStatistics
from ringbridge.store.statistics_tables import statistics as statistics_slices
from ringbridge.store.statistics_tables import statistics_progress, statistics_shares
from ringbridge.store.tables import metadata
from ringbridge.store.user_sessions import SqlSessions
from ringbridge.store.users import SqlUsers

GOAL_MS = 50.0
LINES = 50
DAYS = 90.0
TOKEN = "a session of the benchmark"

_OLD = time.time() - 60.0 * DAY_SECONDS
SEARCHES = {
    "history, deep in it": f"/history?after={_OLD}~x",
    "history, a whole number": "/history?number=%2B15125300100",
    "history, a part of a number": "/history?number=5300100",
    "history, a line": f"/history?line=%2B{user_number(3)}",
    "history, a line and a part": f"/history?line=%2B{user_number(3)}&number=5300103",
    "history, one outcome": "/history?outcome=destination_busy",
    "history, a rare outcome": "/history?outcome=failed",
    "history, an outcome that is not there": "/history?outcome=expired",
    "history, a key": f"/history?key={KEY_ID}",
    "history, days": f"/history?from={time.strftime('%Y-%m-%d', time.gmtime(_OLD))}",
    "history, one of the million": "/history/01a00000-10000100",
}


def main() -> int:
    """Run it; 0 if the goal was met everywhere."""
    parser = argparse.ArgumentParser(prog="bench.portal_pages", description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000, help="in the history (default: a million)")
    parser.add_argument("--requests", type=int, default=50, help="of each page (default: 50)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="only this one")
    parser.add_argument("--page", default="", help="only pages whose name begins so")
    options = parser.parse_args()
    pages = {name: path for name, path in (PAGES | SEARCHES).items() if name.startswith(options.page)}
    kinds = [options.database] if options.database else ["sqlite", "postgresql"]
    missed = 0
    with tempfile.TemporaryDirectory(prefix="ringbridge-bench-") as name:
        for kind in kinds:
            with serving(kind, Path(name) / kind, options.calls) as server:
                missed += _print(
                    kind, {page: _measured(server, path, options.requests) for page, path in pages.items()}
                )
    return 1 if missed else 0


class Taken(NamedTuple):
    """What a page took in ms: each answer, the quickest first, and the server's processor time for one."""

    milliseconds: list[float]
    cpu: float


@contextmanager
def serving(kind: str, folder: Path, calls: int) -> Iterator[Server]:
    """A server over a database of this kind with so many calls."""
    deployment = Deployment.provision(folder, lines=LINES)
    furnish(deployment)
    file = f"sqlite:///{folder}/ringbridge.db"
    with running_postgres() as socket_folder:
        url = file if kind == "sqlite" else f"postgresql://ringbridge@/postgres?host={socket_folder}"
        engine = open_database(url)
        migrate(engine)
        if url != file:
            _copy(file, engine)
        sign_in(engine, deployment.account_id)
        began = time.monotonic()
        lines = [f"+{user_number(index)}" for index in range(LINES)]
        keys = [KEY_ID, "user_bench", "1H3kZr81Qb"]
        fill(engine, deployment.account_id, lines, keys, calls=calls, days=DAYS, now=time.time() - 60.0)
        filled = time.monotonic()
        with writing(engine) as connection:
            # Those that were furnished are counted up to now already; all are to be.
            for table in (statistics_progress, statistics_shares, statistics_slices):
                connection.execute(delete(table))
        counted = SqlStatistics(engine)
        while counted.count(time.time(), 20_000):
            pass
        print(
            f"{kind}: filled in {filled - began:.0f} s, counted in {time.monotonic() - filled:.0f} s",
            flush=True,
        )
        engine.dispose()
        with Server.running(deployment, settings={"RINGBRIDGE_DATABASE_URL": url}) as server:
            yield server


def _copy(file: str, engine: Engine) -> None:
    """Everything of the furnished SQLite file, table by table."""
    source = open_database(file)
    with reading(source) as old, writing(engine) as new:
        for table in metadata.sorted_tables:
            new.execute(delete(table))
        for table in metadata.sorted_tables:
            rows = [dict(row) for row in old.execute(select(table)).mappings()]
            if rows:
                new.execute(insert(table), rows)
    source.dispose()


def sign_in(engine: Engine, account_id: str) -> None:
    """An owner of the account, who is signed in with TOKEN."""
    now = time.time()
    user = User(
        id="bench",
        account_id=account_id,
        login="bench",
        name="Ben Chmark",
        role=Role.OWNER,
        created_at=now,
        runs_server=True,
        password_hash="none",
    )
    SqlUsers(engine).add(user)
    session = Session(
        id="bench",
        token_digest=token_digest(quote(TOKEN)),
        user_id=user.id,
        created_at=now,
        # It is used only when all is filled, and pages that ask for the password again are to be seen.
        seen_at=now + 3600.0,
        fresh_at=now + 3600.0,
        awaits_code=False,
        address=LOOPBACK,
        agent="bench",
    )
    SqlSessions(engine).begin_session(session, in_place_of=None, signs_in=False)


def _measured(server: Server, path: str, requests: int) -> Taken:
    """How long the answers took; the first two, which fill caches, are not among them."""
    connection = http.client.HTTPConnection(LOOPBACK, server.http_port, timeout=60.0)
    milliseconds = []
    for number in range(requests + 2):
        if number == 2:
            cpu_before = cpu_seconds(server.process.pid)
        began = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": f"ringbridge={quote(TOKEN)}"})
        answer = connection.getresponse()
        answer.read()
        milliseconds.append((time.perf_counter() - began) * 1000.0)
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {answer.headers.get('location', '')}")
    connection.close()
    return Taken(sorted(milliseconds[2:]), (cpu_seconds(server.process.pid) - cpu_before) * 1000.0 / requests)


def _print(kind: str, found: Mapping[str, Taken]) -> int:
    """The table of one database; how many pages missed the goal."""
    widest = max(map(len, found))
    print(f"\n{kind + ', ms':{widest}}    median       p95     least       CPU")
    missed = 0
    for page, (milliseconds, cpu) in found.items():
        median, p95 = statistics.median(milliseconds), milliseconds[int(len(milliseconds) * 0.95)]
        missed += median > GOAL_MS
        mark = "!" if median > GOAL_MS else " "
        print(f"{page:{widest}}{median:10.1f}{mark}{p95:9.1f} {milliseconds[0]:9.1f} {cpu:9.1f}")
    print(f"goal: {GOAL_MS:.0f} ms at the median; {missed or 'none'} missed", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
