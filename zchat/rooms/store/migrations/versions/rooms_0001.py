"""Rooms and their members."""

import sqlalchemy as sa
from alembic import op

revision = "rooms_0001"
down_revision = None
branch_labels = ("rooms",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rooms",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "partition",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("partitions", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "members",
        sa.Column("room", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("floor", sa.BigInteger, nullable=False),
        sa.Column("marker", sa.BigInteger),
    )
    op.create_index("members_user", "members", ["user"])


def downgrade() -> None:
    op.drop_table("members")
    op.drop_table("partition")
    op.drop_table("rooms")
