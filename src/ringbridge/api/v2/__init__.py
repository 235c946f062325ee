"""Version 2 of the API: calls as resources, errors as problem details (RFC 9457). One module for each kind of resource.

What belongs to another account is answered exactly as an id that never was.
"""

from fastapi import APIRouter

from ringbridge.api.services import Services
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

PREFIX = "/api/v2"


def v2_router(services: Services) -> APIRouter:
    """The routes below `/api/v2`."""
    access = Access(services.authenticator, services.tokens)
    router = APIRouter(prefix=PREFIX)
    router.include_router(placing_router(access, services.calls, services.schedules, services.webhooks))
    router.include_router(call_list_router(access, services.calls.reader))
    router.include_router(calls_router(access, services.calls, services.schedules))
    router.include_router(events_router(access, services.calls.reader))
    router.include_router(actions_router(access, services.calls))
    router.include_router(records_router(access, services.records))
    router.include_router(keys_router(access, services.keys))
    router.include_router(tokens_router(access, services.tokens))
    router.include_router(lines_router(access, services.lines))
    router.include_router(trunks_router(access, services.lines))
    router.include_router(limits_router(access, services.limits))
    router.include_router(webhooks_router(access, services.webhooks))
    router.include_router(audit_router(access, services.audit))
    return router
