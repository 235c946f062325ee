"""Why the server cannot start, in one sentence for the administrator."""

import contextlib
from collections.abc import Iterator

from ringbridge.call.errors import CallError
from ringbridge.config import unbindable


class StartError(Exception):
    """The server cannot start; the text is one sentence that says what to do."""


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """What a back door raises while the server starts is one sentence for the administrator."""
    try:
        yield
    except CallError as exc:
        raise StartError(str(exc)) from exc


def taken(what: str, host: str, port: int, error: OSError) -> str:
    """The sentence for an address that cannot be listened on."""
    reason, mend = unbindable(what, error)
    return f"cannot listen for {what.replace('_', ' over ')} on {host} port {port} ({reason}): {mend}"
