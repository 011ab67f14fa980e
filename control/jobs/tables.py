"""Tables of jobs and of the immutable snapshots that runs work from."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from control.columns import big_id, instant, json_object, reference


class Job(SQLModel, table=True):
    """A job as it is defined now."""

    __tablename__ = "jobs"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_jobs_workspace_job", "workspace_id", "job_id"),
        Index("ix_jobs_workspace_name", "workspace_id", text("lower(name)")),
    )

    job_id: int = big_id(key=True)
    workspace_id: int = reference("workspaces.workspace_id")
    name: str
    settings: dict[str, Any] = json_object()
    """`spec.jobs.JobSettings`, dumped."""
    queues_by_default: bool = True
    """Made by API 2.2; jobs of older APIs skip runs at the limit unless they say otherwise."""
    version: int = 1
    """Counts up with every change of the settings; see `JobVersion`."""
    creator: str
    created_at: datetime | None = instant(now=True)
    updated_at: datetime | None = instant(now=True)
    deleted_at: datetime | None = instant(optional=True)


class JobVersion(SQLModel, table=True):
    """The settings a job had at some time, and who made them."""

    __tablename__ = "job_versions"  # pyright: ignore[reportAssignmentType]

    job_id: int = Field(
        sa_type=BigInteger,
        primary_key=True,
        foreign_key="jobs.job_id",
        sa_column_kwargs={"autoincrement": False},
    )
    version: int = Field(primary_key=True)
    settings: dict[str, Any] = json_object()
    editor: str
    cause: str
    """How it came about: created, reset, updated, or `restored from version n`."""
    created_at: datetime | None = instant(now=True)


class SettingsSnapshot(SQLModel, table=True):
    """What one run works from, settings and files by content; never changed once written."""

    __tablename__ = "settings_snapshots"  # pyright: ignore[reportAssignmentType]

    hash: str = Field(primary_key=True)
    """SHA-256 of both columns in canonical JSON."""
    settings: dict[str, Any] = json_object()
    files: dict[str, Any] = json_object()
    """Absolute workspace path → SHA-256 of the blob, as pinned when the run was admitted."""
    created_at: datetime | None = instant(now=True)
