"""Which way to a leg is tried next."""

import asyncio
from dataclasses import replace

import pytest

from ringbridge.call.breaker import FAILURES, TRIAL_SECONDS
from ringbridge.call.directory import Trunk
from ringbridge.call.model import Party, Route
from ringbridge.engines.native.attempts import (
    HOPS_OF_ONE_ROUTE,
    LONGEST_PAUSE_SECONDS,
    MOST_ATTEMPTS,
    Attempt,
    Attempts,
    Pause,
)
from ringbridge.engines.native.resolver import Resolver
from ringbridge.engines.native.trunks import Trunks
from ringbridge.sip.contact import Contact
from ringbridge.sip.hop import Hop
from tests.peers.nameserver import NameServer

LOCAL = "192.0.2.250"
HOPS = [Hop("UDP", f"192.0.2.{number}", 5060) for number in range(10)]


def make_trunks(resolver: Resolver, *trunks: Trunk) -> Trunks:
    made = Trunks(resolver, now=lambda: 0.0, ping_seconds=0.0, on_moved=lambda: None)
    made.set(trunks)
    return made


def trunk(number: int, *, channels: int | None = None, calls_per_second: int | None = None) -> Trunk:
    return Trunk(
        id=f"t{number}",
        name=f"trunk{number}",
        uri=f"sip:192.0.2.{number}",
        channels=channels,
        calls_per_second=calls_per_second,
    )


def route(number: int, host: str | None = None) -> Route:
    target = f"sip:+15125292329@{host or f'192.0.2.{number}'}"
    return Route(trunk=f"trunk{number}", target=target, caller_number="+18175629657")


def attempts_over(*routes: Route, trunks: Trunks | None = None, resolver: Resolver | None = None) -> Attempts:
    resolver = resolver or Resolver(LOCAL)
    return Attempts(
        Party(number="+15125292329", routes=routes),
        resolver=resolver,
        trunks=trunks or make_trunks(resolver),
        contacts=lambda line: (),
    )


def dialled(way: Attempt | Route | Pause | None) -> tuple[str | None, list[Hop]]:
    assert isinstance(way, Attempt)
    return way.route.trunk, [branch.hop for branch in way.branches]


def put_down(trunks: Trunks, *numbers: int) -> None:
    """Let the servers of these trunks fail until they are left alone."""
    for number in numbers:
        for _ in range(FAILURES):
            trunks.health.failed((f"trunk{number}", HOPS[number]), 0.0)


def test_routes_are_tried_in_their_order_and_no_more_than_three() -> None:
    attempts = attempts_over(*(route(number) for number in range(5)))

    found = [dialled(attempts.next(0.0)) for _ in range(MOST_ATTEMPTS)]

    assert found == [(f"trunk{number}", [HOPS[number]]) for number in range(3)]
    assert attempts.first_trunk == "trunk0"
    assert attempts.next(0.0) is None


def test_a_route_that_leads_nowhere_costs_no_attempt() -> None:
    attempts = attempts_over(route(0, "[2001:db8::1]"), route(1))

    assert dialled(attempts.next(0.0)) == ("trunk1", [HOPS[1]])
    assert attempts.next(0.0) is None


def test_a_leg_that_is_over_is_tried_no_more() -> None:
    attempts = attempts_over(route(0), route(1))
    attempts.next(0.0)
    attempts.close()

    assert attempts.next(0.0) is None


async def test_a_name_is_looked_up_when_its_turn_comes_and_its_servers_are_tried_in_order() -> None:
    async with NameServer.listening() as server:
        server.put("carrier.example", "A", "192.0.2.5", "192.0.2.6", "192.0.2.7", ttl=0)
        resolver = Resolver(LOCAL, server.name_servers())
        attempts = attempts_over(route(0), route(1, "carrier.example:5060"), resolver=resolver)
        dialled(attempts.next(0.0))
        assert server.asked == []

        named = attempts.next(0.0)
        assert named == route(1, "carrier.example:5060")
        await attempts.prepare(named)
        found = sorted(dialled(attempts.next(0.0))[1] for _ in range(HOPS_OF_ONE_ROUTE))

    assert len(found) == HOPS_OF_ONE_ROUTE
    assert all(hops[0] in HOPS[5:8] for hops in found)
    assert attempts.next(0.0) is None


async def test_a_name_that_leads_nowhere_is_passed_over() -> None:
    resolver = Resolver(LOCAL)
    attempts = attempts_over(route(0, "nobody.invalid"), route(1), resolver=resolver)

    named = attempts.next(0.0)
    assert isinstance(named, Route)
    await attempts.prepare(named)

    assert dialled(attempts.next(0.0)) == ("trunk1", [HOPS[1]])


