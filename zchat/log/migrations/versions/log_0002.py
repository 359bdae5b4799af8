"""Answers to commands that made no entry."""

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


def downgrade() -> None:
    op.drop_table("answers")
