"""How long the dashboard's numbers take to count and to read, with many calls in the history.

    .venv/bin/python -m bench.statistics sqlite:////tmp/many/ringbridge.db --calls 1000000
    .venv/bin/python -m bench.statistics postgresql://user@/name?host=/socket

The database must be empty, and belongs to the measurement.
"""

import argparse
import asyncio
import statistics
import time
from datetime import UTC

from sqlalchemy import text
from tests.browser.statistics_furniture import store_office_calls

from ringbridge.call.directory import Account
from ringbridge.call.key import ApiKey
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock
from ringbridge.service.statistics import Period, StatisticsService
from ringbridge.store.administration import Administration
from ringbridge.store.database import migrate, open_database
from ringbridge.store.directory import SqlDirectory
from ringbridge.store.statistics import SqlStatistics

ACCOUNT_ID = "1009683"
READINGS = 200


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("url")
    arguments.add_argument("--calls", type=int, default=1_000_000)
    arguments.add_argument("--lines", type=int, default=200)
    arguments.add_argument("--days", type=int, default=90)
    arguments.add_argument("--batch", type=int, default=500)
    wanted = arguments.parse_args()

    engine = open_database(wanted.url)
    migrate(engine)
    Administration(engine).add_account("Many", account_id=ACCOUNT_ID)
    lines = [f"+1817562{index:04}" for index in range(wanted.lines)]
    now = time.time()
    store_office_calls(engine, ACCOUNT_ID, lines, calls=wanted.calls, days=wanted.days, now=now)
    print(f"{wanted.calls} records stored in {time.time() - now:.0f} s")

    counted, batches = SqlStatistics(engine), []
    began = time.perf_counter()
    while True:
        start = time.perf_counter()
        if not counted.count(time.time(), wanted.batch):
            break
        batches.append(time.perf_counter() - start)
    print(f"counted in {time.perf_counter() - began:.0f} s; a batch of {wanted.batch}: {_times(batches)}")
    with engine.begin() as connection:
        for table in ("statistics", "statistics_shares"):
            print(table, connection.scalar(text(f"SELECT count(*) FROM {table}")), "rows")
        if engine.dialect.name == "postgresql":
            connection.execute(text("ANALYZE"))
    rounds = [_timed(lambda: counted.count(time.time(), wanted.batch)) for _ in range(READINGS)]
    print(f"a round with nothing to count: {_times(rounds)}")
    print(f"looking for what came late: {_times([_timed(lambda: counted.recount(now - 86_400, now))])}")
    asyncio.run(_read(StatisticsService(counted, SqlDirectory(engine), Clock())))
    engine.dispose()


async def _read(service: StatisticsService) -> None:
    account = Account(id=ACCOUNT_ID, name="Many", country="US")
    key = ApiKey(id="k", account_id=ACCOUNT_ID, name="", secret_digest="", created_at=0.0, expires_at=1e12)
    for period in Period:
        times = []
        for _ in range(READINGS):
            start = time.perf_counter()
            report = await service.report(Caller(account=account, key=key), period, UTC)
            times.append(time.perf_counter() - start)
        print(f"{period.value}: {report.sums.calls} calls, {_times(times)}")


def _timed(work: object) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - start


def _times(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"{1000 * statistics.median(ordered):.1f} ms at the median, {1000 * p99:.1f} ms at p99"


if __name__ == "__main__":
    main()
