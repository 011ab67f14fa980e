"""Repairs, for-each, job versions, one task's cancel, and what triggered a run."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())


def _instant(name: str, *, optional: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=optional)


def _id(name: str, *, optional: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=optional)


def _json(name: str, empty: str = "{}") -> sa.Column[object]:
    return sa.Column(name, _JSON, nullable=False, server_default=empty)


def _number(name: str, first: int = 0) -> sa.Column[object]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default=str(first))


def _text(name: str, *, optional: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(), nullable=optional)


def upgrade() -> None:
    """Apply."""
    for column in (
        _number("execution"),
        sa.Column("job_version", sa.Integer(), nullable=True),
        _id("parent_task_run_id", optional=True),
        _instant("triggered_at"),
        _json("trigger_info"),
        _text("run_as", optional=True),
        _json("git_snapshot"),
        _instant("queued_at"),
    ):
        op.add_column("runs", column)
    op.create_index(
        op.f("ix_runs_parent_task_run_id"), "runs", ["parent_task_run_id"], unique=False
    )
    for column in (
        _number("stream"),
        _id("for_each_run_id", optional=True),
        _text("condition", optional=True),
        _instant("retry_at"),
    ):
        op.add_column("task_runs", column)
    op.drop_index("ix_task_runs_run", table_name="task_runs")
    op.create_index(
        "ix_task_runs_run", "task_runs", ["run_id", "for_each_run_id", "task_run_id"], unique=False
    )
    op.create_index(
        "ix_task_runs_iterations",
        "task_runs",
        ["for_each_run_id", "task_run_id"],
        unique=False,
        postgresql_where=sa.text("for_each_run_id IS NOT NULL"),
    )
    op.add_column("run_events", _number("stream"))
    op.drop_constraint("run_events_pkey", "run_events", type_="primary")
    op.create_primary_key("run_events_pkey", "run_events", ["run_id", "execution", "stream", "seq"])
    op.alter_column("outbox", "run_id", nullable=True)
    op.add_column("outbox", _id("job_id", optional=True))
    op.add_column("outbox", _id("task_run_id", optional=True))
    op.add_column("jobs", _number("version", 1))
    _create_tables()


def _create_tables() -> None:
    op.create_table(
        "job_versions",
        _id("job_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        _json("settings"),
        _text("editor"),
        _text("cause"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"]),
        sa.PrimaryKeyConstraint("job_id", "version"),
    )
    # The history of jobs that are there already begins with what they are now.
    op.execute(
        "INSERT INTO job_versions (job_id, version, settings, editor, cause, created_at)"
        " SELECT job_id, version, settings, creator, 'created', updated_at FROM jobs"
    )
    op.create_table(
        "run_executions",
        _id("run_id"),
        sa.Column("execution", sa.Integer(), nullable=False),
        _id("repair_id"),
        _text("settings_hash"),
        _json("job_parameters"),
        _json("overrides"),
        _json("prior"),
        _number("first_ordinal"),
        _json("rerun_tasks", "[]"),
        _text("creator"),
        _instant("created_at", optional=False),
        _instant("started_at"),
        _instant("ended_at"),
        _text("result", optional=True),
        _text("message"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"]),
        sa.ForeignKeyConstraint(["settings_hash"], ["settings_snapshots.hash"]),
        sa.PrimaryKeyConstraint("run_id", "execution"),
    )
    op.create_table(
        "for_each_runs",
        _id("task_run_id"),
        _id("run_id"),
        _text("task_key"),
        sa.Column("total", sa.Integer(), nullable=False),
        _json("todo", "[]"),
        _number("last_ordinal"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"]),
        sa.PrimaryKeyConstraint("task_run_id"),
    )
    op.create_index(
        "ix_for_each_runs_run", "for_each_runs", ["run_id", "task_key", "task_run_id"], unique=False
    )
    op.create_table(
        "for_each_inputs",
        _id("task_run_id"),
        sa.Column("index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("input", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("task_run_id", "index"),
    )


def downgrade() -> None:
    """Undo."""
    for table in ("for_each_inputs", "for_each_runs", "run_executions", "job_versions"):
        op.drop_table(table)
    op.drop_column("jobs", "version")
    op.execute("DELETE FROM outbox WHERE run_id IS NULL")
    op.drop_column("outbox", "task_run_id")
    op.drop_column("outbox", "job_id")
    op.alter_column("outbox", "run_id", nullable=False)
    op.execute("DELETE FROM run_events WHERE stream <> 0")
    op.drop_constraint("run_events_pkey", "run_events", type_="primary")
    op.drop_column("run_events", "stream")
    op.create_primary_key("run_events_pkey", "run_events", ["run_id", "execution", "seq"])
    op.drop_index("ix_task_runs_iterations", table_name="task_runs")
    op.drop_index("ix_task_runs_run", table_name="task_runs")
    op.create_index("ix_task_runs_run", "task_runs", ["run_id", "task_run_id"], unique=False)
    for column in ("stream", "for_each_run_id", "condition", "retry_at"):
        op.drop_column("task_runs", column)
    op.drop_index(op.f("ix_runs_parent_task_run_id"), table_name="runs")
    for column in (
        "execution",
        "job_version",
        "parent_task_run_id",
        "triggered_at",
        "trigger_info",
        "run_as",
        "git_snapshot",
        "queued_at",
    ):
        op.drop_column("runs", column)
