"""`ringbridge rates`: what calls cost, for the limits of money."""

from pathlib import Path
from typing import Annotated

import typer

from ringbridge.call.money import amount_text
from ringbridge.cli.csv_file import opened_csv
from ringbridge.cli.errors import CommandError
from ringbridge.cli.output import counted, show
from ringbridge.cli.workspace import database

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What calls cost.")


@app.command("import")
def import_rates(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Columns prefix and per_minute.")],
) -> None:
    """Take the rates of a CSV file in place of all that there are.

    \b
    A row says what a minute to numbers that begin so costs; the longest prefix counts:
      prefix,per_minute
      +1,0.01
      +1876,0.20
    Semicolons between the columns, and commas before decimals, do as well.
    The currency is yours: the limits of money (see ringbridge limits set --help) are in the same one.
    """
    from ringbridge.store.rates import RateTable

    rates = _read(file)
    with database() as engine:
        RateTable(engine).replace(rates)
    typer.echo(counted(len(rates), "rate"))


@app.command("list")
def list_rates(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List all rates by prefix."""
    from ringbridge.store.rates import RateTable

    with database() as engine:
        rates = RateTable(engine).all()
    rows = [{"prefix": prefix, "per_minute": amount_text(micros)} for prefix, micros in rates.items()]
    show(rows, as_json=as_json, empty="no rates: add some with: ringbridge rates import FILE.csv")


def _read(file: Path) -> dict[str, int]:
    """Prefix -> millionths a minute. Raises CommandError that names the row."""
    from ringbridge.service.csv_file import UnusableFile, csv_rows
    from ringbridge.service.rates import read_rates

    with opened_csv(file) as stream:
        try:
            return read_rates(csv_rows(stream))
        except UnusableFile as error:
            why = {
                "rate_columns": "the columns are prefix and per_minute",
                "invalid_rate": "write a prefix with its plus and an amount, such as +44,0.015; no rate was changed",
                "repeated_rate": f"{error.text} is in an earlier row already; no rate was changed",
                "empty": "the columns are prefix and per_minute",
            }
            raise CommandError(f"{file}, row {max(error.row, 1)}: {why[error.code]}") from error
