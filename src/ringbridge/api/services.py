"""What the API uses: one value with all services, which `bootstrap` fills."""

from dataclasses import dataclass

from ringbridge.service.audit import AuditService
from ringbridge.service.authentication import Authenticator
from ringbridge.service.calls import CallService
from ringbridge.service.keys import KeyService
from ringbridge.service.limits import LimitService
from ringbridge.service.lines import LineService
from ringbridge.service.records import RecordService
from ringbridge.service.schedules import ScheduleService
from ringbridge.service.tokens import Tokens
from ringbridge.service.webhooks import WebhookService


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services, by what they are about."""

    authenticator: Authenticator
    tokens: Tokens
    calls: CallService
    schedules: ScheduleService
    records: RecordService
    lines: LineService
    keys: KeyService
    limits: LimitService
    webhooks: WebhookService
    audit: AuditService
