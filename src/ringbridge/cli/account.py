"""`ringbridge account`: the customers of this server."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringbridge.call.directory import Account
from ringbridge.cli.change import changed
from ringbridge.cli.errors import CommandError
from ringbridge.cli.output import show
from ringbridge.cli.workspace import administration, find_account

if TYPE_CHECKING:
    from ringbridge.call.directory import Account

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The customers of this server.")

# Those that there are prompts in.
LANGUAGES = ("en", "es", "fr", "de", "pt", "it")

NameOption = typer.Option(help="What the account is called.")
CountryOption = typer.Option(help="Two letters: how numbers without a country code are read.")
LanguageOption = typer.Option(help="Of the prompts: en, es, fr, de, pt or it.")
MainNumberOption = typer.Option(help="Its own number, shown when an internal extension calls.")


class Optional(Enum):
    """What an account can do without."""

    MAIN_NUMBER = "main-number"


NONE_YET = 'no accounts yet: ringbridge account add --name "Blue Bottle"'


@app.command("add")
def add(
    name: Annotated[str, NameOption],
    account: Annotated[
        str | None, typer.Option("--id", help="Digits to be known by, instead of seven random ones.")
    ] = None,
    country: Annotated[str, CountryOption] = "US",
    language: Annotated[str, LanguageOption] = "en",
    main_number: Annotated[str | None, MainNumberOption] = None,
) -> None:
    """Make an account and print its id.

    \b
    Examples:
      ringbridge account add --name "Blue Bottle"
      ringbridge account add --name "Bleu" --id 1009683 --country FR --language fr --main-number 0142685300
    """
    from ringbridge.cli.name import shown_name
    from ringbridge.cli.number import e164, known_country

    code = known_country(country)
    if account is not None and not (account.isascii() and account.isdigit() and len(account) <= 20):
        raise CommandError(f"--id takes up to 20 digits, not {account!r}")
    number = e164(main_number, code) if main_number is not None else None
    with administration() as directory:
        made = directory.add_account(
            shown_name(name),
            account_id=account,
            country=code,
            language=_language(language),
            main_number=number,
        )
    typer.echo(made.id)


@app.command("set")
def change(
    account: Annotated[str, typer.Argument(help="The account's id.")],
    name: Annotated[str | None, NameOption] = None,
    country: Annotated[str | None, CountryOption] = None,
    language: Annotated[str | None, LanguageOption] = None,
    main_number: Annotated[str | None, MainNumberOption] = None,
    unset: Annotated[list[Optional] | None, typer.Option(help="Do without it.")] = None,
) -> None:
    """Change what is given of an account, and leave the rest; a running server knows within a second.

    \b
    Examples:
      ringbridge account set 1009683 --main-number +18175629600
      ringbridge account set 1009683 --unset main-number
    """
    from ringbridge.cli.name import shown_name
    from ringbridge.cli.number import e164, known_country

    given = {
        "name": None if name is None else shown_name(name),
        "country": None if country is None else known_country(country),
        "language": None if language is None else _language(language),
    }

    def apply(before: Account) -> Account:
        number = None if main_number is None else e164(main_number, given["country"] or before.country)
        return changed(before, given | {"main_number": number}, unset)

    with administration() as directory:
        directory.change_account(account, apply)


@app.command("list")
def list_accounts(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List all accounts."""
    with administration() as directory:
        rows = [_row(account) for account in directory.accounts()]
    show(rows, as_json=as_json, empty=NONE_YET)


@app.command("show")
def show_account(
    account: Annotated[str, typer.Argument(help="The account's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show one account, and how many lines and keys it has."""
    with administration() as directory:
        found = find_account(directory, account)
        lines, keys = directory.lines(account), directory.keys(account)
    row = _row(found) | {"lines": len(lines), "keys": len(keys)}
    show([row], as_json=as_json, empty=NONE_YET)


@app.command("suspend")
def suspend(
    account: Annotated[str, typer.Argument(help="The account's id.")],
    end_calls: Annotated[bool, typer.Option("--end-calls", help="End its calls that are up, too.")] = False,
) -> None:
    """Take no more requests of an account; its calls that are up go on."""
    with administration() as directory:
        directory.suspend(account, ends_calls=end_calls)


@app.command("resume")
def resume(account: Annotated[str, typer.Argument(help="The account's id.")]) -> None:
    """Let a suspended account call again."""
    with administration() as directory:
        directory.suspend(account, suspended=False)


def _row(account: Account) -> dict[str, Any]:
    """What is listed of an account."""
    return {name: value for name, value in asdict(account).items() if name != "ends_calls"}


def _language(text: str) -> str:
    if text.lower() not in LANGUAGES:
        raise CommandError(f"--language takes en, es, fr, de, pt or it, not {text!r}")
    return text.lower()
