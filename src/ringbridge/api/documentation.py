"""The API described (OpenAPI 3.1) and shown (Swagger UI from our own files, nothing from elsewhere).

Version 2 describes itself from its code. Version 1 is described here by hand, since it is no code of the framework.
"""

import asyncio
import json
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ringbridge.api.resource import ProblemResource
from ringbridge.api.v2.problems import problems

_STATIC = Path(__file__).parent / "static"

# Swagger UI sets styles from its script and has pictures in its style sheet.
_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
)

_FIELDS = {
    "type": "object",
    "required": ["user_line", "destination_line"],
    "properties": {
        "user_line": {
            "type": "string",
            "description": "A line of the account: its phone rings first.",
            "examples": ["+1 (817) 562-9656"],
        },
        "destination_line": {
            "type": "string",
            "description": "The number to call, as people write it.",
            "examples": ["15125292329"],
        },
    },
}

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
}


def _error(description: str, *texts: str) -> dict[str, Any]:
    examples = {text: {"value": {"error": text}} for text in texts}
    return {
        "description": description,
        "headers": {
            "X-Error-Code": {"schema": {"type": "string"}, "description": "The reason as a stable word."}
        },
        "content": {"application/json": {"schema": _ERROR, "examples": examples}},
    }


_PLACE_CALL = {
    "tags": ["click-to-call"],
    "summary": "Place a call",
    "description": (
        "Rings the user's phone, tells the user to hold while the destination is being dialled, and joins the two "
        "when the destination answers. The answer comes as soon as the call is stored, before any phone rings."
    ),
    "operationId": "place_call",
    "security": [{"basic": []}],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _FIELDS},
            "application/x-www-form-urlencoded": {"schema": _FIELDS},
            "multipart/form-data": {"schema": _FIELDS},
        },
    },
    "responses": {
        "200": {
            "description": "The call is accepted and stored",
            "headers": {
                "Idempotent-Replayed": {
                    "schema": {"const": "true"},
                    "description": "There when this was a second click on a call whose first still rings the user.",
                }
            },
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["api_request_id"],
                        "properties": {"api_request_id": {"type": "string"}},
                    }
                }
            },
        },
        "400": _error(
            "A field is missing, unreadable or not allowed",
            "request user_line field",
            "request destination_line field",
        ),
        "401": _error("No valid account and key", "Invalid API credentials."),
        "413": _error("More than 64 KiB", "Request Entity Too Large"),
        "429": _error("A limit is reached; see Retry-After", "Too many requests. Please try again later."),
        "500": _error("Nothing was dialled", "Something went wrong. Please try again later."),
    },
}


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The description of everything that `app` offers to its callers."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    document["paths"] = {"/api/v1/call": {"post": _PLACE_CALL}} | document["paths"]
    components = document.setdefault("components", {})
    _tell_problems(document["paths"], components.setdefault("schemas", {}))
    components["securitySchemes"] = {
        "basic": {
            "type": "http",
            "scheme": "basic",
            "description": "User: the account's id. Password: an API key of the account.",
        },
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of `POST /api/v2/tokens`, from pages of its origin.",
        },
    }
    return document


def _tell_problems(paths: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Describe problems once; and where the framework tells of its own 422, which nobody ever sees, tell of ours."""
    schemas["ProblemResource"] = ProblemResource.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for methods in paths.values():
        for described in methods.values():
            answers = described["responses"]
            if "application/json" in answers.get("422", {}).get("content", ()):
                answers["422"] = problems(422)[422]


def documentation_routes(app: FastAPI) -> list[BaseRoute]:
    """The routes `/openapi.json`, and `/docs` with its files."""
    making = asyncio.Lock()

    @cache
    def document() -> bytes:
        return json.dumps(openapi_document(app), ensure_ascii=False).encode()

    async def openapi(request: Request) -> Response:
        # It takes half a second to make: not while the server starts, not on the loop, where calls wait, and once.
        async with making:
            content = await asyncio.to_thread(document)
        return Response(content, media_type="application/json; charset=utf-8")

    async def docs(request: Request) -> Response:
        return FileResponse(
            _STATIC / "docs.html",
            media_type="text/html",
            headers={"content-security-policy": _CONTENT_SECURITY_POLICY},
        )

    return [
        Route("/openapi.json", openapi),
        Route("/docs", docs),
        Mount("/docs/static", StaticFiles(directory=_STATIC)),
    ]
