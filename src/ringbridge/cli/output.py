"""How lists look: aligned columns for people, JSON for programs."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import typer


def show(rows: Sequence[dict[str, Any]], *, as_json: bool, empty: str) -> None:
    """Print one line for each of `rows`, which all have the same keys; `empty` is what to say when there is none."""
    if as_json:
        typer.echo(json.dumps(list(rows), indent=2, ensure_ascii=False))
    elif not rows:
        typer.echo(empty, err=True)
    else:
        for line in aligned([list(rows[0]), *([_text(value) for value in row.values()] for row in rows)]):
            typer.echo(line)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Each row as one line, its columns two blanks apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def counted(count: int, thing: str) -> str:
    """`1 line`, `2 lines`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def host_and_port(host: str, port: int) -> str:
    """Both as SIP URIs and URLs write them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def moment(utc_seconds: float | None) -> str | None:
    """A point in time as RFC 3339 text, or None for none."""
    if utc_seconds is None:
        return None
    return datetime.fromtimestamp(utc_seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
