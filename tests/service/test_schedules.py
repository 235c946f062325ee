"""Scheduled calls over doubles at the ports, with a clock on the wall that is turned by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from operator import attrgetter

import pytest

from ringbridge.call.cause import Cause, EndedBy, Outcome
from ringbridge.call.directory import AccountLimits
from ringbridge.call.errors import (
    InvalidCredentials,
    InvalidDestination,
    InvalidOption,
    RequestInProgress,
    ServerDraining,
    StoreUnavailable,
    TooManyCalls,
)
from ringbridge.call.event import CancelRequested, LegEnded, Originate
from ringbridge.call.history import StoredCall, StoredEvent, StoredLeg
from ringbridge.call.idempotency import IdempotencyKey, KeptKey
from ringbridge.call.key import ApiKey
from ringbridge.call.model import Ending, State
from ringbridge.call.schedule import Retry, ScheduledCall, ScheduleStep
from ringbridge.call.schedule_ports import OpenSchedule
from ringbridge.call.simulation import is_simulated
from ringbridge.call.user import Role, User
from ringbridge.service import attempts
from ringbridge.service import schedules as service
from ringbridge.service.authentication import Caller
from ringbridge.service.identifier import new_call_id
from ringbridge.service.repetition import Placed
from ringbridge.service.request import ScheduleRequest
from ringbridge.service.schedules import ScheduleService
from tests.service.double import ACCOUNT, CALLER, KEY, STRANGER
from tests.service.test_calls import CLICK, FROM, USER, House

PATIENCE_SECONDS = 30.0
HOUR = 3600.0


class MemorySchedules:
    """Scheduled calls in memory. What is known of their attempts is what the double of the store was given."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.kept: dict[str, ScheduledCall] = {}
        self.told: dict[str, list[str]] = {}
        self.fails = False
        self.fails_at: str | None = None
        self._changed = asyncio.Event()

    async def add(self, step: ScheduleStep, key: IdempotencyKey | None) -> None:
        self._keep(step)
        if key is not None:
            call = step.after.call
            self.house.store.keys[call.account_id, key.text] = KeptKey(
                key.body_digest, call.id, call.accepted_utc
            )

    async def change(self, step: ScheduleStep) -> None:
        self._keep(step)

    def _keep(self, step: ScheduleStep) -> None:
        if self.fails or step.event.name == self.fails_at:
            raise StoreUnavailable("the database is not available")
        call = step.after.call
        self.kept[call.id] = step.after
        self.told.setdefault(call.id, []).append(step.event.name)
        assert len(self.told[call.id]) == step.event.sequence
        self.house.store.found[call.account_id, call.id] = _shown(step.after, self.told[call.id])
        self._changed.set()

    async def find(self, call_id: str) -> ScheduledCall | None:
        if self.fails:
            raise StoreUnavailable("the database is not available")
        kept = self.kept.get(call_id)
        if kept is None:
            return None
        # As the database has them: by their ids.
        attempts = sorted(
            (call for call in self.house.store.accepted if call.attempt_of == call_id), key=attrgetter("id")
        )
        if not attempts:
            return kept
        saved = [call for call, _ in self.house.store.saved if call.id == attempts[-1].id]
        return kept._replace(
            due_at=None if len(attempts) > kept.attempts else kept.due_at,
            attempts=len(attempts),
            attempt_id=attempts[-1].id,
            attempt_ending=saved[-1].ending if saved else None,
        )

    async def open(self) -> list[OpenSchedule]:
        return [
            OpenSchedule(one.call.id, one.call.account_id, one.due_at, is_simulated(one.call))
            for one in self.kept.values()
            if not one.is_over
        ]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds, looked at after each step."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


