"""Whose pages may place calls in browsers, and how such a page gets its token."""

import json
from collections.abc import Mapping

from starlette.responses import Response

from ringbridge.call.errors import InvalidOption
from ringbridge.call.origin import TooManyOrigins
from ringbridge.call.user import Right
from ringbridge.portal.form import fault_of
from ringbridge.portal.page import action, page
from ringbridge.portal.pages.integration.keys import server_url
from ringbridge.portal.pages.integration.words import FAULTS
from ringbridge.portal.view import View
from ringbridge.service.example import EXAMPLE_DESTINATION_LINE, EXAMPLE_USER_LINE

PATH = "/settings/api/browsers"
_EXAMPLE_ORIGIN = "https://crm.example.com"


async def show_origins(view: View) -> Response:
    origins = await view.services.origins.all(view.caller)
    lines = await view.services.lines.page(view.caller, None, 1)
    line = lines[0].number if lines else EXAMPLE_USER_LINE
    origin = origins[0].origin if origins else _EXAMPLE_ORIGIN
    return view.page(
        "integration/origins.html",
        origins=origins,
        token_command=_token_command(server_url(view), view.account.id, line, origin),
        script=_script(server_url(view), line),
    )


async def show_new(view: View) -> Response:
    return _new_page(view, {})


async def allow(view: View) -> Response:
    form = await view.form()
    try:
        await view.services.origins.allow(view.caller, form["origin"])
    except (InvalidOption, TooManyOrigins) as error:
        return _new_page(view, form.values(), fault_of(error))
    return view.go(PATH, flash=view.text("Pages of {origin} may call now.", origin=form["origin"]))


async def forbid(view: View) -> Response:
    origin = (await view.form())["origin"]
    await view.services.origins.forbid(view.caller, origin)
    return view.go(PATH, flash=view.text("Pages of {origin} get no more tokens.", origin=origin))


def _new_page(view: View, values: Mapping[str, str], faults: Mapping[str, str] | None = None) -> Response:
    return view.form_page(
        "integration/origin_new.html", values, faults, words=FAULTS, example=_EXAMPLE_ORIGIN
    )


def _token_command(url: str, account_id: str, line: str, origin: str) -> str:
    """What the server behind a page asks, with a key that may make tokens."""
    body = json.dumps({"user_line": line, "origin": origin, "seconds": 600})
    return (
        f"curl -u {account_id}:c2c_live_... {url}/api/v2/tokens \\\n"
        f"  -H 'Content-Type: application/json' \\\n  -d '{body}'"
    )


def _script(url: str, line: str) -> str:
    """What the page does with the token."""
    return (
        f'await fetch("{url}/api/v2/calls", {{\n'
        '  method: "POST",\n'
        '  headers: {"Authorization": `Bearer ${token}`, "Content-Type": "application/json"},\n'
        f'  body: JSON.stringify({{user_line: "{line}", destination_line: "{EXAMPLE_DESTINATION_LINE}"}}),\n'
        "})"
    )


ROUTES = [
    page(PATH, show_origins, Right.SEE_KEYS),
    page(f"{PATH}/new", show_new, Right.CHANGE_KEYS, fresh=True),
    action(PATH, allow, Right.CHANGE_KEYS, fresh=True),
    action(f"{PATH}/remove", forbid, Right.CHANGE_KEYS),
]
