"""Days as forms say them (`2026-03-01`), in the time zone that the reader's browser names in the field `zone`."""

from datetime import date, datetime, time, timedelta, tzinfo

from ringbridge.portal.language import marked

FAULTS = {"no_date": marked("This is not a date.")}


def beginning_of(text: str, zone: tzinfo) -> float:
    """When the day begins, UTC seconds since 1970. Raises ValueError for what is no day."""
    return _midnight(date.fromisoformat(text), zone)


def end_of(text: str, zone: tzinfo) -> float:
    """When the next day begins. Raises ValueError."""
    try:
        return _midnight(date.fromisoformat(text) + timedelta(days=1), zone)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def _midnight(day: date, zone: tzinfo) -> float:
    try:
        return datetime.combine(day, time(), zone).timestamp()
    except OverflowError as error:
        raise ValueError(str(error)) from error