def _shown(one: ScheduledCall, names: list[str]) -> StoredCall:
    nobody = StoredLeg(
        number=one.call.user.number,
        trunk=None,
        state="none",
        ringing_at=None,
        answered_at=None,
        ended_at=None,
        cause=None,
        sip_status=None,
        q850=None,
    )
    events = tuple(
        StoredEvent(number, name, one.event_at, one.call.state.value, "none", "none")
        for number, name in enumerate(names, 1)
    )
    return StoredCall(
        id=one.call.id,
        account_id=one.call.account_id,
        state=one.call.state.value,
        outcome=None,
        cause=None,
        ended_by=None,
        accepted_at=one.call.accepted_utc,
        ended_at=None,
        talk_seconds=0.0,
        user=nobody,
        destination=nobody,
        events=events,
    )


class ScheduleHouse(House):
    """The service of calls and that of scheduled calls."""

    def __init__(self) -> None:
        super().__init__()
        self.plans = MemorySchedules(self)
        self.schedules = self.service()

    def service(self) -> ScheduleService:
        return ScheduleService(calls=self.calls, store=self.plans, directory=self.directory, clock=self.clock)

    async def schedule(self, in_seconds: float = 0.0, retry: Retry | None = None, **options: object) -> str:
        at = self.clock.utc_now() + in_seconds
        wanted = ScheduleRequest(at=at, retry=retry, **options)  # type: ignore[arg-type]
        return (await self.schedules.place(CALLER, CLICK, wanted)).call_id

    async def attempt(self, number: int = 1) -> str:
        """The id of the attempt, when its user's phone is being dialled."""

        def ids() -> list[str]:
            return [call_id for call_id, effect in self.engine.performed if effect == Originate(USER)]

        await self.engine.until(lambda _: len(ids()) >= number)
        return ids()[number - 1]

    async def ended(self, call_id: str) -> Ending:
        """How the scheduled call ended."""
        await self.plans.until(lambda: self.plans.kept[call_id].is_over)
        ending = self.plans.kept[call_id].call.ending
        assert ending is not None
        return ending

    def turn(self, seconds: float) -> None:
        """So much time passes on the wall."""
        self.clock.turned_seconds += seconds
        # The timer would see it within a minute.
        self.schedules._book.agenda._is_changed.set()


@asynccontextmanager
async def running() -> AsyncIterator[ScheduleHouse]:
    house = ScheduleHouse()
    async with house.calls:
        async with house.schedules:
            yield house
        await house.calls.drain(0.0)


@pytest.fixture
async def house() -> AsyncIterator[ScheduleHouse]:
    async with running() as made:
        yield made


async def test_a_call_is_placed_when_its_time_has_come_and_not_before(house: ScheduleHouse) -> None:
    call_id = await house.schedule(600.0)
    assert house.engine.performed == []
    house.turn(600.0)
    attempt = await house.attempt()
    await house.plans.until(lambda: house.plans.kept[call_id].is_up)
    assert house.plans.told[call_id] == ["scheduled", "attempt_started"]
    [accepted] = house.store.accepted
    assert (accepted.id, accepted.attempt_of) == (attempt, call_id)
    await house.end(attempt)
    assert (await house.ended(call_id)).outcome is Outcome.USER_DECLINED
    assert house.plans.told[call_id] == ["scheduled", "attempt_started", "ended"]
    assert len(house.store.accepted) == 1


async def test_an_outcome_to_retry_is_followed_by_another_attempt(house: ScheduleHouse) -> None:
    call_id = await house.schedule(retry=Retry(max_attempts=2, after_seconds=300.0))
    house.engine.tell(await house.attempt(), LegEnded(USER, Cause.BUSY, 486))
    await house.plans.until(lambda: house.plans.told[call_id][-1] == "attempt_failed")
    house.turn(300.0)
    house.engine.tell(await house.attempt(2), LegEnded(USER, Cause.BUSY, 486))
    assert (await house.ended(call_id)).outcome is Outcome.USER_BUSY
    assert house.plans.told[call_id] == [
        "scheduled",
        "attempt_started",
        "attempt_failed",
        "attempt_started",
        "ended",
    ]


