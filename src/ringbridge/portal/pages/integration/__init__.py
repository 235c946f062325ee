"""Settings, API Integration: keys, webhooks, whose pages may call, and where programmers read on."""

from starlette.responses import Response

from ringbridge.call.user import Right
from ringbridge.portal.page import page
from ringbridge.portal.pages.integration import deliveries, keys, origins, webhooks
from ringbridge.portal.pages.integration.keys import server_url
from ringbridge.portal.view import View


async def show_documentation(view: View) -> Response:
    return view.page("integration/documentation.html", server=server_url(view))


ROUTES = [
    *keys.ROUTES,
    *webhooks.ROUTES,
    *deliveries.ROUTES,
    *origins.ROUTES,
    page("/settings/api/documentation", show_documentation, Right.SEE_KEYS),
]
