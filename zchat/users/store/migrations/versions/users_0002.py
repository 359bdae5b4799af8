"""Standing, suspension and one-time codes of users, devices, blocks, invitations."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "users_0002"
down_revision = "users_0001"
branch_labels = None
depends_on = None


def _columns() -> dict[str, list["sa.Column[Any]"]]:
    """What the tables have more than before."""
    return {
        "users": [
            sa.Column("deleted", sa.Boolean, nullable=False, server_default=sa.false()),
            sa.Column("standing", sa.Text, nullable=False, server_default="account"),
            sa.Column("suspended", sa.Boolean, nullable=False, server_default=sa.false()),
            sa.Column("suspended_until_ms", sa.BigInteger),
            sa.Column("suspended_reason", sa.Text, nullable=False, server_default=""),
            sa.Column("totp_secret", sa.LargeBinary),
            sa.Column("totp_step", sa.BigInteger, nullable=False, server_default="0"),
            sa.Column("recovery", sa.LargeBinary, nullable=False, server_default=""),
            sa.Column("devices_made", sa.BigInteger, nullable=False, server_default="0"),
        ],
        "tokens": [
            sa.Column("device", sa.BigInteger, nullable=False, server_default="0"),
            sa.Column("name", sa.Text, nullable=False, server_default=""),
            sa.Column("remembered", sa.Boolean, nullable=False, server_default=sa.false()),
            sa.Column("scopes", sa.Text, nullable=False, server_default=""),
            sa.Column("rooms", sa.Text, nullable=False, server_default=""),
            sa.Column("created_at_ms", sa.BigInteger, nullable=False, server_default="0"),
        ],
    }


def upgrade() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    # The tokens that there are get numbers in the order in which they were last used.
    op.execute(
        "UPDATE tokens SET created_at_ms = seen_at_ms, device = (SELECT count(*) FROM tokens AS o "
        'WHERE o."user" = tokens."user" AND (o.seen_at_ms < tokens.seen_at_ms '
        "OR (o.seen_at_ms = tokens.seen_at_ms AND o.digest <= tokens.digest)))"
    )
    op.execute(
        "UPDATE users SET devices_made = "
        '(SELECT count(*) FROM tokens WHERE tokens."user" = users.name)'
    )
    op.create_table(
        "blocks",
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("blocked", sa.Text, primary_key=True),
    )
    op.create_table(
        "invitations",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("invitations")
    op.drop_table("blocks")
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
