"""`ringbridge serve` that is killed, as by a crash, on the way from a request to its answer, and started again.

    python doomed.py FILE request serve

As soon as FILE is there, the server kills itself where the next request passes the first of POINTS. FILE is removed,
and it starts again, now to be killed at the second, and so on; when it was killed at all of them it serves for good.
With `attempt` it is killed where it places an attempt of a scheduled call, at each of ATTEMPT_POINTS.
The product knows nothing of this: what stands at a point is wrapped here before the server starts.
"""

import ctypes
import functools
import inspect
import os
import signal
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

# So that the servers that are forked have it.
import ringbridge.bootstrap  # noqa: F401
from ringbridge.__main__ import main
from ringbridge.api.connection import GatheringTransport
from ringbridge.service.admission import Admission
from ringbridge.service.attempts import Attempts
from ringbridge.service.authentication import Authenticator
from ringbridge.service.calls import CallService
from ringbridge.service.planner import Planner
from ringbridge.service.repetition import Repetitions
from ringbridge.service.schedule_book import ScheduleBook
from ringbridge.store.calls import SqlCallStore
from ringbridge.store.change import ChangeStatements
from ringbridge.store.session import WriteSession


class Point(NamedTuple):
    """Where a request with a key passes: right before or behind `owner.method`; and whether its call is stored there."""

    owner: type
    method: str
    is_behind: bool
    is_stored: bool


# In the order in which a request passes them.
POINTS = {
    "request read": Point(Authenticator, "authenticate", False, False),
    "caller known": Point(Authenticator, "authenticate", True, False),
    "key claimed": Point(Repetitions, "earlier_call", False, False),
    "key looked up": Point(Repetitions, "earlier_call", True, False),
    "call planned": Point(Planner, "plan", True, False),
    "call admitted": Point(Admission, "admit", True, False),
    "transaction begun": Point(ChangeStatements, "apply", False, False),
    "rows written": Point(ChangeStatements, "apply", True, False),
    "transaction committed": Point(WriteSession, "transact", True, True),
    "call stored": Point(SqlCallStore, "accept", True, True),
    "call started": Point(CallService, "place", True, True),
    "answer made": Point(GatheringTransport, "write", False, True),
}


# In the order in which an attempt passes them. None of them is on the way of the request for the scheduled call.
ATTEMPT_POINTS = {
    "due": Point(Attempts, "_look_at", False, False),
    "caller known": Point(Attempts, "_caller", True, False),
    "call admitted": Point(Admission, "admit", True, False),
    "call about to be stored": Point(SqlCallStore, "accept", False, False),
    "call stored": Point(SqlCallStore, "accept", True, True),
    "call started": Point(CallService, "place_attempt", True, True),
    "about to be told": Point(ScheduleBook, "change", False, True),
    "told": Point(ScheduleBook, "change", True, True),
}


def doom(point: Point, is_armed: Callable[[], bool]) -> None:
    """Let this process kill itself at the point from when on `is_armed`."""
    original = getattr(point.owner, point.method)

    def pass_by(*, is_behind: bool) -> None:
        if is_behind is point.is_behind and is_armed():
            os.kill(os.getpid(), signal.SIGKILL)

    @functools.wraps(original)
    def method(*words: Any, **named: Any) -> Any:
        pass_by(is_behind=False)
        result = original(*words, **named)
        pass_by(is_behind=True)
        return result

    @functools.wraps(original)
    async def coroutine_method(*words: Any, **named: Any) -> Any:
        pass_by(is_behind=False)
        result = await original(*words, **named)
        pass_by(is_behind=True)
        return result

    wrapped = coroutine_method if inspect.iscoroutinefunction(original) else method
    setattr(point.owner, point.method, wrapped)


def start(point: Point | None, armed_by: Path) -> int:
    """A server in a process of its own, which is forked: that saves it the second that the imports take. Its id."""
    process_id = os.fork()
    if process_id == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # PR_SET_PDEATHSIG: nothing is left when whoever watches over it is killed.
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if point is not None:
            doom(point, armed_by.exists)
        main()
    return process_id


def pass_on(process_id: int, number: int, frame: object) -> None:
    """Give a signal to the server."""
    os.kill(process_id, number)


def watch_over(armed_by: Path, points: Iterable[Point]) -> None:
    """Start a server for each point, and one for good; leaves with the exit status of the first that was not killed."""
    for point in (*points, None):
        process_id = start(point, armed_by)
        signal.signal(signal.SIGTERM, partial(pass_on, process_id))
        _, status = os.waitpid(process_id, 0)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            sys.exit(os.waitstatus_to_exitcode(status))
        armed_by.unlink()


if __name__ == "__main__":
    file, kind = sys.argv.pop(1), sys.argv.pop(1)
    watch_over(Path(file), {"request": POINTS, "attempt": ATTEMPT_POINTS}[kind].values())
