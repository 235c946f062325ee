"""The limits of an account as words: read from `KEY=VALUE`, and written so that they can be read again."""

import re
from dataclasses import fields

from ringbridge.call.directory import HARD_CALL_SECONDS, AccountLimits
from ringbridge.call.errors import InvalidSetting
from ringbridge.call.money import amount_text, parse_amount

# An hour of a minute: 21:00-08:00 goes over midnight.
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")

_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")

LARGEST_COUNT = 1_000_000

# These count something whenever they are given; the other counts always hold.
OPTIONAL_COUNTS = frozenset(
    {"per_minute", "user_per_minute", "destination_per_10_minutes", "short_calls_per_hour"}
)

# The names of all limits, in the order in which they are shown.
NAMES = tuple(item.name for item in fields(AccountLimits))


def parse_limits(current: AccountLimits, words: list[str]) -> AccountLimits:
    """`current` with each `KEY=VALUE` of `words` applied; raises InvalidSetting that names the key and what it takes."""
    values: dict[str, object] = {name: getattr(current, name) for name in NAMES}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or key not in values:
            raise InvalidSetting(f"{word!r} is not a limit. Write KEY=VALUE with one of: {', '.join(values)}")
        values[key] = parse_limit(key, text.strip())
    return AccountLimits(**values)  # type: ignore[arg-type]


def parse_limit(key: str, text: str) -> object:
    """The value of one limit; raises InvalidSetting that says what it takes."""
    if key == "countries":
        return _parse_countries(text)
    if key == "refused_prefixes":
        return _parse_prefixes(text)
    if key == "quiet_hours":
        return _parse_hours(text)
    if key.startswith("spend_"):
        return _parse_spend(key, text)
    if key.endswith("_s"):
        return _parse_seconds(key, text)
    if key in OPTIONAL_COUNTS and not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) > LARGEST_COUNT:
        nothing = ", or nothing for no limit" if key in OPTIONAL_COUNTS else ""
        raise InvalidSetting(f"{key} takes a whole number from 0 to {LARGEST_COUNT}{nothing}")
    return int(text)


def limit_text(key: str, value: object) -> str:
    """A limit as `parse_limit` takes it."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(value)
    if key.startswith("spend_"):
        assert isinstance(value, int), "amounts are whole millionths"
        return amount_text(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def quiet_minutes(quiet_hours: str) -> tuple[int, int]:
    """The first minute of the day that is quiet and the first that is not, of `21:00-08:00`."""
    match = _HOURS.fullmatch(quiet_hours)
    assert match is not None, "limits are checked where they are set"
    return int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])


def _parse_countries(text: str) -> tuple[str, ...]:
    countries = tuple(part.upper() for part in _parts(text))
    if any(len(country) != 2 or not country.isascii() or not country.isalpha() for country in countries):
        raise InvalidSetting("countries takes two-letter codes parted by commas, for example countries=US,CA")
    return countries


def _parse_prefixes(text: str) -> tuple[str, ...]:
    prefixes = _parts(text)
    if any(_PREFIX.fullmatch(prefix) is None or not prefix.isascii() for prefix in prefixes):
        raise InvalidSetting(
            "refused_prefixes takes the beginnings of numbers with their plus, parted by commas, "
            "for example refused_prefixes=+1900,+4487"
        )
    return prefixes


def _parse_hours(text: str) -> str:
    match = _HOURS.fullmatch(text) if text.isascii() else None
    if text and (match is None or match[1] + match[2] == match[3] + match[4]):
        raise InvalidSetting("quiet_hours takes HH:MM-HH:MM, for example quiet_hours=21:00-08:00, or nothing")
    return text


def _parse_spend(key: str, text: str) -> int | None:
    micros = parse_amount(text) if text else None
    if text and micros is None:
        raise InvalidSetting(f"{key} takes an amount such as {key}=25.50, or nothing for no limit")
    return micros


def _parse_seconds(key: str, text: str) -> float:
    highest = HARD_CALL_SECONDS if key == "call_s" else 600.0
    lowest = 0.0 if key == "duplicates_s" else 1.0
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not lowest <= seconds <= highest:
        raise InvalidSetting(f"{key} takes seconds from {lowest:g} to {highest:g}")
    return seconds


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def is_looser(key: str, old: object, new: object, country: str) -> bool:
    """Whether the value `new` of the limit `key` allows an account of `country` anything that `old` does not."""
    if new == old:
        return False
    match old, new:
        case (tuple(), tuple()) if key == "countries":
            return not set(new or (country,)) <= set(old or (country,))
        case (tuple(), tuple()):
            return any(not prefix.startswith(new) for prefix in old)
        case (str(), str()):
            return not _quiet_set(old) <= _quiet_set(new)
        case (_, None):
            return True
        case (None, _):
            return False
        case (int() | float(), int() | float()):
            # A longer time in which two clicks are one call means fewer calls.
            return new < old if key == "duplicates_s" else new > old
    raise AssertionError(f"{key} has values of one kind")


def _quiet_set(quiet_hours: str) -> set[int]:
    if not quiet_hours:
        return set()
    first, end = quiet_minutes(quiet_hours)
    day = 24 * 60
    return {minute % day for minute in range(first, end if first < end else end + day)}
