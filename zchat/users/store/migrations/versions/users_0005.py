"""Who is kept out of the server."""

import sqlalchemy as sa
from alembic import op

revision = "users_0005"
down_revision = "users_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bans",
        sa.Column("who", sa.Text, primary_key=True),
        sa.Column("guests", sa.Boolean, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
        sa.Column("until_ms", sa.BigInteger),
    )


def downgrade() -> None:
    op.drop_table("bans")
