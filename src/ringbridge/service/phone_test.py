"""Trying a line's phone: ring it, ask whoever answers to press 1, and say what happened and how long each step took.

Nobody else is called, nothing is stored. It counts as a call of the line and the account while it lasts, so that their
limits hold; a line over a trunk of an account whose money is limited is not tried, for what it costs would be booked nowhere.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import NamedTuple, Self

import structlog

from ringbridge.call import routing
from ringbridge.call.cause import Cause
from ringbridge.call.directory import Line, LineKind
from ringbridge.call.errors import CallError, CannotPlaceCalls, NotFound
from ringbridge.call.event import (
    Event,
    HangUp,
    KeyPressed,
    LegAnswered,
    LegEnded,
    LegRinging,
    MediaSilent,
    Originate,
    Play,
    PromptFinished,
)
from ringbridge.call.model import Call, LegName, Party, Prompt, Route
from ringbridge.call.ports import Directory, Engine, LineStore
from ringbridge.service.admission import Admission
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.identifier import new_call_id
from ringbridge.service.sign_in import SignedIn
from ringbridge.tasks import Tasks

log = structlog.get_logger()

ANSWERED_SECONDS = 20.0
"""How long whoever answered may take to press 1."""

MOST_KEPT = 500
"""Tests whose pages may still be looked at; of all accounts together."""

USER = LegName.USER


class PhoneTestRefused(CallError):
    """The phone is not tried; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(f"no test: {code}")
        self.code = code


class Happening(Enum):
    """What can happen to a phone that is tried."""

    DIALED = "dialed"
    RINGING = "ringing"
    ANSWERED = "answered"
    PLAYED = "played"
    PRESSED = "pressed"
    SILENT = "silent"
    ENDED = "ended"


class Verdict(Enum):
    """What a test shows. NO_KEY: it was answered, but nobody pressed 1, or the key did not arrive."""

    WORKS = "works"
    NO_KEY = "no_key"
    HUNG_UP = "hung_up"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    NO_COMMON_AUDIO = "no_common_audio"
    STOPPED = "stopped"
    FAILED = "failed"


_VERDICTS = {
    Cause.BUSY: Verdict.BUSY,
    Cause.NO_ANSWER: Verdict.NO_ANSWER,
    Cause.DECLINED: Verdict.DECLINED,
    Cause.INVALID_NUMBER: Verdict.REFUSED,
    Cause.UNREACHABLE: Verdict.UNREACHABLE,
    Cause.NO_RESPONSE: Verdict.UNREACHABLE,
    Cause.NETWORK_FAILURE: Verdict.UNREACHABLE,
    Cause.FORBIDDEN: Verdict.REFUSED,
    Cause.AUTHENTICATION_FAILED: Verdict.REFUSED,
    Cause.INCOMPATIBLE_MEDIA: Verdict.NO_COMMON_AUDIO,
}


class Step(NamedTuple):
    """Something that happened, and how many seconds after the start."""

    what: Happening
    seconds: float


@dataclass(kw_only=True)
class PhoneTest:
    """A test as it stands. `verdict` is None while it lasts; sip_status: the phone's own refusal, where there was one."""

    id: str
    line: Line
    account_id: str
    steps: list[Step] = field(default_factory=list)
    verdict: Verdict | None = None
    sip_status: int | None = None

    def has(self, what: Happening) -> bool:
        """Whether that happened."""
        return any(step.what is what for step in self.steps)


