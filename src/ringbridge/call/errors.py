"""What can go wrong between a request and a call.

CallError
 +-- RequestRefused            the request is not accepted; nothing is stored or dialled
 |    +-- InvalidUserLine          user_line is missing, unreadable, or no line of the account
 |    +-- InvalidDestination       destination_line is missing, unreadable, or may not be called
 |    |    +-- EmergencyNumber          help would be sent to the wrong place
 |    |    +-- DestinationRefused       the account may not call that number, or not now
 |    +-- InvalidOption            an option of the call cannot be had; the text names it
 |    +-- RequestInProgress        a request with the same key is being carried out
 |    +-- IdempotencyKeyReused     the key was used for another request
 |    +-- InvalidCredentials       no valid account and key; never says which part was wrong
 |    +-- TooManyCalls             a limit of the account is reached; try again later
 |    |    +-- SpendLimitReached        the money for the hour, the day or the month is spent or reserved
 |    +-- ServerDraining           the server takes no new calls
 +-- CannotPlaceCalls          the server cannot carry calls now: no trunk, or its media or SIP side is down
 +-- StoreUnavailable          the database did not take the call; nothing is dialled
 +-- InvalidSetting            an administrator's value is not usable; the text says what to write
 +-- NotFound                  no such thing in this account; the text names it
 +-- AlreadyExists             the name, id or number is taken
"""


class CallError(Exception):
    """The root. `code` is the stable word for programs, shown as X-Error-Code."""

    code = "error"


class RequestRefused(CallError):
    """The request is not accepted."""


class InvalidUserLine(RequestRefused):
    """The user's line cannot be used."""

    def __init__(self, code: str) -> None:
        super().__init__(f"user_line: {code}")
        self.code = code


class InvalidDestination(RequestRefused):
    """The destination cannot be called."""

    def __init__(self, code: str) -> None:
        super().__init__(f"destination_line: {code}")
        self.code = code


class EmergencyNumber(InvalidDestination):
    """Help would be sent to the wrong place. `dialed` is what would have been dialled."""

    code = "emergency_number"

    def __init__(self, dialed: str) -> None:
        super().__init__(self.code)
        self.dialed = dialed


class DestinationRefused(InvalidDestination):
    """The account may not call that number, or not now. Both numbers are as they were read."""

    def __init__(self, code: str, *, user_number: str, destination_number: str) -> None:
        super().__init__(code)
        self.user_number = user_number
        self.destination_number = destination_number


class InvalidOption(RequestRefused):
    """An option of the call cannot be had. `option` is its name."""

    def __init__(self, option: str, code: str) -> None:
        super().__init__(f"{option}: {code}")
        self.option = option
        self.code = code


class RequestInProgress(RequestRefused):
    """A request with the same idempotency key is being carried out."""

    code = "request_in_progress"


class IdempotencyKeyReused(RequestRefused):
    """The idempotency key was used for another request."""

    code = "idempotency_key_reused"


class InvalidCredentials(RequestRefused):
    """Account or key is wrong; the reason goes to the log only."""

    code = "invalid_credentials"


class TooManyCalls(RequestRefused):
    """A limit is reached. `retry_after_seconds` is when another try may succeed; `limit` names which, `most` what it allows."""

    code = "limit_exceeded"

    def __init__(self, limit: str, *, most: int, retry_after_seconds: float) -> None:
        super().__init__(f"the limit {limit} is reached")
        self.limit = limit
        self.most = most
        self.retry_after_seconds = retry_after_seconds


class SpendLimitReached(TooManyCalls):
    """The call could cost more than is left; `most` is in millionths of the currency."""

    code = "spend_limit"


class ServerDraining(RequestRefused):
    """The server is shutting down."""

    code = "draining"


class CannotPlaceCalls(CallError):
    """The server cannot carry a call now. `code` says what is missing."""

    def __init__(self, code: str) -> None:
        super().__init__(f"calls cannot be placed: {code}")
        self.code = code


class StoreUnavailable(CallError):
    """The database did not answer or did not take the write."""

    code = "store_unavailable"


class InvalidSetting(CallError):
    """An administrator's value is not usable."""

    code = "invalid_setting"


class NotFound(CallError):
    """No such thing."""

    code = "not_found"


class AlreadyExists(CallError):
    """The name is taken."""

    code = "already_exists"
