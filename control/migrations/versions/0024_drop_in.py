"""Runs know which ids of task runs are reserved; deployments, whom they gave what."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_GIVING = ("deployments", "deployment_resources")


def upgrade() -> None:
    """Apply; runs that are there already have reserved none."""
    op.add_column("runs", sa.Column("reserved_from", sa.Integer(), nullable=True))
    for table in _GIVING:
        given = sa.Column("permissions", JSONB(), nullable=False, server_default=sa.text("'{}'"))
        op.add_column(table, given)


def downgrade() -> None:
    """Undo."""
    for table in _GIVING:
        op.drop_column(table, "permissions")
    op.drop_column("runs", "reserved_from")
