"""Triggers' states, backfills, and what Temporal is to be told of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())


def _text(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _big(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False) for name in names]


def _instant(name: str, *, optional: bool = False, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=optional)


def _json(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, _JSON, nullable=False) for name in names]


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "trigger_states",
        *_big("job_id", "workspace_id"),
        *_text("kind"),
        *_json("settings", "watched"),
        _instant("armed_at"),
        _instant("handled_at"),
        _instant("next_at", optional=True),
        _instant("fired_at", optional=True),
        sa.Column("last_run_id", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("has_looked", sa.Boolean(), nullable=False),
        *_json("handled", "seen"),
        _instant("changed_at", optional=True),
        _instant("firing_at", optional=True),
        *_text("last_error"),
        _instant("updated_at", now=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"]),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.PrimaryKeyConstraint("job_id"),
    )
    _create_backfills()
    op.add_column("outbox", sa.Column("backfill_id", sa.BigInteger(), nullable=True))


def _create_backfills() -> None:
    op.create_table(
        "backfills",
        sa.Column("backfill_id", sa.BigInteger(), autoincrement=True, nullable=False),
        *_big("workspace_id", "job_id"),
        _instant("first_at"),
        _instant("last_at"),
        *_text("every"),
        sa.Column("is_reverse", sa.Boolean(), nullable=False),
        sa.Column("max_concurrent", sa.Integer(), nullable=False),
        *_json("parameters"),
        sa.Column("total", sa.Integer(), nullable=False),
        *_text("creator"),
        sa.Column("idempotency_token", sa.String(), nullable=True),
        _instant("created_at", now=True),
        _instant("cancelled_at", optional=True),
        _instant("ended_at", optional=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"]),
        sa.PrimaryKeyConstraint("backfill_id"),
    )
    op.create_index("ix_backfills_job", "backfills", ["job_id", "backfill_id"])
    op.create_index(
        "uq_backfills_idempotency",
        "backfills",
        ["job_id", "idempotency_token"],
        unique=True,
        postgresql_where=sa.text("idempotency_token IS NOT NULL"),
    )
    op.create_table(
        "backfill_dates",
        *_big("backfill_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        _instant("at"),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        *_text("error"),
        sa.ForeignKeyConstraint(["backfill_id"], ["backfills.backfill_id"]),
        sa.PrimaryKeyConstraint("backfill_id", "number"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_column("outbox", "backfill_id")
    for table in ("backfill_dates", "backfills", "trigger_states"):
        op.drop_table(table)
