"""`ringbridge audit`: who changed what, when and from where."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringbridge.cli.errors import CommandError
from ringbridge.cli.output import counted, moment, show
from ringbridge.cli.workspace import database
from ringbridge.service.audit_export import AuditForm, as_document

if TYPE_CHECKING:
    from typing import Any, TextIO

    from ringbridge.call.audit import AuditEntry
    from ringbridge.store.audit import SqlAuditLog

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Who changed what, when and from where.")


@app.command("list")
def list_entries(
    account: Annotated[str | None, typer.Option("--account", help="Only what was an account's.")] = None,
    last: Annotated[int, typer.Option(min=1, max=10_000, help="So many of the last.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show the last changes, the newest first. Numbers are shown by their last four digits, secrets not at all."""
    from ringbridge.store.audit import SqlAuditLog

    with database() as engine:
        entries = SqlAuditLog(engine).last(last, account)
    rows = [as_document(entry) if as_json else _row(entry) for entry in entries]
    show(rows, as_json=as_json, empty="nothing was changed yet")


@app.command("export")
def export(
    form: Annotated[
        AuditForm, typer.Option("--format", help="A table for spreadsheets, or an object on each line.")
    ] = AuditForm.CSV,
    out: Annotated[
        Path | None, typer.Option(help="A new file for it; else it goes to standard output.")
    ] = None,
) -> None:
    """Write the whole log, the oldest entry first.

    In the table, a text that a spreadsheet would take for a formula has an apostrophe in front.

    \b
    Example:
      ringbridge audit export --out audit.csv
    """
    from ringbridge.store.audit import SqlAuditLog

    with database() as engine:
        log = SqlAuditLog(engine)
        if out is None:
            _write(sys.stdout, form, log)
            return
        try:
            with out.open("x", encoding="utf-8", newline="") as stream:
                _write(stream, form, log)
        except OSError as error:
            raise CommandError(f"cannot write {out}: {error.strerror}") from error


@app.command("verify")
def verify(
    known: Annotated[
        str | None,
        typer.Option(help="The hash of an entry that was noted elsewhere: it must be there still."),
    ] = None,
) -> int:
    """Read the whole log and say whether it is as it was written; exit status 1 if it is not.

    Each entry has a hash over itself and the one before. Whoever can write to the database could make them all anew:
    note the hash that this prints in another place, and give it next time.

    \b
    Example:
      ringbridge audit verify --known 5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9
    """
    from ringbridge.call.audit import BrokenChain
    from ringbridge.store.audit import SqlAuditLog

    with database() as engine:
        try:
            end = SqlAuditLog(engine).verify(known)
        except BrokenChain as error:
            typer.echo(str(error))
            return 1
    typer.echo(f"{_entries(end.sequence)}, as written; the last has the hash {end.hash}")
    return 0


def _entries(count: int) -> str:
    return counted(count, "entry") if count == 1 else f"{count} entries"


def _write(stream: "TextIO", form: AuditForm, log: "SqlAuditLog") -> None:
    stream.write(form.head)
    for batch in log.batches():
        stream.write(form.body(batch))


def _row(entry: "AuditEntry") -> "dict[str, Any]":
    kind, actor_id, address = entry.actor
    return {
        "at": moment(entry.at),
        "who": " ".join(word for word in (kind.value, actor_id) if word is not None),
        "from": address,
        "account": entry.account_id,
        "action": entry.action,
        "target": entry.target_id,
        "before": entry.before,
        "after": entry.after,
    }
