"""What the demo's server finds in its database: an account with a key and lines, and a trunk to the other phone."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ringbridge.call.directory import AccountLimits, Line, LineKind, Trunk
from ringbridge.config import load_pepper
from ringbridge.service.clock import Clock
from ringbridge.service.credential import new_key
from ringbridge.service.example import authorization
from ringbridge.store.administration import Administration
from ringbridge.store.database import migrate, open_database

ACCOUNT_ID = "1009683"
FIRST_LINE = 18175629656
DESTINATION = "+15125292329"


@dataclass(frozen=True, slots=True, kw_only=True)
class Furniture:
    """What was put there: the lines' numbers, the account's key and its Authorization, and the database itself."""

    lines: tuple[str, ...]
    key: str
    authorization: str
    directory: Administration

    def records(self) -> int:
        """How many calls have ended, by the records of them."""
        return len(self.directory.records(ACCOUNT_ID, 1000))


@contextmanager
def furnish(data_dir: Path, *, lines: int, user_port: int, destination_port: int) -> Iterator[Furniture]:
    """A database for `lines` users whose phone is at `user_port`; everybody else is reached at `destination_port`."""
    engine = open_database(f"sqlite:///{data_dir}/ringbridge.db")
    try:
        migrate(engine)
        directory = Administration(engine)
        directory.add_account("Demo", account_id=ACCOUNT_ID)
        directory.set_limits(ACCOUNT_ID, AccountLimits(concurrent=lines, rate=max(10, lines)))
        numbers = tuple(f"+{FIRST_LINE + index}" for index in range(lines))
        directory.add_lines(
            [
                Line(
                    id=secrets.token_hex(8),
                    account_id=ACCOUNT_ID,
                    number=number,
                    name="Demo",
                    kind=LineKind.URI,
                    uri=f"sip:{number}@127.0.0.1:{user_port}",
                )
                for number in numbers
            ]
        )
        directory.add_trunk(
            Trunk(id=secrets.token_hex(8), name="demo", uri=f"sip:127.0.0.1:{destination_port}")
        )
        pepper = load_pepper(data_dir, has_keys=False)
        key, text = new_key(pepper, ACCOUNT_ID, "demo", Clock().utc_now(), secrets.token_bytes)
        directory.add_key(key)
        yield Furniture(
            lines=numbers, key=text, authorization=authorization(ACCOUNT_ID, text), directory=directory
        )
    finally:
        engine.dispose()
