"""How rows of test keys' calls are told from others, in the table of calls and in that of records."""

from sqlalchemy import ColumnElement, Table

from ringbridge.call.simulation import SIMULATED


def test_row(table: Table) -> ColumnElement[bool]:
    """Whether a row is of a call that was simulated; true or false, never null."""
    return table.c.user_trunk.is_not_distinct_from(SIMULATED)
