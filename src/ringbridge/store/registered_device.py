"""A phone that is registered, as an administrator is shown it."""

from typing import NamedTuple


class RegisteredDevice(NamedTuple):
    """Where it is, what it calls itself, and until when it counts. `expires_at` is UTC seconds since 1970."""

    transport: str
    host: str
    port: int
    user_agent: str | None
    expires_at: float
