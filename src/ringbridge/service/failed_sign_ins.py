"""Sign-ins that failed, in the audit log: the first one of a user at once, those that follow summed up.

The log is kept for good and anybody can guess, so the longer it goes on, the longer is what one entry sums up: a flood
that never ends makes a few dozen a day of each user. Nobody waits for an entry, so that an answer does not tell by the time
that it takes who is a user.
"""

import asyncio
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Self

import structlog

from ringbridge.call.actor import Actor, ActorKind, acting_as
from ringbridge.call.audit import Action, AuditNotes
from ringbridge.call.errors import StoreUnavailable
from ringbridge.call.user import User
from ringbridge.tasks import Tasks

log = structlog.get_logger()

FIRST_PERIOD_SECONDS = 60.0
LONGEST_PERIOD_SECONDS = 3600.0

# The address of a guess is the guesser's choice: enough of them to see where they come from.
_MOST_ADDRESSES = 5


class Failure(Enum):
    """Why a sign-in failed."""

    WRONG_PASSWORD = "wrong password"  # noqa: S105
    WRONG_CODE = "wrong code"
    WRONG_PASSKEY = "wrong passkey"
    REFUSED_IDENTITY = "refused identity"
    UNKNOWN_USER = "unknown user"
    DISABLED = "disabled"
    TOO_MANY_GUESSES = "too many guesses"


@dataclass(slots=True, kw_only=True)
class _Failures:
    """What failed of one user, or of nobody who is one, since their last entry."""

    user: User | None
    times: int = 0
    reasons: list[Failure] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)


class FailedSignIns:
    """Told of each by the services that let people in. An async context manager: at its end it notes what it has counted."""

    def __init__(self, notes: AuditNotes) -> None:
        self._notes = notes
        # By login; '' for those that name no user.
        self._counted: dict[str, _Failures] = {}
        self._tasks = Tasks("portal.failed_sign_ins_fault")
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.finish()

    async def finish(self) -> None:
        """Note what was counted and not noted yet; what comes from now on is noted at once."""
        self._stopping.set()
        await self._tasks.finish()

    def count(self, user: User | None, reason: Failure, address: str) -> None:
        """One that failed. user: whose it would have been; None where nobody knows."""
        login = "" if user is None else user.login
        failures = self._counted.get(login)
        if failures is None:
            failures = self._counted[login] = _Failures(user=user)
            self._tasks.begin(self._tell(login))
        _add(failures, reason, address)

    def count_unlooked(self, login: str, reason: Failure, address: str) -> None:
        """One that was refused before anybody looked whether there is such a user: it is theirs if others of theirs have failed."""
        known = self._counted.get(login)
        self.count(None if known is None else known.user, reason, address)

    async def _tell(self, login: str) -> None:
        """Note what is counted, again and again until nothing more comes."""
        period_seconds = FIRST_PERIOD_SECONDS
        while (failures := self._counted.pop(login)).times:
            self._counted[login] = _Failures(user=failures.user)
            try:
                await asyncio.to_thread(self._note, failures)
            except StoreUnavailable as error:
                # The server's log has had each of them.
                log.warning("portal.failed_sign_ins_not_noted", times=failures.times, error=str(error))
            except Exception:
                # Else nothing more of this user's would be noted: who counts takes it that somebody tells.
                log.exception("portal.failed_sign_ins_fault", times=failures.times)
            try:
                async with asyncio.timeout(period_seconds):
                    await self._stopping.wait()
            except TimeoutError:
                period_seconds = min(2 * period_seconds, LONGEST_PERIOD_SECONDS)

    def _note(self, failures: _Failures) -> None:
        user = failures.user
        # By somebody in the portal: who it was is what did not become clear.
        with acting_as(Actor(ActorKind.USER, None, failures.addresses[0])):
            self._notes.note(
                Action.USER_SIGN_IN_FAILED,
                account_id=None if user is None else user.account_id,
                target_id=None if user is None else user.id,
                after={
                    "times": failures.times,
                    "reasons": [reason.value for reason in failures.reasons],
                    "addresses": failures.addresses,
                },
            )


def _add(failures: _Failures, reason: Failure, address: str) -> None:
    failures.times += 1
    if reason not in failures.reasons:
        failures.reasons.append(reason)
    if address not in failures.addresses and len(failures.addresses) < _MOST_ADDRESSES:
        failures.addresses.append(address)
