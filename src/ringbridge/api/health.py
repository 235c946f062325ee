"""What machines ask of a server: is it alive, is it ready, what does it count. No credentials, no numbers of anybody."""

import json
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def health_routes(metrics: Callable[[], bytes], ready: Callable[[], Mapping[str, bool]]) -> list[Route]:
    """The routes `/healthz`, `/readyz` and `/metrics`.

    metrics: the text of Prometheus. ready: each thing that a new call needs, by name, and whether it is there.
    """

    async def healthz(request: Request) -> Response:
        return _json(200, {"status": "ok"})

    async def readyz(request: Request) -> Response:
        checks = dict(ready())
        if all(checks.values()):
            return _json(200, {"status": "ready", "checks": checks})
        return _json(503, {"status": "not_ready", "checks": checks})

    async def text(request: Request) -> Response:
        return Response(metrics(), media_type=METRICS_TYPE)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", text)]


def _json(status: int, content: Mapping[str, object]) -> Response:
    return Response(json.dumps(content), status, media_type="application/json; charset=utf-8")
