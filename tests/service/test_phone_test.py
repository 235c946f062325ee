"""Trying a phone: what comes of whatever it does, what it counts for, and that nothing is left of it."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ringbridge.call.cause import Cause
from ringbridge.call.directory import AccountLimits, Line, LineKind, Phone
from ringbridge.call.errors import CallError, NotFound, TooManyCalls
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
from ringbridge.call.model import LegName, Prompt
from ringbridge.call.user import Role, Session, User
from ringbridge.service import phone_test
from ringbridge.service.calls import CallService
from ringbridge.service.clock import Clock
from ringbridge.service.ledger import Ledger
from ringbridge.service.phone_test import Happening, PhoneTest, PhoneTests, Verdict
from ringbridge.service.sign_in import SignedIn
from ringbridge.store.lines import SqlLines
from tests.service.double import (
    ACCOUNT,
    MOBILE,
    OTHER_ACCOUNT,
    PHONE,
    CountingObserver,
    MemoryDirectory,
    MemoryStore,
    ScriptedEngine,
)

USER = LegName.USER
SESSION = Session(
    id="s",
    token_digest="",
    user_id="u",
    created_at=0.0,
    seen_at=0.0,
    fresh_at=0.0,
    awaits_code=False,
    address="",
    agent="",
)
ANN = SignedIn(
    SESSION,
    User(id="u", account_id=ACCOUNT.id, login="ann", name="Ann", role=Role.OWNER, created_at=0.0),
    ACCOUNT,
)
STRANGER = ANN._replace(account=OTHER_ACCOUNT)


class OneLine(SqlLines):
    """The lines of an account, without a database."""

    def __init__(self, line: Line) -> None:
        self.line = line

    def find(self, account_id: str, line_id: str) -> Line | None:
        return self.line if (account_id, line_id) == (self.line.account_id, self.line.id) else None


class Bench:
    """Tests of one line's phone at an engine that does what it is told."""

    def __init__(self) -> None:
        self.engine, self.directory, self.lines = ScriptedEngine(), MemoryDirectory(), OneLine(PHONE)
        clock = Clock()
        self.calls = CallService(
            engine=self.engine,
            store=MemoryStore(),
            directory=self.directory,
            clock=clock,
            observer=CountingObserver(),
        )
        self.tests = PhoneTests(
            engine=self.engine, calls=self.calls, lines=self.lines, directory=self.directory, clock=clock
        )

    async def start(self) -> PhoneTest:
        """A test whose phone is called."""
        test = await self.tests.start(ANN, self.lines.line.id)
        await self.engine.until(lambda engine: (test.id, Originate(USER)) in engine.performed)
        return test

    async def answered(self) -> PhoneTest:
        """A test whose phone was answered, and hears the question."""
        test = await self.start()
        self.engine.tell(test.id, LegRinging(USER))
        self.engine.tell(test.id, LegAnswered(USER))
        await self.engine.until(lambda engine: (test.id, Play(Prompt.CONFIRM)) in engine.performed)
        return test

    async def over(self, test: PhoneTest, *events: Event) -> PhoneTest:
        """The test once these have happened and it is over."""
        for event in events:
            self.engine.tell(test.id, event)
        await self.engine.until(lambda engine: test.id in engine.released)
        return test

    def hangs_up(self, test: PhoneTest) -> bool:
        """Whether the server hung up."""
        return any(
            call_id == test.id and isinstance(effect, HangUp) for call_id, effect in self.engine.performed
        )


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    async with bench.calls, bench.tests:
        yield bench
    assert bench.calls.admission.calls_now(Ledger(ACCOUNT.id)) == 0
    assert sorted(bench.engine.reserved) == sorted(bench.engine.released)


async def test_a_phone_that_works(bench: Bench) -> None:
    test = await bench.answered()
    assert bench.tests.find(ANN, test.id) is test
    assert not bench.tests.has_worked(ACCOUNT.id)
    prompt = PromptFinished(Prompt.CONFIRM)
    await bench.over(test, prompt, prompt, KeyPressed(USER, "2"), KeyPressed(USER, "1"))
    assert test.verdict is Verdict.WORKS
    assert [step.what for step in test.steps] == [
        Happening.DIALED,
        Happening.RINGING,
        Happening.ANSWERED,
        Happening.PLAYED,
        Happening.PRESSED,
        Happening.ENDED,
    ]
    assert [step.seconds for step in test.steps] == sorted(step.seconds for step in test.steps)
    assert bench.hangs_up(test)
    assert bench.tests.has_worked(ACCOUNT.id)
    assert not bench.tests.has_worked(OTHER_ACCOUNT.id)


