"""An index of logs and conversations that is written behind."""

import sqlalchemy as sa
from alembic import op

revision = "log_0009"
down_revision = "log_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "places",
        sa.Column("log", sa.Text, primary_key=True),
        sa.Column("thread", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "places_written",
        sa.Column("position", sa.BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO places (log, thread, sequence, position) "
        "SELECT log, '', sequence, position FROM entries UNION ALL "
        "SELECT log, thread, sequence, position FROM entries WHERE thread IS NOT NULL "
        "ORDER BY 1, 2, 3"
    )
    op.execute(
        "INSERT INTO places_written (position) SELECT coalesce(max(position), 0) FROM entries"
    )
    op.drop_index("entries_log_thread_sequence", "entries")
    with op.batch_alter_table("entries") as entries:
        entries.drop_constraint("entries_log_sequence")


def downgrade() -> None:
    with op.batch_alter_table("entries") as entries:
        entries.create_unique_constraint("entries_log_sequence", ["log", "sequence"])
    op.create_index(
        "entries_log_thread_sequence",
        "entries",
        ["log", "thread", "sequence"],
        sqlite_where=sa.text("thread IS NOT NULL"),
    )
    op.drop_table("places_written")
    op.drop_table("places")
