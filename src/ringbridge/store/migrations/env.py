"""Run by Alembic for each command: applies the numbered files of `versions` over the connection that `migrate` gives."""

from alembic import context

from ringbridge.store.webhook_tables import metadata

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
