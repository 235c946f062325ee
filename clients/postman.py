"""The API as a Postman collection (format 2.1): every operation of version 2 with an example, by its tag.

It can be run from top to bottom: what one request makes is what later ones read, change and remove. Streams, which do not
end by themselves, are left out.
"""

import json
from collections.abc import Mapping
from typing import Any

from clients.description import Operation, Schema, operations

# What only who uses the collection knows, or should decide; a number to be erased is there only once somebody wrote it.
_FILLED_IN = {
    "user_line": "+1 (817) 562-9657",
    "destination_line": "15125292329",
    "number_to_erase": "",
}
_BODIES: Mapping[str, Mapping[str, str]] = {
    "erase_number": {"number": "{{number_to_erase}}"},
    "create_token": {"user_line": "{{user_line}}"},
    "place_call": {"user_line": "{{user_line}}", "destination_line": "{{destination_line}}"},
    "preview_call": {"user_line": "{{user_line}}", "destination_line": "{{destination_line}}"},
    # Nothing happened since: only whoever writes another time has events sent again.
    "replay_events": {"since": "{{$isoTimestamp}}"},
}
# What a request made or found, for those after it: where it is in the answer.
_CARRIED_ON: Mapping[str, Mapping[str, str]] = {
    "place_call": {"call_id": "id"},
    "create_key": {"key_id": "id"},
    "add_line": {"line_id": "id"},
    "create_webhook": {"webhook_id": "id"},
    "list_deliveries": {"event_id": "items?.[0]?.event_id"},
}

FORMAT = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"


def collection(document: Schema) -> dict[str, Any]:
    """The collection; the server and the credentials are its variables."""
    folders: dict[str, list[dict[str, Any]]] = {}
    for operation in operations(document):
        if operation.kind != "stream":
            folders.setdefault(operation.tag, []).append(_item(operation, document))
    for items in folders.values():
        # What was made is removed once everything was done with it.
        items.sort(key=lambda item: bool(item["request"]["method"] == "DELETE"))
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
            *(_variable(name, text) for name, text in _FILLED_IN.items()),
            *(_variable(name, "") for names in _CARRIED_ON.values() for name in names),
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
            "variable": [_variable(name, f"{{{{{name}}}}}") for name in operation.path_names],
        },
    }
    if operation.body is not None:
        example = example_of(operation.body, document) | _BODIES.get(operation.name, {})
        text = json.dumps(example, ensure_ascii=False, indent=2)
        request["body"] = {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}
    item: dict[str, Any] = {"name": operation.summary, "request": request}
    carried_on = _CARRIED_ON.get(operation.name)
    if carried_on is not None:
        lines = [
            f'if (pm.response.code < 300) pm.collectionVariables.set("{name}", pm.response.json().{place} ?? "");'
            for name, place in carried_on.items()
        ]
        item["event"] = [{"listen": "test", "script": {"type": "text/javascript", "exec": lines}}]
    return item


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
