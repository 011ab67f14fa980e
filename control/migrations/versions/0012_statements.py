"""SQL statements."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "statements",
        sa.Column("statement_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("warehouse_id", sa.String(), nullable=False),
        sa.Column("user_name", sa.String(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("catalog", sa.String(), nullable=True),
        sa.Column("schema_name", sa.String(), nullable=True),
        sa.Column("branch", sa.String(), nullable=True),
        sa.Column("query_tags", postgresql.JSONB(), nullable=False),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("row_limit", sa.BigInteger(), nullable=True),
        sa.Column("byte_limit", sa.BigInteger(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("engine_query_id", sa.String(), nullable=True),
        sa.Column("row_count", sa.BigInteger(), nullable=True),
        sa.Column("byte_count", sa.BigInteger(), nullable=True),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column("created_at", _INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", _INSTANT, nullable=True),
        sa.Column("cancel_asked_at", _INSTANT, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("expires_at", _INSTANT, nullable=True),
        sa.Column("purged_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.PrimaryKeyConstraint("statement_id"),
    )
    op.create_index("ix_statements_workspace", "statements", ["workspace_id", "statement_id"])
    op.create_index("ix_statements_warehouse", "statements", ["warehouse_id", "statement_id"])
    op.create_index(
        "ix_statements_open",
        "statements",
        ["warehouse_id"],
        postgresql_where=sa.text("state IN ('PENDING', 'RUNNING')"),
    )
    op.create_index(
        "ix_statements_expiry",
        "statements",
        ["expires_at"],
        postgresql_where=sa.text("expires_at IS NOT NULL AND purged_at IS NULL"),
    )
    op.create_index(
        "uq_statements_idempotency",
        "statements",
        ["workspace_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "statement_results",
        sa.Column("statement_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("columns", postgresql.JSONB(), nullable=False),
        sa.Column("chunks", postgresql.JSONB(), nullable=False),
        sa.Column("inline", sa.String(), nullable=True),
        sa.Column("handle", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["statement_id"], ["statements.statement_id"]),
        sa.PrimaryKeyConstraint("statement_id"),
    )
    op.add_column("outbox", sa.Column("statement_id", sa.String(), nullable=True))


def downgrade() -> None:
    """Undo."""
    op.drop_column("outbox", "statement_id")
    op.drop_table("statement_results")
    op.drop_table("statements")
