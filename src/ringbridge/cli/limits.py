"""`ringbridge limits`: what an account may do."""

from dataclasses import asdict
from typing import Annotated

import typer

from ringbridge.call.limits import limit_text, parse_limits
from ringbridge.cli.output import show
from ringbridge.cli.workspace import administration

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What an account may do.")

AccountOption = Annotated[str, typer.Option("--account", help="The account's id.")]


@app.command("set")
def set_limits(
    account: AccountOption,
    words: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="Each limit to change.")],
) -> None:
    """Change limits; those that are not named stay as they are, and nothing behind the = takes one away.

    \b
    Examples:
      ringbridge limits set --account 1009683 concurrent=1000 per_user=1 rate=1000 duplicates_s=3
      ringbridge limits set --account 1009683 countries=US,CA
      ringbridge limits set --account 1009683 spend_per_day=50 quiet_hours=21:00-08:00
    \b
    concurrent                   calls at once
    per_user                     calls at once for one line
    rate                         calls accepted in any one second
    per_minute                   calls accepted in any one minute
    user_per_minute              the same for one line
    destination_per_10_minutes   calls to one number in any ten minutes
    duplicates_s                 a click repeated within these seconds is the same call
    countries                    two-letter codes that may be called; empty: the account's own
    refused_prefixes             beginnings of numbers that may not be called
    quiet_hours                  when nobody is called, by the clock where they are
    spend_per_call               what the longest call may cost; see ringbridge rates
    spend_per_hour, spend_per_day, spend_per_month
                                 what all calls of that time may cost (UTC)
    short_calls_per_hour         calls of a few seconds to one country; more suspend the account
    user_ring_s                  how long the user's phone rings
    confirm_s                    how long whoever answers it is asked to press 1, on lines that ask
    destination_ring_s           how long the destination rings
    call_s                       how long a call may last
    keys                         API keys that are valid at once
    """
    from ringbridge.cli.number import known_country

    with administration() as directory:
        limits = parse_limits(directory.limits(account), words)
        for country in limits.countries:
            known_country(country)
        directory.set_limits(account, limits)


@app.command("show")
def show_limits(
    account: AccountOption,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show all limits of the account as KEY=VALUE."""
    with administration() as directory:
        limits = asdict(directory.limits(account))
    if as_json:
        show([limits], as_json=True, empty="")
        return
    for key, value in limits.items():
        typer.echo(f"{key}={limit_text(key, value)}")
