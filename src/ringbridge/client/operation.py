"""What can be asked of a server, as values: a client sends them and says what came back. No socket here.

Both clients share these, so that what one can ask the other can, too.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from ringbridge.client.errors import ClientError, ServerUnreachable, refusal
from ringbridge.client.model import Call, CallEvent, Document, Record

Result = TypeVar("Result")
Item = TypeVar("Item")


class CallOptions(TypedDict, total=False):
    """What a call may be asked for with; docs/api.md explains each. What is left out is as the line and the account have it."""

    user_caller_id: str
    destination_caller_id: str
    confirm: bool
    auto_answer: bool
    language: str
    user_ring_seconds: float
    destination_ring_seconds: float
    call_seconds: float
    metadata: Mapping[str, str]
    webhook: str
    schedule: Mapping[str, Any]
    when_user_is_free: bool
    retry: Mapping[str, Any]


class Page(NamedTuple, Generic[Item]):
    """Some of a list, and where it goes on; None when this is all."""

    items: list[Item]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[Result]):
    """One request, and how to read its answer: a document, or text. `path` begins with a slash and has its query."""

    method: str
    path: str
    read: Callable[[Any], Result]
    body: Document | None = None
    headers: Mapping[str, str] | None = None
    is_text: bool = False

    def content(self) -> bytes | None:
        """The octets of the body."""
        return None if self.body is None else json.dumps(self.body).encode()

    def result(self, status: int, headers: Mapping[str, str], content: bytes) -> Result:
        """What an answer says; `headers` by lower-case names. Raises Refused and ServerUnreachable."""
        if not 200 <= status < 300:
            raise refused(status, headers, content)
        try:
            if self.is_text:
                return self.read(content.decode())
            return self.read(_document(content) if content else {})
        except (KeyError, TypeError, ValueError) as error:
            raise ServerUnreachable("what answers there is no ringbridge server") from error


def server_url(text: str) -> str:
    """The root of a server's HTTP without a slash at its end. Raises ValueError for what is no http: or https: URL."""
    parts = urlsplit(text)
    # Reading the port is what finds out that it is none.
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(f"a server's URL is http://HOST:PORT or https://HOST, not {text!r}")
    return text.rstrip("/")


def authorization(account_id: str, key: str) -> str:
    """The value of the header that proves who asks (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{account_id}:{key}".encode()).decode()


def refused(status: int, headers: Mapping[str, str], content: bytes) -> ClientError:
    """The error that an answer stands for: a problem (RFC 9457), or what something in front of the server said."""
    try:
        problem = _document(content)
    except ValueError:
        problem = {}
    wait = headers.get("retry-after", "")
    return refusal(
        status,
        str(problem.get("code", headers.get("x-error-code", "unknown"))),
        str(problem.get("detail", problem.get("title", f"the server answered {status}"))),
        float(wait) if wait.isdigit() else None,
    )


def place(
    user_line: str, destination_line: str, options: CallOptions, idempotency_key: str | None
) -> Operation[Call]:
    """Ask for a call."""
    return Operation(
        method="POST",
        path="/api/v2/calls",
        body={"user_line": user_line, "destination_line": destination_line, **options},
        headers=None if idempotency_key is None else {"Idempotency-Key": idempotency_key},
        read=Call.of,
    )


def find(call_id: str) -> Operation[Call]:
    """A call as it is now."""
    return Operation(method="GET", path=_call(call_id), read=Call.of)


def page_of_calls(filters: Mapping[str, Any], cursor: str | None) -> Operation[Page[Call]]:
    """Some of the account's calls, the last first."""
    return Operation(method="GET", path=_listing("calls", filters, cursor), read=_page_of(Call.of))


def page_of_records(filters: Mapping[str, Any], cursor: str | None) -> Operation[Page[Record]]:
    """Some of the account's records, the last first."""
    return Operation(method="GET", path=_listing("records", filters, cursor), read=_page_of(Record.of))


def export_of_records(filters: Mapping[str, Any]) -> Operation[str]:
    """All of the account's records at once, as a table."""
    path = _listing("records/export", {**filters, "format": "csv"}, None)
    return Operation(method="GET", path=path, read=str, is_text=True)


def hang_up(call_id: str) -> Operation[None]:
    """End a call."""
    return Operation(method="DELETE", path=_call(call_id), read=lambda _: None)


def act(call_id: str, action: str, body: Document | None) -> Operation[None]:
    """Hold, resume, press keys, or release one leg."""
    return Operation(method="POST", path=f"{_call(call_id)}/actions/{action}", body=body, read=lambda _: None)


def ask(method: str, path: str, body: Document | None) -> Operation[Document]:
    """Anything else that docs/api.md names; the answer is its document."""
    return Operation(method=method, path=path, body=body, read=lambda document: document)


def events_path(call_id: str, after: int) -> str:
    """Where the events of a call behind that sequence are streamed."""
    return f"{_call(call_id)}/events?after={after}"


def event_in(line: bytes) -> CallEvent | None:
    """The event in a line of a stream, if it holds one: data is one line of JSON (HTML standard, section 9.2.6)."""
    # Without its end it is what was left when the connection broke.
    is_whole = line.startswith(b"data:") and line.endswith(b"\n")
    return CallEvent.of(_document(line[5:])) if is_whole else None


def _call(call_id: str) -> str:
    return f"/api/v2/calls/{quote(call_id, safe='')}"


def _listing(name: str, filters: Mapping[str, Any], cursor: str | None) -> str:
    given = {**filters, "cursor": cursor}
    if isinstance(metadata := given.get("metadata"), Mapping):
        given["metadata"] = [f"{key}:{value}" for key, value in metadata.items()]
    query = urlencode({name: value for name, value in given.items() if value is not None}, doseq=True)
    return f"/api/v2/{name}?{query}"


def _page_of(read: Callable[[Document], Item]) -> Callable[[Document], Page[Item]]:
    return lambda document: Page([read(item) for item in document["items"]], document["next_cursor"])


def _document(content: bytes) -> Document:
    value = json.loads(content)
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return value
