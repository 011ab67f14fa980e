"""Which version of a job each execution used; when an attempt's own work ended."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("run_executions", sa.Column("job_version", sa.Integer(), nullable=True))
    op.add_column(
        "task_runs", sa.Column("work_ended_at", sa.DateTime(timezone=True), nullable=True)
    )


def downgrade() -> None:
    """Undo."""
    op.drop_column("task_runs", "work_ended_at")
    op.drop_column("run_executions", "job_version")