async def test_a_clock_that_is_set_back_between_attempts_confuses_none_with_another(
    house: ScheduleHouse,
) -> None:
    call_id = await house.schedule(retry=Retry(max_attempts=4, after_seconds=0.0))
    await house.attempt()
    house.turn(-HOUR)
    for number in (1, 2, 3):
        house.engine.tell(await house.attempt(number), LegEnded(USER, Cause.BUSY, 486))
        await house.plans.until(lambda n=number: house.plans.told[call_id].count("attempt_failed") == n)  # type: ignore[misc]
        # By the clock as it is set now another attempt would be due in an hour.
        house.schedules._book.agenda.put(0.0, call_id)
    last = await house.attempt(4)
    assert await house.schedules.cancel(CALLER, call_id)
    await house.engine.until(lambda engine: last in engine.released)
    assert (await house.ended(call_id)).outcome is Outcome.CANCELED
    assert len(house.store.accepted) == 4


async def test_called_off_before_its_time_it_is_never_dialled(house: ScheduleHouse) -> None:
    call_id = await house.schedule(600.0)
    assert not await house.schedules.cancel(STRANGER, call_id)
    assert await house.schedules.cancel(CALLER, call_id)
    assert not await house.schedules.cancel(CALLER, call_id)
    assert not await house.schedules.cancel(CALLER, "another")
    house.turn(600.0)
    another = await house.schedule()
    await house.attempt()
    assert [call.attempt_of for call in house.store.accepted] == [another]
    assert (await house.ended(call_id)).outcome is Outcome.CANCELED


async def test_a_key_bound_to_other_lines_cannot_call_it_off(house: ScheduleHouse) -> None:
    call_id = await house.schedule(600.0)
    bound = CALLER._replace(key=replace(KEY, lines=("204",)))
    assert not await house.schedules.cancel(bound, call_id)


async def test_called_off_during_an_attempt_that_one_is_hung_up_and_nothing_follows(
    house: ScheduleHouse,
) -> None:
    call_id = await house.schedule(retry=Retry(max_attempts=3))
    attempt = await house.attempt()
    assert await house.schedules.cancel(CALLER, call_id)
    await house.engine.until(lambda engine: attempt in engine.released)
    assert (await house.ended(call_id)).outcome is Outcome.CANCELED
    assert house.plans.told[call_id][-2:] == ["cancel_requested", "ended"]


async def test_what_comes_too_late_expires(house: ScheduleHouse) -> None:
    call_id = await house.schedule(600.0, window_seconds=60.0)
    house.turn(661.0)
    assert (await house.ended(call_id)).outcome is Outcome.EXPIRED
    assert house.store.accepted == []


async def test_it_waits_until_the_users_line_is_free(house: ScheduleHouse) -> None:
    first = await house.place()
    call_id = await house.schedule(when_user_is_free=True)
    waiting = house.schedules._book.agenda._waiting
    await _looked_at(house, lambda: bool(waiting))
    assert len(house.store.accepted) == 1
    await house.end(first)
    await house.attempt(2)
    assert house.store.accepted[1].attempt_of == call_id


async def test_who_is_never_free_is_called_no_more_at_the_end_of_the_window(house: ScheduleHouse) -> None:
    await house.place()
    call_id = await house.schedule(when_user_is_free=True, window_seconds=60.0)
    waiting = house.schedules._book.agenda._waiting
    await _looked_at(house, lambda: bool(waiting))
    house.turn(61.0)
    assert (await house.ended(call_id)).outcome is Outcome.EXPIRED


