"""Searching records: each condition, by itself and together, page after page, and stopping in time."""

from itertools import product

import pytest
from sqlalchemy import Engine, insert

from ringbridge.call.record import FoundRecords, RecordFilter, RecordPlace
from ringbridge.store.database import migrate, open_database, reading, writing
from ringbridge.store.records import SqlRecords
from ringbridge.store.tables import records
from tests.store.samples import UTC_OFFSET, a_record

ACCOUNT, OTHER = "1009683", "2000000"
ANN, BOB = "+18175629656", "204"
NUMBERS = ("+13053452300", "+15125292329")

FILTERS: dict[str, RecordFilter] = {
    "all": RecordFilter(),
    "lines": RecordFilter(lines=(ANN,)),
    "several lines": RecordFilter(lines=(ANN, BOB)),
    "number": RecordFilter(number=NUMBERS[1]),
    "users number": RecordFilter(number=BOB),
    "part": RecordFilter(number_part="52923"),
    "part with a letter of patterns": RecordFilter(number_part="%"),
    "outcome": RecordFilter(outcomes=("destination_busy", "failed")),
    "key": RecordFilter(key_id="key-2"),
    "days": RecordFilter(ended_from=UTC_OFFSET + 30.0, ended_before=UTC_OFFSET + 90.0),
    "line and number": RecordFilter(lines=(ANN,), number=NUMBERS[0]),
    "number and outcome": RecordFilter(number=NUMBERS[0], outcomes=("completed",)),
    "nothing": RecordFilter(number="+999"),
    "unstorable": RecordFilter(number_part="\x00"),
}


@pytest.fixture
def kept(engine: Engine) -> SqlRecords:
    """120 records of one account, some of which ended at the same time, and one of another's."""
    rows = []
    for index in range(120):
        row = a_record(f"call-{index:03}", ACCOUNT, UTC_OFFSET + index // 2)
        row |= {
            "user_number": BOB if index % 5 == 0 else ANN,
            "destination_number": NUMBERS[index % 2],
            "outcome": ("completed", "destination_busy", "failed")[index % 3],
            "key_id": f"key-{index % 7}",
        }
        rows.append(row)
    rows.append(a_record("others", OTHER, UTC_OFFSET))
    with writing(engine) as connection:
        connection.execute(insert(records), rows)
    return SqlRecords(engine)


def pages(kept: SqlRecords, wanted: RecordFilter, limit: int) -> list[FoundRecords]:
    found, place = [], None
    while True:
        found.append(kept.search(ACCOUNT, wanted, place, limit))
        place = found[-1].next
        if place is None:
            return found
        assert len(found) < 1000, "it goes on for ever"


def test_a_search_finds_what_a_look_at_all_of_them_finds(
    kept: SqlRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    for looked_at, limit in product((3, 25, 10_000), (1, 7, 200)):
        monkeypatch.setattr("ringbridge.store.record_search.LOOKED_AT", looked_at)
        for name, wanted in FILTERS.items():
            found = [each for page in pages(kept, wanted, limit) for each in page.records]
            expected = [] if name == "unstorable" else kept.page(ACCOUNT, wanted, None, 1000)
            assert found == expected, (name, looked_at, limit)


def test_a_search_stops_and_says_until_when_it_looked(
    kept: SqlRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringbridge.store.record_search.LOOKED_AT", 10)
    found = kept.search(ACCOUNT, RecordFilter(key_id="nobody"), None, 50)
    stop = UTC_OFFSET + 54.0
    assert found == FoundRecords([], RecordPlace(stop, ""), stop)


def test_what_an_index_knows_is_not_stopped(kept: SqlRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringbridge.store.record_search.LOOKED_AT", 10)
    found = kept.search(ACCOUNT, RecordFilter(number=BOB), None, 50)
    assert (len(found.records), found.next, found.looked_until) == (24, None, None)


@pytest.mark.parametrize("side", ["user", "destination"])
def test_lines_and_numbers_are_found_by_an_index(sqlite_url: str, side: str) -> None:
    """On PostgreSQL the same index is there, but small tables are read whole."""
    engine = open_database(sqlite_url)
    migrate(engine)
    with reading(engine) as connection:
        plan = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN SELECT * FROM records WHERE account_id = ? AND {side}_number = ? "
            "AND ended_at <= ? ORDER BY ended_at DESC, call_id DESC LIMIT 51",
            (ACCOUNT, ANN, 1.0),
        ).all()
    engine.dispose()
    assert f"ix_records_account_id_{side}_number_ended_at" in str(plan)
