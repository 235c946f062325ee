"""Every page that an owner can open, by the name of its pictures: axe looks at each, and scripts/screenshots photographs it.

Whoever adds a page adds a line. What a page needs besides (a call, a key) is made by a function in `FURNITURE`.
"""

from tests.browser.history_furniture import BUSY_ID, TRANSFERRED_ID, furnish_history
from tests.browser.integration_furniture import KEY_ID, WEBHOOK_ID, furnish_integration
from tests.browser.limits_furniture import furnish_limits
from tests.browser.lines_furniture import LINE_ID, TRUNK_ID, furnish_lines
from tests.browser.schedule_furniture import SCHEDULED_ID, furnish_scheduled
from tests.browser.statistics_furniture import furnish_statistics
from tests.peers.server import Deployment

PAGES = {
    "home": "/",
    "dashboard": "/dashboard?period=month",
    "profile": "/profile",
    "second-factor": "/profile/second-factor",
    "dial": "/dial?u=tel%3A%2B15125292329%3Bext%3D77",
    "dial-call": f"/dial/calls/{TRANSFERRED_ID}",
    "dial-favourite": "/dial/favourites/new?number=%2B15125292329",
    "live": "/live",
    "scheduled": "/scheduled",
    "history": "/history",
    "history-scheduled": f"/history/{SCHEDULED_ID}",
    "history-busy": f"/history/{BUSY_ID}",
    "history-transferred": f"/history/{TRANSFERRED_ID}",
    "history-why": "/history/why",
    "start": "/start",
    "start-account": "/start/account",
    "lines": "/lines",
    "lines-new": "/lines/new",
    "lines-import": "/lines/import",
    "line": f"/lines/{LINE_ID}",
    "trunks": "/trunks",
    "trunks-new": "/trunks/new",
    "trunk": f"/trunks/{TRUNK_ID}",
    "limits": "/limits",
    "limits-change": "/limits/change?preset=careful",
    "limits-rates": "/limits/rates",
    "do-not-call": "/do-not-call",
    "prompts": "/prompts",
    "audit": "/audit",
    "audit-verified": "/audit/verified",
    "users": "/users",
    "users-new": "/users/new",
    "api-keys": "/settings/api",
    "api-key-new": "/settings/api/keys/new",
    "api-key": f"/settings/api/keys/{KEY_ID}",
    "api-key-rotate": f"/settings/api/keys/{KEY_ID}/exchange",
    "api-key-revoke": f"/settings/api/keys/{KEY_ID}/revoke",
    "api-webhooks": "/settings/api/webhooks",
    "api-webhook-new": "/settings/api/webhooks/new",
    "api-webhook": f"/settings/api/webhooks/{WEBHOOK_ID}",
    "api-webhook-change": f"/settings/api/webhooks/{WEBHOOK_ID}/change",
    "api-call-secret": "/settings/api/webhooks/call-secret",
    "api-browsers": "/settings/api/browsers",
    "api-origin-new": "/settings/api/browsers/new",
    "api-documentation": "/settings/api/documentation",
}

# Without anybody signed in.
OPEN_PAGES = {
    "login": "/login",
    "dialler-alone": "/embed/dialler",
}


def furnish(deployment: Deployment) -> None:
    """What is to be seen on the pages: done to the data folder before the server starts."""
    furnish_integration(deployment)
    furnish_history(deployment)
    furnish_scheduled(deployment)
    furnish_limits(deployment)
    furnish_lines(deployment)
    furnish_statistics(deployment)