async def _looked_at(house: ScheduleHouse, condition: Callable[[], bool]) -> None:
    """Wait for what no port is told of."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.wait([asyncio.create_task(house.directory.trunks())])


async def test_a_limit_that_is_reached_only_delays_it(house: ScheduleHouse) -> None:
    house.directory.limits_of_all = AccountLimits(concurrent=1, rate=100, per_user=9)
    first = await house.place()
    call_id = await house.schedule()
    await _looked_at(house, lambda: bool(house.schedules._attempts._resting))
    # Each try would fill the list of what was refused.
    assert house.store.blocked == []
    # Whoever sets the clock back does not lengthen the pause, nor has the end of a call wait for it.
    house.turn(-HOUR)
    await house.end(first)
    await house.attempt(2)
    assert house.store.accepted[1].attempt_of == call_id


async def test_while_an_account_is_at_its_limit_its_other_calls_are_not_tried(house: ScheduleHouse) -> None:
    house.directory.limits_of_all = AccountLimits(concurrent=1, rate=100, per_user=9)
    first = await house.place()
    calls = [await house.schedule() for _ in range(3)]
    await _looked_at(
        house, lambda: bool(house.schedules._attempts._resting) and len(house.schedules._book.agenda._at) == 3
    )
    await house.end(first)
    await house.attempt(2)
    assert house.store.accepted[1].attempt_of in calls


async def test_test_calls_at_their_limit_hold_up_no_live_one(house: ScheduleHouse) -> None:
    house.directory.limits_of_all = AccountLimits(concurrent=1, rate=100, per_user=9)
    test_key = replace(KEY, id="test", is_test=True)
    house.directory.keys[test_key.id] = test_key
    tester = CALLER._replace(key=test_key)
    await house.calls.place(tester, CLICK)
    await house.schedules.place(tester, CLICK, ScheduleRequest(at=house.clock.utc_now()))
    await _looked_at(house, lambda: bool(house.schedules._attempts._resting))
    live = await house.schedule(when_user_is_free=True)
    await house.attempt(2)
    assert house.store.accepted[1].attempt_of == live


async def test_a_user_who_has_as_many_calls_as_may_be_is_called_as_soon_as_one_is_over(
    house: ScheduleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "SHORTEST_REST_SECONDS", HOUR)
    monkeypatch.setattr(attempts, "LONGEST_REST_SECONDS", HOUR)
    house.directory.limits_of_all = AccountLimits(concurrent=9, rate=100, per_user=1)
    first = await house.place()
    call_id = await house.schedule()
    await _looked_at(house, lambda: bool(house.schedules._book.agenda._waiting))
    await house.end(first)
    await house.attempt(2)
    assert house.store.accepted[1].attempt_of == call_id


@pytest.mark.parametrize(
    ("role", "outcome"), [(Role.OPERATOR, None), (Role.AUDITOR, Outcome.BLOCKED), (None, Outcome.BLOCKED)]
)
async def test_of_somebody_in_the_portal_it_counts_what_they_may_when_it_is_due(
    house: ScheduleHouse, role: Role | None, outcome: Outcome | None
) -> None:
    bob = User(id="u1", account_id=ACCOUNT.id, login="bob", name="Bob", role=Role.OPERATOR, created_at=0.0)
    wanted = ScheduleRequest(at=house.clock.utc_now() + 600.0)
    call_id = (await house.schedules.place(Caller(ACCOUNT, bob.acting_key()), CLICK, wanted)).call_id
    house.directory.users = {} if role is None else {bob.id: replace(bob, role=role)}
    house.turn(600.0)
    if outcome is None:
        await house.attempt()
    else:
        assert (await house.ended(call_id)).outcome is outcome


@pytest.mark.parametrize("what", ["suspended", "revoked", "gone"])
async def test_a_key_that_does_not_open_any_more_ends_it(house: ScheduleHouse, what: str) -> None:
    call_id = await house.schedule(600.0)
    match what:
        case "suspended":
            house.directory.accounts[ACCOUNT.id] = replace(ACCOUNT, suspended=True)
        case "revoked":
            house.directory.keys[KEY.id] = replace(KEY, revoked_at=1.0)
        case _:
            house.directory.keys.clear()
    house.turn(600.0)
    ending = await house.ended(call_id)
    assert (ending.outcome, ending.cause) == (Outcome.BLOCKED, Cause.INVALID_CREDENTIALS)
    assert house.store.accepted == []


NEXT_KEY = replace(KEY, id="next")


@pytest.mark.parametrize(
    ("revoked_at", "following", "outcome"),
    [
        (None, NEXT_KEY, None),
        (None, replace(NEXT_KEY, revoked_at=1.0), Outcome.BLOCKED),
        (None, replace(NEXT_KEY, expires_at=1.0), Outcome.BLOCKED),
        (1.0, NEXT_KEY, Outcome.BLOCKED),
    ],
)
async def test_what_a_key_scheduled_goes_on_with_the_one_that_it_was_exchanged_for(
    house: ScheduleHouse, revoked_at: float | None, following: ApiKey, outcome: Outcome | None
) -> None:
    call_id = await house.schedule(600.0)
    house.directory.keys[KEY.id] = replace(KEY, successor_id="next", expires_at=1.0, revoked_at=revoked_at)
    house.directory.keys["next"] = following
    house.turn(600.0)
    if outcome is None:
        await house.attempt(1)
        assert [(call.attempt_of, call.key_id) for call in house.store.accepted] == [(call_id, "next")]
    else:
        assert (await house.ended(call_id)).outcome is outcome
        assert house.store.accepted == []


async def test_a_refusal_by_policy_ends_it_with_its_code(house: ScheduleHouse) -> None:
    call_id = await house.schedule(600.0)
    house.directory.barred.add("+15125292329")
    house.turn(600.0)
    ending = await house.ended(call_id)
    assert (ending.outcome, ending.cause) == (Outcome.BLOCKED, Cause.DO_NOT_CALL)


async def test_quiet_hours_matter_when_it_is_dialled(house: ScheduleHouse) -> None:
    house.directory.limits_of_all = AccountLimits(concurrent=3, rate=100, quiet_hours="00:00-23:59")
    call_id = await house.schedule(600.0)
    house.turn(600.0)
    ending = await house.ended(call_id)
    # But for one minute of the day.
    assert ending.cause is Cause.QUIET_HOURS


@pytest.mark.parametrize(("in_seconds", "code"), [(-61.0, "in_the_past"), (31 * 24 * HOUR, "too_far_ahead")])
async def test_an_impossible_time_is_refused_at_once(
    house: ScheduleHouse, in_seconds: float, code: str
) -> None:
    with pytest.raises(InvalidOption) as refusal:
        await house.schedule(in_seconds)
    assert refusal.value.code == code


async def test_numbers_are_looked_at_at_once(house: ScheduleHouse) -> None:
    wanted = ScheduleRequest(at=house.clock.utc_now() + 600.0)
    with pytest.raises(InvalidDestination):
        await house.schedules.place(CALLER, replace(CLICK, destination_line="911"), wanted)
    with pytest.raises(InvalidDestination):
        await house.schedules.place(CALLER, replace(CLICK, destination_line=FROM), wanted)
    assert house.plans.kept == {}


async def test_an_account_has_so_many_and_no_more(
    house: ScheduleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_SCHEDULED", 10)
    at_once = await asyncio.gather(*(house.schedule(600.0) for _ in range(20)), return_exceptions=True)
    ids = [one for one in at_once if isinstance(one, str)]
    assert len(ids) == 10
    with pytest.raises(TooManyCalls, match="scheduled is reached"):
        await house.schedule(600.0)
    assert await house.schedules.cancel(CALLER, ids[0])
    await house.schedule(600.0)


async def test_what_is_called_off_at_once_is_limited_too(
    house: ScheduleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service.MOST_PER_MINUTE == 1000
    monkeypatch.setattr(service, "MOST_PER_MINUTE", 3)
    for _ in range(3):
        await house.schedules.cancel(CALLER, await house.schedule(600.0))
    with pytest.raises(TooManyCalls, match="scheduled_per_minute") as refusal:
        await house.schedule(600.0)
    assert 0.0 < refusal.value.retry_after_seconds <= 60.0


async def test_what_was_not_stored_takes_no_room(house: ScheduleHouse) -> None:
    house.plans.fails = True
    with pytest.raises(StoreUnavailable):
        await house.schedule(600.0)
    assert house.schedules._book._ledgers == {}
    assert not house.schedules._book._open_of_account


async def test_a_repeated_request_leads_to_the_same_call(house: ScheduleHouse) -> None:
    key = IdempotencyKey("order 4711", "digest-1")
    wanted = ScheduleRequest(at=house.clock.utc_now() + 600.0)
    first = await house.schedules.place(CALLER, CLICK, wanted, key)
    again = await house.schedules.place(CALLER, CLICK, wanted, key)
    assert again == Placed(first.call_id, replayed=True)
    assert len(house.plans.kept) == 1


async def test_a_request_that_was_refused_and_is_being_undone_is_not_found_again(
    house: ScheduleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database has taken it, but nobody heard that in time: what undoes it is on its way."""
    add = house.plans.add

    async def add_unheard(step: ScheduleStep, key: IdempotencyKey | None) -> None:
        await add(step, key)
        raise StoreUnavailable("the database does not answer")

    monkeypatch.setattr(house.plans, "add", add_unheard)
    key, wanted = IdempotencyKey("one", "digest"), ScheduleRequest(at=house.clock.utc_now() + 600.0)
    with pytest.raises(StoreUnavailable):
        await house.schedules.place(CALLER, CLICK, wanted, key)
    with pytest.raises(RequestInProgress):
        await house.schedules.place(CALLER, CLICK, wanted, key)


