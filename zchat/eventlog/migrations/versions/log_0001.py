"""Entries, the writer's lease, and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "log_0001"
down_revision = None
branch_labels = ("log",)
depends_on = None

_big_key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("position", _big_key, primary_key=True, autoincrement=False),
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("nonce", sa.LargeBinary),
        sa.Column("thread", sa.Text),
        sa.Column("frame", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("log", "sequence", name="entries_log_sequence"),
        sa.UniqueConstraint("author", "nonce", name="entries_author_nonce"),
    )
    threaded = sa.text("thread IS NOT NULL")
    op.create_index(
        "entries_log_thread_sequence",
        "entries",
        ["log", "thread", "sequence"],
        sqlite_where=threaded,
    )
    op.create_table(
        "lease",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("id", _big_key, primary_key=True, autoincrement=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("outbox")
    op.drop_table("lease")
    op.drop_table("entries")
