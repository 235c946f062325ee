"""Webhooks: where the account is told of its calls. Secrets are shown once."""

from collections.abc import Mapping

from starlette.responses import Response

from ringbridge.call.errors import CallError, InvalidOption
from ringbridge.call.user import Right
from ringbridge.call.webhook import (
    InvalidWebhook,
    SenderUnavailable,
    TooManyTests,
    TooManyWebhooks,
    Webhook,
    WebhookFormat,
)
from ringbridge.portal.form import Form, fault_of
from ringbridge.portal.page import action, page
from ringbridge.portal.pages.integration.keys import parts_of
from ringbridge.portal.pages.integration.words import EVENTS, FAULTS, FORMATS, WHY_DISABLED, sentence_of
from ringbridge.portal.view import View
from ringbridge.service.webhooks import WebhookChange

PATH = "/settings/api/webhooks"
LONGEST_NAME = 200
EXAMPLE_URL = "https://crm.example.com/calls"


async def show_webhooks(view: View) -> Response:
    return view.page(
        "integration/webhooks.html", webhooks=await view.services.webhooks.all(view.caller), why=WHY_DISABLED
    )


async def show_new(view: View) -> Response:
    return _new_page(view, {"format": WebhookFormat.RINGBRIDGE.value}, [])


async def add(view: View) -> Response:
    form = await view.form()
    events = _events(form)
    try:
        webhook = await view.services.webhooks.create(
            view.caller, url=form["url"], name=_name(form), kind=_format(form), events=events
        )
    except (InvalidOption, InvalidWebhook, TooManyWebhooks, SenderUnavailable) as error:
        return _new_page(view, form.values(), events, error)
    return _secret_page(view, webhook, is_new=True)


async def show_change(view: View) -> Response:
    webhook = await webhook_of(view)
    values = {"url": webhook.url, "name": webhook.name or "", "format": webhook.format.value}
    return _change_page(view, webhook, values, list(webhook.events))


async def change(view: View) -> Response:
    webhook, form = await webhook_of(view), await view.form()
    events = _events(form)
    try:
        wanted = WebhookChange(url=form["url"], name=_name(form), format=_format(form), events=events)
        await view.services.webhooks.change(view.caller, webhook.id, wanted)
    except (InvalidOption, InvalidWebhook, SenderUnavailable) as error:
        return _change_page(view, webhook, form.values(), events, error)
    return view.go(f"{PATH}/{webhook.id}", flash=view.text("Saved."))


async def disable(view: View) -> Response:
    webhook = await webhook_of(view)
    await view.services.webhooks.change(view.caller, webhook.id, WebhookChange(enabled=False))
    text = view.text("Disabled: nothing is sent there until you enable it again.")
    return view.go(f"{PATH}/{webhook.id}", flash=text)


async def enable(view: View) -> Response:
    webhook = await webhook_of(view)
    await view.services.webhooks.change(view.caller, webhook.id, WebhookChange(enabled=True))
    text = view.text("Enabled. What waited is being sent.")
    return view.go(f"{PATH}/{webhook.id}", flash=text)


async def rotate(view: View) -> Response:
    webhook = await webhook_of(view)
    return _secret_page(
        view, await view.services.webhooks.rotate_secret(view.caller, webhook.id), is_new=False
    )


async def remove(view: View) -> Response:
    webhook = await webhook_of(view)
    await view.services.webhooks.remove(view.caller, webhook.id)
    return view.go(
        PATH, flash=view.text("The webhook {name} is removed, and its log with it.", name=title_of(webhook))
    )


async def test(view: View) -> Response:
    webhook = await webhook_of(view)
    path = f"{PATH}/{webhook.id}"
    try:
        reply, seconds = await view.services.webhooks.test(view.caller, webhook.id)
    except TooManyTests as error:
        wait = view.text(
            "Ten tests a minute are enough. Try again in {seconds} seconds.",
            seconds=round(error.retry_after_seconds + 0.5),
        )
        return view.go(path, flash=wait, kind="warning")
    except SenderUnavailable as error:
        return view.go(path, flash=view.fault(error.code, FAULTS), kind="danger")
    shown_seconds = f"{seconds:.2f}"
    if reply.is_taken:
        taken = view.text(
            "The receiver took the test event: it answered {status} after {seconds} s.",
            status=reply.status,
            seconds=shown_seconds,
        )
        return view.go(path, flash=taken)
    refused = view.text(
        "The receiver did not take the test event: {error} (after {seconds} s).",
        error=reply.error or reply.status,
        seconds=shown_seconds,
    )
    return view.go(path, flash=refused, kind="danger")


