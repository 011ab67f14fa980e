"""Indexes over tasks without the iterations of for-eaches."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLES = (("ix_task_outputs_tasks", "task_outputs"), ("ix_attempts_tasks", "attempts"))


def upgrade() -> None:
    """Apply."""
    for name, table in _TABLES:
        op.create_index(
            name,
            table,
            ["run_id", "task_run_id"],
            unique=False,
            postgresql_where=sa.text("task_key NOT LIKE '%[%'"),
        )


def downgrade() -> None:
    """Undo."""
    for name, table in _TABLES:
        op.drop_index(name, table_name=table)
