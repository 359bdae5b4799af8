"""The index of what is said, which is filled later, a few messages at a time."""

import sqlalchemy as sa
from alembic import op

revision = "log_0006"
down_revision = "log_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_indexed",
        sa.Column("position", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "search_spans",
        sa.Column("imported_log", sa.Text, primary_key=True),
        sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("oldest_ms", sa.BigInteger, nullable=False),
        sa.Column("newest_ms", sa.BigInteger, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE search USING fts5(pieces, content='', columnsize=0, detail=none, "
            "tokenize='ascii', prefix='2')"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search")
    op.drop_table("search_spans")
    op.drop_table("search_indexed")
