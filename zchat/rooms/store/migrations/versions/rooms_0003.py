"""What members are told aloud, who is mentioned, what is pinned, and conversations of several."""

import sqlalchemy as sa
from alembic import op

revision = "rooms_0003"
down_revision = "rooms_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    conversation = sa.Column("conversation", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("rooms", conversation)
    op.add_column("members", sa.Column("notify", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "pins",
        sa.Column("room", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("pinned", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "mentions",
        sa.Column("room", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("author", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("mentions")
    op.drop_table("pins")
    op.drop_column("members", "notify")
    op.drop_column("rooms", "conversation")
