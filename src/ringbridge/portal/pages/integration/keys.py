"""API keys: list, create, exchange, revoke. What a key says is shown once, with the request that uses it."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.responses import Response

from ringbridge.call.errors import InvalidOption
from ringbridge.call.key import CALL_SCOPES, ApiKey, KnownKey, Scope, TooManyKeys
from ringbridge.call.user import Right
from ringbridge.portal.form import Form, fault_of
from ringbridge.portal.language import marked
from ringbridge.portal.moments import moment_of
from ringbridge.portal.page import action, page
from ringbridge.portal.pages.integration.words import FAULTS, SCOPES
from ringbridge.portal.view import View
from ringbridge.portal.words import Badge
from ringbridge.service.credential import DAY_SECONDS, LIFE_DAYS
from ringbridge.service.example import (
    EXAMPLE_DESTINATION_LINE,
    EXAMPLE_USER_LINE,
    authorization,
    curl_command,
)
from ringbridge.service.keys import KeyRequest, MadeKey

PAGE_ROWS = 50
MOST_OVERLAP_HOURS = 720.0
SOON_SECONDS = 30 * DAY_SECONDS

_ACTIVE = Badge(marked("Active"), "green")
_ENDS_SOON = Badge(marked("Ends soon"), "yellow")
_NOT_YET = Badge(marked("Not yet valid"), "azure")
_EXPIRED = Badge(marked("Expired"), "red")
_REVOKED = Badge(marked("Revoked"), "red")


async def show_keys(view: View) -> Response:
    query = view.request.query_params
    ended, after = query.get("show") == "ended", query.get("after")
    found = await view.services.keys.page(view.caller, _position(after), PAGE_ROWS + 1, ended=ended)
    shown = found[:PAGE_ROWS]
    last = shown[-1].key if len(found) > PAGE_ROWS else None
    return view.page(
        "integration/keys.html",
        keys=[(known, _state(view, known.key)) for known in shown],
        ended=ended,
        next=None if last is None else f"{last.created_at!r}~{last.id}",
        is_first=after is None,
    )


async def show_new(view: View) -> Response:
    return _new_page(view, {"days": str(LIFE_DAYS)}, CALL_SCOPES)


async def create(view: View) -> Response:
    form = await view.form()
    scopes = frozenset(scope for scope in Scope if scope.value in form.all("scopes"))
    try:
        made = await view.services.keys.create(view.caller, _wanted(form, scopes))
    except (InvalidOption, TooManyKeys) as error:
        return _new_page(view, form.values(), scopes, fault_of(error))
    return await _made_page(view, made)


async def show_key(view: View) -> Response:
    known = await _known(view)
    return view.page(
        "integration/key.html",
        known=known,
        key=known.key,
        state=_state(view, known.key),
        scopes=_words(known.key),
    )


async def show_exchange(view: View) -> Response:
    return _exchange_page(view, await _known(view), {"hours": "24"})


async def exchange(view: View) -> Response:
    known, form = await _known(view), await view.form()
    try:
        hours = _number(form["hours"])
        if hours is None or not 0.0 <= hours <= MOST_OVERLAP_HOURS:
            raise InvalidOption("hours", "invalid_hours")
        made = await view.services.keys.exchange(view.caller, known.key.id, hours * 3600.0)
    except (InvalidOption, TooManyKeys) as error:
        return _exchange_page(view, known, form.values(), fault_of(error))
    return await _made_page(view, made, old=known.key)


async def show_revoke(view: View) -> Response:
    return view.page("integration/revoke.html", known=await _known(view))


async def revoke(view: View) -> Response:
    known, form = await _known(view), await view.form()
    await view.services.keys.revoke(view.caller, known.key.id, ends_calls=form.has("ends_calls"))
    return view.go(
        "/settings/api",
        flash=view.text("The key {name} is revoked: it opens nothing any more.", name=known.key.name),
    )


def server_url(view: View) -> str:
    """Where this server is reached, as the reader reached it, without a slash at the end."""
    return str(view.request.base_url).rstrip("/")


def is_only_here(url: str) -> bool:
    """Whether no other machine reaches a server by this URL."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parts_of(text: str) -> tuple[str, ...]:
    """What stands in the lines of a field, or between its commas."""
    return tuple(part.strip() for part in re.split(r"[\n,;]", text) if part.strip())