async def test_a_look_up_that_ends_after_its_leg_changes_nothing() -> None:
    attempts = attempts_over(route(0, "localhost"))
    named = attempts.next(0.0)
    assert isinstance(named, Route)
    looking = asyncio.create_task(attempts.prepare(named))
    attempts.close()
    await looking

    assert attempts.next(0.0) is None


def test_a_server_that_failed_three_times_is_passed_over_until_its_trial() -> None:
    trunks = make_trunks(Resolver(LOCAL), trunk(0), trunk(1))
    for _ in range(FAILURES):
        attempts = attempts_over(route(0), route(1), trunks=trunks)
        assert dialled(attempts.next(0.0)) == ("trunk0", [HOPS[0]])
        attempts.fail(0.0, None)
        attempts.close()

    assert dialled(attempts_over(route(0), route(1), trunks=trunks).next(1.0)) == ("trunk1", [HOPS[1]])
    trial = attempts_over(route(0), route(1), trunks=trunks)
    assert dialled(trial.next(TRIAL_SECONDS)) == ("trunk0", [HOPS[0]])
    meanwhile = attempts_over(route(0), route(1), trunks=trunks)
    assert dialled(meanwhile.next(TRIAL_SECONDS)) == ("trunk1", [HOPS[1]])
    trial.succeed(TRIAL_SECONDS)
    assert dialled(attempts_over(route(0), route(1), trunks=trunks).next(TRIAL_SECONDS))[0] == "trunk0"


def test_where_all_have_failed_one_is_tried_all_the_same() -> None:
    trunks = make_trunks(Resolver(LOCAL), trunk(0), trunk(1))
    put_down(trunks, 0, 1)
    attempts = attempts_over(route(0), route(1), trunks=trunks)

    assert dialled(attempts.next(1.0)) == ("trunk0", [HOPS[0]])
    attempts.fail(1.0, None)
    assert attempts.next(1.0) is None


def test_a_trunk_that_is_full_is_passed_over_and_a_leg_that_ends_makes_room() -> None:
    trunks = make_trunks(Resolver(LOCAL), trunk(0, channels=1), trunk(1, channels=1))
    first, second, third = (attempts_over(route(0), route(1), trunks=trunks) for _ in range(3))

    assert dialled(first.next(0.0))[0] == "trunk0"
    assert dialled(second.next(0.0))[0] == "trunk1"
    assert third.next(0.0) is None
    assert (second.is_full, third.is_full) == (True, True)
    first.close()
    first.close()
    assert dialled(attempts_over(route(0), route(1), trunks=trunks).next(0.0))[0] == "trunk0"


def test_a_call_that_goes_on_to_the_next_trunk_leaves_the_first_ones_channel() -> None:
    trunks = make_trunks(Resolver(LOCAL), trunk(0, channels=1), trunk(1, channels=1))
    moved = attempts_over(route(0), route(1), trunks=trunks)
    moved.next(0.0)
    moved.fail(0.0, None)
    assert dialled(moved.next(0.0))[0] == "trunk1"

    assert dialled(attempts_over(route(0), route(1), trunks=trunks).next(0.0))[0] == "trunk0"


def test_so_many_calls_a_second_are_begun_over_a_trunk_and_others_wait_for_their_turn() -> None:
    trunks = make_trunks(Resolver(LOCAL), trunk(0, calls_per_second=2))
    ways = [attempts_over(route(0), trunks=trunks).next(now) for now in (0.0, 0.25, 0.5, 0.5, 0.5)]
    later = attempts_over(route(0), trunks=trunks).next(3.0)

    assert [dialled(way)[0] for way in ways[:2]] == ["trunk0", "trunk0"]
    assert ways[2:] == [Pause(0.5), Pause(0.75), Pause(1.5)]
    assert dialled(later)[0] == "trunk0"


async def test_whoever_has_waited_is_dialled() -> None:
    trunks = make_trunks(Resolver(LOCAL), trunk(0, calls_per_second=1))
    attempts_over(route(0), trunks=trunks).next(0.0)
    attempts = attempts_over(route(0), trunks=trunks)

    way = attempts.next(0.999)
    assert isinstance(way, Pause)
    await attempts.prepare(way)

    assert dialled(attempts.next(1.0)) == ("trunk0", [HOPS[0]])
    assert attempts.next(1.0) is None


def test_another_carrier_is_better_than_waiting() -> None:
    trunks = make_trunks(Resolver(LOCAL), trunk(0, calls_per_second=1), trunk(1))
    attempts_over(route(0), trunks=trunks).next(0.0)
    attempts = attempts_over(route(0), route(1), trunks=trunks)

    assert dialled(attempts.next(0.0)) == ("trunk1", [HOPS[1]])
    attempts.fail(0.25, None)
    assert attempts.next(0.25) == Pause(0.75)
    assert dialled(attempts.next(1.0)) == ("trunk0", [HOPS[0]])


