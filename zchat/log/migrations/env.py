"""Alembic's environment for all lineages; runs on the connection that the caller hands over."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    # SQLite rolls back DDL like anything else, once BEGIN is ours to say: a start that is killed
    # leaves the database at the old revision, never between two.
    transactional_ddl=True,
    # SQLite alters most tables only by copying them; elsewhere this changes nothing.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
