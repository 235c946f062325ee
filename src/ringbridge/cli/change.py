"""What the `set` commands have in common: the options that are given change, all others stay as they are."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ringbridge.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from enum import Enum

    from ringbridge.call.directory import Account, Line, Trunk

Changed = TypeVar("Changed", "Account", "Line", "Trunk")


def changed(before: Changed, given: Mapping[str, Any], unset: Sequence[Enum] | None) -> Changed:
    """`before` with each field of `given` that is not None, and with each of `unset` as it is without its option.

    unset: members that are named as their field is, in capitals. Raises CommandError.
    """
    changes = {name: value for name, value in given.items() if value is not None}
    defaults = {field.name: field.default for field in fields(before)}
    for option in unset or ():
        field = option.name.lower()
        if field in changes:
            raise CommandError(f"--{option.value} and --unset {option.value} do not go together")
        assert defaults[field] is not MISSING, "an option that a command can do without has a default"
        changes[field] = defaults[field]
    if not changes:
        raise CommandError("nothing to change: give the options that are to be different")
    return replace(before, **changes)
