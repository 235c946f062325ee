"""`ringbridge records`: the records of an account's calls, how long they are kept, and what is forgotten."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbridge.cli.errors import CommandError
from ringbridge.cli.moment import utc_seconds
from ringbridge.cli.output import counted
from ringbridge.cli.workspace import administration, database, find_account
from ringbridge.service.export import ExportForm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from ringbridge.call.record import Record, RecordFilter
    from ringbridge.store.records import SqlRecords

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What is kept of calls that are over.")

AccountOption = Annotated[str, typer.Option("--account", help="The account's id.")]

_BATCH = 500


@app.command("export")
def export(
    account: AccountOption,
    form: Annotated[
        ExportForm, typer.Option("--format", help="A table for spreadsheets, or a list for programs.")
    ] = ExportForm.CSV,
    ended_from: Annotated[
        str | None, typer.Option("--from", help="Only calls that ended then or later: 2026-11-01.")
    ] = None,
    ended_before: Annotated[
        str | None, typer.Option("--until", help="Only calls that ended before then: 2026-12-01T00:00Z.")
    ] = None,
    is_test: Annotated[
        bool | None,
        typer.Option("--test/--live", help="Only test calls, or only others.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A new file for it; else it goes to standard output.")
    ] = None,
) -> None:
    """Write the records of an account's calls, the last first. Times without an offset are UTC.

    In the table, a text that a spreadsheet would take for a formula has an apostrophe in front.

    \b
    Examples:
      ringbridge records export --account 1009683 --from 2026-11-01 --until 2026-12-01 > november.csv
      ringbridge records export --account 1009683 --format json --out calls.json
    """
    from ringbridge.call.record import RecordFilter
    from ringbridge.store.administration import Administration
    from ringbridge.store.records import SqlRecords

    wanted = RecordFilter(
        ended_from=None if ended_from is None else utc_seconds(ended_from),
        ended_before=None if ended_before is None else utc_seconds(ended_before),
        is_test=is_test,
    )
    with database() as engine:
        find_account(Administration(engine), account)
        records = SqlRecords(engine)
        if out is None:
            _write(sys.stdout, form, records, account, wanted)
            return
        try:
            with out.open("x", encoding="utf-8", newline="") as stream:
                _write(stream, form, records, account, wanted)
        except OSError as error:
            raise CommandError(f"cannot write {out}: {error.strerror}") from error


@app.command("retain")
def retain(
    account: AccountOption,
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Keep calls for so many days after their end.")
    ] = None,
    for_good: Annotated[bool, typer.Option("--for-good", help="Keep them for good.")] = False,
) -> None:
    """Say how long an account's calls are kept, with their history and records; without options, show it.

    \b
    Examples:
      ringbridge records retain --account 1009683 --days 90
      ringbridge records retain --account 1009683 --for-good
    """
    from ringbridge.store.records import SqlRecords

    if days is not None and for_good:
        raise CommandError("--days and --for-good exclude each other")
    with database() as engine:
        records = SqlRecords(engine)
        if days is not None or for_good:
            records.set_retention(account, days)
        kept = records.retention(account)
    typer.echo("kept for good" if kept is None else f"kept for {counted(kept, 'day')}")


@app.command("erase")
def erase(
    account: AccountOption,
    number: Annotated[str, typer.Option(help="The number to forget, as people write it.")],
) -> None:
    """Forget a number in all calls of the account that are over; times, outcomes and durations stay for the books.

    \b
    Example:
      ringbridge records erase --account 1009683 --number "+1 (512) 529-2329"
    """
    from ringbridge.cli.number import line_number
    from ringbridge.store.records import SqlRecords

    with administration() as directory:
        country = find_account(directory, account).country
    with database() as engine:
        erased = SqlRecords(engine).erase(account, line_number(number, country))
    typer.echo(f"erased in {counted(erased.calls, 'call')}")
    if erased.running:
        typer.echo(
            f"ringbridge: warning: {counted(erased.running, 'call')} with it still running: "
            "run this again when they are over",
            err=True,
        )


def _write(
    stream: "TextIO", form: ExportForm, records: "SqlRecords", account_id: str, wanted: "RecordFilter"
) -> None:
    stream.write(form.head)
    for index, batch in enumerate(_batches(records, account_id, wanted)):
        stream.write(form.body(batch, is_first=index == 0))
    stream.write(form.tail)


def _batches(records: "SqlRecords", account_id: str, wanted: "RecordFilter") -> "Iterator[list[Record]]":
    place = None
    while batch := records.page(account_id, wanted, place, _BATCH):
        yield batch
        place = batch[-1].place
