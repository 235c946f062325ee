"""What limits are called, what each counts, and the values of the presets."""

from enum import Enum
from typing import NamedTuple

from ringbridge.portal.language import marked


class Unit(Enum):
    """What the value of a limit is. The value is the code of the fault for one that cannot be read."""

    COUNT = "invalid_count"
    OPTIONAL_COUNT = "invalid_optional_count"
    SECONDS = "invalid_seconds"
    MONEY = "invalid_amount"
    COUNTRIES = "unknown_country"
    PREFIXES = "invalid_prefixes"
    HOURS = "invalid_hours"


class Word(NamedTuple):
    """A limit's name and what it counts, `marked`."""

    unit: Unit
    label: str
    hint: str


# In the order in which they are shown, under their headings.
GROUPS: tuple[tuple[str, dict[str, Word]], ...] = (
    (
        marked("How many calls"),
        {
            "concurrent": Word(
                Unit.COUNT, marked("Calls at once"), marked("All lines of the account together.")
            ),
            "per_user": Word(Unit.COUNT, marked("Calls at once of one line"), ""),
            "rate": Word(Unit.COUNT, marked("Calls in a second"), ""),
            "per_minute": Word(Unit.OPTIONAL_COUNT, marked("Calls in a minute"), ""),
            "user_per_minute": Word(Unit.OPTIONAL_COUNT, marked("Calls of one line in a minute"), ""),
            "destination_per_10_minutes": Word(
                Unit.OPTIONAL_COUNT, marked("Calls to one number in ten minutes"), ""
            ),
            "short_calls_per_hour": Word(
                Unit.OPTIONAL_COUNT,
                marked("Short calls to one country in an hour"),
                marked("Calls that end within ten seconds of their answer. One more suspends the account."),
            ),
            "duplicates_s": Word(
                Unit.SECONDS,
                marked("Repeated clicks"),
                marked("A click on the same number within this time is the same call."),
            ),
        },
    ),
    (
        marked("Where and when"),
        {
            "countries": Word(
                Unit.COUNTRIES, marked("Countries"), marked("None ticked: the account's own country only.")
            ),
            "refused_prefixes": Word(
                Unit.PREFIXES,
                marked("Refused beginnings of numbers"),
                marked("With their plus, parted by commas: +1900, +4487."),
            ),
            "quiet_hours": Word(
                Unit.HOURS,
                marked("Quiet hours"),
                marked("When nobody is called, by the clock where they are: 21:00-08:00."),
            ),
        },
    ),
    (
        marked("How long"),
        {
            "user_ring_s": Word(Unit.SECONDS, marked("The user's phone rings"), ""),
            "confirm_s": Word(
                Unit.SECONDS,
                marked("Whoever answers is asked to press 1"),
                marked("Only on lines that ask."),
            ),
            "destination_ring_s": Word(Unit.SECONDS, marked("The destination's phone rings"), ""),
            "call_s": Word(Unit.SECONDS, marked("A call lasts"), marked("Four hours, 14400, is the most.")),
        },
    ),
    (
        marked("Money"),
        {
            "spend_per_call": Word(
                Unit.MONEY,
                marked("For one call"),
                marked(
                    "In the currency of your rates. Once there is a limit, calls without a rate are refused."
                ),
            ),
            "spend_per_hour": Word(Unit.MONEY, marked("In an hour (UTC)"), ""),
            "spend_per_day": Word(Unit.MONEY, marked("In a day (UTC)"), ""),
            "spend_per_month": Word(Unit.MONEY, marked("In a month (UTC)"), ""),
        },
    ),
    (
        marked("Keys"),
        {
            "keys": Word(
                Unit.COUNT, marked("Valid API keys"), marked("While they are exchanged, twice as many.")
            ),
        },
    ),
)

# With 0 of one of these, nobody of the account can call at all.
STOPPING = (
    "concurrent",
    "per_user",
    "rate",
    "per_minute",
    "user_per_minute",
    "destination_per_10_minutes",
)

WORDS: dict[str, Word] = {name: word for _, words in GROUPS for name, word in words.items()}

FAULTS: dict[str, str] = {
    Unit.COUNT.value: marked("Write a whole number from 0 to 1,000,000."),
    Unit.OPTIONAL_COUNT.value: marked("Write a whole number from 0 to 1,000,000, or nothing for no limit."),
    Unit.SECONDS.value: marked(
        "Write seconds: 1 to 600, for a call up to 14400, for repeated clicks also 0."
    ),
    Unit.MONEY.value: marked("Write an amount such as 25.50, or nothing for no limit."),
    Unit.PREFIXES.value: marked(
        "Write beginnings of numbers with their plus, parted by commas: +1900, +4487."
    ),
    Unit.HOURS.value: marked("Write two times that differ, such as 21:00-08:00, or nothing."),
    "only_tighter": marked("This allows more than before. Only who runs the server may do that."),
    "password_needed": marked("This allows more than before. Give your password, and save again."),
}


class Preset(NamedTuple):
    """A set of values that a form begins with; what it does not name stays."""

    label: str
    hint: str
    values: dict[str, str]


PRESETS: dict[str, Preset] = {
    "careful": Preset(
        marked("A careful start"),
        marked("For a new account, or one that a stolen key must not cost much."),
        {
            "concurrent": "5",
            "per_user": "1",
            "rate": "1",
            "per_minute": "30",
            "user_per_minute": "6",
            "destination_per_10_minutes": "3",
            "short_calls_per_hour": "20",
            "duplicates_s": "3",
            "call_s": "3600",
            "keys": "5",
        },
    ),
    "standard": Preset(
        marked("As new accounts have it"),
        marked("An office: some calls at once, no limit by the minute."),
        {
            "concurrent": "20",
            "per_user": "1",
            "rate": "10",
            "per_minute": "",
            "user_per_minute": "",
            "destination_per_10_minutes": "",
            "short_calls_per_hour": "",
            "duplicates_s": "3",
            "call_s": "3600",
            "keys": "20",
        },
    ),
    "call_center": Preset(
        marked("A call center"),
        marked("Many agents who call all day."),
        {
            "concurrent": "500",
            "per_user": "1",
            "rate": "50",
            "per_minute": "1500",
            "user_per_minute": "10",
            "destination_per_10_minutes": "3",
            "short_calls_per_hour": "200",
            "duplicates_s": "3",
            "call_s": "7200",
            "keys": "20",
        },
    ),
}
