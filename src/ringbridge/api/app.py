"""The front door: version 1's one path, and beside it a FastAPI application for everything else; made by one function."""

from collections.abc import Callable, Mapping

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from ringbridge import __version__
from ringbridge.api.answer import Answer, HeaderList, error_answer, problem_answer
from ringbridge.api.cors import Cors
from ringbridge.api.documentation import documentation_routes
from ringbridge.api.envelope import Envelope
from ringbridge.api.head import Head
from ringbridge.api.health import health_routes
from ringbridge.api.services import Services
from ringbridge.api.v1 import PlaceCall
from ringbridge.api.v2 import PREFIX, v2_router
from ringbridge.api.v2.problems import problem_of
from ringbridge.call.errors import CallError

CALL_PATHS = ("/api/v1/call", "/api/v1/call/")
# What belongs to programs and to those who write them, by its beginning.
API_PATHS = ("/api/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics")

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_FIELD_CODES = {"missing": "missing_field", "extra_forbidden": "unknown_field"}


def create_app(
    services: Services,
    *,
    metrics: Callable[[], bytes],
    ready: Callable[[], Mapping[str, bool]],
    portal: ASGIApp,
) -> ASGIApp:
    """The ASGI application. `metrics` and `ready` are asked at each request (see `health`); `portal` has all other paths."""
    place_call = Envelope(PlaceCall(services.authenticator, services.calls))
    framework = _framework(services, metrics, ready)
    pages = Envelope(portal)

    async def front_door(scope: Scope, receive: Receive, send: Send) -> None:
        # Nearly every request is for this one; the layers of the framework would cost it more than its answer does.
        if scope["type"] == "http" and scope["path"] in CALL_PATHS:
            await place_call(scope, receive, send)
        elif scope["type"] != "http" or scope["path"].startswith(API_PATHS):
            await framework(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return front_door


def _framework(
    services: Services, metrics: Callable[[], bytes], ready: Callable[[], Mapping[str, bool]]
) -> FastAPI:
    app = FastAPI(
        title="ringbridge",
        version=__version__,
        description="Click-to-call: one request rings the user's phone, then joins it with the number they clicked.",
        openapi_url=None,
        redirect_slashes=False,
    )
    app.add_middleware(Cors)
    app.add_middleware(Head)
    app.add_middleware(Envelope)
    app.router.routes += health_routes(metrics, ready)
    app.include_router(v2_router(services))
    app.router.routes += documentation_routes(app)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(CallError, _call_error)
    return app


async def _http_error(request: Request, error: Exception) -> Response:
    """What the router raises, as JSON: no such path, no such method; and what a route raises on purpose."""
    assert isinstance(error, HTTPException)
    headers: HeaderList = tuple(
        (name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items()
    )
    if error.status_code == 204:
        return Answer(204, headers, b"").response()
    if error.status_code == 405:
        # The router knows only the first route with this path.
        headers = ((b"allow", ", ".join(_methods(request)).encode()),)
    code = error.detail.lower().replace(" ", "_")
    if request.url.path.startswith(PREFIX):
        return problem_answer(error.status_code, code, error.detail, headers).response()
    return error_answer(error.status_code, error.detail, code, headers).response()


def _methods(request: Request) -> list[str]:
    """The methods that the request's path takes (RFC 9110 section 10.2.1)."""

    def takes(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

    found = [method for method in _METHODS if takes(method)]
    return ["HEAD", *found] if "GET" in found else found


async def _validation_error(request: Request, error: Exception) -> Response:
    """A parameter or a field of version 2 is wrong: name the first."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place, *names = first["loc"]
    code = _FIELD_CODES.get(first["type"], "invalid_field") if place == "body" else "invalid_parameter"
    name = ".".join(map(str, names)) or "body"
    # What the client wrote may hold half a character, which no answer could carry.
    detail = f"{name}: {first['msg']}".encode("utf-8", "replace").decode()
    return problem_answer(422, code, detail).response()


async def _call_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, CallError)
    return problem_of(error).response()