def test_nobody_waits_for_long() -> None:
    trunks = make_trunks(Resolver(LOCAL), trunk(0, calls_per_second=1))
    begun = [attempts_over(route(0), trunks=trunks) for _ in range(int(LONGEST_PAUSE_SECONDS) + 2)]
    ways = [attempts.next(0.0) for attempts in begun]

    assert ways[1:] == [Pause(1.0), Pause(2.0), Pause(3.0), None]
    assert [attempts.is_full for attempts in begun] == [False, False, False, False, True]


def test_the_servers_of_a_trunk_that_fails_are_one_new_call() -> None:
    trunks = make_trunks(Resolver(LOCAL), trunk(0, calls_per_second=1))
    attempts = attempts_over(route(0), route(0), trunks=trunks)

    assert dialled(attempts.next(0.0))[0] == "trunk0"
    assert dialled(attempts.next(0.0))[0] == "trunk0"


def test_a_channel_is_kept_for_a_leg_that_is_dialled_later() -> None:
    trunks = make_trunks(Resolver(LOCAL), trunk(0, channels=1), trunk(1))
    later = attempts_over(route(0), route(1), trunks=trunks)

    assert dialled(attempts_over(route(0), route(1), trunks=trunks).next(0.0))[0] == "trunk1"
    assert dialled(later.next(0.0))[0] == "trunk0"


def test_a_leg_that_was_never_dialled_gives_its_channel_back() -> None:
    trunks = make_trunks(Resolver(LOCAL), trunk(0, channels=1))
    attempts_over(route(0), trunks=trunks).close()

    assert trunks.channels.taken("trunk0") == 0


def test_a_caller_tries_out_one_server_only() -> None:
    """Row C3: where all are dead, the call has failed within five seconds."""
    trunks = make_trunks(Resolver(LOCAL), trunk(0), trunk(1), trunk(2))
    put_down(trunks, 0, 1)
    attempts = attempts_over(route(0), route(1), route(2), trunks=trunks)

    assert dialled(attempts.next(TRIAL_SECONDS)) == ("trunk0", [HOPS[0]])
    attempts.fail(TRIAL_SECONDS + 4.0, None)
    assert dialled(attempts.next(TRIAL_SECONDS + 4.0)) == ("trunk2", [HOPS[2]])
    assert attempts.next(TRIAL_SECONDS + 8.0) is None


def test_a_server_that_asks_to_be_left_alone_is_at_once() -> None:
    trunks = make_trunks(Resolver(LOCAL), trunk(0), trunk(1))
    attempts = attempts_over(route(0), route(1), trunks=trunks)
    attempts.next(0.0)
    attempts.fail(0.0, 30)

    assert dialled(attempts_over(route(0), route(1), trunks=trunks).next(29.0))[0] == "trunk1"
    assert dialled(attempts_over(route(0), route(1), trunks=trunks).next(30.0))[0] == "trunk0"


def test_one_account_of_a_carrier_that_fails_leaves_the_other_alone() -> None:
    first = trunk(0)
    trunks = make_trunks(Resolver(LOCAL), first, replace(first, name="other"))
    put_down(trunks, 0)
    other = route(0)._replace(trunk="other")

    assert dialled(attempts_over(route(0), other, trunks=trunks).next(1.0)) == ("other", [HOPS[0]])


def test_the_last_resort_may_be_full_as_well() -> None:
    trunks = make_trunks(Resolver(LOCAL), trunk(0, channels=0), trunk(1))
    put_down(trunks, 0, 1)

    assert dialled(attempts_over(route(0), route(1), trunks=trunks).next(1.0))[0] == "trunk1"
    assert attempts_over(route(0), trunks=trunks).next(1.0) is None


@pytest.mark.parametrize("phones", [0, 1, 2])
def test_the_phones_of_a_line_are_one_attempt(phones: int) -> None:
    contacts = tuple(
        Contact(
            uri=f"sip:ann@10.0.0.{number}",
            hop=HOPS[number],
            path=("<sip:proxy;lr>",),
            call_id="c",
            sequence=1,
            expires_at=9e9,
        )
        for number in range(phones)
    )
    resolver = Resolver(LOCAL)
    attempts = Attempts(
        Party(number="201", routes=(Route(target="", caller_number="202"),), device="l1"),
        resolver=resolver,
        trunks=make_trunks(resolver),
        contacts=lambda line: contacts if line == "l1" else (),
    )

    way = attempts.next(0.0)

    if not phones:
        assert way is None
        return
    assert dialled(way) == (None, HOPS[:phones])
    assert isinstance(way, Attempt)
    assert all(branch.pinned and branch.path == ("<sip:proxy;lr>",) for branch in way.branches)
    attempts.succeed(0.0)
    attempts.fail(0.0, None)
    assert attempts.next(0.0) is None
