"""Version 2 of the API: calls as resources, errors as problem details (RFC 9457). One module for each kind of resource.

What belongs to another account is answered exactly as an id that never was.
"""

from fastapi import APIRouter

from ringbridge.api.v2.access import Access
from ringbridge.api.v2.actions import actions_router
from ringbridge.api.v2.audit import audit_router
from ringbridge.api.v2.call_list import call_list_router
from ringbridge.api.v2.calls import calls_router
from ringbridge.api.v2.events import events_router
from ringbridge.api.v2.keys import keys_router
from ringbridge.api.v2.limits import limits_router
from ringbridge.api.v2.lines import lines_router
from ringbridge.api.v2.placing import placing_router
from ringbridge.api.v2.records import records_router
from ringbridge.api.v2.tokens import tokens_router
from ringbridge.api.v2.trunks import trunks_router
from ringbridge.api.v2.webhooks import webhooks_router
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

PREFIX = "/api/v2"


def v2_router(
    authenticator: Authenticator,
    calls: CallService,
    schedules: ScheduleService,
    records: RecordService,
    lines: LineService,
    keys: KeyService,
    tokens: Tokens,
    limits: LimitService,
    webhooks: WebhookService,
    audit: AuditService,
) -> APIRouter:
    """The routes below `/api/v2`."""
    access = Access(authenticator, tokens)
    router = APIRouter(prefix=PREFIX)
    router.include_router(placing_router(access, calls, schedules, webhooks))
    router.include_router(call_list_router(access, calls.reader))
    router.include_router(calls_router(access, calls, schedules))
    router.include_router(events_router(access, calls.reader))
    router.include_router(actions_router(access, calls))
    router.include_router(records_router(access, records))
    router.include_router(keys_router(access, keys))
    router.include_router(tokens_router(access, tokens))
    router.include_router(lines_router(access, lines))
    router.include_router(trunks_router(access, lines))
    router.include_router(limits_router(access, limits))
    router.include_router(webhooks_router(access, webhooks))
    router.include_router(audit_router(access, audit))
    return router
