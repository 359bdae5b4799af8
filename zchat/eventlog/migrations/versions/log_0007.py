"""An index that is written, merged and read in bounded steps; it is made anew in such steps."""

import sqlalchemy as sa
from alembic import op

revision = "log_0007"
down_revision = "log_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_due",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("nonce", sa.LargeBinary),
        sa.Column("thread", sa.Text),
        sa.Column("frame", sa.LargeBinary, nullable=False),
        sa.Column("removes", sa.Boolean, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
    )
    op.create_index("search_due_position", "search_due", ["position"])
    _made_anew("3")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("INSERT INTO search (search, rank) VALUES ('automerge', 0)")
        op.execute("INSERT INTO search (search, rank) VALUES ('crisismerge', 1999)")


def downgrade() -> None:
    _made_anew("2")
    op.drop_table("search_due")


def _made_anew(prefix: str) -> None:
    op.execute("DELETE FROM search_spans")
    op.execute("UPDATE search_indexed SET position = 0")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search")
        op.execute(
            "CREATE VIRTUAL TABLE search USING fts5(pieces, content='', columnsize=0, detail=none, "
            f"tokenize='ascii', prefix='{prefix}')"
        )
