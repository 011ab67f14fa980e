"""A run's life as a pure state machine: events in, next state out. No clock, no I/O, no Temporal.

The workflow feeds it (`apply`), asks what comes next (`decide`), records the answer, and starts
what it names. Folding the recorded events again gives the same state, so the stored history of a
run and its workflow can be compared at any time.

Rules are Databricks' (docs "Configure and manage job runs", "Run if conditions"): a task is judged
when all its dependencies have ended; a run ends by its leaf tasks.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from spec.attempts import AttemptOutcome, AttemptResult, Frozen
from spec.ids import MAX_ATTEMPTS, task_run_id
from spec.tasks import Engine, RunIf

MAX_LOST = 5
"""Attempts of one task that may be lost to dead machines before the task fails; they do not count
as retries, because the user's code is not to blame."""


class TaskPlan(Frozen):
    """What the workflow must know of a task: its edges and limits, never its body."""

    task_key: str
    engine: Engine | None = None
    depends_on: tuple[str, ...] = ()
    run_if: RunIf = RunIf.ALL_SUCCESS
    max_retries: int = 0
    min_retry_interval_ms: int = 0
    retry_on_timeout: bool = False


class RunPlan(Frozen):
    """The input of a run's workflow: the graph and a pointer to the immutable settings."""

    workspace_id: int
    job_id: int
    run_id: int
    execution: int = 0
    """0 is the original; n the n-th repair."""
    first_ordinal: int = 0
    """How many attempts earlier executions of the run have used."""
    settings_hash: str
    """SHA-256 of the settings snapshot that every attempt of this execution works from."""
    tasks: tuple[TaskPlan, ...]
    timeout_s: int = 0
    trigger: str = "ONE_TIME"
    creator: str = ""


class TaskPhase(StrEnum):
    """Where a task stands; the last six are final."""

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

    @property
    def is_final(self) -> bool:
        """True when no further event may change it."""
        return self not in _OPEN


_OPEN = frozenset({TaskPhase.BLOCKED, TaskPhase.RUNNING, TaskPhase.WAITING_FOR_RETRY})
_BAD = frozenset({TaskPhase.FAILED, TaskPhase.TIMEDOUT, TaskPhase.UPSTREAM_FAILED})
_CANCELED = frozenset({TaskPhase.CANCELED, TaskPhase.UPSTREAM_CANCELED})
_SKIPPED = frozenset({TaskPhase.UPSTREAM_FAILED, TaskPhase.UPSTREAM_CANCELED, TaskPhase.EXCLUDED})


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
    """The workflow took the run up."""

    type: Literal["run.started"] = "run.started"


class AttemptScheduled(_Event):
    """An attempt was handed to an engine worker's queue."""

    type: Literal["attempt.scheduled"] = "attempt.scheduled"
    task_key: str
    task_run_id: int
    attempt: int


class AttemptEnded(_Event):
    """An attempt reached its end; whether the task is retried follows from it."""

    type: Literal["attempt.ended"] = "attempt.ended"
    task_key: str
    task_run_id: int
    outcome: AttemptOutcome


class TaskSkipped(_Event):
    """A task will not run: its `run_if` does not hold, or the run was stopped first.

    It gets a task run of its own (Databricks shows one), though no attempt was made.
    """

    type: Literal["task.skipped"] = "task.skipped"
    task_key: str
    task_run_id: int
    phase: TaskPhase


class StopRequested(_Event):
    """Somebody cancelled the run, or its time ran out."""

    type: Literal["run.stop_requested"] = "run.stop_requested"
    cause: StopCause
    by: str = ""


class RunEnded(_Event):
    """Every task has ended; so has the run."""

    type: Literal["run.ended"] = "run.ended"
    result: RunResult
    message: str = ""


Event = Annotated[
    RunStarted | AttemptScheduled | AttemptEnded | TaskSkipped | StopRequested | RunEnded,
    Field(discriminator="type"),
]


class Recorded(Frozen):
    """An event in its place; (run, execution, seq) is unique, so writing it twice is harmless."""

    seq: int
    event: Event


class Projection(Frozen):
    """A batch of a run's events, in order."""

    run_id: int
    execution: int
    events: tuple[Recorded, ...]


class CancelRequest(Frozen):
    """The signal `cancel`: stop the whole run; sent twice it does no more."""

    by: str


class Result(Frozen):
    """What a run's workflow returns."""

    run_id: int
    result: RunResult
    message: str


@dataclass(slots=True)
class TaskState:
    """One task of a run."""

    plan: TaskPlan
    phase: TaskPhase = TaskPhase.BLOCKED
    attempts: int = 0
    lost: int = 0
    """Attempts that vanished; they are not counted against `max_retries`."""
    current: int | None = None
    """Task-run id of the attempt under way."""
    scheduled_at: datetime | None = None
    retry_at: datetime | None = None
    message: str = ""


