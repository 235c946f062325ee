"""Row C9: what calls do while name servers are silent, refuse, lie or take their time; the loop goes on meanwhile.

The engine, its sockets and the name server are real, and so is the carrier.
"""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from ringbridge.call.cause import Cause
from ringbridge.call.event import Event, LegEnded, Originate
from ringbridge.call.model import Call, LegName
from ringbridge.engines.native import engine as module
from ringbridge.engines.native.engine import NativeEngine
from ringbridge.engines.native.resolver import LOOK_UP_SECONDS, Resolver
from tests.engines.native.beat import beating
from tests.engines.native.test_engine import make_engine
from tests.peers.nameserver import NameServer
from tests.peers.phone import Phone
from tests.peers.tool import LOOPBACK, WAIT_SECONDS
from tests.store.samples import a_call

NAME = "sip.carrier.example"
# What a busy machine may add.
SLACK_SECONDS = 15.0
FAULTS = ("silent", "refuses", "slow")
_numbers = count(1)


class House:
    """An engine that asks a name server of ours."""

    def __init__(self, engine: NativeEngine, names: NameServer) -> None:
        self.names = names
        self._engine = engine
        self._told: dict[str, asyncio.Queue[Event]] = {}
        engine.listen(lambda call_id, event: self._told[call_id].put_nowait(event))

    def dial(self, place: str, number: str) -> Call:
        """Dial a user over a trunk that is at a name or address."""
        call = a_call()._replace(id=f"call{next(_numbers)}")
        route = call.user.routes[0]._replace(trunk="carrier", target=f"sip:{number}@{place}")
        call = call._replace(user=call.user._replace(routes=(route,)))
        self._told[call.id] = asyncio.Queue()
        self._engine.perform(call, Originate(LegName.USER))
        return call

    async def told(self, call: Call) -> Event:
        """The next news of a call."""
        async with asyncio.timeout(WAIT_SECONDS):
            return await self._told[call.id].get()

    def has_news(self, call: Call) -> bool:
        """Whether there is news of a call that nobody has been told yet."""
        return not self._told[call.id].empty()

    def release(self, *calls: Call) -> None:
        for call in calls:
            self._engine.release(call.id)


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    async with NameServer.listening() as names:
        resolver = Resolver(LOOPBACK, names.name_servers())
        monkeypatch.setattr(module, "Resolver", lambda host: resolver)
        async with make_engine(tmp_path) as engine:
            yield House(engine, names)


@pytest.fixture
async def carrier() -> AsyncIterator[Phone]:
    async with Phone.listening(0, on_leg=lambda leg: leg.refuse(486)) as phone:
        yield phone


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_name_that_nobody_tells_costs_its_own_call_two_seconds_and_others_nothing(
    house: House, carrier: Phone, fault: str
) -> None:
    break_(house.names, fault)
    with beating() as lags:
        began_at = asyncio.get_running_loop().time()
        named = house.dial(f"{NAME}:{carrier.port}", "1")
        at_address = house.dial(f"{LOOPBACK}:{carrier.port}", "2")
        await carrier.leg_to("2")
        # Who had waited for the name would be told of it first.
        assert not house.has_news(named)
        ended = await house.told(named)
        own_seconds = asyncio.get_running_loop().time() - began_at
    house.release(named, at_address)

    assert ended == LegEnded(LegName.USER, Cause.UNREACHABLE)
    assert own_seconds < LOOK_UP_SECONDS + SLACK_SECONDS
    # Who waited on the loop for a name would hold it for the two seconds of a look-up.
    assert sorted(lags)[len(lags) * 9 // 10] < 0.5
    assert [leg.number for leg in carrier.legs] == ["2"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_last_good_answer_serves_while_nobody_tells(
    house: House, carrier: Phone, fault: str
) -> None:
    """Its time to live is none, so that each call asks anew."""
    house.names.put(NAME, "A", LOOPBACK, ttl=0)
    calls = [house.dial(f"{NAME}:{carrier.port}", "1")]
    await carrier.leg_to("1")
    break_(house.names, fault)
    calls.append(house.dial(f"{NAME}:{carrier.port}", "2"))
    await carrier.leg_to("2")
    house.release(*calls)


async def test_many_calls_over_a_name_ask_once(house: House, carrier: Phone) -> None:
    house.names.put(NAME, "A", LOOPBACK, ttl=0)
    house.names.delay_seconds = 0.3
    calls = [house.dial(f"{NAME}:{carrier.port}", str(number)) for number in range(20)]
    for number in range(20):
        await carrier.leg_to(str(number))
    house.release(*calls)

    assert house.names.asked == [(NAME, "A")]


async def test_a_call_that_is_given_up_while_its_name_is_looked_up_is_not_dialled(
    house: House, carrier: Phone
) -> None:
    house.names.put(NAME, "A", LOOPBACK)
    house.names.delay_seconds = 0.3
    given_up = house.dial(f"{NAME}:{carrier.port}", "1")
    house.release(given_up)
    following = house.dial(f"{NAME}:{carrier.port}", "2")
    await carrier.leg_to("2")
    house.release(following)

    assert [leg.number for leg in carrier.legs] == ["2"]


def break_(names: NameServer, fault: str) -> None:
    """Make the name server fail in the way that has this name."""
    match fault:
        case "silent":
            names.silent = True
        case "refuses":
            names.refuses = True
        case "slow":
            names.delay_seconds = 5.0
