"""A call between two baresips, and what each of them heard."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from tests.peers.baresip import SAMPLE_RATE_HZ, Baresip, Samples, level, tone_share
from tests.peers.client import Client
from tests.peers.server import Deployment, destination_number, user_number
from tests.peers.tool import WAIT_SECONDS

USER_TONE_HZ = 600.0
DESTINATION_TONE_HZ = 1100.0
WINDOW_SAMPLES = SAMPLE_RATE_HZ // 10

Running = AbstractAsyncContextManager[Baresip]


def windows(samples: Samples) -> list[Samples]:
    """The sound in pieces of a tenth of a second."""
    return [
        samples[at : at + WINDOW_SAMPLES] for at in range(0, len(samples) - WINDOW_SAMPLES, WINDOW_SAMPLES)
    ]


def tenths(samples: Samples, tone_hz: float) -> int:
    """For how many tenths of a second the sound was that tone and nothing else."""
    return sum(tone_share(window, tone_hz) > 0.9 for window in windows(samples))


def users_baresip(own: Deployment, folder: Path, index: int = 1, **account: Any) -> Running:
    """The phone of a user's line, which picks up by itself; `account` is more for `Baresip.running`."""
    return _baresip(user_number(index), own.user_port, USER_TONE_HZ, folder / "user", **account)


def destinations_baresip(own: Deployment, folder: Path, index: int = 1, **account: Any) -> Running:
    """The phone of a destination, which rings until it is told to `accept`."""
    number = f"+{destination_number(index)}"
    place = folder / "destination"
    return _baresip(number, own.trunk_port, DESTINATION_TONE_HZ, place, picks_up=False, **account)


def _baresip(number: str, port: int, tone_hz: float, folder: Path, **account: Any) -> Running:
    # For TLS baresip takes the port behind the one that it is told.
    told = port - 1 if "tls" in account else port
    return Baresip.running(number, port=told, tone_hz=tone_hz, folder=folder, **account)


async def talk_and_compare(
    client: Client, user_phone: Running, destination_phone: Running, *, user_hangs_up: bool = False
) -> None:
    """Let line 1 call number 1: first the user hears the prompt, then both hear each other for a while.

    The user's phone picks up by itself, the destination's when it is told to. Each sends the tone of its constant.
    """
    async with user_phone as user, destination_phone as destination:
        call_id = await client.place(1, 1)
        await talk(client, call_id, user, destination, user_hangs_up=user_hangs_up)
    compare(user, destination)


async def talk(
    client: Client, call_id: str, user: Baresip, destination: Baresip, *, user_hangs_up: bool = False
) -> dict[str, Any]:
    """Pick the destination's phone up in that call, let both hear each other for a second, hang up; the news of its ringing."""
    calling = await destination.event("CALL_INCOMING")
    # baresip hears nothing of a stream that another one follows within its first packets.
    await user.hears_for(1.5)
    destination.accept()
    await destination.event("CALL_ESTABLISHED")
    await hears(destination, USER_TONE_HZ)
    await hears(user, DESTINATION_TONE_HZ)
    first, other = (user, destination) if user_hangs_up else (destination, user)
    first.hang_up()
    await other.event("CALL_CLOSED")
    assert (await client.finished(call_id))["outcome"] == "completed"
    return calling


async def hears(phone: Baresip, tone_hz: float) -> None:
    """Return once the phone has heard a second of that tone, and nothing else with it."""
    heard = 0
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while (heard := tenths(phone.heard_so_far(), tone_hz)) < 10:
                await phone.hears_for(0.3)
    except TimeoutError:
        raise AssertionError(f"only {heard} tenths of a second of {tone_hz} Hz were heard") from None


def compare(user: Baresip, destination: Baresip) -> None:
    """After a `talk`: the user heard the prompt first, and then each of the two the other. Ends both phones."""
    at_user = windows(user.heard())
    joined = [index for index, window in enumerate(at_user) if tone_share(window, DESTINATION_TONE_HZ) > 0.9]
    assert len(joined) >= 8
    prompt = at_user[: joined[0] - 1]
    assert max(level(window) for window in prompt) > 0.05
    assert max(tone_share(window, USER_TONE_HZ) for window in prompt) < 0.9
    assert tenths(destination.heard(), USER_TONE_HZ) >= 8
