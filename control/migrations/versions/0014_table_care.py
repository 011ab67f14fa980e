"""Table care: how far the deleting of files has come."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "table_sweeps",
        sa.Column("task_run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("gone", postgresql.JSONB(), nullable=False),
        sa.Column("pending", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("task_run_id", "folder"),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("table_sweeps")
