"""Query parameters that a route does not have are refused: a filter that is misspelt must not let everything through."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant

from ringbridge.call.errors import CallError


class UnknownParameter(CallError):
    """The route has no query parameter of that name."""

    code = "unknown_field"


def require_known_parameters(request: Request) -> None:
    """Raises UnknownParameter for the first name in the query that the request's route does not have."""
    if not request.query_params:
        return
    known = set(_of(request.scope["route"].dependant))
    for name in request.query_params:
        if name not in known:
            has = f"It has {', '.join(sorted(known))}." if known else "It has none."
            raise UnknownParameter(f"{name[:100]}: there is no such query parameter here. {has}")


def _of(dependant: Dependant) -> Iterator[str]:
    """The parameters of a handler and of whatever it depends on."""
    yield from (parameter.alias for parameter in dependant.query_params)
    for part in dependant.dependencies:
        yield from _of(part)
