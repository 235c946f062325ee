"""Numbers and country codes as an administrator types them."""

import phonenumbers

from ringbridge.call import provisioning
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
        raise CommandError(_why_not(text, country, error)) from error
    if number.digits_after_answer:
        raise CommandError(_why_not(text, country, InvalidNumber("has_extension")))
    return number.e164


def line_number(text: str, country: str) -> str:
    """The number of a line: a whole telephone number, or an internal extension of 2 to 6 digits. Raises CommandError."""
    try:
        return normalise_extension(text)
    except InvalidNumber:
        return e164(text, country)


def new_line_number(text: str, country: str) -> str:
    """The number of a line that is to be: one that nobody takes for a call for help. Raises CommandError."""
    try:
        return provisioning.new_line_number(text, country)
    except InvalidNumber as error:
        raise CommandError(_why_not(text, country, error)) from error


def _why_not(text: str, country: str, error: InvalidNumber) -> str:
    if error.code == "emergency_number":
        return f"{text!r} is an emergency number in {country}"
    if error.code == "has_extension":
        return f"{text!r} has an extension: a line is a number that can be dialled directly"
    return f"{text!r} is not a telephone number in {country}"
