"""The portal as an ASGI application: the areas' routes, the static files, and what is said when something is wrong."""

from collections.abc import Sequence

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ringbridge.call.errors import CallError, NotFound, StoreUnavailable
from ringbridge.portal.areas import ROUTES
from ringbridge.portal.assets import PREFIX, Assets
from ringbridge.portal.guard import Guard
from ringbridge.portal.language import marked
from ringbridge.portal.services import Services
from ringbridge.portal.view import View
from ringbridge.service.users import RightMissing

log = structlog.get_logger()

_SENTENCES = {
    400: marked("The request cannot be understood."),
    403: marked("Your role does not allow this."),
    404: marked("There is no such page, or what it showed is gone."),
    405: marked("This page does not take what was sent."),
    413: marked("What was sent is too long."),
    500: marked("Something went wrong. The server's log says what."),
    503: marked("The database is not available. Try again in a moment."),
}
_CROSS_SITE = marked("This was sent by another site, or by a browser that does not say which site sent it.")


def create_portal(services: Services) -> ASGIApp:
    """The application for all paths that are not the API's."""
    assets = Assets()
    paths = frozenset(route.path for route in ROUTES if route.method == "GET")

    def error_page(request: Request, status: int, sentence: str | None = None) -> Response:
        view = View(request, services, assets, paths, None)
        known = status if status in _SENTENCES else 400
        template = "layout/error_part.html" if view.is_fragment else "layout/error.html"
        return view.page(template, status=status, sentence=view.text(sentence or _SENTENCES[known]))

    async def on_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405 and request.method in ("GET", "HEAD"):
            # The address of a form that was sent: loaded again, typed, or kept.
            return View(request, services, assets, paths, None).go(_page_of(request.url.path, app.routes))
        return error_page(request, error.status_code)

    async def on_call_error(request: Request, error: Exception) -> Response:
        match error:
            case NotFound():
                return error_page(request, 404)
            case RightMissing():
                return error_page(request, 403)
            case StoreUnavailable():
                # Not the whole path: that of a one-time link opens what it is for.
                area = request.url.path.split("/")[1]
                log.warning("portal.store_unavailable", area=area, error=str(error))
                return error_page(request, 503)
            case _:
                # A page that lets an error of a form through; its text was made for people.
                return error_page(request, 400, str(error))

    async def on_bug(request: Request, error: Exception) -> Response:
        # The envelope around all of the HTTP server logs what is raised, and it is raised again.
        return error_page(request, 500)

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await error_page(Request(scope), 403, _CROSS_SITE)(scope, receive, send)

    app = Starlette(
        routes=[
            Route(PREFIX + "{path:path}", assets.serve),
            *(route.route(services, assets, paths) for route in ROUTES),
        ],
        exception_handlers={HTTPException: on_http_error, CallError: on_call_error, Exception: on_bug},
    )
    app.router.redirect_slashes = False
    return Guard(app, refuse)


def _page_of(path: str, routes: Sequence[BaseRoute]) -> str:
    """The page that the address of a form belongs to: the nearest one above it."""
    while path:
        path = path.rpartition("/")[0]
        scope = {"type": "http", "method": "GET", "path": path}
        if any(route.matches(scope)[0] is Match.FULL for route in routes):
            return path
    return "/"
