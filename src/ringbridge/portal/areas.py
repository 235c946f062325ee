"""All areas of the portal: each is a module of `pages` with `ROUTES`. Whoever adds an area adds its name here."""

from ringbridge.portal.page import PageRoute
from ringbridge.portal.pages import dial, home, integration, live, login, profile, users, welcome

AREAS = (
    login,
    welcome,
    home,
    dial,
    live,
    profile,
    users,
    integration,
)

ROUTES: tuple[PageRoute, ...] = tuple(route for area in AREAS for route in area.ROUTES)
