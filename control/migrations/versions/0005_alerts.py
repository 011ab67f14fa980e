"""Alerts on saved queries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _text(name: str, *, optional: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(), nullable=optional)


def _instant(name: str, *, optional: bool = False) -> sa.Column[object]:
    now = None if optional else sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=now, nullable=optional)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "alerts",
        _text("alert_id"),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        _text("display_name"),
        _text("query_id"),
        sa.Column("condition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        _text("custom_subject", optional=True),
        _text("custom_body", optional=True),
        sa.Column("notify_on_ok", sa.Boolean(), nullable=False),
        sa.Column("seconds_to_retrigger", sa.Integer(), nullable=False),
        _text("parent_path", optional=True),
        _text("owner"),
        _text("state"),
        sa.Column("judged_by", sa.BigInteger(), nullable=False),
        _instant("triggered_at", optional=True),
        _instant("told_at", optional=True),
        _instant("created_at"),
        _instant("updated_at"),
        _instant("trashed_at", optional=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.PrimaryKeyConstraint("alert_id"),
    )
    op.create_index("ix_alerts_workspace", "alerts", ["workspace_id", "alert_id"], unique=False)


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_alerts_workspace", table_name="alerts")
    op.drop_table("alerts")
