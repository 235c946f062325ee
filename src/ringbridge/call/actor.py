"""Who asks for what is being done now: named by the front doors, and read where the audit log is written.

It travels with the context of a task or thread (PEP 567) rather than through every method that changes something: a method
that forgot to hand it on would let somebody's change look like nobody's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import NamedTuple


class ActorKind(Enum):
    """What somebody who changes things proves himself with."""

    COMMAND_LINE = "command_line"
    API_KEY = "api_key"
    USER = "user"
    SERVER = "server"


class Actor(NamedTuple):
    """`id` is a user of this machine, a key's, or a user's of the portal; `address` is where the request came from, if from anywhere."""

    kind: ActorKind
    id: str | None = None
    address: str | None = None


SERVER = Actor(ActorKind.SERVER)
"""The server itself, by its own rules."""

_acting: ContextVar[Actor] = ContextVar("acting", default=SERVER)


def acting() -> Actor:
    """Who acts in this context; the server where nobody was named."""
    return _acting.get()


def act(actor: Actor) -> None:
    """From now on `actor` acts in this context, and in those that are copied from it."""
    _acting.set(actor)


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """While entered, `actor` acts."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)
