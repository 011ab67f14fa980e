"""The first schema: jobs, runs, files, logs, lineage, audit, the gateway's index."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_REFUSE = """
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only';
END $$
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "attempt_commits",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("task_run_id", sa.BigInteger(), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("branch", sa.String(), nullable=False),
        sa.Column("snapshot_id", sa.BigInteger(), nullable=True),
        sa.Column("parent_snapshot_id", sa.BigInteger(), nullable=True),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("summary", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("table_uuid", sa.String(), nullable=True),
        sa.Column("request_digest", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_attempt_commits_digest",
        "attempt_commits",
        ["task_run_id", "request_digest"],
        unique=False,
    )
    op.create_index(
        "ix_attempt_commits_pending",
        "attempt_commits",
        ["at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_attempt_commits_table", "attempt_commits", ["table_name", "snapshot_id"], unique=False
    )
    op.create_index(
        "uq_attempt_commits_snapshot",
        "attempt_commits",
        ["task_run_id", "table_name", "snapshot_id"],
        unique=True,
        postgresql_where=sa.text("snapshot_id IS NOT NULL"),
    )
    op.create_table(
        "attempt_reads",
        sa.Column("task_run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("snapshot_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("branch", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("task_run_id", "table_name", "snapshot_id", "branch"),
    )
    op.create_table(
        "attempts",
        sa.Column("task_run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("task_key", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("over_reason", sa.String(), nullable=True),
        sa.Column("host", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("task_run_id"),
    )
    op.create_index(
        "ix_attempts_run_task", "attempts", ["run_id", "task_key", "task_run_id"], unique=False
    )
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table(
        "lineage_columns",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source_run", sa.String(), nullable=False),
        sa.Column("output", sa.String(), nullable=False),
        sa.Column("output_column", sa.String(), nullable=False),
        sa.Column("input", sa.String(), nullable=False),
        sa.Column("input_column", sa.String(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "workspace_id", "source_run", "output", "output_column", "input", "input_column"
        ),
    )
    op.create_index(
        "ix_lineage_columns_output", "lineage_columns", ["workspace_id", "output"], unique=False
    )
    op.create_index(
        "ix_lineage_columns_run", "lineage_columns", ["workspace_id", "run_id"], unique=False
    )
    op.create_table(
        "lineage_datasets",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("namespace", sa.String(), nullable=False),
        sa.Column("schema_fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "name"),
    )
    op.create_table(
        "lineage_edges",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source_run", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("task_run_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "source_run", "dataset", "direction"),
    )
    op.create_index(
        "ix_lineage_edges_dataset",
        "lineage_edges",
        ["workspace_id", "dataset", "direction"],
        unique=False,
    )
    op.create_index(
        "ix_lineage_edges_job", "lineage_edges", ["workspace_id", "job", "direction"], unique=False
    )
    op.create_index(
        "ix_lineage_edges_run", "lineage_edges", ["workspace_id", "run_id"], unique=False
    )
    op.create_table(
        "lineage_events",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("task_run_id", sa.BigInteger(), nullable=True),
        sa.Column("event", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("workspace_id", "hash"),
    )
    op.create_index(
        "ix_lineage_events_run", "lineage_events", ["workspace_id", "run_id"], unique=False
    )
    op.create_table(
        "log_chunks",
        sa.Column("task_run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stop", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("task_run_id", "start"),
    )
    op.create_table(
        "log_sizes",
        sa.Column("task_run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("task_run_id"),
    )
    op.create_index(op.f("ix_log_sizes_run_id"), "log_sizes", ["run_id"], unique=False)
    op.create_table(
        "settings_snapshots",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("files", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "workspaces",
        sa.Column("workspace_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("workspace_id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "audit_log",
        sa.Column("audit_id", sa.BigInteger(), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("object_type", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.workspace_id"],
        ),
        sa.PrimaryKeyConstraint("audit_id"),
    )
    op.create_index(
        "ix_audit_log_workspace", "audit_log", ["workspace_id", "audit_id"], unique=False
    )
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("queues_by_default", sa.Boolean(), nullable=False),
        sa.Column("creator", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.workspace_id"],
        ),
        sa.PrimaryKeyConstraint("job_id"),
    )
    op.create_index("ix_jobs_workspace_job", "jobs", ["workspace_id", "job_id"], unique=False)
    op.create_index(
        "ix_jobs_workspace_name",
        "jobs",
        ["workspace_id", sa.literal_column("lower(name)")],
        unique=False,
    )
    op.create_table(
        "principals",
        sa.Column("principal_id", sa.BigInteger(), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("user_name", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.workspace_id"],
        ),
        sa.PrimaryKeyConstraint("principal_id"),
        sa.UniqueConstraint("workspace_id", "user_name"),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("run_name", sa.String(), nullable=False),
        sa.Column("run_type", sa.String(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("creator", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("life", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("stop_cause", sa.String(), nullable=True),
        sa.Column("settings_hash", sa.String(), nullable=False),
        sa.Column("job_parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("overrides", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["settings_hash"],
            ["settings_snapshots.hash"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.workspace_id"],
        ),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index(
        "ix_runs_active",
        "runs",
        ["job_id", "run_id"],
        unique=False,
        postgresql_where=sa.text("life IN ('QUEUED', 'PENDING', 'RUNNING', 'TERMINATING')"),
    )
    op.create_index("ix_runs_job_run", "runs", ["job_id", "run_id"], unique=False)
    op.create_index("ix_runs_workspace_run", "runs", ["workspace_id", "run_id"], unique=False)
    op.create_index(
        "uq_runs_idempotency",
        "runs",
        ["workspace_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "workspace_files",
        sa.Column("object_id", sa.BigInteger(), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("suffix", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "modified_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.workspace_id"],
        ),
        sa.PrimaryKeyConstraint("object_id"),
        sa.UniqueConstraint("workspace_id", "path"),
    )
    op.create_table(
        "outbox",
        sa.Column("outbox_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["runs.run_id"],
        ),
        sa.PrimaryKeyConstraint("outbox_id"),
    )
    op.create_index("ix_outbox_due", "outbox", ["not_before", "outbox_id"], unique=False)
    op.create_index(op.f("ix_outbox_run_id"), "outbox", ["run_id"], unique=False)
    op.create_table(
        "run_events",
        sa.Column("run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("execution", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("event", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["runs.run_id"],
        ),
        sa.PrimaryKeyConstraint("run_id", "execution", "seq"),
    )
    op.create_table(
        "task_outputs",
        sa.Column("task_run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("task_key", sa.String(), nullable=False),
        sa.Column("output", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["runs.run_id"],
        ),
        sa.PrimaryKeyConstraint("task_run_id"),
    )
    op.create_index(
        "ix_task_outputs_run", "task_outputs", ["run_id", "task_key", "task_run_id"], unique=False
    )
    op.create_table(
        "task_runs",
        sa.Column("task_run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("execution", sa.Integer(), nullable=False),
        sa.Column("task_key", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["runs.run_id"],
        ),
        sa.PrimaryKeyConstraint("task_run_id"),
    )
    op.create_index("ix_task_runs_run", "task_runs", ["run_id", "task_run_id"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("token_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("principal_id", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["principal_id"],
            ["principals.principal_id"],
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.workspace_id"],
        ),
        sa.PrimaryKeyConstraint("token_id"),
        sa.UniqueConstraint("sha256"),
    )
    op.create_index(op.f("ix_tokens_principal_id"), "tokens", ["principal_id"], unique=False)

    op.execute("CREATE SEQUENCE job_ids")
    op.execute("CREATE SEQUENCE run_numbers")
    op.execute(_REFUSE)
    op.execute(
        "CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
    )


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TRIGGER audit_log_is_append_only ON audit_log")
    op.execute("DROP FUNCTION refuse_audit_change()")
    op.execute("DROP SEQUENCE run_numbers")
    op.execute("DROP SEQUENCE job_ids")
    op.drop_index(op.f("ix_tokens_principal_id"), table_name="tokens")
    op.drop_table("tokens")
    op.drop_index("ix_task_runs_run", table_name="task_runs")
    op.drop_table("task_runs")
    op.drop_index("ix_task_outputs_run", table_name="task_outputs")
    op.drop_table("task_outputs")
    op.drop_table("run_events")
    op.drop_index(op.f("ix_outbox_run_id"), table_name="outbox")
    op.drop_index("ix_outbox_due", table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("workspace_files")
    op.drop_index(
        "uq_runs_idempotency",
        table_name="runs",
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.drop_index("ix_runs_workspace_run", table_name="runs")
    op.drop_index("ix_runs_job_run", table_name="runs")
    op.drop_index(
        "ix_runs_active",
        table_name="runs",
        postgresql_where=sa.text("life IN ('QUEUED', 'PENDING', 'RUNNING', 'TERMINATING')"),
    )
    op.drop_table("runs")
    op.drop_table("principals")
    op.drop_index("ix_jobs_workspace_name", table_name="jobs")
    op.drop_index("ix_jobs_workspace_job", table_name="jobs")
    op.drop_table("jobs")
    op.drop_index("ix_audit_log_workspace", table_name="audit_log")
    op.drop_table("audit_log")
    op.drop_table("workspaces")
    op.drop_table("settings_snapshots")
    op.drop_index(op.f("ix_log_sizes_run_id"), table_name="log_sizes")
    op.drop_table("log_sizes")
    op.drop_table("log_chunks")
    op.drop_index("ix_lineage_events_run", table_name="lineage_events")
    op.drop_table("lineage_events")
    op.drop_index("ix_lineage_edges_run", table_name="lineage_edges")
    op.drop_index("ix_lineage_edges_job", table_name="lineage_edges")
    op.drop_index("ix_lineage_edges_dataset", table_name="lineage_edges")
    op.drop_table("lineage_edges")
    op.drop_table("lineage_datasets")
    op.drop_index("ix_lineage_columns_run", table_name="lineage_columns")
    op.drop_index("ix_lineage_columns_output", table_name="lineage_columns")
    op.drop_table("lineage_columns")
    op.drop_table("blobs")
    op.drop_index("ix_attempts_run_task", table_name="attempts")
    op.drop_table("attempts")
    op.drop_table("attempt_reads")
    op.drop_index(
        "uq_attempt_commits_snapshot",
        table_name="attempt_commits",
        postgresql_where=sa.text("snapshot_id IS NOT NULL"),
    )
    op.drop_index("ix_attempt_commits_table", table_name="attempt_commits")
    op.drop_index(
        "ix_attempt_commits_pending",
        table_name="attempt_commits",
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_index("ix_attempt_commits_digest", table_name="attempt_commits")
    op.drop_table("attempt_commits")
