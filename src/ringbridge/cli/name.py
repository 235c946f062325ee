"""Names of accounts, keys, lines and trunks as an administrator types them."""

import unicodedata

from ringbridge.cli.errors import CommandError

# Controls, halves of surrogate pairs (what the shell gave was no UTF-8), and what breaks a line: none of them can be
# shown, and some change what a terminal shows besides. Invisible joiners stay: Persian and Hindi names need them.
_UNSHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})


def shown_name(text: str) -> str:
    """`text` without blanks around it, if it is a name that people can see. Raises CommandError."""
    name = text.strip()
    if not name:
        raise CommandError("a name has at least one character that can be seen")
    if any(unicodedata.category(character) in _UNSHOWN for character in name):
        raise CommandError(f"{name!a} is no name: it contains control characters")
    return name
