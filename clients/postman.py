"""The API as a Postman collection (format 2.1): every operation of version 2 with an example, by its tag."""

import json
from collections.abc import Mapping
from typing import Any

from clients.description import Operation, Schema, operations

FORMAT = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"


def collection(document: Schema) -> dict[str, Any]:
    """The collection; the server and the credentials are its variables."""
    folders: dict[str, list[dict[str, Any]]] = {}
    for operation in operations(document):
        folders.setdefault(operation.tag, []).append(_item(operation, document))
    return {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "schema": FORMAT,
        },
        "auth": {
            "type": "basic",
            "basic": [_variable("username", "{{account_id}}"), _variable("password", "{{api_key}}")],
        },
        "variable": [
            _variable("url", "http://127.0.0.1:8080"),
            _variable("account_id", ""),
            _variable("api_key", ""),
        ],
        "item": [{"name": tag, "item": items} for tag, items in folders.items()],
    }


def example_of(schema: Schema, document: Schema) -> Any:
    """A value that the schema allows: its own example where it has one."""
    match schema:
        case {"examples": [first, *_]}:
            return first
        case {"default": value}:
            return value
        case {"$ref": reference}:
            return example_of(document["components"]["schemas"][reference.rpartition("/")[2]], document)
        case {"anyOf": [first, *_]}:
            return example_of(first, document)
        case {"enum": [first, *_]}:
            return first
        case {"type": "object"}:
            properties: Mapping[str, Schema] = schema.get("properties", {})
            required = schema.get("required", ())
            return {
                name: example_of(described, document)
                for name, described in properties.items()
                if name in required
            }
        case {"type": "array"}:
            return [example_of(schema["items"], document)]
        case {"type": "integer" | "number"}:
            return schema.get("minimum", 1)
        case {"type": "boolean"}:
            return True
        case _:
            return ""


def _item(operation: Operation, document: Schema) -> dict[str, Any]:
    words = ["{" + name + "}" for name in operation.path_names]
    path = operation.path
    for word in words:
        path = path.replace(word, f":{word[1:-1]}")
    request: dict[str, Any] = {
        "method": operation.method,
        "header": [_left_out(item) for item in operation.headers],
        "url": {
            "raw": f"{{{{url}}}}{path}",
            "host": ["{{url}}"],
            "path": path.strip("/").split("/"),
            "query": [_left_out(item) for item in operation.query],
            "variable": [_variable(name, "") for name in operation.path_names],
        },
    }
    if operation.body is not None:
        text = json.dumps(example_of(operation.body, document), ensure_ascii=False, indent=2)
        request["body"] = {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}
    return {"name": operation.summary, "request": request}


def _left_out(parameter: Schema) -> dict[str, Any]:
    """A parameter that is there to be filled in, and not sent until then."""
    return {
        "key": parameter["name"],
        "value": "",
        "description": parameter.get("description", ""),
        "disabled": not parameter.get("required", False),
    }


def _variable(key: str, value: str) -> dict[str, str]:
    return {"key": key, "value": value, "type": "string"}
