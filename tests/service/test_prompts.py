"""Replacing prompts: one recording is made fit at a time, however many are sent."""

import asyncio
from threading import Barrier, BrokenBarrierError
from typing import Any

from ringbridge.call.audit import Action
from ringbridge.call.key import ApiKey
from ringbridge.call.model import Prompt
from ringbridge.service.authentication import Caller
from ringbridge.service.prompts import PromptService
from tests.service.double import ACCOUNT

KEY = ApiKey(
    id="k", account_id=ACCOUNT.id, name="k", secret_digest="", created_at=0.0, expires_at=float("inf")
)


class MeetingKeeper:
    """Notes whether two were ever at work at once: each waits a while for another."""

    def __init__(self) -> None:
        self.has_met = False
        self._meeting = Barrier(2)

    def replace(self, prompt: Prompt, language: str, data: bytes) -> float:
        self._work()
        return 1.0

    def restore(self, prompt: Prompt, language: str) -> bool:
        self._work()
        return True

    def _work(self) -> None:
        try:
            self._meeting.wait(0.2)
            self.has_met = True
        except BrokenBarrierError:
            self._meeting.reset()


async def test_one_is_changed_at_a_time() -> None:
    noted: list[tuple[Action, str]] = []
    keeper: Any = MeetingKeeper()
    service = PromptService(keeper, lambda action, target: noted.append((action, target)))
    caller = Caller(ACCOUNT, KEY)
    await asyncio.gather(
        service.replace(caller, "hold", "en", b"one"),
        service.replace(caller, "hold", "en", b"two"),
        service.restore(caller, "hold", "en"),
    )
    assert not keeper.has_met
    assert len(noted) == 3
