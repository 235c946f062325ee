"""Keys that are revoked and accounts that are suspended while calls of theirs are up: the calls go on, unless said otherwise."""

import asyncio

import structlog

from ringbridge.call.directory import Account
from ringbridge.call.event import CancelRequested
from ringbridge.call.key import ApiKey
from ringbridge.call.ports import Directory
from ringbridge.service.calls import CallService
from ringbridge.service.runner import Runner

log = structlog.get_logger()


class Withdrawals:
    """Looks, after each change of the directory, whose calls are still up. One line in the log for each withdrawal."""

    def __init__(self, calls: CallService, directory: Directory) -> None:
        self._calls = calls
        self._directory = directory
        self._told: set[tuple[str, str]] = set()

    async def look(self) -> None:
        """End what is to end, and who follows without being allowed to any more. Raises StoreUnavailable."""
        await self._calls.reader.audience.look()
        up: dict[tuple[str, str], list[Runner]] = {}
        for runner in self._calls.runners():
            up.setdefault((runner.call.account_id, runner.call.key_id), []).append(runner)
        told: set[tuple[str, str]] = set()
        for (account_id, key_id), runners in up.items():
            account, key = await self._directory.account(account_id), await self._directory.key(key_id)
            if _is_withdrawn(account, key):
                told.add((account_id, key_id))
                self._withdraw(account, key, runners, is_told=(account_id, key_id) in self._told)
            # Each look-up may read a row here on the loop: whoever places a call meanwhile waits for one, not for all.
            await asyncio.sleep(0)  # noqa: TID251
        self._told = told

    def _withdraw(
        self, account: Account | None, key: ApiKey | None, runners: list[Runner], *, is_told: bool
    ) -> None:
        ends = (account is not None and account.suspended and account.ends_calls) or (
            key is not None and key.revoked_at is not None and key.ends_calls
        )
        if not is_told:
            call = runners[0].call
            log.warning(
                "calls.withdrawn",
                account=call.account_id,
                key=call.key_id,
                is_suspended=account is not None and account.suspended,
                is_revoked=key is not None and key.revoked_at is not None,
                calls=len(runners),
                are_ended=ends,
            )
        if ends:
            for runner in runners:
                runner.deliver(CancelRequested())


def _is_withdrawn(account: Account | None, key: ApiKey | None) -> bool:
    return (account is not None and account.suspended) or (key is not None and key.revoked_at is not None)
