"""Tables of the catalog gateway: the fence, and the index of what attempts read and wrote.

`attempts` is the fence and is authoritative. `attempt_reads` and `attempt_commits` are an index:
each snapshot carries its attempt in its summary, so `control.gateway.reindex` can rebuild the
commits from the catalog.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from control.columns import big_id, instant, json_object, serial

NO_SNAPSHOT = -1
"""The snapshot id of a table that has none yet, as Iceberg's format v1 spells it."""


class AttemptState(StrEnum):
    """Whether an attempt may still use the catalog."""

    OPEN = "open"
    OVER = "over"


class CommitState(StrEnum):
    """What became of a commit."""

    PENDING = "pending"
    """Noted before it is passed on; the outcome is not known yet."""
    COMMITTED = "committed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """A change without a snapshot whose answer was lost: the catalog cannot tell it any more."""


class AttemptRow(SQLModel, table=True):
    """One attempt that was given the right to use the catalog."""

    __tablename__ = "attempts"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_attempts_run_task", "run_id", "task_key", "task_run_id"),
        Index(
            "ix_attempts_tasks",
            "run_id",
            "task_run_id",
            # Without the iterations of for-eaches.
            postgresql_where=text("task_key NOT LIKE '%[%'"),
        ),
    )

    task_run_id: int = big_id(key=True)
    workspace_id: int = big_id()
    job_id: int = big_id()
    run_id: int = big_id()
    task_key: str
    attempt: int
    state: str = AttemptState.OPEN
    opened_at: datetime = instant()
    over_at: datetime | None = instant(optional=True)
    over_reason: str | None = None
    host: str | None = None
    """The worker host that opened it first, as the control API was told."""


class AttemptReadRow(SQLModel, table=True):
    """One snapshot of one table that an attempt loaded; a table without snapshots counts as -1."""

    __tablename__ = "attempt_reads"  # pyright: ignore[reportAssignmentType]

    task_run_id: int = big_id(key=True)
    table_name: str = Field(primary_key=True)
    """Namespace parts and table, joined by dots."""
    snapshot_id: int = big_id(key=True)
    branch: str = Field(primary_key=True)
    at: datetime = instant()


class AttemptCommitRow(SQLModel, table=True):
    """One change of one table (or namespace, or view) that an attempt asked for."""

    __tablename__ = "attempt_commits"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index(
            "uq_attempt_commits_snapshot",
            "task_run_id",
            "table_name",
            "snapshot_id",
            unique=True,
            postgresql_where=text("snapshot_id IS NOT NULL"),
        ),
        Index("ix_attempt_commits_digest", "task_run_id", "request_digest"),
        Index("ix_attempt_commits_pending", "at", postgresql_where=text("state = 'pending'")),
        Index("ix_attempt_commits_table", "table_name", "snapshot_id"),
    )

    id: int | None = serial()
    task_run_id: int = big_id()
    workspace_id: int = big_id()
    job_id: int = big_id()
    run_id: int = big_id()
    table_name: str
    branch: str
    snapshot_id: int | None = Field(default=None, sa_type=BigInteger)
    parent_snapshot_id: int | None = Field(default=None, sa_type=BigInteger)
    operation: str
    """Iceberg's `append`, `overwrite`, `replace`, `delete`; else `create`, `alter`, `drop`, …"""
    summary: dict[str, Any] = json_object()
    table_uuid: str | None = None
    """The UUID that a create gives the table, by which it is recognised again."""
    request_digest: str = ""
    """SHA-256 of the request, or its Idempotency-Key; empty in rebuilt rows."""
    state: str = CommitState.PENDING
    message: str = ""
    at: datetime = instant()
    settled_at: datetime | None = instant(optional=True)
