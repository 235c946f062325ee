"""Numbers and country codes as an administrator types them."""

import phonenumbers

from ringbridge.call.number import InvalidNumber, normalise, normalise_extension
from ringbridge.cli.errors import CommandError


def known_country(text: str) -> str:
    """The country's two letters in capitals. Raises CommandError."""
    country = text.upper()
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise CommandError(f"{text!r} is not a country: give its two letters, such as US or GB")
    return country


def e164(text: str, country: str) -> str:
    """The number as +18175629656, read as somebody in `country` means it. Raises CommandError."""
    try:
        number = normalise(text, country)
    except InvalidNumber as error:
        raise CommandError(f"{text!r} is not a telephone number in {country}") from error
    if number.digits_after_answer:
        raise CommandError(f"{text!r} has an extension: a line is a number that can be dialled directly")
    return number.e164


def line_number(text: str, country: str) -> str:
    """The number of a line: a whole telephone number, or an internal extension of 2 to 6 digits. Raises CommandError."""
    try:
        return normalise_extension(text)
    except InvalidNumber:
        return e164(text, country)