async def test_a_server_that_stops_takes_none_and_dials_none(house: ScheduleHouse) -> None:
    await house.schedule(600.0)
    house.calls.refuse_new_calls()
    with pytest.raises(ServerDraining):
        await house.schedule(600.0)
    house.turn(600.0)
    await _looked_at(house, lambda: not house.schedules._book.agenda._at)
    assert house.store.accepted == []


async def test_a_database_that_is_gone_delays_it(house: ScheduleHouse) -> None:
    call_id = await house.schedule(600.0)
    house.store.fails = True
    house.turn(600.0)
    await _looked_at(house, lambda: call_id in house.schedules._attempts._unclaimed)
    house.store.fails = False
    house.turn(6.0)
    await house.attempt()
    assert house.store.accepted[0].attempt_of == call_id


async def test_its_events_are_heard_live_to_the_end(house: ScheduleHouse) -> None:
    call_id = await house.schedule(600.0)
    heard: list[str] = []

    async def listen() -> None:
        async for event in house.schedules.follow(CALLER, call_id, 0):
            heard.append(event.name)  # noqa: PERF401 - looked at meanwhile

    listening = asyncio.create_task(listen())
    await _looked_at(house, lambda: heard == ["scheduled"])
    assert await house.schedules.cancel(CALLER, call_id)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await listening
    assert heard == ["scheduled", "ended"]
    found = await house.schedules.find_ended(CALLER, call_id, PATIENCE_SECONDS)
    assert found is not None
    assert found.state == State.ENDED.value
    assert await house.schedules.find_ended(CALLER, "another", PATIENCE_SECONDS) is None


