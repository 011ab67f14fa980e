"""Requests and answers of `/api/openlake/1.0/jobs/{job_id}/backfills`."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from spec.api.runs import IdempotencyToken
from spec.attempts import Frozen
from spec.model import Model, Text

BackfillState = Literal["RUNNING", "SUCCEEDED", "FAILED", "CANCELED"]


class StartBackfill(Model):
    """An order to run a job once for each logical date of a range."""

    model_config = ConfigDict(populate_by_name=True)

    first: str = Field(alias="from", max_length=40)
    """A date (2026-01-01) or a time in ISO 8601."""
    last: str = Field(alias="to", max_length=40)
    """The same, included; a date alone is the whole day."""
    every: str | None = Field(default=None, max_length=20)
    """`30m`, `6h`, `1d`, `1w`, or `schedule` for the job's own; the default is the job's Quartz
    schedule if it has one, else `1d`."""
    timezone_id: str | None = None
    """Of dates without one; the default is the schedule's, else UTC."""
    max_concurrent_runs: int = Field(default=1, ge=1, le=1000)
    """The job's own limit holds besides; what it does not let start waits in its queue."""
    parameters: dict[str, Text] = {}
    """Job parameters; `{{backfill.iso_date}}` and its like stand for the logical date."""
    reverse: bool = False
    """Newest date first."""
    dry_run: bool = False
    """Only say which runs there would be."""
    idempotency_token: str | None = IdempotencyToken
    """Two orders for one job with the same token are one."""


class BackfillDateView(Frozen):
    """One logical date."""

    at: datetime
    run_id: int | None = None
    state: str = "WAITING"
    """WAITING, the run's `spec.states.RunLife` while it is active, its result once it has ended, or
    FAILED when there could be no run."""
    error: str | None = None
    parameters: dict[str, str] | None = None
    """In a dry run: what the run would be given."""


class BackfillView(Frozen):
    """How far a backfill is."""

    backfill_id: int | None = None
    """None in a dry run."""
    job_id: int
    state: BackfillState = "RUNNING"
    first: datetime = Field(serialization_alias="from")
    last: datetime = Field(serialization_alias="to")
    every: str
    max_concurrent_runs: int
    reverse: bool = False
    parameters: dict[str, str] = {}
    total: int
    done: int = 0
    """Dates whose run has ended, or could not be made; `succeeded` and `failed` add up to it."""
    succeeded: int = 0
    failed: int = 0
    active: int = 0
    """Dates whose run is queued or under way."""
    creator_user_name: str = ""
    created_at: datetime | None = None
    ended_at: datetime | None = None
    dates: tuple[BackfillDateView, ...] | None = None
    """In the order in which they run; by pages of 1,000."""
    next_page_token: str | None = None

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)


class BackfillList(Frozen):
    """The backfills of a job, newest first."""

    backfills: tuple[BackfillView, ...] = ()
