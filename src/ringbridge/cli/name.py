"""Names of accounts, keys, lines and trunks as an administrator types them."""

from ringbridge.call import provisioning
from ringbridge.call.errors import InvalidOption
from ringbridge.cli.errors import CommandError


def shown_name(text: str) -> str:
    """`text` without blanks around it, if it is a name that people can see. Raises CommandError."""
    try:
        return provisioning.shown_name(text)
    except InvalidOption as error:
        if error.code == "no_name":
            raise CommandError("a name has at least one character that can be seen") from error
        raise CommandError(f"{text.strip()!a} is no name: it contains control characters") from error
