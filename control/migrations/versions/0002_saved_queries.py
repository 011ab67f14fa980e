"""Saved queries, which sql tasks may name."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _instant(name: str, *, optional: bool = False) -> sa.Column[object]:
    now = None if optional else sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=now, nullable=optional)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "saved_queries",
        sa.Column("query_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("query_text", sa.String(), nullable=False),
        sa.Column("warehouse_id", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("tags", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("last_modifier", sa.String(), nullable=False),
        _instant("created_at"),
        _instant("updated_at"),
        _instant("trashed_at", optional=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.PrimaryKeyConstraint("query_id"),
    )
    op.create_index(
        "ix_saved_queries_workspace", "saved_queries", ["workspace_id", "query_id"], unique=False
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_saved_queries_workspace", table_name="saved_queries")
    op.drop_table("saved_queries")
