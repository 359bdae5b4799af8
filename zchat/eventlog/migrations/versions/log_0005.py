"""What messages have said before they were edited."""

import sqlalchemy as sa
from alembic import op

revision = "log_0005"
down_revision = "log_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "edits",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("edits_log_sequence", "edits", ["log", "sequence"])


def downgrade() -> None:
    op.drop_table("edits")
