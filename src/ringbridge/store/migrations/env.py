"""Run by Alembic for each command: applies the numbered files of `versions` over the connection that `migrate` gives."""

from alembic import context

from ringbridge.store import origins, statistics_tables, user_tables, webhook_tables

# Both name their tables in the one metadata.
assert origins.metadata is user_tables.metadata is statistics_tables.metadata is webhook_tables.metadata
metadata = webhook_tables.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most of a table in place; Alembic then copies it.
    render_as_batch=True,
    # The connection is inside a transaction already, and both databases can undo changes of tables.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
