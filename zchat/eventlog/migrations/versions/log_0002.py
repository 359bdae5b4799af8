"""Answers to commands that made no entry, and an index of nonces that is written behind."""

import sqlalchemy as sa
from alembic import op

revision = "log_0002"
down_revision = "log_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answers",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("log", sa.Text),
        sa.Column("code", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.UniqueConstraint("author", "nonce", name="answers_author_nonce"),
    )
    op.create_table(
        "nonces",
        sa.Column("author", sa.Text, primary_key=True),
        sa.Column("nonce", sa.LargeBinary, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "nonces_written",
        sa.Column("position", sa.BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO nonces (author, nonce, position) SELECT author, nonce, position FROM entries "
        "WHERE nonce IS NOT NULL ORDER BY author, nonce"
    )
    op.execute(
        "INSERT INTO nonces_written (position) SELECT coalesce(max(position), 0) FROM entries"
    )
    with op.batch_alter_table("entries") as entries:
        entries.drop_constraint("entries_author_nonce")


def downgrade() -> None:
    with op.batch_alter_table("entries") as entries:
        entries.create_unique_constraint("entries_author_nonce", ["author", "nonce"])
    op.drop_table("nonces_written")
    op.drop_table("nonces")
    op.drop_table("answers")
