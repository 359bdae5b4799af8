"""By what the cluster is known, whatever addresses lead to it."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "users_0008"
down_revision = "users_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    cluster = op.create_table("cluster", sa.Column("id", sa.Text, primary_key=True))
    op.bulk_insert(cluster, [{"id": secrets.token_hex(8)}])


def downgrade() -> None:
    op.drop_table("cluster")
