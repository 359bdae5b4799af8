"""What rooms are like, and who is kept out, let in and silenced."""

import sqlalchemy as sa
from alembic import op

revision = "rooms_0002"
down_revision = "rooms_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("floor", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("private", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("key", sa.Text, nullable=False, server_default=""),
        sa.Column("posting", sa.Text, nullable=False, server_default="members"),
        sa.Column("slow_mode_s", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("members_max", sa.BigInteger, nullable=False, server_default="0"),
    ):
        op.add_column("rooms", column)
    op.create_table(
        "bans",
        sa.Column("room", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("until_ms", sa.BigInteger),
    )
    for name in ("invitations", "mutes"):
        op.create_table(
            name,
            sa.Column("room", sa.Text, primary_key=True),
            sa.Column("user", sa.Text, primary_key=True),
        )


def downgrade() -> None:
    for name in ("mutes", "invitations", "bans"):
        op.drop_table(name)
    for name in ("members_max", "slow_mode_s", "posting", "key", "private", "floor"):
        op.drop_column("rooms", name)
