"""Notification destinations, deliveries and their tries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _text(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _big(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _instant(name: str, *, optional: bool = False, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=optional)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "notification_destinations",
        *_text("destination_id"),
        *_big("workspace_id"),
        *_text("display_name", "kind", "config", "signing_secret", "created_by"),
        _instant("created_at", now=True),
        _instant("updated_at", now=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.PrimaryKeyConstraint("destination_id"),
    )
    op.create_index(
        "ix_notification_destinations_workspace",
        "notification_destinations",
        ["workspace_id", "destination_id"],
    )
    _create_deliveries()
    op.create_table(
        "delivery_tries",
        sa.Column("try_id", sa.BigInteger(), autoincrement=True, nullable=False),
        *_big("delivery_id"),
        _instant("started_at"),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        *_text("error"),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.delivery_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("try_id"),
    )
    op.create_index("ix_delivery_tries_delivery", "delivery_tries", ["delivery_id", "try_id"])


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.BigInteger(), autoincrement=True, nullable=False),
        *_big("workspace_id", "job_id", "run_id", "task_run_id"),
        sa.Column("execution", sa.Integer(), nullable=False),
        *_text("event", "channel", "destination"),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        *_text("state"),
        sa.Column("tries", sa.Integer(), nullable=False),
        _instant("not_before"),
        _instant("give_up_at"),
        *_text("last_error"),
        _instant("created_at", now=True),
        _instant("ended_at", optional=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.PrimaryKeyConstraint("delivery_id"),
    )
    op.create_index(
        "uq_deliveries_once",
        "deliveries",
        ["run_id", "task_run_id", "execution", "event", "channel", "destination"],
        unique=True,
        postgresql_where=sa.text("run_id <> 0"),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["not_before", "delivery_id"],
        postgresql_where=sa.text("state = 'PENDING'"),
    )
    op.create_index("ix_deliveries_workspace", "deliveries", ["workspace_id", "delivery_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("delivery_tries")
    op.drop_table("deliveries")
    op.drop_table("notification_destinations")
