"""Tables of runs: current rows, the events behind them, the outbox, outputs."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from control.columns import big_id, instant, json_object, reference, serial

_ACTIVE = "life IN ('QUEUED', 'PENDING', 'RUNNING', 'TERMINATING')"


class Run(SQLModel, table=True):
    """One execution of a job.

    Admission writes the row until the run's workflow starts; the projection from then on.
    """

    __tablename__ = "runs"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_runs_workspace_run", "workspace_id", "run_id"),
        Index("ix_runs_job_run", "job_id", "run_id"),
        Index("ix_runs_active", "job_id", "run_id", postgresql_where=text(_ACTIVE)),
        Index(
            "uq_runs_idempotency",
            "workspace_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )

    run_id: int = big_id(key=True)
    workspace_id: int = reference("workspaces.workspace_id")
    job_id: int = big_id()
    run_name: str
    run_type: str
    """JOB_RUN or SUBMIT_RUN."""
    trigger: str
    creator: str
    idempotency_key: str | None = None
    life: str
    """A `spec.states.RunLife`."""
    result: str | None = None
    """A `spec.runs.RunResult`, once ended."""
    message: str = ""
    stop_cause: str | None = None
    settings_hash: str = Field(foreign_key="settings_snapshots.hash")
    job_parameters: dict[str, Any] = json_object()
    """Name → value of every job parameter in this run."""
    overrides: dict[str, Any] = json_object()
    """`spec.api.runs.RunOverrides`: what run-now was given beside job parameters."""
    created_at: datetime = instant()
    admitted_at: datetime | None = instant(optional=True)
    """When it left the queue (or was admitted at once)."""
    started_at: datetime | None = instant(optional=True)
    """When its workflow took it up."""
    ended_at: datetime | None = instant(optional=True)
    deleted_at: datetime | None = instant(optional=True)


class TaskRun(SQLModel, table=True):
    """One attempt of a task, or the note that a task was skipped."""

    __tablename__ = "task_runs"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_task_runs_run", "run_id", "task_run_id"),)

    task_run_id: int = big_id(key=True)
    run_id: int = reference("runs.run_id")
    execution: int = 0
    task_key: str
    attempt: int = 0
    result: str | None = None
    """A `spec.states.TaskResult`, once ended."""
    code: str | None = None
    message: str = ""
    scheduled_at: datetime = instant()
    started_at: datetime | None = instant(optional=True)
    ended_at: datetime | None = instant(optional=True)


class RunEvent(SQLModel, table=True):
    """One event of a run's workflow, kept for ever; folding them gives the workflow's state."""

    __tablename__ = "run_events"  # pyright: ignore[reportAssignmentType]

    run_id: int = Field(
        sa_type=BigInteger,
        primary_key=True,
        foreign_key="runs.run_id",
        sa_column_kwargs={"autoincrement": False},
    )
    execution: int = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    event: dict[str, Any] = json_object()
    recorded_at: datetime | None = instant(now=True)


class OutboxKind(StrEnum):
    """What Temporal is to be told."""

    START = "START"
    CANCEL = "CANCEL"


class OutboxRow(SQLModel, table=True):
    """Something Temporal has still to be told about a run; deleted once it knows."""

    __tablename__ = "outbox"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_outbox_due", "not_before", "outbox_id"),)

    outbox_id: int | None = serial()
    run_id: int = reference("runs.run_id", index=True)
    kind: str
    """An `OutboxKind`."""
    by: str = ""
    """Who asked, for CANCEL."""
    not_before: datetime = instant()
    """The request that wrote the row tries first; the relay comes after this instant."""
    tries: int = 0
    last_error: str = ""
    created_at: datetime | None = instant(now=True)


class TaskOutput(SQLModel, table=True):
    """What an attempt left: error, notebook result, SQL rows, task values."""

    __tablename__ = "task_outputs"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_task_outputs_run", "run_id", "task_key", "task_run_id"),)

    task_run_id: int = big_id(key=True)
    run_id: int = reference("runs.run_id")
    task_key: str
    output: dict[str, Any] = json_object()
    """`spec.attempts.AttemptOutput`, dumped."""
    updated_at: datetime | None = instant(now=True)
