"""Tables of runs: current rows, the events behind them, the outbox, outputs."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from control.columns import big_id, instant, json_list, json_object, reference, serial

_ACTIVE = "life IN ('QUEUED', 'PENDING', 'RUNNING', 'TERMINATING')"


class Run(SQLModel, table=True):
    """One execution of a job.

    Admission writes the row until the run's workflow starts; the projection from then on.
    """

    __tablename__ = "runs"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_runs_workspace_run", "workspace_id", "run_id"),
        Index("ix_runs_job_run", "job_id", "run_id"),
        Index("ix_runs_created", "workspace_id", "created_at"),
        Index("ix_runs_kind", "workspace_id", "run_type", "run_id"),
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
    execution: int = 0
    """The newest one: 0 is the original, n the n-th repair. What the row says is about it; earlier
    ones are kept as `RunExecution`s."""
    reserved_from: int | None = None
    """Behind which ordinal the ids are reserved for its tasks; see `spec.ids.reserved_ids`. None
    for runs that were made before there was such a thing."""
    job_version: int | None = None
    """Which version of the job's settings the run was made from; None when it has no job."""
    parent_task_run_id: int | None = Field(default=None, sa_type=BigInteger, index=True)
    """The run_job task run that asked for this run."""
    triggered_at: datetime | None = instant(optional=True)
    """The instant the trigger stands for; None when a person or program asked."""
    trigger_info: dict[str, Any] = json_object()
    """What the trigger saw, e.g. the location of new files."""
    run_as: str | None = None
    """Whose rights the run has; None for its creator's."""
    git_snapshot: dict[str, Any] = json_object()
    """The repository and commit that its files come from; empty without `git_source`."""
    job_parameters: dict[str, Any] = json_object()
    """Name → value of every job parameter in this run."""
    overrides: dict[str, Any] = json_object()
    """`spec.api.runs.RunOverrides`: what run-now was given beside job parameters."""
    created_at: datetime = instant()
    queued_at: datetime | None = instant(optional=True)
    """Its place in the job's queue, while QUEUED."""
    admitted_at: datetime | None = instant(optional=True)
    """When it left the queue (or was admitted at once)."""
    started_at: datetime | None = instant(optional=True)
    """When its workflow took it up."""
    ended_at: datetime | None = instant(optional=True)
    deleted_at: datetime | None = instant(optional=True)


class RunExecution(SQLModel, table=True):
    """One execution of a run that was repaired: the original one or a repair.

    What the newest one's row says of its course is written when it is repaired in turn; until then
    the run's own row tells.
    """

    __tablename__ = "run_executions"  # pyright: ignore[reportAssignmentType]

    run_id: int = Field(
        sa_type=BigInteger,
        primary_key=True,
        foreign_key="runs.run_id",
        sa_column_kwargs={"autoincrement": False},
    )
    execution: int = Field(primary_key=True)
    repair_id: int = big_id()
    """0 for the original."""
    settings_hash: str = Field(foreign_key="settings_snapshots.hash")
    job_version: int | None = None
    """Which version of the job's settings that is; None when the run has no job."""
    job_parameters: dict[str, Any] = json_object()
    overrides: dict[str, Any] = json_object()
    prior: dict[str, Any] = json_object()
    """Task key → `spec.plans.Prior`: how each task stood when it began."""
    first_ordinal: int = 0
    rerun_tasks: list[str] = json_list()
    creator: str
    created_at: datetime = instant()
    started_at: datetime | None = instant(optional=True)
    ended_at: datetime | None = instant(optional=True)
    result: str | None = None
    message: str = ""


