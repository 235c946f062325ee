"""The log of a webhook to which a million events were sent: what waits or was given up is not looked for among all of them."""

from typing import Any

import pytest
from sqlalchemy import Connection, event

from ringbridge.store.database import migrate, open_database
from ringbridge.store.webhooks import SqlWebhooks


@pytest.mark.parametrize("before", [None, ("call-1", 1)])
@pytest.mark.parametrize(("state", "index"), [("pending", "due"), ("failed", "failed")])
async def test_few_rows_are_found_by_an_index_that_has_no_others(
    sqlite_url: str, state: str, index: str, before: tuple[str, int] | None
) -> None:
    engine = open_database(sqlite_url)
    migrate(engine)
    asked: list[tuple[str, Any]] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(connection: Connection, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "webhook_deliveries" in statement:
            asked.append((statement, parameters))

    await SqlWebhooks(engine).deliveries("wh_1", state=state, before=before, limit=50)
    [(statement, parameters)] = asked
    with engine.connect() as connection:
        plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
    assert any(f"USING INDEX ix_webhook_deliveries_{index} " in row[3] for row in plan), plan
    engine.dispose()
