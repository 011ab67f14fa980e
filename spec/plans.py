"""What a workflow is given of a run: the graph and its limits, never a body, value or secret."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from spec.attempts import Frozen
from spec.ids import iteration_key
from spec.publish import ConflictPolicy
from spec.tasks import Engine, RunIf

Span = tuple[int, int]
"""(first, count) of iterations that follow each other."""


class _Compact(Frozen):
    """Leaves out what has its default: the plan of 1,000 tasks has to stay small."""

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        written: dict[str, Any] = handler(self)
        return {
            name: value
            for name, value in written.items()
            if fields[name].is_required() or getattr(self, name) != fields[name].get_default()
        }


class TaskKind(StrEnum):
    """Who does a task's work."""

    ENGINE = "ENGINE"
    """An engine worker."""
    CONDITION = "CONDITION"
    """The control plane compares two values."""
    RUN_JOB = "RUN_JOB"
    """Another job's run, admitted and followed by the control plane."""
    FOR_EACH = "FOR_EACH"
    """A child workflow that runs one task many times."""
    TABLE_CARE = "TABLE_CARE"
    """The control plane deletes files, after an engine has rewritten some if one is named."""


class TaskPhase(StrEnum):
    """Where a task stands; all but the first three are final."""

    BLOCKED = "BLOCKED"
    RUNNING = "RUNNING"
    WAITING_FOR_RETRY = "WAITING_FOR_RETRY"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    TIMEDOUT = "TIMEDOUT"
    CANCELED = "CANCELED"
    EXCLUDED = "EXCLUDED"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    UPSTREAM_CANCELED = "UPSTREAM_CANCELED"
    DISABLED = "DISABLED"

    @property
    def is_final(self) -> bool:
        """True when no further event may change it."""
        return self not in _OPEN


_OPEN = frozenset({TaskPhase.BLOCKED, TaskPhase.RUNNING, TaskPhase.WAITING_FOR_RETRY})


class TaskPlan(_Compact):
    """What the workflow must know of a task: its edges and limits."""

    task_key: str
    kind: TaskKind = TaskKind.ENGINE
    engine: Engine | None = None
    """Set exactly when an engine worker does the work, or a part of it."""
    depends_on: tuple[str, ...] = ()
    outcomes: dict[str, str] = {}
    """Condition task this one depends on → the outcome it has to have."""
    run_if: RunIf = RunIf.ALL_SUCCESS
    disabled: bool = False
    max_retries: int = 0
    min_retry_interval_ms: int = 0
    retry_on_timeout: bool = False
    timeout_s: int = 0
    """Kept by the workflow for what no engine worker does; 0 is no limit."""
    warn_after_s: int = 0
    """A health rule; 0 is none."""
    concurrency: int = 1
    """Iterations of a for-each that may run at once."""
    nested: "TaskPlan | None" = None
    """What a for-each runs for each input."""
    reads_upstream: bool = False
    """Its settings refer to what other tasks left."""

    @property
    def awaits_projection(self) -> bool:
        """Whether its attempts begin with what the database says of the run so far."""
        return self.reads_upstream or self.kind is not TaskKind.ENGINE


class Prior(_Compact):
    """How a task stands when an execution begins: kept, retried or made anew by a repair."""

    phase: TaskPhase | None = None
    """Final: the task is kept. WAITING_FOR_RETRY: it is. None: it has still to run."""
    attempts: int = 0
    """Attempts so far, over all executions; the next one gets this number."""
    tries: int = 0
    """Those that count against `max_retries`."""
    lost: int = 0
    condition: str | None = None
    scheduled_at: datetime | None = None
    retry_at: datetime | None = None
    began: bool = False
    """The id that was reserved for the task has been used."""


class Iterations(_Compact):
    """A part of a for-each's inputs, as a graph without edges."""

    task: TaskPlan
    """With the key of the for-each task."""
    spans: tuple[Span, ...]
    for_each_run_id: int
    """Task-run id of the for-each attempt that they belong to."""
    attempts_each: int
    """So many attempts one iteration may use in all: ids are reserved ahead."""


class RunPlan(_Compact):
    """The input of a workflow: the graph and a pointer to the immutable settings."""

    workspace_id: int
    job_id: int
    run_id: int
    execution: int = 0
    """0 is the original; n the n-th repair."""
    stream: int = 0
    """0 for the run itself; a part of a for-each has its first ordinal here. Events are numbered
    within (run, execution, stream)."""
    first_ordinal: int = 0
    """How many ids earlier executions of the run have used."""
    reserved_from: int | None = None
    """The ids of the tasks' first attempts follow on from this ordinal, in the tasks' order; see
    `spec.ids.reserved_ids`. None: the run was made before ids were reserved."""
    first_seq: int = 0
    """How many events earlier parts of this very execution have recorded."""
    settings_hash: str
    """SHA-256 of the settings snapshot that every attempt of this execution works from."""
    tasks: tuple[TaskPlan, ...] = ()
    iterations: Iterations | None = None
    """Instead of `tasks`: this is a part of a for-each."""
    prior: dict[str, Prior] = {}
    """Task key → how it stands at the beginning; a task not named here is untouched."""
    concurrency: int = 0
    """Tasks that may run at once; 0 is no limit."""
    publish: bool = False
    """The run is a transaction: attempts land on its branch, and its end publishes it."""
    audit: tuple[str, ...] = ()
    """Tasks that must have succeeded before it publishes."""
    conflict: ConflictPolicy = ConflictPolicy.FAIL
    publishes: int = 0
    """How often the execution has tried to publish already."""
    timeout_s: int = 0
    warn_after_s: int = 0
    started_at: datetime | None = None
    """Set when the execution goes on in a fresh history."""
    paced: bool = False
    """Events that nobody waits for are projected a few times a second at most. Histories that
    began before this was done have none of its timers."""
    trigger: str = "ONE_TIME"
    creator: str = ""

    def graph(self) -> tuple[TaskPlan, ...]:
        """Return the tasks; those of a for-each part are made from its spans."""
        if self.iterations is None:
            return self.tasks
        task = self.iterations.task
        return tuple(
            task.model_copy(update={"task_key": iteration_key(task.task_key, i)})
            for first, count in self.iterations.spans
            for i in range(first, first + count)
        )


class Expansion(Frozen):
    """The inputs of a for-each task, as its workflow has to know them."""

    total: int
    """How many inputs there are."""
    todo: tuple[Span, ...]
    """Those that have still to run; after a repair only what had not succeeded."""


class ForEachPlan(Frozen):
    """The input of a for-each attempt's workflow."""

    run: RunPlan
    """The header of its run; without tasks."""
    task: TaskPlan
    """The for-each task."""
    task_run_id: int
    expansion: Expansion
    first_ordinal: int
    attempts_each: int


class ForEachResult(Frozen):
    """How many iterations ended how."""

    succeeded: int = 0
    failed: int = 0
    canceled: int = 0
