"""One webhook: what was sent to it and what came back, and sending again."""

from collections.abc import Mapping

from starlette.responses import Response

from ringbridge.call.errors import InvalidOption
from ringbridge.call.user import Right
from ringbridge.portal.form import fault_of
from ringbridge.portal.moments import moment_of
from ringbridge.portal.page import action, page
from ringbridge.portal.pages.integration.webhooks import PATH, title_of, webhook_of
from ringbridge.portal.pages.integration.words import EVENTS, FAULTS, FORMATS, STATES, WHY_DISABLED
from ringbridge.portal.view import View

PAGE_ROWS = 50


async def show_webhook(view: View) -> Response:
    return await _webhook_page(view, {})


async def replay(view: View) -> Response:
    webhook = await webhook_of(view)
    await view.services.webhooks.replay(view.caller, webhook.id, view.request.path_params["event_id"])
    return view.go(f"{PATH}/{webhook.id}", flash=view.text("The event is sent again."))


async def replay_since(view: View) -> Response:
    webhook, form = await webhook_of(view), await view.form()
    try:
        since = moment_of(form, "since")
        if since is None:
            raise InvalidOption("since", "invalid_moment")
    except InvalidOption as error:
        return await _webhook_page(view, form.values(), fault_of(error))
    count = await view.services.webhooks.replay_since(
        view.caller, webhook.id, since, delivered=form.has("delivered")
    )
    return view.go(
        f"{PATH}/{webhook.id}", flash=view.text("Events that are sent again: {count}.", count=count)
    )


async def _webhook_page(
    view: View, values: Mapping[str, str], faults: Mapping[str, str] | None = None
) -> Response:
    webhook, query = await webhook_of(view), view.request.query_params
    state, after = query.get("state"), query.get("after")
    state = state if state in STATES else None
    found = await view.services.webhooks.deliveries(
        view.caller, webhook.id, state=state, before=_position(after), limit=PAGE_ROWS + 1
    )
    shown = found[:PAGE_ROWS]
    last = shown[-1].key if len(found) > PAGE_ROWS else None
    return view.form_page(
        "integration/webhook.html",
        values,
        faults,
        words=FAULTS,
        webhook=webhook,
        name=title_of(webhook),
        deliveries=shown,
        state=state,
        states=STATES,
        events=EVENTS,
        formats=FORMATS,
        why=WHY_DISABLED,
        next=None if last is None else f"{last.call_id}~{last.sequence}",
        is_first=after is None,
    )


def _position(text: str | None) -> tuple[str, int] | None:
    """The place behind which a page of the log begins; what cannot be one is the first page."""
    call_id, _, sequence = (text or "").partition("~")
    if not call_id.isprintable() or not sequence.isdecimal() or len(sequence) > 9:
        return None
    return (call_id, int(sequence))


ROUTES = [
    page(f"{PATH}/{{webhook_id}}", show_webhook, Right.SEE_WEBHOOKS),
    action(f"{PATH}/{{webhook_id}}/deliveries/{{event_id}}/replay", replay, Right.CHANGE_WEBHOOKS),
    action(f"{PATH}/{{webhook_id}}/replay", replay_since, Right.CHANGE_WEBHOOKS),
]
