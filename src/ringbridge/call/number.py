"""Telephone numbers as people paste them, made into E.164 (ITU-T E.164; RFC 3966 for `tel:`).

What comes out holds ASCII digits and one leading plus and nothing else, so it can be put into a SIP URI as it is.
Whether a number may be called is not decided here (that is `policy`), except that emergency numbers are no
numbers at all to this server: a call from it would send help to the wrong place.
"""

import re
import unicodedata
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

import phonenumbers

from ringbridge.call.directory import NumberFormat

# The longest E.164 number takes 16 characters; the rest is room for punctuation and an extension.
LONGEST_TEXT = 64

# Each entry holds a text of at most LONGEST_TEXT characters: a full cache is about 3 MiB.
CACHED_NUMBERS = 8192

# Known on phones everywhere, whatever the country says: 3GPP TS 22.101 section 10.1.1, and the British 999.
EMERGENCY_EVERYWHERE = frozenset({"112", "911", "999"})

_EXTENSION = re.compile(r"[0-9]{2,6}")

_NUMBER = re.compile(
    r"(?:tel:)?[ (]*"
    r"(?P<plus>\+?)"
    r"(?P<digits>[ (]*[0-9][0-9 ()./-]*)"
    r"(?P<letters>[A-Z][A-Z0-9 -]*?)??"
    r"(?:[ ]*(?:(?P<pauses>,+)|;ext=|#|(?<![A-Z])(?:extension|extn|ext|x|p|w)[.:]?)"
    r"[ ]*(?P<keys>[0-9*#][0-9*#,PW]*))?",
    re.IGNORECASE,
)

# Long enough for a conference and its PIN.
LONGEST_AFTER_ANSWER = 32

# Telephones write p for a pause and w for a wait, which nobody is there to end: both are pauses here.
_PAUSES = str.maketrans("PWpw", ",,,,")

_KEYPAD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
_NOT_A_DIGIT = re.compile(r"[^0-9]")

# Fewer letters than this is a stray word or a typing error; 1300 CAT is the shortest that is sold.
SHORTEST_VANITY = 3

# No emergency number is longer than Eritrea's; asking about longer ones costs as much as finding their region.
LONGEST_EMERGENCY = 6

# An area code of up to five digits and an emergency number of three: a longer number can hold neither, and finding
# out where its area code ends would be the dearest part of reading it.
LONGEST_WITH_EMERGENCY = 8


