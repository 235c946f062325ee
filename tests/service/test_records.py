"""What a search for a number asks for, and that a key bound to lines asks for those."""

from dataclasses import replace

import pytest

from ringbridge.call.errors import InvalidOption
from ringbridge.call.record import FoundRecords, Record, RecordFilter, RecordPlace
from ringbridge.service.authentication import Caller
from ringbridge.service.records import RecordService, of_number
from tests.service.double import ACCOUNT, CALLER, KEY


class Asked:
    """A store that knows what it was asked for."""

    def __init__(self) -> None:
        self.wanted: list[RecordFilter] = []

    def search(
        self, account_id: str, wanted: RecordFilter, after: RecordPlace | None, limit: int
    ) -> FoundRecords:
        self.wanted.append(wanted)
        return FoundRecords([], None, None)

    def page(
        self, account_id: str, wanted: RecordFilter, after: RecordPlace | None, limit: int
    ) -> list[Record]:
        self.wanted.append(wanted)
        return []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(817) 562-9656", RecordFilter(number="+18175629656")),
        ("+1 512 529 2329", RecordFilter(number="+15125292329")),
        ("2329", RecordFilter(number_part="2329")),
        ("512 529", RecordFilter(number_part="512529")),
        ("+1512529", RecordFilter(number_part="1512529")),
        ("911", RecordFilter(number_part="911")),
    ],
)
def test_a_number_is_a_whole_one_or_a_part_of_one(text: str, wanted: RecordFilter) -> None:
    assert of_number(RecordFilter(), text, "US") == wanted


@pytest.mark.parametrize("text", ["", "7", "Ann", "1" * 60])
def test_what_is_no_part_of_a_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption):
        of_number(RecordFilter(), text, "US")


@pytest.mark.parametrize(
    ("own", "chosen", "asked"),
    [
        ((), (), ()),
        ((), ("1",), ("1",)),
        (("1", "2"), (), ("1", "2")),
        (("1", "2"), ("2", "3"), ("2",)),
        (("1",), ("3",), ("1",)),
    ],
)
async def test_a_bound_key_asks_for_its_lines(
    own: tuple[str, ...], chosen: tuple[str, ...], asked: tuple[str, ...]
) -> None:
    store = Asked()
    service = RecordService(store)  # type: ignore[arg-type]
    caller = Caller(ACCOUNT, replace(KEY, lines=own)) if own else CALLER
    await service.search(caller, RecordFilter(lines=chosen), None, 10)
    await service.page(caller, RecordFilter(lines=chosen), None, 10)
    assert [wanted.lines for wanted in store.wanted] == [asked, asked]
