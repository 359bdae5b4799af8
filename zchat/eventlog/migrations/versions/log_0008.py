"""The index is made anew: what it has of a message is in one of its parts only."""

from alembic import op

revision = "log_0008"
down_revision = "log_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _made_anew("")


def downgrade() -> None:
    _made_anew(", prefix='3'")


def _made_anew(prefix: str) -> None:
    op.execute("DELETE FROM search_due")
    op.execute("DELETE FROM search_spans")
    op.execute("UPDATE search_indexed SET position = 0")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search")
        op.execute(
            "CREATE VIRTUAL TABLE search USING fts5(pieces, content='', columnsize=0, detail=none, "
            f"tokenize='ascii'{prefix})"
        )
        op.execute("INSERT INTO search (search, rank) VALUES ('automerge', 0)")
        op.execute("INSERT INTO search (search, rank) VALUES ('crisismerge', 1999)")