async def test_who_follows_is_let_go_when_the_server_stops(house: ScheduleHouse) -> None:
    call_id = await house.schedule(600.0)
    waiting = asyncio.create_task(house.schedules.find_ended(CALLER, call_id, 600.0))
    await _looked_at(house, lambda: call_id in house.schedules._book._news)
    house.schedules.close()
    async with asyncio.timeout(PATIENCE_SECONDS):
        found = await waiting
    assert found is not None
    assert found.state == "scheduled"


@pytest.fixture
async def left() -> AsyncIterator[ScheduleHouse]:
    """A house whose schedules are not entered: as an earlier process left them."""
    house = ScheduleHouse()
    async with house.calls:
        yield house
        await house.calls.drain(0.0)


async def test_after_a_restart_it_is_placed_at_its_time(left: ScheduleHouse) -> None:
    call_id = await left.schedule(600.0)
    left.schedules = left.service()
    async with left.schedules:
        left.turn(600.0)
        await left.attempt()
    assert left.store.accepted[0].attempt_of == call_id


async def _interrupt(house: ScheduleHouse, retry: Retry | None) -> str:
    """A scheduled call whose attempt was up when the server was killed, before it was told of."""
    call_id = await house.schedule(0.0, retry)
    kept = house.plans.kept[call_id]
    placed = await house.calls.place_attempt(CALLER, CLICK, call_id, new_call_id(1.0))
    house.plans.kept[call_id] = kept._replace(due_at=None)
    await house.engine.until(lambda engine: (placed.call_id, Originate(USER)) in engine.performed)
    runner = house.calls.runner(CALLER, placed.call_id)
    assert runner is not None
    runner.deliver(CancelRequested(Cause.DRAINED))
    await house.engine.until(lambda engine: placed.call_id in engine.released)
    house.schedules = house.service()
    return call_id


