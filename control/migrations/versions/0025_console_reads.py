"""Edges of lineage know their job, so that its permissions and its page are found."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_JOBS = """
UPDATE lineage_edges AS edge SET job_id = runs.job_id
FROM runs
WHERE runs.run_id = edge.run_id AND edge.task_run_id IS NOT NULL
  AND runs.run_type <> 'SUBMIT_RUN'
"""


def upgrade() -> None:
    """Apply."""
    op.add_column("lineage_edges", sa.Column("job_id", sa.BigInteger(), nullable=True))
    op.execute(_JOBS)
    op.create_index("ix_lineage_edges_job_id", "lineage_edges", ["workspace_id", "job_id"])


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_lineage_edges_job_id", table_name="lineage_edges")
    op.drop_column("lineage_edges", "job_id")
