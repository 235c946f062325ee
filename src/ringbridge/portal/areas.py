"""All areas of the portal: each is a module of `pages` with `ROUTES`. Whoever adds an area adds its name here."""

from ringbridge.portal.page import PageRoute
from ringbridge.portal.pages import (
    audit,
    dashboard,
    dial,
    do_not_call,
    embed,
    history,
    home,
    integration,
    limits,
    lines,
    live,
    login,
    passkeys,
    profile,
    prompts,
    scheduled,
    single_sign_on,
    start,
    trunks,
    users,
    welcome,
)

AREAS = (
    login,
    passkeys,
    single_sign_on,
    welcome,
    home,
    dashboard,
    dial,
    embed,
    live,
    scheduled,
    history,
    profile,
    prompts,
    users,
    limits,
    do_not_call,
    integration,
    audit,
    start,
    lines,
    trunks,
)

ROUTES: tuple[PageRoute, ...] = tuple(route for area in AREAS for route in area.ROUTES)
