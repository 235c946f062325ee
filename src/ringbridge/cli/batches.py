"""Writing many rows beside a running server: some at a time, so that calls have the database to themselves in between."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ringbridge.call.errors import CallError
from ringbridge.cli.errors import CommandError
from ringbridge.cli.progress import progress

BATCH = 500
"""Rows that are written at a time: a call that is being placed waits for so many at most."""

_PAUSE_SECONDS = 0.1

Row = TypeVar("Row")


def write_in_batches(
    rows: Sequence[Row], write: Callable[[Sequence[Row]], int], thing: str, what_next: str
) -> int:
    """What `write` says of the batches, added up; a bar on a terminal shows how far they are.

    Raises what `write` does while nothing is written, and then CommandError, which says how many of which `thing` are, and
    `what_next`: what to do with the file.
    """
    written = 0
    for first in progress(range(0, len(rows), BATCH), "writing"):
        if first:
            time.sleep(_PAUSE_SECONDS)  # noqa: TID251
        try:
            written += write(rows[first : first + BATCH])
        except CallError as error:
            if not first:
                raise
            raise CommandError(
                f"{error} The first {first} {thing}s of the file are stored: {what_next}."
            ) from error
    return written