class TaskRun(SQLModel, table=True):
    """One attempt of a task, or the note that a task was skipped."""

    __tablename__ = "task_runs"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_task_runs_run", "run_id", "for_each_run_id", "task_run_id"),
        Index(
            "ix_task_runs_iterations",
            "for_each_run_id",
            "task_run_id",
            postgresql_where=text("for_each_run_id IS NOT NULL"),
        ),
    )

    task_run_id: int = big_id(key=True)
    run_id: int = reference("runs.run_id")
    execution: int = 0
    stream: int = 0
    """The part of a for-each that runs it; 0 for the run's own workflow."""
    for_each_run_id: int | None = Field(default=None, sa_type=BigInteger)
    """Of an iteration: the for-each attempt it belongs to."""
    task_key: str
    attempt: int = 0
    condition: str | None = None
    """The outcome of a condition task."""
    retry_at: datetime | None = instant(optional=True)
    """When the task is tried again, if it is."""
    result: str | None = None
    """A `spec.states.TaskResult`, once ended."""
    code: str | None = None
    message: str = ""
    scheduled_at: datetime = instant()
    started_at: datetime | None = instant(optional=True)
    work_ended_at: datetime | None = instant(optional=True)
    """When the user's work ended; its logs and output were brought home after that."""
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
    stream: int = Field(default=0, primary_key=True)
    """0 for the run's own workflow; else a part of a for-each."""
    seq: int = Field(primary_key=True)
    event: dict[str, Any] = json_object()
    recorded_at: datetime | None = instant(now=True)


class OutboxKind(StrEnum):
    """What Temporal is to be told."""

    START = "START"
    CANCEL = "CANCEL"
    TRIGGER = "TRIGGER"
    """A job's trigger, or a backfill, is to look again."""


class OutboxRow(SQLModel, table=True):
    """Something Temporal has still to be told of a run, job or statement; deleted once it knows."""

    __tablename__ = "outbox"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_outbox_due", "not_before", "outbox_id"),
        Index(
            "ix_outbox_statement",
            "statement_id",
            postgresql_where=text("statement_id IS NOT NULL"),
        ),
    )

    outbox_id: int | None = serial()
    run_id: int | None = Field(
        default=None, sa_type=BigInteger, foreign_key="runs.run_id", index=True
    )
    job_id: int | None = Field(default=None, sa_type=BigInteger)
    """Instead of a run, for TRIGGER: whose trigger is to look again."""
    backfill_id: int | None = Field(default=None, sa_type=BigInteger)
    """Or, for TRIGGER, which backfill is."""
    task_run_id: int | None = Field(default=None, sa_type=BigInteger)
    """What of the run to CANCEL; None for all of it."""
    statement_id: str | None = None
    """Or the SQL statement that is to START or to be CANCELled."""
    kind: str
    """An `OutboxKind`."""
    by: str = ""
    """Who asked, for CANCEL."""
    not_before: datetime = instant()
    """The request that wrote the row tries first; the relay comes after this instant."""
    tries: int = 0
    last_error: str = ""
    created_at: datetime | None = instant(now=True)


class ForEachRun(SQLModel, table=True):
    """The inputs of a for-each attempt as a whole."""

    __tablename__ = "for_each_runs"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_for_each_runs_run", "run_id", "task_key", "task_run_id"),)

    task_run_id: int = big_id(key=True)
    run_id: int = reference("runs.run_id")
    task_key: str
    total: int
    todo: list[Any] = json_list()
    """Spans (first, count) of the iterations it runs; earlier attempts did the others."""
    last_ordinal: int = 0
    """The last id that is reserved for its iterations."""


class ForEachInput(SQLModel, table=True):
    """One input of a for-each attempt."""

    __tablename__ = "for_each_inputs"  # pyright: ignore[reportAssignmentType]

    task_run_id: int = big_id(key=True)
    index: int = Field(primary_key=True)
    input: Any = Field(sa_type=JSONB, nullable=False)


class TaskOutput(SQLModel, table=True):
    """What an attempt left: error, notebook result, SQL rows, task values."""

    __tablename__ = "task_outputs"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_task_outputs_run", "run_id", "task_key", "task_run_id"),
        Index(
            "ix_task_outputs_tasks",
            "run_id",
            "task_run_id",
            postgresql_where=text("task_key NOT LIKE '%[%'"),
        ),
    )

    task_run_id: int = big_id(key=True)
    run_id: int = reference("runs.run_id")
    task_key: str
    output: dict[str, Any] = json_object()
    """`spec.attempts.AttemptOutput`, dumped."""
    updated_at: datetime | None = instant(now=True)
