"""What is counted of calls, on both databases: as a count of all records would have it, however they came."""

import random
from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import Engine, delete, insert, select, text

from ringbridge.call.simulation import SIMULATED
from ringbridge.call.statistics import EndedCall, Kind, Share, Sums, shares_of, sums_of, times_of
from ringbridge.call.statistics_ports import Statistics
from ringbridge.call.tally import DAY, FIVE_MINUTES, HOUR, Tally, slice_start
from ringbridge.store import statistics as module
from ringbridge.store.administration import Administration
from ringbridge.store.database import reading, writing
from ringbridge.store.records import SqlRecords
from ringbridge.store.statistics import SqlStatistics
from ringbridge.store.statistics_tables import statistics_shares
from ringbridge.store.tables import records
from tests.store.samples import a_record

ACCOUNT, OTHER = "1009683", "2009683"
MIDNIGHT = 1_700_006_400
IS_LIVE = records.c.user_trunk.is_distinct_from(SIMULATED)
LINES = ["+18175629656", "+18175629657", "+18175629658"]
# By then everything is over; what is two days older has no slices of five minutes any more.
LATER = MIDNIGHT + 4.0 * DAY


@pytest.fixture
def counted(engine: Engine, administration: Administration) -> SqlStatistics:
    """What is counted of two accounts: nothing yet."""
    for account_id in (ACCOUNT, OTHER):
        administration.add_account("Acme", account_id=account_id)
    return SqlStatistics(engine)


def random_record(rng: random.Random, number: int, *, start: float, seconds: float) -> dict[str, Any]:
    """A record of a call that came some way, and ended within so many seconds from `start`."""
    ended_at = start + rng.random() * seconds
    if rng.random() < 0.2:
        # On the edge of a slice, and at one time with others.
        ended_at = float(slice_start(ended_at, FIVE_MINUTES))
    record = a_record(f"call-{number:06}", rng.choice([ACCOUNT, ACCOUNT, OTHER]), ended_at)
    record["user_number"] = rng.choice(LINES)
    record["user_trunk"] = rng.choice([None, "main", None, "main", SIMULATED])
    record["talk_seconds"] = rng.choice([5.0, 30.0, 90.0])
    match rng.randrange(5):
        case 0:
            record |= {"outcome": "blocked"}
        case 1:
            record |= {"user_answered_at": None, "destination_answered_at": None, "talk_seconds": 0.0}
            record |= {"destination_dialed_at": None, "destination_ringing_at": None}
            record |= {"user_cause": rng.choice(["no_answer", "network_failure"])}
        case 2:
            record |= {"destination_answered_at": None, "talk_seconds": 0.0, "outcome": "destination_busy"}
            record |= {"destination_cause": rng.choice(["busy", "congestion"])}
    return record


def store_records(engine: Engine, rows: Iterable[dict[str, Any]]) -> None:
    with writing(engine) as connection:
        connection.execute(insert(records), list(rows))


def count_all(counted: SqlStatistics, *, limit: int = 50, until: float = LATER) -> int:
    """Count until nothing is left; how many."""
    total = 0
    while count := counted.count(until, limit):
        total += count
    return total


def read(
    counted: SqlStatistics, start: int, end: int, *, account_id: str = ACCOUNT, seconds: int = HOUR
) -> Statistics:
    return counted.read(account_id, seconds, start, end, most_lines=100, behind_since=LATER)


