"""Runs that are transactions: their catalog branches."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_NOW = sa.text("now()")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "transactions",
        sa.Column("run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("branch", sa.String(), nullable=False),
        sa.Column("base_hash", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("replay_of", sa.BigInteger(), nullable=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("execution", sa.Integer(), nullable=False),
        sa.Column("answer", postgresql.JSONB(), nullable=False),
        sa.Column("carried", postgresql.JSONB(), nullable=False),
        sa.Column("conflict_hash", sa.String(), nullable=True),
        sa.Column("published_hash", sa.String(), nullable=True),
        sa.Column("tables", postgresql.JSONB(), nullable=False),
        sa.Column("conflicts", postgresql.JSONB(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("created_at", _INSTANT, server_default=_NOW, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("drop_after", _INSTANT, nullable=True),
        sa.Column("dropped_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"]),
        sa.PrimaryKeyConstraint("run_id", "number"),
    )
    op.create_index(
        "ix_transactions_drop",
        "transactions",
        ["drop_after"],
        postgresql_where=sa.text("dropped_at IS NULL"),
    )
    op.create_index("ix_transactions_workspace", "transactions", ["workspace_id", "run_id"])
    op.create_table(
        "attempt_branches",
        sa.Column("task_run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("task_key", sa.String(), nullable=False),
        sa.Column("branch", sa.String(), nullable=False),
        sa.Column("base_hash", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("landed_hash", sa.String(), nullable=True),
        sa.Column("landed_at", _INSTANT, nullable=True),
        sa.Column("tables", postgresql.JSONB(), nullable=False),
        sa.Column("dropped_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("task_run_id"),
    )
    op.create_index(
        "ix_attempt_branches_run", "attempt_branches", ["run_id", "number", "task_run_id"]
    )
    op.create_index(
        "ix_attempt_branches_drop",
        "attempt_branches",
        ["task_run_id"],
        postgresql_where=sa.text("dropped_at IS NULL AND state IN ('LANDED', 'ABANDONED')"),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("attempt_branches")
    op.drop_table("transactions")
