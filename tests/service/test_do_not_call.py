"""What is read of a file of numbers or rates, and what is said of one that cannot be taken."""

import pytest

from ringbridge.service.csv_file import UnusableFile, rows_of
from ringbridge.service.do_not_call import read_numbers
from ringbridge.service.rates import read_rates


def numbers(data: bytes) -> dict[str, str | None]:
    return read_numbers(rows_of(data), "US")


def test_numbers_are_read_as_the_country_writes_them() -> None:
    data = "\ufeffnumber;reason\r\n(512) 529-2329;asked, twice\r\n\r\n+44 20 7946 0958\r\n".encode()
    assert numbers(data) == {"+15125292329": "asked, twice", "+442079460958": None}
    assert numbers(b"5125292329,2026-01-01T00:00:00Z\n") == {"+15125292329": None}
    assert numbers(b"number\n5125292329\n+15125292329\n") == {"+15125292329": None}
    assert numbers(b"") == {}


@pytest.mark.parametrize(
    ("data", "code", "row"),
    [
        (b"5125292329\nhello\n", "invalid_number", 2),
        (b"911\n", "emergency_number", 1),
        (b"5125292329 ext 5\n", "invalid_number", 1),
        (b"number,reason\n5125292329," + b"a" * 201 + b"\n", "invalid_reason", 2),
        (b"\xff\xfe\x00", "not_text", 0),
        (b"5125292329\n" + b'"' + b"a" * 200_000 + b'"\n', "not_csv", 2),
    ],
)
def test_a_file_with_something_wrong_is_refused_whole(data: bytes, code: str, row: int) -> None:
    with pytest.raises(UnusableFile) as refused:
        numbers(data)
    assert (refused.value.code, refused.value.row) == (code, row)


def test_rates_are_read() -> None:
    assert read_rates(rows_of(b"Prefix,per_minute\n+1,0.01\n\n+44,2\n")) == {"+1": 10_000, "+44": 2_000_000}


@pytest.mark.parametrize(
    ("data", "code", "row"),
    [
        (b"", "empty", 0),
        (b"+1,0.01\n", "rate_columns", 1),
        (b"prefix,per_minute\n1,0.01\n", "invalid_rate", 2),
        (b"prefix,per_minute\n+1,1,2\n", "invalid_rate", 2),
        (b"prefix,per_minute\n+1,1\n+1,2\n", "repeated_rate", 3),
    ],
)
def test_rates_with_something_wrong_are_refused(data: bytes, code: str, row: int) -> None:
    with pytest.raises(UnusableFile) as refused:
        read_rates(rows_of(data))
    assert (refused.value.code, refused.value.row) == (code, row)