@pytest.mark.parametrize(
    ("cause", "verdict"),
    [
        (Cause.BUSY, Verdict.BUSY),
        (Cause.DECLINED, Verdict.DECLINED),
        (Cause.UNREACHABLE, Verdict.UNREACHABLE),
        (Cause.INCOMPATIBLE_MEDIA, Verdict.NO_COMMON_AUDIO),
        (Cause.INTERNAL, Verdict.FAILED),
    ],
)
async def test_a_phone_that_is_not_answered(bench: Bench, cause: Cause, verdict: Verdict) -> None:
    test = await bench.over(await bench.start(), LegEnded(USER, cause, sip_status=486))
    assert (test.verdict, test.sip_status) == (verdict, 486)
    assert not bench.hangs_up(test)


async def test_a_phone_that_hangs_up_too_early(bench: Bench) -> None:
    test = await bench.over(await bench.answered(), MediaSilent(USER), LegEnded(USER, Cause.NORMAL))
    assert test.verdict is Verdict.HUNG_UP
    assert test.has(Happening.SILENT)


async def test_a_phone_that_only_rings(bench: Bench) -> None:
    bench.directory.limits_of_all = AccountLimits(user_ring_s=0.01)
    test = await bench.over(await bench.start(), LegRinging(USER))
    assert test.verdict is Verdict.NO_ANSWER
    assert bench.hangs_up(test)


async def test_a_phone_whose_key_does_not_arrive(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone_test, "ANSWERED_SECONDS", 0.01)
    test = await bench.over(await bench.answered())
    assert test.verdict is Verdict.NO_KEY
    assert bench.hangs_up(test)


async def test_a_server_that_stops_hangs_up(bench: Bench) -> None:
    test = await bench.answered()
    await bench.tests.__aexit__(None, None, None)
    assert test.verdict is Verdict.STOPPED
    assert bench.hangs_up(test)


async def test_an_engine_with_a_fault_leaves_nothing_behind(bench: Bench) -> None:
    bench.engine.breaks_at = Originate
    test = await bench.tests.start(ANN, PHONE.id)
    await bench.over(test)
    assert test.verdict is Verdict.FAILED


async def test_a_test_counts_as_a_call_of_the_line(bench: Bench) -> None:
    await bench.start()
    assert bench.calls.admission.calls_now(Ledger(ACCOUNT.id)) == 1


async def test_a_second_click_leads_to_the_test_that_runs(bench: Bench) -> None:
    test = await bench.start()
    assert await bench.tests.start(ANN, PHONE.id) is test
    assert bench.calls.admission.calls_now(Ledger(ACCOUNT.id)) == 1
    await bench.over(test, LegEnded(USER, Cause.BUSY))
    assert await bench.tests.start(ANN, PHONE.id) is not test


async def test_a_line_without_room_is_not_tried(bench: Bench) -> None:
    bench.directory.limits_of_all = AccountLimits(per_user=0)
    with pytest.raises(TooManyCalls):
        await bench.tests.start(ANN, PHONE.id)


async def test_what_is_not_tried(bench: Bench) -> None:
    async def code(by: SignedIn = ANN) -> str:
        with pytest.raises(CallError) as error:
            await bench.tests.start(by, bench.lines.line.id)
        return error.value.code

    assert await code(STRANGER) == "not_found"
    assert await code(ANN._replace(account=replace(ACCOUNT, suspended=True))) == "suspended"
    bench.engine.is_full = True
    assert await code() == "trunk_full"
    bench.engine.is_full = False
    bench.engine.is_healthy = False
    assert await code() == "engine_down"
    bench.engine.is_healthy = True
    bench.lines.line = replace(PHONE, kind=LineKind.DEVICE, uri=None, sip_username="desk")
    assert await code() == "no_phone"
    bench.engine.registered[PHONE.id] = [Phone("UDP", "192.0.2.7", 5060, None)]
    await bench.over(await bench.start(), LegEnded(USER, Cause.BUSY))
    bench.lines.line = MOBILE
    bench.directory.limits_of_all = AccountLimits(spend_per_day=1)
    assert await code() == "costs_money"


async def test_only_the_last_tests_are_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone_test, "MOST_KEPT", 1)
    first = await bench.over(await bench.start(), LegEnded(USER, Cause.BUSY))
    second = await bench.over(await bench.start(), LegEnded(USER, Cause.BUSY))
    assert bench.tests.find(ANN, second.id) is second
    for by, test_id in ((ANN, first.id), (STRANGER, second.id)):
        with pytest.raises(NotFound):
            bench.tests.find(by, test_id)
