"""With which code, and until when, an account may choose a new password."""

import sqlalchemy as sa
from alembic import op

revision = "users_0006"
down_revision = "users_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("reset_digest", sa.LargeBinary(32)))
    op.add_column("users", sa.Column("reset_until_ms", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("users", "reset_until_ms")
    op.drop_column("users", "reset_digest")
