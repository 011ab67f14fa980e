"""Answers of what the console shows of jobs and runs at a glance.

A `state` is one word: how a run or task ended (SUCCESS, FAILED, TIMEDOUT, CANCELED, SKIPPED,
UPSTREAM_FAILED, EXCLUDED …), else where it stands (QUEUED, PENDING, RUNNING, TERMINATING, BLOCKED,
WAITING_FOR_RETRY). Times are milliseconds since 1970, durations milliseconds; what has not come is
null.
"""

from typing import Literal

from pydantic import Field

from spec.attempts import Frozen
from spec.model import Model
from spec.schedules import CronTimes, PauseStatus

JobSort = Literal["name", "-created_at", "-last_run_at"]
TriggerWord = Literal["schedule", "periodic", "file_arrival", "table_update", "continuous", "none"]
MOST_LAST_RUNS = 25


class ListJobOverviews(Model):
    """Query of `GET jobs`."""

    search: str | None = Field(default=None, max_length=1000)
    """Part of the name, however capitalised."""
    tag: str | None = Field(default=None, max_length=1000)
    """`key`, or `key:value`."""
    owner: str | None = Field(default=None, max_length=1000)
    """A user's name or a service principal's application id."""
    paused: bool | None = None
    """Whether what starts the job by itself is paused; jobs that nothing starts are neither."""
    last_state: str | None = Field(default=None, max_length=100)
    """State of the newest run."""
    sort: JobSort = "name"
    limit: int = Field(default=50, ge=1, le=100)
    page_token: str | None = None


class JobTrigger(Frozen):
    """What starts a job by itself."""

    kind: TriggerWord
    words: str
    """In plain English; empty for `none`."""
    pause_status: PauseStatus | None = None
    next_fire_at: int | None = None
    """Of a schedule or a period that is not paused."""
    timezone_id: str | None = None


class LastRun(Frozen):
    """One of a job's newest runs."""

    run_id: int
    state: str
    start_time: int
    end_time: int | None
    run_duration: int | None
    trigger: str


class JobOverview(Frozen):
    """A job at a glance."""

    job_id: int
    name: str
    description: str | None
    tags: dict[str, str]
    creator_user_name: str
    owner_user_name: str
    run_as_user_name: str
    created_at: int
    edit_mode: str | None
    task_count: int
    task_types: tuple[str, ...]
    """Each once, e.g. `sql_task`."""
    trigger: JobTrigger
    last_runs: tuple[LastRun, ...]
    """At most 25, newest first."""
    permission_level: str
    """The caller's own."""


class JobOverviewList(Frozen):
    """Answer of `GET jobs`."""

    jobs: tuple[JobOverview, ...]
    next_page_token: str | None


class MatrixTask(Frozen):
    """One row of a job's matrix."""

    task_key: str
    task_type: str


class MatrixCell(Frozen):
    """One task in one run."""

    task_key: str
    task_run_id: int | None
    """The newest attempt; null for a task that waits and whose id is not known yet."""
    state: str
    duration: int | None
    """Of the newest attempt."""
    attempts: int


class MatrixRun(Frozen):
    """One column of a job's matrix."""

    run_id: int
    state: str
    start_time: int
    end_time: int | None
    queue_duration: int | None
    run_duration: int | None
    trigger: str
    number_in_job: int
    cells: tuple[MatrixCell, ...]
    """Of the tasks that the run was asked for."""


class JobMatrix(Frozen):
    """Answer of `GET jobs/{job_id}/matrix`: tasks × runs."""

    tasks: tuple[MatrixTask, ...]
    """In graph order: those of the newest run, then older ones that are gone."""
    runs: tuple[MatrixRun, ...]
    """Newest first."""
    next_page_token: str | None


class TimelineAttempt(Frozen):
    """One attempt of a task; what lies between two instants is queued, setup, work, cleanup."""

    task_run_id: int
    attempt_number: int
    state: str
    queued_at: int
    started_at: int | None
    """When a worker took it up."""
    execution_started_at: int | None
    """When the user's work began; known once the attempt has ended."""
    execution_ended_at: int | None
    ended_at: int | None


class TimelineIterations(Frozen):
    """How far a for-each task is."""

    total: int
    by_state: dict[str, int]


class TimelineTask(Frozen):
    """One task of a run."""

    task_key: str
    task_type: str
    depends_on: tuple[str, ...]
    attempts: tuple[TimelineAttempt, ...]
    """Oldest first; empty for a task that has not begun."""
    iterations: TimelineIterations | None


class RunTimeline(Frozen):
    """Answer of `GET runs/{run_id}/timeline`: all its tasks, in graph order."""

    run_id: int
    created_at: int
    started_at: int | None
    ended_at: int | None
    tasks: tuple[TimelineTask, ...]


class PreviewSchedule(CronTimes):
    """Request of `POST schedules/preview`."""

    count: int = Field(default=5, ge=1, le=100)


class SchedulePreview(Frozen):
    """What a schedule means."""

    words: str
    instants: tuple[int, ...]
    """The next ones, ascending; fewer than asked for when there are no more before 2100."""
