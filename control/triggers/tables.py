"""Tables of triggers and backfills."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from control.columns import instant, json_list, json_object, reference, serial


class TriggerState(SQLModel, table=True):
    """How far the trigger of a job is; there is a row while it is set and not paused."""

    __tablename__ = "trigger_states"  # pyright: ignore[reportAssignmentType]

    job_id: int = Field(
        sa_type=BigInteger,
        primary_key=True,
        foreign_key="jobs.job_id",
        sa_column_kwargs={"autoincrement": False},
    )
    workspace_id: int = reference("workspaces.workspace_id")
    kind: str
    """A `spec.triggers.TriggerKind`."""
    settings: dict[str, Any] = json_object()
    """The trigger as the job has it; what is written for other settings is dropped."""
    watched: list[Any] = json_list()
    """The location or the tables; the marks hold for as long as these stay the same."""
    armed_at: datetime = instant()
    """When it was set, changed or unpaused; nothing before counts."""
    handled_at: datetime = instant()
    """Instants of a schedule up to this one were dealt with."""
    next_at: datetime | None = instant(optional=True)
    """When it fires next, or a continuous job's next run may start; None when nobody knows."""
    fired_at: datetime | None = instant(optional=True)
    """The instant it last fired for."""
    last_run_id: int | None = Field(default=None, sa_type=BigInteger)
    failures: int = 0
    """Failed runs in a row, of a continuous job."""
    has_looked: bool = False
    handled: dict[str, Any] = json_object()
    """File → ETag or table → snapshot at the last firing."""
    seen: dict[str, Any] = json_object()
    """The same at the last look."""
    changed_at: datetime | None = instant(optional=True)
    firing_at: datetime | None = instant(optional=True)
    """A firing that was decided but whose run is perhaps not made yet."""
    last_error: str = ""
    """Why the last look or firing came to nothing; empty when it went well."""
    updated_at: datetime | None = instant(now=True)


class Backfill(SQLModel, table=True):
    """An order to run a job once for each of many logical dates."""

    __tablename__ = "backfills"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_backfills_job", "job_id", "backfill_id"),
        Index(
            "uq_backfills_idempotency",
            "job_id",
            "idempotency_token",
            unique=True,
            postgresql_where=text("idempotency_token IS NOT NULL"),
        ),
    )

    backfill_id: int | None = serial()
    workspace_id: int = reference("workspaces.workspace_id")
    job_id: int = reference("jobs.job_id")
    first_at: datetime = instant()
    last_at: datetime = instant()
    """The range as it was asked for, both ends included."""
    every: str
    """`1d`, `6h` …, or `schedule`."""
    is_reverse: bool = False
    max_concurrent: int
    parameters: dict[str, Any] = json_object()
    """Job parameter → text with `{{backfill.…}}` references."""
    total: int
    creator: str
    idempotency_token: str | None = None
    created_at: datetime | None = instant(now=True)
    cancelled_at: datetime | None = instant(optional=True)
    ended_at: datetime | None = instant(optional=True)


class BackfillDate(SQLModel, table=True):
    """One logical date of a backfill."""

    __tablename__ = "backfill_dates"  # pyright: ignore[reportAssignmentType]

    backfill_id: int = Field(
        sa_type=BigInteger,
        primary_key=True,
        foreign_key="backfills.backfill_id",
        sa_column_kwargs={"autoincrement": False},
    )
    number: int = Field(primary_key=True)
    """From 0, in the order in which they run."""
    at: datetime = instant()
    run_id: int | None = Field(default=None, sa_type=BigInteger)
    """Its run, once there is one."""
    error: str = ""
    """Why there could be none."""
