"""Asking a phone to pick up by itself, as header fields of its INVITE. Pure.

RFC 5373 came after the makers had each found a way of their own. The fields are requests: a phone that does not know
them, or was told not to obey them, rings. Some of the makers' values are none that RFC 3261 sections 20.4 and 20.9 allow,
so only the phones that want them get them.
"""

from typing import NamedTuple

Field = tuple[str, str]

# The URI is that of a ringing tone or a picture, which nobody is to fetch.
_CALL_INFO: Field = ("Call-Info", "<http://127.0.0.1>;answer-after=0")
# Some ring for ever where no delay is named.
_ALERT_INFO: Field = ("Alert-Info", "<http://127.0.0.1>;info=alert-autoanswer;delay=0")
_ANSWER_MODE: Field = ("Answer-Mode", "Auto")

_FOR_ANY_PHONE = (_CALL_INFO, _ALERT_INFO, _ANSWER_MODE)
"""All of them are what the RFCs allow, so a phone that knows none of them passes over them."""


class _Maker(NamedTuple):
    """A word of its phones' User-Agent, in lower case, and what they understand."""

    word: str
    fields: tuple[Field, ...]


_MAKERS = (
    _Maker("poly", (("Alert-Info", "info=Auto Answer"),)),
    _Maker("panasonic", (("Alert-Info", "Intercom"),)),
    _Maker("digium", (("Alert-Info", "ring-answer"),)),
    _Maker("sangoma p", (("Alert-Info", "ring-answer"),)),
    _Maker("yealink", (_CALL_INFO, _ALERT_INFO)),
    _Maker("snom", (_CALL_INFO, _ALERT_INFO)),
    _Maker("aastra", (_CALL_INFO, _ALERT_INFO)),
    _Maker("mitel", (_CALL_INFO, _ALERT_INFO)),
    _Maker("openstage", (_ALERT_INFO,)),
    _Maker("grandstream", (_CALL_INFO,)),
    _Maker("cisco", (_CALL_INFO,)),
    _Maker("linksys", (_CALL_INFO,)),
)


def auto_answer_fields(user_agent: str | None) -> tuple[Field, ...]:
    """What makes the phone of this User-Agent pick up; None is a phone that has not said what it is."""
    said = (user_agent or "").lower()
    return next((maker.fields for maker in _MAKERS if maker.word in said), _FOR_ANY_PHONE)
