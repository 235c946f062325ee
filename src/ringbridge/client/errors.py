"""What can go wrong when a server is asked.

ClientError
 +-- ServerUnreachable     no ringbridge answers there, or not in time; whether it did what was asked is not known
 +-- Refused               it answered that it does not do it; `code` is the stable word for why
      +-- NotAllowed            the key is not right, or does not have the scope (401, 403)
      +-- NotThere              there is no such call, record or line (404)
      +-- TooMany               a limit is reached; try again in `retry_after_seconds` (429)
      +-- ServerBusy            the server cannot do it now; try again in `retry_after_seconds` (5xx)
"""


class ClientError(Exception):
    """The root."""


class ServerUnreachable(ClientError):
    """No answer, or none of a ringbridge server. A call that was asked for with an idempotency key can be asked for again."""


class Refused(ClientError):
    """The answer is no. The text is for people, `status` and `code` are for programs."""

    def __init__(self, status: int, code: str, detail: str, retry_after_seconds: float | None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.retry_after_seconds = retry_after_seconds


class NotAllowed(Refused):
    """The key does not open this."""


class NotThere(Refused):
    """There is no such thing in this account."""


class TooMany(Refused):
    """A limit is reached."""


class ServerBusy(Refused):
    """The server, or its database, cannot do it now."""


def refusal(status: int, code: str, detail: str, retry_after_seconds: float | None) -> Refused:
    """The error for an answer with that status."""
    kind = Refused
    match status:
        case 401 | 403:
            kind = NotAllowed
        case 404:
            kind = NotThere
        case 429:
            kind = TooMany
        case _ if status >= 500:
            kind = ServerBusy
    return kind(status, code, detail, retry_after_seconds)
