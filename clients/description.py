"""What a client is made from: the operations of version 2 in the description of the API, docs/openapi.json."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One request. path_names, query and headers: its parameters, by where they go. body, answer: schemas, None for nothing.

    kind: of the answer: json, text, stream (Server-Sent Events) or nothing.
    """

    name: str
    summary: str
    tag: str
    method: str
    path: str
    path_names: tuple[str, ...]
    query: tuple[Schema, ...]
    headers: tuple[Schema, ...]
    body: Schema | None
    is_body_required: bool
    answer: Schema | None
    kind: str


def operations(document: Schema) -> Iterator[Operation]:
    """Those of version 2, in the description's order. Version 1 is one path, for which nobody needs a client."""
    for path, methods in document["paths"].items():
        if path.startswith("/api/v2/"):
            for method, described in methods.items():
                yield _operation(path, method, described)


def _operation(path: str, method: str, described: Schema) -> Operation:
    parameters = described.get("parameters", ())
    body = described.get("requestBody", {})
    answer, kind = _answer(described["responses"])
    return Operation(
        # The framework writes the path behind the name.
        name=described["operationId"].partition("_api_v2")[0],
        summary=described["summary"],
        tag=described["tags"][0],
        method=method.upper(),
        path=path,
        path_names=tuple(re.findall(r"\{(\w+)\}", path)),
        query=tuple(item for item in parameters if item["in"] == "query"),
        headers=tuple(item for item in parameters if item["in"] == "header"),
        body=body["content"]["application/json"]["schema"] if body else None,
        is_body_required=body.get("required", False),
        answer=answer,
        kind=kind,
    )


def _answer(responses: Schema) -> tuple[Schema | None, str]:
    """The schema and the kind of what comes when all is well."""
    status = next(status for status in sorted(responses) if status.startswith("2"))
    content: Schema = responses[status].get("content", {})
    if "text/event-stream" in content:
        return None, "stream"
    if len(content) == 1 and "application/json" in content:
        return content["application/json"]["schema"], "json"
    return None, "text" if content else "nothing"
