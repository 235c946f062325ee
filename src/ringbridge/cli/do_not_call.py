"""`ringbridge do-not-call`: the numbers that an account must not call."""

import csv
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbridge.cli.csv_file import opened_csv
from ringbridge.cli.errors import CommandError
from ringbridge.cli.output import counted, moment
from ringbridge.cli.workspace import administration, database, find_account

if TYPE_CHECKING:
    from ringbridge.service.csv_file import UnusableFile

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Whom an account must not call.")

AccountOption = Annotated[str, typer.Option("--account", help="The account's id.")]


@app.command("add")
def add_numbers(
    account: AccountOption,
    numbers: Annotated[list[str], typer.Argument(metavar="NUMBER...", help="As in the account's country.")],
    reason: Annotated[str | None, typer.Option(help="Why, for whoever reads the list.")] = None,
) -> None:
    """Put numbers on the list: calls to them are refused from now on."""
    country = _country(account)
    _add(account, {_number(text, country): reason for text in numbers})


@app.command("remove")
def remove_number(
    account: AccountOption,
    number: Annotated[str, typer.Argument(help="As in the account's country.")],
) -> None:
    """Take a number off the list."""
    from ringbridge.store.do_not_call import DoNotCallList

    known = _number(number, _country(account))
    with database() as engine:
        if not DoNotCallList(engine, account).remove(known):
            raise CommandError(f"{known} is not on the do-not-call list of account {account}")


@app.command("import")
def import_numbers(
    account: AccountOption,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Numbers in the first column.")],
) -> None:
    """Put the numbers of a CSV file on the list: none if one is wrong. A first row names the columns number and reason."""
    from ringbridge.cli.batches import write_in_batches
    from ringbridge.service.csv_file import UnusableFile
    from ringbridge.service.do_not_call import read_numbers
    from ringbridge.store.do_not_call import DoNotCallList

    country = _country(account)
    with opened_csv(file) as stream:
        try:
            numbers = read_numbers(csv.reader(stream), country)
        except UnusableFile as error:
            raise CommandError(
                f"{file}, row {error.row}: {_why_not(error, country)}; no number was added"
            ) from error
    now = time.time()
    with database() as engine:
        barred = DoNotCallList(engine, account)
        added = write_in_batches(
            list(numbers.items()),
            lambda batch: barred.add(dict(batch), at=now),
            "number",
            "import it again for the rest",
        )
    typer.echo(f"{counted(added, 'number')} added")


@app.command("export")
def export_numbers(account: AccountOption) -> None:
    """Print the list as CSV: each number, when it was put there (UTC), and why."""
    from ringbridge.store.do_not_call import DoNotCallList

    writer = csv.writer(sys.stdout, lineterminator="\n")
    with database() as engine:
        entries = DoNotCallList(engine, account).entries()
        # What fails, fails before the first line.
        first = next(entries, None)
        writer.writerow(("number", "added_at", "reason"))
        for number, added_at, reason in () if first is None else (first, *entries):
            writer.writerow((number, moment(added_at), reason or ""))


def _add(account: str, numbers: dict[str, str | None]) -> None:
    from ringbridge.store.do_not_call import DoNotCallList

    with database() as engine:
        count = DoNotCallList(engine, account).add(numbers, at=time.time())
    typer.echo(f"{counted(count, 'number')} added")


def _country(account: str) -> str:
    with administration() as directory:
        return find_account(directory, account).country


def _number(text: str, country: str) -> str:
    from ringbridge.cli.number import e164

    return e164(text, country)


def _why_not(error: "UnusableFile", country: str) -> str:
    if error.code == "invalid_reason":
        return "a reason has at most 200 characters, all of them printable"
    if error.code == "emergency_number":
        return f"{error.text!r} is an emergency number in {country}"
    return f"{error.text!r} is not a telephone number in {country}"