async def show_call_secret(view: View) -> Response:
    secret = view.services.webhooks.call_secret(view.caller)
    response = view.page("integration/call_secret.html", secret=secret)
    response.headers["cache-control"] = "no-store"
    return response


async def webhook_of(view: View) -> Webhook:
    """The webhook that the path names, of this account. Raises NotFound."""
    return await view.services.webhooks.find(view.caller, view.request.path_params["webhook_id"])


def title_of(webhook: Webhook) -> str:
    """What a webhook is called on the pages."""
    return webhook.name or webhook.url


def _name(form: Form) -> str:
    """Raises InvalidOption."""
    name = form["name"]
    if len(name) > LONGEST_NAME:
        raise InvalidOption("name", "name_too_long")
    return name


def _format(form: Form) -> WebhookFormat:
    """Raises InvalidOption."""
    try:
        return WebhookFormat(form["format"])
    except ValueError:
        raise InvalidOption("format", "unknown_format") from None


def _events(form: Form) -> list[str]:
    """The names of the events that are wanted: those that are ticked, and those in the field for others."""
    return list(dict.fromkeys([*form.all("events"), *parts_of(form["others"])]))


def _new_page(
    view: View, values: Mapping[str, str], events: list[str], error: CallError | None = None
) -> Response:
    return _form_page(view, "integration/webhook_new.html", values, events, error)


def _change_page(
    view: View, webhook: Webhook, values: Mapping[str, str], events: list[str], error: CallError | None = None
) -> Response:
    return _form_page(
        view,
        "integration/webhook_change.html",
        values,
        events,
        error,
        webhook=webhook,
        name=title_of(webhook),
    )


def _form_page(
    view: View,
    template: str,
    values: Mapping[str, str],
    events: list[str],
    error: CallError | None,
    **more: object,
) -> Response:
    faults: dict[str, str] = {} if error is None else fault_of(error)
    words = FAULTS
    if isinstance(error, InvalidWebhook):
        sentence = sentence_of(view, error)
        faults, words = {_field_of(error): sentence}, {sentence: sentence}
    others = ", ".join(name for name in events if name not in EVENTS)
    return view.form_page(
        template,
        {**values, "others": others},
        faults,
        words=words,
        example=EXAMPLE_URL,
        wanted=events,
        events=EVENTS,
        formats=[(kind.value, view.text(text)) for kind, text in FORMATS.items()],
        **more,
    )


def _field_of(error: InvalidWebhook) -> str:
    said = str(error)
    if "event" in said:
        return "others"
    return "name" if "control characters" in said else "url"


def _secret_page(view: View, webhook: Webhook, *, is_new: bool) -> Response:
    response = view.page(
        "integration/webhook_secret.html", webhook=webhook, name=title_of(webhook), is_new=is_new
    )
    response.headers["cache-control"] = "no-store"
    return response


ROUTES = [
    page(PATH, show_webhooks, Right.SEE_WEBHOOKS),
    page(f"{PATH}/new", show_new, Right.CHANGE_WEBHOOKS),
    page(f"{PATH}/call-secret", show_call_secret, Right.CHANGE_WEBHOOKS, fresh=True),
    action(PATH, add, Right.CHANGE_WEBHOOKS),
    page(f"{PATH}/{{webhook_id}}/change", show_change, Right.CHANGE_WEBHOOKS),
    action(f"{PATH}/{{webhook_id}}/change", change, Right.CHANGE_WEBHOOKS),
    action(f"{PATH}/{{webhook_id}}/disable", disable, Right.CHANGE_WEBHOOKS),
    action(f"{PATH}/{{webhook_id}}/enable", enable, Right.CHANGE_WEBHOOKS),
    action(f"{PATH}/{{webhook_id}}/rotate", rotate, Right.CHANGE_WEBHOOKS),
    action(f"{PATH}/{{webhook_id}}/remove", remove, Right.CHANGE_WEBHOOKS),
    action(f"{PATH}/{{webhook_id}}/test", test, Right.CHANGE_WEBHOOKS),
]