def require_right(
    engine: Engine, counted: SqlStatistics, start: int, end: int, account_id: str = ACCOUNT
) -> None:
    """What is counted between two times is what all records of then come to, one by one; but for those of test calls."""
    statement = select(*(records.c[name] for name in EndedCall._fields)).where(
        records.c.account_id == account_id,
        records.c.ended_at >= start,
        records.c.ended_at < end,
        IS_LIVE,
    )
    with reading(engine) as connection:
        calls = [EndedCall._make(row) for row in connection.execute(statement)]
    found = read(counted, start, end, account_id=account_id)
    sums, times, slices = Sums(), {}, {}  # type: ignore[var-annotated]
    shares: dict[tuple[Kind, str], Share] = {}
    for call in calls:
        sums = sums.plus(sums_of(call))
        begin = slice_start(call.ended_at, HOUR)
        slices[begin] = slices.get(begin, Sums()).plus(sums_of(call))
        for key in times_of(call):
            times[key] = times.get(key, 0) + 1
        for kind, name, share in shares_of(call):
            shares[kind, name] = shares.get((kind, name), Share()).plus(share)
    # Seconds are whole ones here, and their sums exact.
    assert found.totals.sums == sums
    assert dict(found.totals.times) == times
    assert found.slices == tuple(sorted(slices.items()))
    for kind, named in ((Kind.LINE, found.lines), (Kind.TRUNK, found.trunks)):
        assert {each.name: each.share for each in named} == {
            name: share for (of, name), share in shares.items() if of is kind
        }
        assert [each.share.calls for each in named] == sorted(
            (each.share.calls for each in named), reverse=True
        )


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_all_calls_are_counted_once(engine: Engine, counted: SqlStatistics, limit: int) -> None:
    rng = random.Random(limit)
    rows = [random_record(rng, number, start=MIDNIGHT, seconds=3 * DAY) for number in range(120)]
    store_records(engine, rows)
    assert count_all(counted, limit=limit) == 120
    assert count_all(counted) == 0
    for account_id in (ACCOUNT, OTHER):
        require_right(engine, counted, MIDNIGHT, MIDNIGHT + 3 * DAY, account_id)
    # Edges of all lengths.
    require_right(engine, counted, MIDNIGHT + 2 * HOUR, MIDNIGHT + 2 * DAY + 5 * HOUR)
    require_right(engine, counted, MIDNIGHT + 2 * HOUR, MIDNIGHT + 2 * HOUR)
    found = read(counted, MIDNIGHT + 2 * DAY, MIDNIGHT + 3 * DAY, seconds=FIVE_MINUTES)
    assert sum(sums.calls for _, sums in found.slices) == found.totals.sums.calls > 0


def test_a_batch_may_lie_far_apart(engine: Engine, counted: SqlStatistics) -> None:
    """Each call in slices of its own: statements must not grow past what a database takes."""
    rows = [a_record(f"call-{number:04}", ACCOUNT, MIDNIGHT + number * 3300.0) for number in range(1000)]
    store_records(engine, rows)
    assert count_all(counted, limit=1000, until=MIDNIGHT + 39.0 * DAY) == 1000
    require_right(engine, counted, MIDNIGHT, MIDNIGHT + 39 * DAY)


def test_another_account_has_nothing_of_it(engine: Engine, counted: SqlStatistics) -> None:
    store_records(engine, [a_record("call-1", OTHER, MIDNIGHT + 10.0)])
    count_all(counted)
    found = read(counted, MIDNIGHT, MIDNIGHT + DAY)
    assert (found.slices, found.lines, found.trunks, found.counted_to) == ((), (), (), None)
    assert not found.is_behind


def test_calls_are_counted_as_they_come(engine: Engine, counted: SqlStatistics) -> None:
    rng = random.Random(3)
    for part in range(5):
        rows = [
            random_record(rng, 100 * part + number, start=MIDNIGHT + part * HOUR, seconds=HOUR)
            for number in range(40)
        ]
        store_records(engine, rows)
        # The last are left for the next round.
        count_all(counted, until=MIDNIGHT + (part + 1) * HOUR - 600, limit=9)
    assert read(counted, MIDNIGHT, MIDNIGHT + DAY).is_behind
    count_all(counted)
    assert not read(counted, MIDNIGHT, MIDNIGHT + DAY).is_behind
    require_right(engine, counted, MIDNIGHT, MIDNIGHT + DAY)


