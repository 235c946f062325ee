"""How an account does at this moment: what needs somebody's hand, and how much of its limits is used."""

from dataclasses import dataclass
from typing import NamedTuple

from ringbridge.call.ports import Directory
from ringbridge.call.webhook import Webhook
from ringbridge.service.admission import Admission
from ringbridge.service.authentication import Caller
from ringbridge.service.clock import Clock
from ringbridge.service.ledger import Ledger
from ringbridge.service.spending import Period
from ringbridge.service.trunks import SeenTrunk, TrunkService
from ringbridge.service.webhooks import BY_REQUEST, WebhookService


class Use(NamedTuple):
    """How much of a limit is used. `name` is that of the limit; money is in millionths."""

    name: str
    used: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What is so now. uses: of the limits that are set. trunks: all of the server, which every account shares.

    webhooks_off: those that this server disabled because their receivers failed. webhooks_failing: those that are still tried.
    """

    calls_now: int
    is_suspended: bool
    uses: tuple[Use, ...]
    trunks: tuple[SeenTrunk, ...]
    webhooks: int
    webhooks_off: tuple[Webhook, ...]
    webhooks_failing: tuple[Webhook, ...]


class OverviewService:
    """What the dashboard shows of this moment. It counts no rows: however many calls there were, it is as quick."""

    def __init__(
        self,
        *,
        directory: Directory,
        admission: Admission,
        trunks: TrunkService,
        webhooks: WebhookService,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._admission = admission
        self._trunks = trunks
        self._webhooks = webhooks
        self._clock = clock

    async def now(self, caller: Caller) -> Overview:
        """How the caller's account does. Raises StoreUnavailable."""
        webhooks, failing = await self._webhooks.all(caller), await self._webhooks.failing(caller)
        account = await self._directory.account(caller.account.id)
        return Overview(
            calls_now=self._admission.calls_now(Ledger(caller.account.id)),
            # Sooner than the session knows.
            is_suspended=account is None or account.suspended,
            uses=await self._uses(caller.account.id),
            trunks=tuple(await self._trunks.all()),
            webhooks=len(webhooks),
            webhooks_off=tuple(
                webhook
                for webhook in webhooks
                if webhook.disabled_at is not None and webhook.disabled_reason != BY_REQUEST
            ),
            webhooks_failing=tuple(
                webhook for webhook in webhooks if webhook.disabled_at is None and webhook.id in failing
            ),
        )

    async def _uses(self, account_id: str) -> tuple[Use, ...]:
        limits, utc_now = await self._directory.limits(account_id), self._clock.utc_now()
        ledger = Ledger(account_id)
        uses = [Use("concurrent", self._admission.calls_now(ledger), limits.concurrent)]
        for period in Period:
            name = f"spend_per_{period.value}"
            most: int | None = getattr(limits, name)
            if most is not None:
                micros = self._admission.spending.sum(ledger, period, utc_now)
                uses.append(Use(name, micros.spent + micros.reserved, most))
        return tuple(uses)
