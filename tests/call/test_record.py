"""Records, and where each stands among those of its account."""

from ringbridge.call.record import Record, RecordPlace
from tests.store.samples import a_record


def test_records_are_ordered_by_their_end_and_those_that_ended_together_by_their_ids() -> None:
    first, second = (Record(**a_record(f"call-{index}", "1009683", 1_700_000_000.0)) for index in (1, 2))
    later = Record(**a_record("call-0", "1009683", 1_700_000_001.0))
    assert first.place == RecordPlace(1_700_000_000.0, "call-1")
    assert sorted((later, second, first), key=lambda record: record.place) == [first, second, later]
