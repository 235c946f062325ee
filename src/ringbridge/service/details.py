"""What is said of users and accounts, as it was typed and as it is kept."""

from dataclasses import dataclass, replace

import phonenumbers

from ringbridge.call.directory import Account
from ringbridge.call.errors import InvalidOption
from ringbridge.call.number import InvalidNumber, normalise
from ringbridge.call.user import LONGEST_LOGIN, LONGEST_NAME, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDetails:
    """What is said of a user, as it was typed. `line` is a number of the account's, or nothing."""

    login: str
    name: str
    role: Role
    line: str = ""


def checked_login(text: str) -> str:
    """What somebody signs in with, as it is kept. Raises InvalidOption."""
    login = text.strip().lower()
    if not 2 <= len(login) <= LONGEST_LOGIN or not login.isprintable() or any(map(str.isspace, login)):
        raise InvalidOption("login", "invalid_login")
    return login


def checked_name(text: str, option: str = "name") -> str:
    """Somebody's or something's name, tidied up. Raises InvalidOption."""
    name = text.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidOption(option, "invalid_name")
    return name


def checked_account(account: Account) -> Account:
    """A new account as it was typed, tidied up. Raises InvalidOption."""
    country = account.country.strip().upper()
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidOption("country", "unknown_country")
    return replace(
        account,
        name=checked_name(account.name, "account_name"),
        country=country,
        main_number=_number(account.main_number, country),
    )


def _number(text: str | None, country: str) -> str | None:
    if not text or not text.strip():
        return None
    try:
        return normalise(text, country).e164
    except InvalidNumber as error:
        raise InvalidOption("main_number", error.code) from error
