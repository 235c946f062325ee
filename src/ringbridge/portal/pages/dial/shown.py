"""What is understood of a number, and the calls that somebody made, as the pages show them."""

from collections.abc import Sequence
from dataclasses import dataclass

import phonenumbers

from ringbridge.call.directory import LineKind
from ringbridge.portal.language import marked
from ringbridge.portal.pages.dial.words import KINDS, REFUSALS
from ringbridge.portal.view import View
from ringbridge.portal.words import OUTCOMES
from ringbridge.service.preview import Preview

OUTCOMES_BY_WORD = {outcome.value: badge for outcome, badge in OUTCOMES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A number and what would become of a call to it, in words of the page's language.

    about: country and kind. digits: what is pressed after the answer. phone: how the user's phone is reached. caller_ids:
    what the two phones would show. refusals: why it would not be placed.
    """

    number: str
    about: str
    digits: str
    phone: str
    phone_is_missing: bool
    seen_here: str
    seen_there: str
    confirm: bool
    refusals: Sequence[str]


def written(number: str) -> str:
    """A number as people read it: `+1 512-529-0100`. What is none, such as an extension, stays as it is."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def understood(view: View, preview: Preview) -> Understood:
    """The preview for people."""
    destination, call = preview.destination, preview.call
    phone, is_missing = _phone(view, preview)
    return Understood(
        number="" if destination is None else written(destination.e164),
        about="" if destination is None else _about(view, preview),
        digits="" if destination is None else destination.digits_after_answer,
        phone=phone,
        phone_is_missing=is_missing,
        seen_here="" if call is None else written(call.user.routes[0].caller_number),
        seen_there="" if call is None else written(call.destination.routes[0].caller_number),
        confirm=call is not None and call.confirm,
        refusals=[view.fault(each.code, REFUSALS) for each in preview.decisions if each.code is not None],
    )


def _about(view: View, preview: Preview) -> str:
    assert preview.destination is not None, "asked for with a number only"
    country = view.language.locale.territories.get(preview.destination.region, "")
    kind = KINDS.get(preview.destination.type)
    return ", ".join(filter(None, (country, None if kind is None else view.text(kind))))


def _phone(view: View, preview: Preview) -> tuple[str, bool]:
    """How the line's phone is reached, and whether there is none to be reached."""
    line = preview.line
    if line is None:
        return "", False
    if line.kind is LineKind.TRUNK:
        return view.text(marked("It is called over a trunk.")), False
    if line.kind is LineKind.URI:
        return "", False
    if not preview.phones:
        return view.text(marked("No phone is registered for it: nothing would ring.")), True
    names = [phone.user_agent or phone.host for phone in preview.phones]
    return ", ".join(names), False