@dataclass(slots=True)
class RunState:
    """All a run remembers. Changed by `apply` alone, in place: an event costs O(its edges)."""

    plan: RunPlan
    tasks: dict[str, TaskState]
    dependents: dict[str, list[str]]
    open_dependencies: dict[str, int]
    unblocked: dict[str, None]
    """In order: tasks whose dependencies have all ended and which are not yet judged."""
    retrying: set[str] = field(default_factory=set[str])
    running: set[str] = field(default_factory=set[str])
    unfinished: int = 0
    ordinal: int = 0
    seq: int = 0
    stop: StopCause | None = None
    stopped_by: str = ""
    result: RunResult | None = None
    message: str = ""


def new_state(plan: RunPlan) -> RunState:
    """Return the state before the first event."""
    dependents: dict[str, list[str]] = {task.task_key: [] for task in plan.tasks}
    for task in plan.tasks:
        for upstream in task.depends_on:
            dependents[upstream].append(task.task_key)
    return RunState(
        plan=plan,
        tasks={task.task_key: TaskState(task) for task in plan.tasks},
        dependents=dependents,
        open_dependencies={task.task_key: len(task.depends_on) for task in plan.tasks},
        unblocked={task.task_key: None for task in plan.tasks if not task.depends_on},
        unfinished=len(plan.tasks),
        ordinal=plan.first_ordinal,
    )


def apply(state: RunState, event: Event) -> None:
    """Fold one event into the state.

    Raises:
        ValueError: the event cannot follow what happened so far (a bug, never a user's mistake).
    """
    if state.result is not None:
        raise ValueError(f"run {state.plan.run_id} has ended; {event.type} came after")
    state.seq += 1
    match event:
        case RunStarted():
            pass
        case StopRequested():
            if state.stop is None:
                state.stop, state.stopped_by = event.cause, event.by
        case RunEnded():
            state.result, state.message = event.result, event.message
        case AttemptScheduled():
            _apply_scheduled(state, event)
        case AttemptEnded():
            _apply_ended(state, event)
        case TaskSkipped():
            state.ordinal += 1
            _finish(state, event.task_key, event.phase)


def _apply_scheduled(state: RunState, event: AttemptScheduled) -> None:
    task = state.tasks[event.task_key]
    if task.phase not in (TaskPhase.BLOCKED, TaskPhase.WAITING_FOR_RETRY):
        raise ValueError(f"task '{event.task_key}' is {task.phase} and cannot be scheduled")
    state.ordinal += 1
    state.retrying.discard(event.task_key)
    state.running.add(event.task_key)
    state.unblocked.pop(event.task_key, None)
    task.phase, task.current = TaskPhase.RUNNING, event.task_run_id
    task.attempts += 1
    task.scheduled_at, task.retry_at = event.at, None


def _apply_ended(state: RunState, event: AttemptEnded) -> None:
    task = state.tasks[event.task_key]
    if task.current != event.task_run_id:
        raise ValueError(f"attempt {event.task_run_id} of '{event.task_key}' is not under way")
    state.running.discard(event.task_key)
    task.current, task.message = None, event.outcome.message
    task.lost += event.outcome.result is AttemptResult.LOST
    if state.stop is None and _may_retry(task, event.outcome.result):
        task.phase = TaskPhase.WAITING_FOR_RETRY
        task.retry_at = event.at
        if event.outcome.result is not AttemptResult.LOST and task.scheduled_at is not None:
            wait = timedelta(milliseconds=task.plan.min_retry_interval_ms)
            task.retry_at = max(event.at, task.scheduled_at + wait)
        state.retrying.add(event.task_key)
        return
    _finish(state, event.task_key, _phase_after(event.outcome.result))


def _phase_after(result: AttemptResult) -> TaskPhase:
    return TaskPhase.FAILED if result is AttemptResult.LOST else TaskPhase(result.value)


def _may_retry(task: TaskState, result: AttemptResult) -> bool:
    if result is AttemptResult.LOST:
        return task.lost <= MAX_LOST
    if result is AttemptResult.TIMEDOUT and not task.plan.retry_on_timeout:
        return False
    if result not in (AttemptResult.FAILED, AttemptResult.TIMEDOUT):
        return False
    return task.plan.max_retries < 0 or task.attempts - task.lost <= task.plan.max_retries


def _finish(state: RunState, task_key: str, phase: TaskPhase) -> None:
    task = state.tasks[task_key]
    if task.phase.is_final:
        raise ValueError(f"task '{task_key}' has ended as {task.phase} already")
    state.retrying.discard(task_key)
    state.unblocked.pop(task_key, None)
    task.phase = phase
    state.unfinished -= 1
    for dependent in state.dependents[task_key]:
        state.open_dependencies[dependent] -= 1
        # A stop may have ended the dependent before what it waited for.
        if state.open_dependencies[dependent] == 0 and not state.tasks[dependent].phase.is_final:
            state.unblocked[dependent] = None


