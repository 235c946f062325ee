"""The history that pages are measured with: as many calls as were asked for, each with all that belongs to it."""

from pathlib import Path

from bench.portal_history import DAY_SECONDS, fill
from sqlalchemy import func, select

from ringbridge.call.record import RecordFilter
from ringbridge.store.administration import Administration
from ringbridge.store.call_reading import read_call
from ringbridge.store.database import migrate, open_database, reading
from ringbridge.store.records import SqlRecords
from ringbridge.store.tables import call_events, calls, charges, records

ACCOUNT = "1009683"
LINES = ["+18175620000", "+18175620001", "+18175620002"]
NOW = 1_800_000_000.0


def test_every_call_has_all_that_belongs_to_it(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/ringbridge.db")
    migrate(engine)
    Administration(engine).add_account("Acme", account_id=ACCOUNT)
    fill(engine, ACCOUNT, LINES, ["key-1", "key-2"], calls=3000, days=30.0, now=NOW)
    with reading(engine) as connection:
        counts = [
            connection.scalar(select(func.count()).select_from(table))
            for table in (records, calls, charges, call_events)
        ]
    assert counts == [3000, 3000, 3000, 6000]
    kept = SqlRecords(engine)
    found = kept.page(ACCOUNT, RecordFilter(), None, 3000)
    assert {record.user_number for record in found} == set(LINES)
    assert NOW - 30.0 * DAY_SECONDS <= found[-1].ended_at <= found[0].ended_at <= NOW
    outcomes = [record.outcome for record in found]
    assert [outcomes.count(name) for name in ("failed", "user_no_answer", "completed")] == [3, 300, 2097]
    call = read_call(engine, ACCOUNT, found[0].call_id)
    assert call is not None
    assert [event.name for event in call.events] == ["accepted", "ended"]
    assert call.outcome == found[0].outcome
    engine.dispose()
