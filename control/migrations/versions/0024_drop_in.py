"""Runs know from which number on the ids of their task runs are reserved."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply; runs that are there already have reserved none."""
    op.add_column("runs", sa.Column("reserved_from", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Undo."""
    op.drop_column("runs", "reserved_from")
