"""The client for programs without an event loop."""

import http.client
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from typing_extensions import Unpack

from ringbridge.client import operation
from ringbridge.client.errors import ServerBusy, ServerUnreachable
from ringbridge.client.model import Call, CallEvent, Document, Record
from ringbridge.client.operation import CallOptions, Operation, Page
from ringbridge.client.patience import AGAIN_SECONDS, AWAY_SECONDS, Patience

Result = TypeVar("Result")
Item = TypeVar("Item")

# The server's answer to a new call waits for its database at most two seconds.
ANSWER_SECONDS = 10.0
# A stream says something at least every fifteen seconds.
STREAM_SECONDS = 60.0


class Client:
    """Asks the server at `url` for an account. All methods raise ServerUnreachable and Refused.

    It keeps no connection, and may be used by several threads at once.
    """

    def __init__(
        self, url: str, account_id: str, key: str, *, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._url = operation.server_url(url)
        self._authorization = operation.authorization(account_id, key)
        self._answer_seconds = answer_seconds

    def place(
        self,
        user_line: str,
        destination_line: str,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Call:
        """Ask for a call, which is stored when this returns. With the same idempotency key it is asked for once."""
        return self._do(operation.place(user_line, destination_line, options, idempotency_key))

    def find(self, call_id: str) -> Call:
        """The call as it is now. Raises NotThere."""
        return self._do(operation.find(call_id))

    def calls(self, **filters: Any) -> Iterator[Call]:
        """The account's calls, the last first; `filters` are those of docs/api.md. Asks for pages as they are needed."""
        return self._all(lambda cursor: operation.page_of_calls(filters, cursor))

    def records(self, **filters: Any) -> Iterator[Record]:
        """The records of calls that are over, the last first; `filters` are those of docs/api.md."""
        return self._all(lambda cursor: operation.page_of_records(filters, cursor))

    def follow(self, call_id: str, *, after: int = 0) -> Iterator[CallEvent]:
        """The call's history behind a sequence, as it happens, to its end.

        A stream that breaks is taken up again, also from a server that is away for a minute at most.
        """
        patience = Patience()
        while True:
            pause_seconds = AGAIN_SECONDS
            try:
                for event in self._stream(operation.events_path(call_id, after), patience):
                    if event is None:
                        return
                    after = event.sequence
                    yield event
                    if event.state == "ended":
                        return
            except (ServerUnreachable, ServerBusy):
                if patience.is_over(time.monotonic()):
                    raise
                pause_seconds = AWAY_SECONDS
            _pause(pause_seconds)

    def wait(self, call_id: str) -> Call:
        """The call when it is over; a server that is away meanwhile is waited for as in `follow`."""
        patience = Patience()
        for _ in self.follow(call_id):
            pass
        patience.heard()
        while True:
            try:
                return self.find(call_id)
            except (ServerUnreachable, ServerBusy):
                if patience.is_over(time.monotonic()):
                    raise
            _pause(AWAY_SECONDS)

    def hang_up(self, call_id: str) -> None:
        """End the call. Raises Refused with `call_already_ended` when it is over."""
        self._do(operation.hang_up(call_id))

    def hold(self, call_id: str, leg: str = "destination") -> None:
        """Put one leg, `user` or `destination`, on hold."""
        self._do(operation.act(call_id, "hold", {"leg": leg}))

    def resume(self, call_id: str) -> None:
        """Join both legs again."""
        self._do(operation.act(call_id, "resume", None))

    def press(self, call_id: str, digits: str, leg: str = "destination") -> None:
        """Press keys into one leg; a comma is a pause of a second."""
        self._do(operation.act(call_id, "digits", {"digits": digits, "leg": leg}))

    def transfer(self, call_id: str, destination_line: str, leg: str = "destination") -> None:
        """Let one leg talk to a third in place of the other leg, which is released when the third answers."""
        body = {"destination_line": destination_line, "leg": leg}
        self._do(operation.act(call_id, "transfer", body))

    def release(self, call_id: str, leg: str) -> None:
        """Hang up one leg; the other one is told why."""
        self._do(operation.act(call_id, "hangup", {"leg": leg}))

    def export_records(self, **filters: Any) -> str:
        """All records that the filters let through as a table (CSV, RFC 4180), in memory."""
        return self._do(operation.export_of_records(filters))

    def ask(self, method: str, path: str, body: Document | None = None) -> Document:
        """Whatever else docs/api.md offers: the document that is answered."""
        return self._do(operation.ask(method, path, body))

    def _all(self, page_at: Callable[[str | None], Operation[Page[Item]]]) -> Iterator[Item]:
        cursor = None
        while True:
            page = self._do(page_at(cursor))
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def _do(self, wanted: Operation[Result]) -> Result:
        headers = dict(wanted.headers or {})
        if wanted.body is not None:
            headers["Content-Type"] = "application/json"
        try:
            with self._open(
                wanted.method, wanted.path, wanted.content(), headers, self._answer_seconds
            ) as answer:
                return wanted.result(answer.status or 0, _lower(answer.headers.items()), answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable() from error

    def _stream(self, path: str, patience: Patience) -> Iterator[CallEvent | None]:
        """The events until the connection ends; None when nothing will follow."""
        try:
            with self._open("GET", path, None, {}, STREAM_SECONDS) as answer:
                if answer.status == 204:
                    yield None
                    return
                if answer.status != 200:
                    raise operation.refused(answer.status or 0, _lower(answer.headers.items()), answer.read())
                patience.heard()
                for line in answer:
                    event = operation.event_in(line)
                    if event is not None:
                        yield event
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable() from error

    def _open(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> http.client.HTTPResponse | urllib.error.HTTPError:
        # The scheme was looked at when the client was made.
        request = urllib.request.Request(self._url + path, content, dict(headers), method=method)  # noqa: S310
        # Not where a redirect leads: the key is for this server.
        request.add_unredirected_header("Authorization", self._authorization)
        try:
            answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=seconds)  # noqa: S310
        except urllib.error.HTTPError as refusal:
            return refusal
        return answer

    def _unreachable(self) -> ServerUnreachable:
        return ServerUnreachable(f"no ringbridge answers at {self._url}")


def _lower(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)