async def _known(view: View) -> KnownKey:
    """The key that the path names, of this account. Raises NotFound."""
    return await view.services.keys.find(view.caller, view.request.path_params["key_id"])


def _wanted(form: Form, scopes: frozenset[Scope]) -> KeyRequest:
    """Raises InvalidOption."""
    days = _number(form["days"])
    if days is None or not days.is_integer():
        raise InvalidOption("days", "invalid_days")
    return KeyRequest(
        name=form["name"],
        scopes=scopes,
        lines=parts_of(form["lines"]),
        networks=parts_of(form["networks"]),
        days=int(days),
        not_before=moment_of(form, "not_before"),
        is_test=form.has("test"),
    )


def _number(text: str) -> float | None:
    """A number, if it is one; not a number and the endless ones are none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None


def _state(view: View, key: ApiKey) -> Badge:
    now = view.services.clock.utc_now()
    if key.revoked_at is not None:
        return _REVOKED
    if key.expires_at <= now:
        return _EXPIRED
    if key.not_before is not None and now < key.not_before:
        return _NOT_YET
    return _ENDS_SOON if key.expires_at - now < SOON_SECONDS else _ACTIVE


def _words(key: ApiKey) -> list[tuple[str, str]]:
    """What a key may do, as words, each with its scope."""
    return [(word, scope.value) for _, scopes in SCOPES for scope, word in scopes.items() if key.may(scope)]


def _position(text: str | None) -> tuple[float, str] | None:
    """The place behind which a page begins; what cannot be one is the first page."""
    at, tilde, key_id = (text or "").partition("~")
    number = _number(at)
    return (number, key_id) if tilde and number is not None and key_id.isalnum() else None


def _new_page(
    view: View, values: Mapping[str, str], scopes: frozenset[Scope], faults: Mapping[str, str] | None = None
) -> Response:
    return view.form_page(
        "integration/key_new.html", values, faults, words=FAULTS, groups=SCOPES, scopes=scopes
    )


def _exchange_page(
    view: View, known: KnownKey, values: Mapping[str, str], faults: Mapping[str, str] | None = None
) -> Response:
    return view.form_page("integration/exchange.html", values, faults, words=FAULTS, known=known)


async def _made_page(view: View, made: MadeKey, old: ApiKey | None = None) -> Response:
    """The one page that shows a key."""
    url, header = server_url(view), authorization(view.account.id, made.text)
    line = await _example_line(view, made.key)
    response = view.page(
        "integration/key_made.html",
        key=made.key,
        text=made.text,
        header=f"Authorization: {header}",
        command=curl_command(url, header, line or EXAMPLE_USER_LINE, EXAMPLE_DESTINATION_LINE),
        line=line,
        places_calls=made.key.may(Scope.CALLS_CREATE),
        only_here=is_only_here(url),
        old=old,
    )
    response.headers["cache-control"] = "no-store"
    return response


async def _example_line(view: View, key: ApiKey) -> str | None:
    """A line that the key may call from."""
    if key.lines:
        return key.lines[0]
    lines = await view.services.lines.page(view.caller, None, 1)
    return lines[0].number if lines else None


ROUTES = [
    page("/settings/api", show_keys, Right.SEE_KEYS),
    page("/settings/api/keys/new", show_new, Right.CHANGE_KEYS, fresh=True),
    action("/settings/api/keys", create, Right.CHANGE_KEYS, fresh=True),
    page("/settings/api/keys/{key_id}", show_key, Right.SEE_KEYS),
    page("/settings/api/keys/{key_id}/exchange", show_exchange, Right.CHANGE_KEYS, fresh=True),
    action("/settings/api/keys/{key_id}/exchange", exchange, Right.CHANGE_KEYS, fresh=True),
    page("/settings/api/keys/{key_id}/revoke", show_revoke, Right.CHANGE_KEYS, fresh=True),
    action("/settings/api/keys/{key_id}/revoke", revoke, Right.CHANGE_KEYS, fresh=True),
]