def test_a_kill_in_the_middle_loses_nothing_and_counts_nothing_twice(
    engine: Engine, counted: SqlStatistics, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(4)
    store_records(engine, (random_record(rng, number, start=MIDNIGHT, seconds=DAY) for number in range(100)))
    counted.count(LATER, 20)

    class Killed(Exception):
        pass

    def killed(*arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        # The progress is written already, the sums are not.
        patch.setattr(module, "add", killed)
        with pytest.raises(Killed):
            counted.count(LATER, 20)
    count_all(SqlStatistics(engine))
    require_right(engine, counted, MIDNIGHT, MIDNIGHT + DAY)


def test_what_came_too_late_is_counted_with_its_hour(engine: Engine, counted: SqlStatistics) -> None:
    rng = random.Random(5)
    rows = [random_record(rng, number, start=MIDNIGHT, seconds=20 * HOUR) for number in range(200)]
    late, in_time = rows[:10], rows[10:]
    store_records(engine, in_time)
    store_records(engine, [a_record("call-last", ACCOUNT, MIDNIGHT + 21.0 * HOUR)])
    count_all(counted)
    assert counted.recount(MIDNIGHT, MIDNIGHT + DAY) == 0
    store_records(engine, late)
    assert count_all(counted) < 10, "the others are behind what is counted"
    assert 1 <= counted.recount(MIDNIGHT, MIDNIGHT + DAY) <= 10
    assert counted.recount(MIDNIGHT, MIDNIGHT + DAY) == 0
    assert counted.recount(MIDNIGHT, MIDNIGHT) == 0
    for account_id in (ACCOUNT, OTHER):
        require_right(engine, counted, MIDNIGHT, MIDNIGHT + 20 * HOUR, account_id)
    require_right(engine, counted, MIDNIGHT, MIDNIGHT + DAY)


def test_what_is_swept_stays_counted(engine: Engine, counted: SqlStatistics) -> None:
    store_records(engine, (a_record(f"call-{number}", ACCOUNT, MIDNIGHT + number) for number in range(9)))
    store_records(engine, [a_record("call-last", ACCOUNT, MIDNIGHT + 2.0 * HOUR)])
    count_all(counted)
    with writing(engine) as connection:
        connection.execute(delete(records).where(records.c.ended_at < MIDNIGHT + 5))
    assert counted.recount(MIDNIGHT, MIDNIGHT + DAY) == 0
    assert read(counted, MIDNIGHT, MIDNIGHT + DAY).totals.sums.calls == 10


def test_a_number_that_is_erased_is_in_no_share(
    engine: Engine, counted: SqlStatistics, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_records(engine, [a_record("call-1", ACCOUNT, MIDNIGHT + 1.0)])
    count_all(counted)
    store_records(engine, [a_record("call-2", ACCOUNT, MIDNIGHT + 2.0)])

    def erase_meanwhile(calls: Iterable[EndedCall], now_utc: float) -> Tally:
        SqlRecords(engine).erase(ACCOUNT, LINES[0])
        return Tally(calls, now_utc)

    with monkeypatch.context() as patch:
        # After the record was read, and before what it adds is written.
        patch.setattr(module, "Tally", erase_meanwhile)
        assert counted.count(LATER, 10) == 0
    count_all(counted)
    found = read(counted, MIDNIGHT, MIDNIGHT + DAY)
    assert found.totals.sums.calls == 2
    assert [named.name for named in found.lines] == ["erased"]
    with reading(engine) as connection:
        assert LINES[0] not in set(connection.scalars(select(statistics_shares.c.name)))


def test_old_slices_are_forgotten_and_days_stay(engine: Engine, counted: SqlStatistics) -> None:
    rng = random.Random(6)
    store_records(
        engine, (random_record(rng, number, start=MIDNIGHT, seconds=50 * DAY) for number in range(300))
    )
    count_all(counted, until=MIDNIGHT + 30.0 * DAY)
    count_all(counted, until=MIDNIGHT + 51.0 * DAY)
    counted.prune(MIDNIGHT + 50.0 * DAY)
    require_right(engine, counted, MIDNIGHT + 11 * DAY, MIDNIGHT + 50 * DAY)
    whole = read(counted, MIDNIGHT, MIDNIGHT + 50 * DAY)
    with reading(engine) as connection:
        finest = connection.scalar(text("SELECT min(start) FROM statistics WHERE seconds = 300"))
    assert finest is not None
    assert finest >= MIDNIGHT + 48 * DAY
    with reading(engine) as connection:
        calls = connection.execute(
            select(records.c.outcome).where(
                records.c.account_id == ACCOUNT, records.c.outcome != "blocked", IS_LIVE
            )
        ).all()
    assert whole.totals.sums.calls == len(calls)

    SqlRecords(engine).set_retention(ACCOUNT, 20)
    counted.prune(MIDNIGHT + 50.0 * DAY)
    shown = read(counted, MIDNIGHT, MIDNIGHT + 50 * DAY)
    assert shown.totals.sums == whole.totals.sums
    assert sum(line.share.calls for line in shown.lines) < sum(line.share.calls for line in whole.lines)
    require_right(engine, counted, MIDNIGHT + 31 * DAY, MIDNIGHT + 50 * DAY)
