"""Where logs begin, and how long entries are kept."""

import sqlalchemy as sa
from alembic import op

revision = "log_0004"
down_revision = "log_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "floors",
        sa.Column("log", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "retention",
        sa.Column("log", sa.Text, primary_key=True),
        sa.Column("keep_s", sa.BigInteger),
        sa.Column("purge", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("retention")
    op.drop_table("floors")
