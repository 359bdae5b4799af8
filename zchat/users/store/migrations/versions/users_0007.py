"""Settings that were set while the cluster runs."""

import sqlalchemy as sa
from alembic import op

revision = "users_0007"
down_revision = "users_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "changed_settings",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("changed_settings")
