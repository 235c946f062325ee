"""The client for programs in TypeScript and JavaScript: a module, and the types of all that goes through it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from clients.description import Operation, Schema, operations

HEAD = "// Made from docs/openapi.json by scripts/describe-api. Changes belong there.\n\n"

_CORE = Path(__file__).parent / "typescript" / "core.mjs"
_WORDS = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}


def module(document: Schema) -> str:
    """The code: the core, which is written by hand, and one method for each operation."""
    methods = "\n".join(_method(operation) for operation in operations(document))
    return HEAD + _CORE.read_text().replace("  // METHODS\n", methods)


def types(document: Schema) -> str:
    """The declarations that go with the module."""
    parts = [
        "export interface Options {",
        "  /** The root of the server's HTTP, such as https://calls.example.com. */",
        "  url: string;",
        "  account: string;",
        "  key: string;",
        "  fetch?: typeof fetch;",
        "}",
        "",
        "export interface RequestOptions {",
        "  /** Further headers, such as Idempotency-Key. */",
        "  headers?: Record<string, string>;",
        "  signal?: AbortSignal;",
        "}",
        "",
        "/** One event of a stream; its `id` is what to go on after. */",
        "export interface Streamed<T> {",
        "  id: string;",
        "  data: T;",
        "}",
        "",
        "/** An event of the account's stream, which tells of all calls. */",
        "export interface AccountEvent extends EventResource {",
        "  call_id: string;",
        "  test: boolean;",
        "  /** The id of the scheduled call that its call is an attempt of. */",
        "  attempt_of: string | null;",
        "  metadata: Record<string, string>;",
        "}",
        "",
        "/** The answer is no: `code` is the stable word for why. */",
        "export class RingbridgeError extends Error {",
        "  readonly status: number;",
        "  readonly code: string;",
        "  readonly retryAfterSeconds: number | null;",
        "}",
        "",
        "/** No answer came, or only the beginning of one. */",
        "export class ServerUnreachable extends Error {}",
        "",
    ]
    for name, schema in document["components"]["schemas"].items():
        parts += [*_declaration(name, schema), ""]
    parts += ["export class Ringbridge {", "  constructor(options: Options);"]
    for operation in operations(document):
        parts += [f"  /** {operation.summary}. */", f"  {_signature(operation)};"]
    return HEAD + "\n".join([*parts, "}", ""])


def type_of(schema: Schema) -> str:
    """A schema as TypeScript has it."""
    match schema:
        case {"$ref": reference}:
            return _type_name(reference.rpartition("/")[2])
        case {"anyOf": choices} | {"oneOf": choices}:
            return " | ".join(dict.fromkeys(type_of(choice) for choice in choices))
        case {"const": value}:
            return json.dumps(value)
        case {"enum": values}:
            return " | ".join(json.dumps(value) for value in values)
        case {"type": "array"}:
            return f"Array<{type_of(schema.get('items', {}))}>"
        case {"type": "object", "properties": properties}:
            return "{ " + " ".join(_members(schema, properties)) + " }"
        case {"type": "object"}:
            by_pattern = schema.get("patternProperties", {})
            values = next(iter(by_pattern.values()), None) or schema.get("additionalProperties", {})
            return f"Record<string, {type_of(values) if isinstance(values, Mapping) else 'unknown'}>"
        case {"type": str(word)}:
            return _WORDS[word]
        case _:
            return "unknown"


def _declaration(name: str, schema: Schema) -> Iterator[str]:
    if "description" in schema:
        yield _comment(schema["description"])
    properties = schema.get("properties")
    if properties is None:
        yield f"export type {_type_name(name)} = {type_of(schema)};"
        return
    yield f"export interface {_type_name(name)} {{"
    for described, member in zip(properties.values(), _members(schema, properties), strict=True):
        if "description" in described:
            yield f"  {_comment(described['description'])}"
        yield f"  {member}"
    yield "}"


def _members(schema: Schema, properties: Mapping[str, Schema]) -> Iterator[str]:
    required = schema.get("required", ())
    for name, described in properties.items():
        yield f"{name}{'' if name in required else '?'}: {type_of(described)};"


def _comment(text: str) -> str:
    return f"/** {' '.join(text.split())} */"


def _signature(operation: Operation) -> str:
    words = [f"{_camel(name)}: string" for name in operation.path_names]
    if operation.body is not None:
        words.append(f"body{'' if operation.is_body_required else '?'}: {type_of(operation.body)}")
    if operation.query:
        is_optional = not any(item.get("required") for item in operation.query)
        members = " ".join(
            f"{json.dumps(item['name'])}{'' if item.get('required') else '?'}: {type_of(item['schema'])};"
            for item in operation.query
        )
        words.append(f"query{'?' if is_optional else ''}: {{ {members} }}")
    words.append("options?: RequestOptions")
    answer = "void" if operation.answer is None else type_of(operation.answer)
    # The description calls the data of a stream text, which it is until it is read.
    event = "EventResource" if "call_id" in operation.path_names else "AccountEvent"
    result = {
        "json": f"Promise<{answer}>",
        "text": "Promise<string>",
        "stream": f"AsyncGenerator<Streamed<{event}>>",
        "nothing": "Promise<void>",
    }[operation.kind]
    return f"{_camel(operation.name)}({', '.join(_required_first(words))}): {result}"


def _required_first(words: Sequence[str]) -> Sequence[str]:
    # None that must be given stands behind one that need not: TypeScript refuses that.
    assert sorted(words, key=lambda word: "?:" in word.partition("{")[0]) == list(words)
    return words


def _method(operation: Operation) -> str:
    words = [_camel(name) for name in operation.path_names]
    given = []
    if operation.body is not None:
        words.append("body")
        given.append("body")
    if operation.query:
        words.append("query")
        given.append("query")
    path = re.sub(r"\{(\w+)\}", lambda match: f"${{encodeURIComponent({_camel(match[1])})}}", operation.path)
    ask = {"json": "#json", "text": "#text", "stream": "#stream", "nothing": "#nothing"}[operation.kind]
    inputs = f"{{ {', '.join(given)} }}" if given else "{}"
    return (
        f"  {_camel(operation.name)}({', '.join([*words, 'options'])}) {{\n"
        f'    return this.{ask}("{operation.method}", `{path}`, {inputs}, options);\n'
        "  }\n"
    )


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _type_name(name: str) -> str:
    return name.replace("_", "")


def files(document: Schema) -> dict[str, str]:
    """The files of the client, by their names."""
    return {"ringbridge.mjs": module(document), "ringbridge.d.mts": types(document)}
