"""What a client asks for when it asks for a call."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """A call that is wanted. `user_line` and `destination_line` are as the client wrote them."""

    user_line: str
    destination_line: str