async def test_an_attempt_that_was_up_counts_as_one_and_is_not_repeated(left: ScheduleHouse) -> None:
    call_id = await _interrupt(left, Retry(max_attempts=5))
    async with left.schedules:
        ending = await left.ended(call_id)
    assert (ending.outcome, ending.by) == (Outcome.INTERRUPTED, EndedBy.SERVER)
    assert left.plans.told[call_id] == ["scheduled", "attempt_started", "ended"]
    assert len(left.store.accepted) == 1


async def test_an_interrupted_attempt_is_retried_if_that_was_asked_for(left: ScheduleHouse) -> None:
    call_id = await _interrupt(left, Retry(max_attempts=2, after_seconds=1.0, on=(Outcome.INTERRUPTED,)))
    async with left.schedules:
        assert left.plans.told[call_id] == ["scheduled", "attempt_started", "attempt_failed"]
        left.turn(1.0)
        await left.attempt(2)
    assert len(left.store.accepted) == 2


async def test_an_attempt_that_was_claimed_and_undone_is_placed(left: ScheduleHouse) -> None:
    call_id = await left.schedule()
    left.plans.kept[call_id] = left.plans.kept[call_id]._replace(due_at=None)
    left.schedules = left.service()
    async with left.schedules:
        await left.attempt()
    assert left.store.accepted[0].attempt_of == call_id


def test_a_key_that_opens_no_more_is_told_in_the_word_of_the_api() -> None:
    assert InvalidCredentials.code == Cause.INVALID_CREDENTIALS.value


async def test_while_an_attempt_is_up_no_other_is_begun(house: ScheduleHouse) -> None:
    house.directory.limits_of_all = AccountLimits(concurrent=9, rate=100, per_user=9)
    call_id = await house.schedule(retry=Retry(max_attempts=3))
    await house.attempt()
    await house.plans.until(lambda: house.plans.told[call_id][-1] == "attempt_started")
    house.schedules._book.agenda.put(house.clock.utc_now(), call_id)
    another = await house.schedule()
    await house.attempt(2)
    assert [call.attempt_of for call in house.store.accepted] == [call_id, another]


async def test_the_end_of_an_attempt_is_judged_when_the_database_is_back(
    house: ScheduleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "OUTAGE_SECONDS", 0.01)
    call_id = await house.schedule()
    attempt = await house.attempt()
    await house.plans.until(lambda: house.plans.told[call_id][-1] == "attempt_started")
    house.plans.fails = True
    await house.end(attempt)
    with pytest.raises(StoreUnavailable):
        await house.schedules.cancel(CALLER, call_id)
    house.plans.fails = False
    assert (await house.ended(call_id)).outcome is Outcome.USER_DECLINED


async def test_an_attempt_that_could_not_be_told_of_is_told_with_its_end(house: ScheduleHouse) -> None:
    call_id = await house.schedule(600.0)
    fails, house.plans.fails_at = house.plans.fails_at, "attempt_started"
    house.turn(600.0)
    attempt = await house.attempt()
    await _looked_at(house, lambda: not house.schedules._book.deciding.locked())
    house.plans.fails_at = fails
    await house.end(attempt)
    await house.ended(call_id)
    assert house.plans.told[call_id] == ["scheduled", "attempt_started", "ended"]