class PhoneTests:
    """Tries phones. An async context manager: leaving it ends the tests that run."""

    def __init__(
        self, *, engine: Engine, calls: CallService, lines: LineStore, directory: Directory, clock: Clock
    ) -> None:
        self._engine = engine
        self._calls = calls
        self._admission: Admission = calls.admission
        self._lines = lines
        self._directory = directory
        self._clock = clock
        self._tests: OrderedDict[str, PhoneTest] = OrderedDict()
        self._events: dict[str, asyncio.Queue[Event]] = {}
        self._tasks = Tasks("phone_tests.fault")
        calls.on_other_event = self._on_event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tasks.cancel()

    async def start(self, by: SignedIn, line_id: str) -> PhoneTest:
        """Ring the line's phone now; where it is being tested already, that test goes on and is returned.

        Raises NotFound, PhoneTestRefused, TooManyCalls, CannotPlaceCalls and StoreUnavailable; then nothing rings.
        """
        line = await asyncio.to_thread(self._lines.find, by.account.id, line_id)
        if line is None or not by.caller.key.may_use(line.number):
            raise NotFound("There is no line with this id.")
        if by.account.suspended:
            raise PhoneTestRefused("suspended")
        if line.kind is LineKind.DEVICE and not self._engine.phones(line.id):
            raise PhoneTestRefused("no_phone")
        limits = await self._directory.limits(by.account.id)
        if line.kind is LineKind.TRUNK and limits.limits_money:
            raise PhoneTestRefused("costs_money")
        call = await self._call(by, line)
        # From here on nothing is waited for: a server that stops has it, or begins it no more.
        running = self._running(line)
        if running is not None:
            return running
        if self._calls.is_draining or not self._engine.healthy():
            raise CannotPlaceCalls("engine_down")
        first = self._admission.admit(call, limits)
        assert first is None, "a line calls itself in its test only, and none runs"
        if not self._engine.reserve(call):
            self._admission.release(call)
            raise CannotPlaceCalls("trunk_full")
        test = PhoneTest(id=call.id, line=line, account_id=by.account.id)
        self._tests[test.id] = test
        while len(self._tests) > MOST_KEPT:
            self._tests.popitem(last=False)
        self._events[test.id] = asyncio.Queue()
        self._tasks.begin(self._run(test, call, limits.user_ring_s))
        log.info("phone_test.started", test=test.id, account=test.account_id, by=by.user.id)
        return test

    def find(self, by: SignedIn, test_id: str) -> PhoneTest:
        """A test of the account's as it stands now. Raises NotFound."""
        test = self._tests.get(test_id)
        if test is None or test.account_id != by.account.id or not by.caller.key.may_use(test.line.number):
            raise NotFound("There is no such test, or it was too long ago.")
        return test

    def has_worked(self, account_id: str) -> bool:
        """Whether a phone of the account passed a test since the server started."""
        return any(
            test.verdict is Verdict.WORKS and test.account_id == account_id for test in self._tests.values()
        )

    def _running(self, line: Line) -> PhoneTest | None:
        """The test of the line that is not over."""
        return next(
            (test for test in self._tests.values() if test.line.id == line.id and test.verdict is None), None
        )

    async def _call(self, by: SignedIn, line: Line) -> Call:
        """A call that has only its first leg."""
        account, now, utc_now = by.account, self._clock.now(), self._clock.utc_now()
        trunks = await self._directory.trunks()
        user = routing.user_party(line, account, trunks, line.number)
        if line.kind is not LineKind.TRUNK:
            routes = tuple(route._replace(caller_name="Test call") for route in user.routes)
            user = user._replace(routes=routes)
        return Call(
            id=new_call_id(utc_now),
            account_id=account.id,
            key_id=by.caller.key.id,
            user=user,
            destination=Party(number=line.number, routes=(Route(target="", caller_number=line.number),)),
            language=line.language or account.language,
            confirm=True,
            accepted_at=now,
            accepted_utc=utc_now,
        )

    async def _run(self, test: PhoneTest, call: Call, ring_seconds: float) -> None:
        """From the first INVITE to the last BYE."""
        try:
            self._note(test, Happening.DIALED, call)
            self._engine.perform(call, Originate(USER))
            await self._ring(test, call, ring_seconds)
            if test.has(Happening.ANSWERED):
                await self._await_key(test, call)
        except asyncio.CancelledError:
            test.verdict = Verdict.STOPPED
        except Exception:
            log.exception("phone_test.failed", test=test.id)
            test.verdict = Verdict.FAILED
        finally:
            del self._events[test.id]
            if not test.has(Happening.ENDED):
                self._note(test, Happening.ENDED, call)
                self._engine.perform(call, HangUp(USER, Cause.NORMAL))
            self._engine.release(call.id)
            self._admission.release(call)
            log.info(
                "phone_test.ended", test=test.id, verdict=None if test.verdict is None else test.verdict.value
            )

    async def _ring(self, test: PhoneTest, call: Call, ring_seconds: float) -> None:
        """Until it is answered, or is not going to be."""
        try:
            async with asyncio.timeout(ring_seconds):
                while test.verdict is None:
                    event = await self._events[test.id].get()
                    match event:
                        case LegRinging(leg=LegName.USER):
                            self._note(test, Happening.RINGING, call)
                        case LegAnswered(leg=LegName.USER):
                            self._note(test, Happening.ANSWERED, call)
                            self._engine.perform(call, Play(Prompt.CONFIRM))
                            return
                        case LegEnded(leg=LegName.USER, cause=cause, sip_status=status):
                            self._note(test, Happening.ENDED, call)
                            test.verdict, test.sip_status = _VERDICTS.get(cause, Verdict.FAILED), status
        except TimeoutError:
            test.verdict = Verdict.NO_ANSWER

    async def _await_key(self, test: PhoneTest, call: Call) -> None:
        """Until 1 is pressed, somebody hangs up, or too much time has gone by."""
        try:
            async with asyncio.timeout(ANSWERED_SECONDS):
                while test.verdict is None:
                    match await self._events[test.id].get():
                        case PromptFinished():
                            self._note(test, Happening.PLAYED, call)
                        case MediaSilent(leg=LegName.USER):
                            self._note(test, Happening.SILENT, call)
                        case KeyPressed(leg=LegName.USER, key="1"):
                            self._note(test, Happening.PRESSED, call)
                            test.verdict = Verdict.WORKS
                        case LegEnded(leg=LegName.USER):
                            self._note(test, Happening.ENDED, call)
                            test.verdict = Verdict.HUNG_UP
        except TimeoutError:
            test.verdict = Verdict.NO_KEY

    def _note(self, test: PhoneTest, what: Happening, call: Call) -> None:
        if not test.has(what):
            test.steps.append(Step(what, self._clock.now() - call.accepted_at))

    def _on_event(self, call_id: str, event: Event) -> None:
        events = self._events.get(call_id)
        if events is not None:
            events.put_nowait(event)
