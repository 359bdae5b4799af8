"""Alembic's environment for all lineages; runs in the transaction that the caller has begun.

A start that is killed leaves the database at the old revision, never between two.
"""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    # SQLite alters most tables only by copying them; elsewhere this changes nothing.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