class InvalidNumber(ValueError):
    """The text is no number that could be called. `code` is `invalid_number` or `emergency_number`.

    dialed: of an emergency number what would have been dialled; "" otherwise.
    """

    def __init__(self, code: str = "invalid_number", dialed: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.dialed = dialed


class NumberType(Enum):
    """What the numbering plan says a number is for. The values are those of the library."""

    FIXED_LINE = phonenumbers.PhoneNumberType.FIXED_LINE
    MOBILE = phonenumbers.PhoneNumberType.MOBILE
    FIXED_LINE_OR_MOBILE = phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE
    TOLL_FREE = phonenumbers.PhoneNumberType.TOLL_FREE
    PREMIUM_RATE = phonenumbers.PhoneNumberType.PREMIUM_RATE
    SHARED_COST = phonenumbers.PhoneNumberType.SHARED_COST
    VOIP = phonenumbers.PhoneNumberType.VOIP
    PERSONAL_NUMBER = phonenumbers.PhoneNumberType.PERSONAL_NUMBER
    PAGER = phonenumbers.PhoneNumberType.PAGER
    UAN = phonenumbers.PhoneNumberType.UAN
    VOICEMAIL = phonenumbers.PhoneNumberType.VOICEMAIL
    UNKNOWN = phonenumbers.PhoneNumberType.UNKNOWN


class Number(NamedTuple):
    """A valid number.

    e164: with its plus. region: ISO 3166 letters, or "001" where no country owns it.
    digits_after_answer: what to press once answered: `0123456789*#`, and `,` for a pause of a second.
    """

    e164: str
    region: str
    type: NumberType
    digits_after_answer: str = ""


@lru_cache(maxsize=CACHED_NUMBERS)
def normalise(text: str, country: str) -> Number:
    """Read `text` the way somebody in `country` (ISO 3166 letters) means it. Raises InvalidNumber."""
    if len(text) > LONGEST_TEXT:
        raise InvalidNumber
    match = _NUMBER.fullmatch(_ascii(text))
    if match is None:
        raise InvalidNumber
    digits = _NOT_A_DIGIT.sub("", match["digits"])
    if match["letters"] is not None:
        digits += _vanity_digits(match["letters"])
    if digits in EMERGENCY_EVERYWHERE or (
        len(digits) <= LONGEST_EMERGENCY and phonenumbers.is_emergency_number(digits, country)
    ):
        raise InvalidNumber("emergency_number", digits)
    digits_after_answer = _after_answer(match["pauses"], match["keys"])
    for candidate in _readings(match["plus"] + digits, country):
        number = _parse(candidate, country, digits_after_answer)
        if number is not None:
            return number
    raise InvalidNumber


@lru_cache(maxsize=CACHED_NUMBERS)
def region_of(e164: str) -> str:
    """The ISO 3166 letters of the country of a valid number; "001" where no country owns it."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(e164)) or "001"


def written(number: str, number_format: NumberFormat, country: str) -> str:
    """A valid E.164 `number` as a trunk wants it; NATIONAL is how somebody in `country` dials it. An extension stays as it is."""
    if number_format is NumberFormat.E164_PLUS or not number.startswith("+"):
        return number
    return _as_dialled(number, country) if number_format is NumberFormat.NATIONAL else number[1:]


def normalise_line(text: str, country: str) -> str:
    """Read `text` as the number of a line: an internal extension, or a whole number in E.164. Raises InvalidNumber."""
    try:
        return normalise_extension(text)
    except InvalidNumber:
        return normalise(text, country).e164


def normalise_extension(text: str) -> str:
    """Read `text` as an internal extension of 2 to 6 digits. Raises InvalidNumber."""
    if len(text) > LONGEST_TEXT:
        raise InvalidNumber
    extension = _ascii(text)
    if _EXTENSION.fullmatch(extension) is None:
        raise InvalidNumber
    return extension


@lru_cache(maxsize=CACHED_NUMBERS)
def _as_dialled(number: str, country: str) -> str:
    parsed = phonenumbers.parse(number)
    if parsed.country_code == phonenumbers.country_code_for_region(country):
        text = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    else:
        # With a plus where callers abroad choose a carrier, and so no one prefix is right.
        text = phonenumbers.format_out_of_country_calling_number(parsed, country)
    return number if text.startswith("+") else _NOT_A_DIGIT.sub("", text)


def _ascii(text: str) -> str:
    """What `text` shows, in ASCII: other scripts' digits as digits, their spaces and dashes as ours, invisible characters gone.

    Characters without a counterpart stay, for the patterns to refuse.
    """
    stripped = text.strip()
    if stripped.isascii():
        return stripped
    return "".join(map(_ascii_character, stripped)).strip()


def _ascii_character(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cf":
        return ""
    if category == "Zs":
        return " "
    if category == "Pd" or character == "\N{MINUS SIGN}":
        return "-"
    if "\N{FULLWIDTH EXCLAMATION MARK}" <= character <= "\N{FULLWIDTH TILDE}":
        return chr(ord(character) - 0xFEE0)
    return character


def _vanity_digits(letters: str) -> str:
    """The digits of 1-800-FLOWERS, from FLOWERS."""
    if sum(map(str.isalpha, letters)) < SHORTEST_VANITY:
        raise InvalidNumber
    return _NOT_A_DIGIT.sub("", letters.upper().translate(_KEYPAD))


def _after_answer(pauses: str | None, keys: str | None) -> str:
    """What to press after the answer, with a pause in front, so that whatever answered is ready to listen."""
    if keys is None:
        return ""
    digits = (pauses or ",") + keys.translate(_PAUSES)
    if len(digits) > LONGEST_AFTER_ANSWER:
        raise InvalidNumber
    return digits


def _readings(dialed: str, country: str) -> list[str]:
    """What `dialed` can mean, the likeliest first.

    The library knows how a country dials abroad. What it does not know is that people write 00 in countries where
    that is not dialled, and leave the plus away.
    """
    if dialed.startswith("+"):
        return [dialed]
    if dialed.startswith("00"):
        return [dialed, "+" + dialed[2:]]
    return [dialed, "+" + dialed]


def _parse(dialed: str, country: str, digits_after_answer: str) -> Number | None:
    """The number, or None when the numbering plan has none like it. Raises InvalidNumber for an emergency number."""
    try:
        parsed = phonenumbers.parse(dialed, country)
    except phonenumbers.NumberParseException:
        return None
    national = phonenumbers.national_significant_number(parsed)
    assert parsed.country_code is not None, "a parsed number has its country code"
    home = phonenumbers.region_code_for_country_code(parsed.country_code)
    if len(national) <= LONGEST_WITH_EMERGENCY and _is_emergency(parsed, national, home):
        raise InvalidNumber("emergency_number", dialed)
    region = phonenumbers.region_code_for_number(parsed)
    number_type = NumberType(phonenumbers.number_type(parsed))
    # The plan of its region knows no such number.
    if region is None or number_type is NumberType.UNKNOWN:
        return None
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return Number(e164, region, number_type, digits_after_answer)


def _is_emergency(parsed: phonenumbers.PhoneNumber, national: str, home: str) -> bool:
    """Some countries connect an emergency number behind an area code, too: +49 30 110 is Berlin's police."""
    subscriber = national[phonenumbers.length_of_geographical_area_code(parsed) :]
    return phonenumbers.is_emergency_number(national, home) or phonenumbers.is_emergency_number(
        subscriber, home
    )
