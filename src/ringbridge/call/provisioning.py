"""What may be made of lines and trunks: the rules that the command line and the portal share. Pure."""

import re
import unicodedata

from ringbridge.call.directory import Line, LineKind, NumberFormat, Srtp, Trunk
from ringbridge.call.errors import InvalidOption
from ringbridge.call.number import InvalidNumber, normalise, normalise_extension

# No country has a number that begins with a zero (ITU-T E.164 section 6.2.1).
_BEGINNING = re.compile(r"\+?([1-9][0-9]{0,14})")
_NUMBER_PREFIX = re.compile(r"[0-9*#]{0,16}")
# Controls, halves of surrogate pairs (what the shell gave was no UTF-8), and what breaks a line: none of them can be
# shown, and some change what a terminal shows besides. Invisible joiners stay: Persian and Hindi names need them.
_UNSHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})


def new_line_number(text: str, country: str) -> str:
    """The number of a line that is to be: an extension of 2 to 6 digits that nobody takes for a call for help, or E.164.

    Raises InvalidNumber, with the code `has_extension` for what cannot be dialled directly.
    """
    try:
        extension = normalise_extension(text)
    except InvalidNumber:
        number = normalise(text, country)
        if number.digits_after_answer:
            raise InvalidNumber("has_extension") from None
        return number.e164
    try:
        normalise(extension, country)
    except InvalidNumber as error:
        # An extension is no telephone number, and need not be one.
        if error.code == "emergency_number":
            raise
    return extension


def shown_name(text: str) -> str:
    """`text` without blanks around it, if it is a name that people can see. Raises InvalidOption."""
    name = text.strip()
    if not name:
        raise InvalidOption("name", "no_name")
    if any(unicodedata.category(character) in _UNSHOWN for character in name):
        raise InvalidOption("name", "control_characters")
    return name


def sip_username(account_id: str, number: str) -> str:
    """What the phone of a line registers as."""
    return f"{account_id}-{number.lstrip('+')}"


def number_beginning(text: str) -> str:
    """The beginning of numbers that a trunk carries, with its plus. Raises InvalidOption."""
    match = _BEGINNING.fullmatch(text.strip())
    if match is None:
        raise InvalidOption("prefixes", "invalid_prefix")
    return f"+{match[1]}"


def check_line(line: Line, *, over_tls: bool) -> None:
    """Whether what is said of the line goes together; over_tls: whether its URI does. Raises InvalidOption."""
    if line.kind is LineKind.TRUNK and (line.auto_answer or line.nat or line.srtp is not Srtp.OFF):
        raise InvalidOption("kind", "own_phones_only")
    if line.uri is not None and not over_tls and line.srtp is not Srtp.OFF:
        raise InvalidOption("srtp", "needs_tls")


def check_trunk(trunk: Trunk, *, over_tls: bool) -> None:
    """Whether what is said of the trunk goes together; over_tls: whether its URI does. Raises InvalidOption."""
    if (trunk.username is None) != (trunk.password is None):
        raise InvalidOption("password" if trunk.password is None else "username", "username_and_password")
    if trunk.registers and trunk.username is None:
        raise InvalidOption("username", "registers_without_username")
    if (trunk.tls_certificate is None) != (trunk.tls_key is None):
        raise InvalidOption("tls_certificate", "certificate_and_key")
    if not _NUMBER_PREFIX.fullmatch(trunk.number_prefix):
        raise InvalidOption("number_prefix", "invalid_number_prefix")
    if trunk.number_prefix and trunk.number_format is NumberFormat.E164_PLUS:
        raise InvalidOption("number_prefix", "prefix_before_plus")
    needs_tls = trunk.srtp is not Srtp.OFF or trunk.tls_ca is not None or trunk.tls_certificate is not None
    if needs_tls and not over_tls:
        raise InvalidOption("srtp", "needs_tls")
