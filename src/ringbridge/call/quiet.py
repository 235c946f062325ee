"""What time it is where a number is, and whether people are called then. Pure: the moment comes in."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from ringbridge.call.limits import quiet_minutes


def is_quiet(e164: str, quiet_hours: str, utc_now: float) -> bool:
    """Whether `utc_now` is within `quiet_hours` (`21:00-08:00`, "" for none) at the valid number `e164`.

    A number that may be in several time zones is quiet as long as one of them is, and one that nobody can place always.
    """
    if not quiet_hours:
        return False
    first, end = quiet_minutes(quiet_hours)
    moment = datetime.fromtimestamp(utc_now, UTC)
    for name in time_zones_for_number(phonenumbers.parse(e164)):
        minute = None if name == UNKNOWN_TIMEZONE else _minute_of_day(moment, name)
        if minute is None:
            return True
        if first <= minute < end if first < end else minute >= first or minute < end:
            return True
    return False


def _minute_of_day(moment: datetime, zone: str) -> int | None:
    """None where this machine does not know the zone."""
    try:
        local = moment.astimezone(ZoneInfo(zone))
    except ZoneInfoNotFoundError:
        return None
    return local.hour * 60 + local.minute