def decide(state: RunState, now: datetime) -> list[Event]:
    """Return the events that follow from the state by themselves, in order; [] when none do.

    Apply all of them, then ask again: a skipped task may unblock the next one.
    """
    if state.result is not None:
        return []
    if state.unfinished == 0:
        result, message = run_result(state)
        return [RunEnded(at=now, result=result, message=message)]
    ordinal = state.ordinal
    events: list[Event] = []
    for task_key in _due(state, now):
        ordinal += 1
        events.append(_start_or_skip(state, task_key, ordinal, now))
    return events


def _due(state: RunState, now: datetime) -> list[str]:
    if state.stop is not None:
        return [
            key
            for key, task in state.tasks.items()
            if task.phase in (TaskPhase.BLOCKED, TaskPhase.WAITING_FOR_RETRY)
        ]
    retries = [key for key in sorted(state.retrying) if (state.tasks[key].retry_at or now) <= now]
    return [*state.unblocked, *retries]


def _start_or_skip(state: RunState, task_key: str, ordinal: int, now: datetime) -> Event:
    task = state.tasks[task_key]
    if ordinal > MAX_ATTEMPTS:
        raise ValueError(f"run {state.plan.run_id} has used all of its {MAX_ATTEMPTS} attempts")
    identity = task_run_id(state.plan.run_id, ordinal)
    phase = TaskPhase.CANCELED if state.stop is not None else skip_phase(state, task_key)
    if phase is not None and (state.stop is not None or task.attempts == 0):
        return TaskSkipped(at=now, task_key=task_key, task_run_id=identity, phase=phase)
    return AttemptScheduled(at=now, task_key=task_key, task_run_id=identity, attempt=task.attempts)


def skip_phase(state: RunState, task_key: str) -> TaskPhase | None:
    """Judge a task's `run_if` now that its dependencies have ended; None means: run it."""
    task = state.tasks[task_key].plan
    phases = [state.tasks[key].phase for key in task.depends_on]
    if not phases:
        return None
    if all(phase is TaskPhase.EXCLUDED for phase in phases):
        return TaskPhase.EXCLUDED
    succeeded = sum(phase is TaskPhase.SUCCESS for phase in phases)
    failed = sum(phase in _BAD for phase in phases)
    canceled = sum(phase in _CANCELED for phase in phases)
    missed = TaskPhase.UPSTREAM_FAILED if failed or not canceled else TaskPhase.UPSTREAM_CANCELED
    holds, otherwise = {
        RunIf.ALL_SUCCESS: (not failed and not canceled, missed),
        RunIf.AT_LEAST_ONE_SUCCESS: (succeeded > 0, missed),
        RunIf.NONE_FAILED: (not failed and not canceled and succeeded > 0, missed),
        RunIf.ALL_DONE: (True, missed),
        RunIf.AT_LEAST_ONE_FAILED: (failed > 0, TaskPhase.EXCLUDED),
        RunIf.ALL_FAILED: (failed == len(phases), TaskPhase.EXCLUDED),
    }[task.run_if]
    return None if holds else otherwise


def next_retry_at(state: RunState) -> datetime | None:
    """Return when the next waiting retry is due; None when nothing waits."""
    waits = [at for key in state.retrying if (at := state.tasks[key].retry_at) is not None]
    return min(waits, default=None)


def run_result(state: RunState) -> tuple[RunResult, str]:
    """Return how the run ended, by its leaf tasks, with a sentence for a person."""
    if state.stop is StopCause.TIMEOUT:
        return RunResult.TIMEDOUT, f"Run timed out after {state.plan.timeout_s} seconds."
    if state.stop is StopCause.USER:
        by = f" by {state.stopped_by}" if state.stopped_by else ""
        return RunResult.CANCELED, f"Run was cancelled{by}."
    leaves = [task for key, task in state.tasks.items() if not state.dependents[key]]
    for task in leaves:
        if task.phase in _BAD:
            return RunResult.FAILED, _failure(state, task)
    if any(task.phase in _CANCELED for task in leaves):
        return RunResult.CANCELED, "A task was cancelled."
    if any(task.phase in _BAD | _CANCELED for task in state.tasks.values()):
        return RunResult.SUCCESS_WITH_FAILURES, ""
    return RunResult.SUCCESS, ""


def _failure(state: RunState, leaf: TaskState) -> str:
    # Name the task whose code failed, not the leaf that merely never ran because of it.
    culprit = leaf
    if leaf.phase in _SKIPPED:
        failed = (t for t in state.tasks.values() if t.phase in _BAD and t.phase not in _SKIPPED)
        culprit = next(failed, leaf)
    why = "Workload failed, see run output for details"
    if culprit.phase is TaskPhase.TIMEDOUT:
        why = "Workload timed out"
    return f"Task {culprit.plan.task_key} failed with message: {why}."
