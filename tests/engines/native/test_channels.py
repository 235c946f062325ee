"""How much trunks carry."""

import pytest

from ringbridge.call.directory import Trunk
from ringbridge.call.model import Call, Party, Route
from ringbridge.engines.native.channels import Channels
from tests.store.samples import a_call

PHONE = Route(target="sip:ann@192.0.2.7", caller_number="2")


def over(name: str) -> Route:
    return Route(trunk=name, target="sip:1@192.0.2.1", caller_number="2")


def trunk(name: str, *, channels: int | None = None, calls_per_second: int | None = None) -> Trunk:
    return Trunk(
        id=name, name=name, uri="sip:192.0.2.1", channels=channels, calls_per_second=calls_per_second
    )


def channels_of(*trunks: Trunk) -> Channels:
    made = Channels()
    made.set({trunk.name: trunk for trunk in trunks})
    return made


def call_between(user: Route, *destination: Route) -> Call:
    return a_call()._replace(
        user=Party(number="201", routes=(user,)), destination=Party(number="+1", routes=destination)
    )


def test_a_trunk_with_all_channels_taken_has_no_room() -> None:
    channels = channels_of(trunk("one", channels=1))

    assert channels.take("one")
    assert not channels.take("one")
    assert channels.taken("one") == 1
    channels.release("one")
    assert channels.take("one")


def test_a_trunk_without_a_cap_carries_any_number_and_is_counted() -> None:
    channels = channels_of(trunk("one"))

    assert all(channels.take("one") for _ in range(100))
    assert channels.taken("one") == 100


@pytest.mark.parametrize(
    ("user", "destination", "has_room"),
    [
        (PHONE, ["one"], True),
        (PHONE, ["full"], False),
        (PHONE, ["full", "one"], True),
        (over("full"), ["many"], False),
        # Both legs need a channel, and there may be one only.
        (over("one"), ["one"], False),
        (over("one"), ["one", "many"], True),
        (over("many"), ["many"], True),
        (over("gone"), ["gone"], True),
    ],
)
def test_a_call_has_room_if_both_legs_have(user: Route, destination: list[str], has_room: bool) -> None:
    channels = channels_of(trunk("one", channels=1), trunk("full", channels=0), trunk("many", channels=2))

    assert channels.have_room(call_between(user, *map(over, destination))) is has_room


def test_caps_that_change_count_from_then_on() -> None:
    channels = channels_of(trunk("one", channels=3))
    assert [channels.take("one") for _ in range(4)] == [True, True, True, False]

    channels.set({"one": trunk("one", channels=2)})
    channels.release("one")
    assert not channels.take("one")
    channels.release("one")
    assert channels.take("one")

    channels.set({"one": trunk("one")})
    assert channels.take("one")
    # A call that began before its trunk was removed goes on.
    channels.set({})
    for _ in range(3):
        channels.release("one")
    assert channels.taken("one") == 0


def test_calls_begin_at_the_pace_of_the_trunk() -> None:
    channels = channels_of(trunk("one", calls_per_second=2))
    begun_at = []
    for now in (0.0, 0.0, 0.25, 0.25, 0.25, 5.0):
        at = channels.next_begin_at("one", now)
        channels.begin("one", at)
        begun_at.append(at)

    assert begun_at == [0.0, 0.0, 1.0, 1.0, 2.0, 5.0]


def test_a_pace_that_changes_counts_from_then_on() -> None:
    channels = channels_of(trunk("one", calls_per_second=2))
    channels.begin("one", 0.0)
    channels.begin("one", 0.5)

    channels.set({"one": trunk("one", calls_per_second=1)})
    assert channels.next_begin_at("one", 0.75) == 1.5
    channels.set({"one": trunk("one", calls_per_second=3)})
    assert channels.next_begin_at("one", 0.75) == 0.75
    channels.set({})
    assert channels.next_begin_at("one", 0.75) == 0.75
    channels.begin("one", 0.75)
