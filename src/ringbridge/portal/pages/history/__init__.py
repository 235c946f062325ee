"""The calls that are over: search, one call's page, why calls fail, export."""

from ringbridge.call.user import Right
from ringbridge.portal.page import page
from ringbridge.portal.pages.history.call import show_call, show_why
from ringbridge.portal.pages.history.search import export_history, show_history

ROUTES = [
    page("/history", show_history, Right.SEE_CALLS),
    page("/history/export", export_history, Right.SEE_CALLS),
    page("/history/why", show_why, Right.SEE_CALLS),
    page("/history/{call_id}", show_call, Right.SEE_CALLS),
]
