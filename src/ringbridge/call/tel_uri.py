"""`tel:` links (RFC 3966), made into what somebody would type. Whether that is a number, `number` says."""

import re
from urllib.parse import unquote

# RFC 3966 section 3: phonedigit and phonedigit-hex, whose letters no telephone has; visual separators in between.
_SUBSCRIBER = re.compile(r"[+(0-9*#][0-9*#.()\- ]*")
_EXTENSION = re.compile(r"[0-9.()\-]+")

# No link is longer than the number, its extension and a few parameters.
LONGEST_LINK = 255


class NotATelLink(ValueError):
    """The text is no `tel:` link to a number."""


def typed(link: str) -> str:
    """`+1-512-529-0100 ext. 77` of `tel:+1-512-529-0100;ext=77`. Raises NotATelLink.

    Other parameters are passed over. The context of a local number is one of them: a number in front of which it is
    put need not be one that there is (RFC 3966 section 5.1.5), so the account's country says how it is read.
    """
    scheme, colon, rest = link.strip().partition(":")
    if not colon or scheme.lower() != "tel" or len(link) > LONGEST_LINK:
        raise NotATelLink(link)
    # A plus that was not encoded comes out of a query as a blank, and no number begins with one.
    rest = unquote("+" + rest[1:] if rest.startswith(" ") else rest)
    subscriber, *parameters = rest.split(";")
    if _SUBSCRIBER.fullmatch(subscriber) is None:
        raise NotATelLink(link)
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.lower() == "ext" and _EXTENSION.fullmatch(value):
            digits = "".join(filter(str.isdigit, value))
            return f"{subscriber} ext. {digits}"
    return subscriber
