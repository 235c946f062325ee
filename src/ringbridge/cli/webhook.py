"""`ringbridge webhook`: where an account is told of its calls."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from ringbridge.cli.output import moment, show
from ringbridge.cli.workspace import database, read_settings

if TYPE_CHECKING:
    from ringbridge.call.webhook import Reply, Webhook
    from ringbridge.config import Settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Webhooks: where events are sent.")

AccountOption = Annotated[str, typer.Option("--account", help="The account's id.")]
WebhookArgument = Annotated[str, typer.Argument(help="The webhook's id.")]


@app.command("add")
def add(
    account: AccountOption,
    url: Annotated[str, typer.Option(help="Where to, over https.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    kind: Annotated[
        str, typer.Option("--format", help="What the bodies look like: ringbridge or net2phone.")
    ] = "ringbridge",
    event: Annotated[
        list[str] | None, typer.Option(help="The name of an event that is wanted; may be repeated.")
    ] = None,
) -> None:
    """Send the events of an account's calls there; prints the secret that signs them, once.

    \b
    Example:
      ringbridge webhook add --account 1009683 --url https://crm.example.com/calls --event connected --event ended
    """
    from ringbridge.call.webhook import WebhookFormat
    from ringbridge.cli.errors import CommandError
    from ringbridge.service.clock import Clock
    from ringbridge.service.webhooks import new_webhook
    from ringbridge.store.webhooks import SqlWebhooks

    formats = {known.value: known for known in WebhookFormat}
    if kind not in formats:
        raise CommandError(f"--format takes one of: {', '.join(formats)}")
    settings = read_settings()
    webhook = new_webhook(
        account, url=url, name=name, kind=formats[kind], events=event or [], utc_now=Clock().utc_now()
    )
    asyncio.run(_check(settings, account, url))
    with database(settings) as engine:
        SqlWebhooks(engine).add_now(webhook)
    typer.echo(f"Webhook: {webhook.id}")
    typer.echo(f"Secret, shown this once: {webhook.secret}")


@app.command("list")
def list_webhooks(
    account: AccountOption,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the account's webhooks, without their secrets."""
    from ringbridge.store.webhooks import SqlWebhooks

    with database() as engine:
        rows = [
            {
                "id": webhook.id,
                "name": webhook.name,
                "url": webhook.url,
                "format": webhook.format.value,
                "events": ",".join(webhook.events) or "all",
                "test": webhook.is_test,
                "disabled_at": moment(webhook.disabled_at),
                "disabled_reason": webhook.disabled_reason,
            }
            for webhook in SqlWebhooks(engine).all_now(account)
        ]
    show(
        rows, as_json=as_json, empty=f"no webhooks yet: ringbridge webhook add --account {account} --url URL"
    )


@app.command("remove")
def remove(account: AccountOption, webhook: WebhookArgument) -> None:
    """Forget a webhook and the log of what was sent to it."""
    from ringbridge.call.errors import NotFound
    from ringbridge.store.webhooks import SqlWebhooks

    with database() as engine:
        if not SqlWebhooks(engine).remove_now(account, webhook):
            raise NotFound(f"Account {account} has no webhook {webhook}.")


@app.command("test")
def test(account: AccountOption, webhook: WebhookArgument) -> int:
    """Send an event that never was, once, and say what came back; exit status 1 if it was not taken.

    \b
    Example:
      ringbridge webhook test --account 1009683 wh_0f1e2d3c4b5a69788796a5b4
    """
    from ringbridge.call.errors import NotFound
    from ringbridge.store.webhooks import SqlWebhooks

    settings = read_settings()
    with database(settings) as engine:
        found = SqlWebhooks(engine).find_now(account, webhook)
    if found is None:
        raise NotFound(f"Account {account} has no webhook {webhook}.")
    reply = asyncio.run(_test(settings, found))
    typer.echo(f"taken, status {reply.status}" if reply.is_taken else f"not taken: {reply.error}")
    return 0 if reply.is_taken else 1


async def _check(settings: "Settings", account: str, url: str) -> None:
    from ringbridge.notify.sender import Sender

    async with Sender(settings.webhook_private) as sender:
        await sender.check(account, url)


async def _test(settings: "Settings", webhook: "Webhook") -> "Reply":
    from ringbridge.notify.sender import Sender
    from ringbridge.service.clock import Clock

    async with Sender(settings.webhook_private) as sender:
        return await sender.test(webhook, Clock().utc_now())
