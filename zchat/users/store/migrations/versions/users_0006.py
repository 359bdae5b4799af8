"""With which code an account may choose a new password, and as what an erased one is known."""

import sqlalchemy as sa
from alembic import op

revision = "users_0006"
down_revision = "users_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("reset_digest", sa.LargeBinary(32)))
    op.add_column("users", sa.Column("reset_until_ms", sa.BigInteger))
    op.add_column("users", sa.Column("erased_as", sa.Text))


def downgrade() -> None:
    op.drop_column("users", "erased_as")
    op.drop_column("users", "reset_until_ms")
    op.drop_column("users", "reset_digest")
