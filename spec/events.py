"""What can happen in a run's life, each with its instant; folding them gives the run's state."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from spec.attempts import AttemptOutcome, Frozen
from spec.plans import TaskPhase


class RunResult(StrEnum):
    """How a run ended (Databricks `result_state`)."""

    SUCCESS = "SUCCESS"
    SUCCESS_WITH_FAILURES = "SUCCESS_WITH_FAILURES"
    FAILED = "FAILED"
    TIMEDOUT = "TIMEDOUT"
    CANCELED = "CANCELED"


class StopCause(StrEnum):
    """Why a run is being stopped before its end."""

    USER = "USER"
    TIMEOUT = "TIMEOUT"


class _Event(Frozen):
    at: datetime


class RunStarted(_Event):
    """The workflow took the run, or its repair, up."""

    type: Literal["run.started"] = "run.started"


class AttemptScheduled(_Event):
    """An attempt was handed to whoever does its work."""

    type: Literal["attempt.scheduled"] = "attempt.scheduled"
    task_key: str
    task_run_id: int
    attempt: int


class ForEachExpanded(_Event):
    """A for-each attempt knows its inputs; ids for the attempts of its iterations are reserved."""

    type: Literal["for_each.expanded"] = "for_each.expanded"
    task_key: str
    task_run_id: int
    total: int
    todo: int
    first_ordinal: int
    """The last id that was used before the reserved ones."""
    attempts_each: int


class AttemptEnded(_Event):
    """An attempt reached its end."""

    type: Literal["attempt.ended"] = "attempt.ended"
    task_key: str
    task_run_id: int
    outcome: AttemptOutcome
    retry_at: datetime | None = None
    """When the task is tried again; None when it is not."""


class TaskSkipped(_Event):
    """A task will not run: its `run_if` does not hold, it is disabled, or the run was stopped.

    It gets a task run of its own (Databricks shows one), though no attempt was made.
    """

    type: Literal["task.skipped"] = "task.skipped"
    task_key: str
    task_run_id: int
    phase: TaskPhase
    attempt: int = 0


class TaskStopRequested(_Event):
    """Somebody cancelled one task run; it is not retried."""

    type: Literal["task.stop_requested"] = "task.stop_requested"
    task_key: str
    task_run_id: int
    by: str = ""


class DurationWarned(_Event):
    """A run or one of its tasks has taken longer than its health rule allows; it goes on."""

    type: Literal["duration.warned"] = "duration.warned"
    task_key: str | None = None
    task_run_id: int | None = None
    seconds: int


class StopRequested(_Event):
    """Somebody cancelled the run, or its time ran out."""

    type: Literal["run.stop_requested"] = "run.stop_requested"
    cause: StopCause
    by: str = ""


class PublishStarted(_Event):
    """All is done and well; the run's branch is being merged into main. Nothing stops it now."""

    type: Literal["publish.started"] = "publish.started"
    round: int


class Published(_Event):
    """All that the run wrote is on main, in one catalog commit."""

    type: Literal["publish.done"] = "publish.done"
    tables: tuple[str, ...] = ()


class PublishRefused(_Event):
    """Somebody else has published one of the run's tables; nothing of the run is on main."""

    type: Literal["publish.refused"] = "publish.refused"
    message: str
    tables: tuple[str, ...] = ()
    rerun: tuple[str, ...] = ()
    """The tasks that run again on a branch that was cut anew; empty when the run fails."""


class RunEnded(_Event):
    """Every task has ended; so has the run."""

    type: Literal["run.ended"] = "run.ended"
    result: RunResult
    message: str = ""


Event = Annotated[
    RunStarted
    | AttemptScheduled
    | ForEachExpanded
    | AttemptEnded
    | TaskSkipped
    | TaskStopRequested
    | DurationWarned
    | StopRequested
    | PublishStarted
    | Published
    | PublishRefused
    | RunEnded,
    Field(discriminator="type"),
]


class Recorded(Frozen):
    """An event in its place; (run, execution, stream, seq) is unique: writing it twice is one."""

    seq: int
    event: Event


class Projection(Frozen):
    """A batch of a run's events, in order."""

    run_id: int
    execution: int
    stream: int = 0
    for_each_run_id: int | None = None
    """The for-each attempt whose iterations these are; None for the run itself."""
    events: tuple[Recorded, ...]


class CancelRequest(Frozen):
    """The signal `cancel`: stop the whole run, or one task run of it; twice does no more."""

    by: str
    task_run_id: int | None = None


class Result(Frozen):
    """What a run's workflow returns."""

    run_id: int
    result: RunResult
    message: str = ""
    counts: dict[str, int] = {}
    """Final phase → number of tasks."""
