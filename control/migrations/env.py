"""Alembic's entry: runs migrations on the connection that `control.migrate` hands over."""

from alembic import context

from control.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata(),
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
