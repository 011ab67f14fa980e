"""A run's life as a pure state machine: events in, next state out. No clock, no I/O, no Temporal.

The workflow feeds it (`apply`), asks what comes next (`decide`), records the answer, and starts
what it names. Folding the recorded events again gives the same state, so the stored history of a
run and its workflow can be compared at any time.

Rules are Databricks' (docs "Configure and manage job runs", "Run if conditions"): a task is judged
when all its dependencies have ended; a run ends by its leaf tasks. A part of a for-each is the same
machine over a graph without edges.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from spec.attempts import AttemptOutcome, AttemptResult
from spec.events import (
    AttemptEnded,
    AttemptScheduled,
    DurationWarned,
    Event,
    ForEachExpanded,
    RunEnded,
    RunResult,
    RunStarted,
    StopCause,
    StopRequested,
    TaskSkipped,
    TaskStopRequested,
)
from spec.ids import MAX_ATTEMPTS, task_run_id
from spec.plans import Prior, RunPlan, TaskPhase, TaskPlan
from spec.tasks import RunIf

MAX_LOST = 5
"""Attempts of one task that may be lost to dead machines before the task fails; they do not count
as retries, because the user's code is not to blame."""

_GOOD = frozenset({TaskPhase.SUCCESS, TaskPhase.DISABLED})
_BAD = frozenset({TaskPhase.FAILED, TaskPhase.TIMEDOUT, TaskPhase.UPSTREAM_FAILED})
_CANCELED = frozenset({TaskPhase.CANCELED, TaskPhase.UPSTREAM_CANCELED})
_SKIPPED = frozenset({TaskPhase.UPSTREAM_FAILED, TaskPhase.UPSTREAM_CANCELED, TaskPhase.EXCLUDED})


@dataclass(slots=True)
class TaskState:
    """One task of a run."""

    plan: TaskPlan
    phase: TaskPhase = TaskPhase.BLOCKED
    attempts: int = 0
    """Over all executions of the run; the next attempt gets this number."""
    tries: int = 0
    """Attempts of this execution that count against `max_retries`."""
    lost: int = 0
    """Attempts that vanished; they do not count."""
    current: int | None = None
    """Task-run id of the attempt under way."""
    stopping: bool = False
    """Somebody cancelled the attempt under way."""
    scheduled_at: datetime | None = None
    retry_at: datetime | None = None
    condition: str | None = None
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
    watched: set[str] = field(default_factory=set[str])
    """Those that run and have a health rule that has not warned yet."""
    unfinished: int = 0
    ordinal: int = 0
    seq: int = 0
    started_at: datetime | None = None
    warned: bool = False
    stop: StopCause | None = None
    stopped_by: str = ""
    result: RunResult | None = None
    message: str = ""


def new_state(plan: RunPlan) -> RunState:
    """Return the state before the first event of an execution, or of what is left of it."""
    graph = plan.graph()
    dependents: dict[str, list[str]] = {task.task_key: [] for task in graph}
    for task in graph:
        for upstream in task.depends_on:
            dependents[upstream].append(task.task_key)
    state = RunState(
        plan=plan,
        tasks={task.task_key: _begin(task, plan.prior.get(task.task_key)) for task in graph},
        dependents=dependents,
        open_dependencies={task.task_key: len(task.depends_on) for task in graph},
        unblocked={},
        ordinal=plan.first_ordinal,
        seq=plan.first_seq,
        started_at=plan.started_at,
    )
    for key, task in state.tasks.items():
        if task.phase.is_final:
            for dependent in dependents[key]:
                state.open_dependencies[dependent] -= 1
        else:
            state.unfinished += 1
    for key, task in state.tasks.items():
        if task.phase is TaskPhase.WAITING_FOR_RETRY:
            state.retrying.add(key)
        elif task.phase is TaskPhase.BLOCKED and state.open_dependencies[key] == 0:
            state.unblocked[key] = None
    return state


def _begin(plan: TaskPlan, prior: Prior | None) -> TaskState:
    if prior is None:
        return TaskState(plan)
    return TaskState(
        plan,
        phase=prior.phase or TaskPhase.BLOCKED,
        attempts=prior.attempts,
        tries=prior.tries,
        lost=prior.lost,
        condition=prior.condition,
        scheduled_at=prior.scheduled_at,
        retry_at=prior.retry_at,
    )


def continued(state: RunState) -> RunPlan:
    """Return the plan by which the execution goes on where it stands, in a fresh history.

    Raises:
        ValueError: an attempt is under way.
    """
    if state.running:
        raise ValueError(f"run {state.plan.run_id} has attempts under way")
    prior = {
        key: Prior(
            phase=None if task.phase is TaskPhase.BLOCKED else task.phase,
            attempts=task.attempts,
            tries=task.tries,
            lost=task.lost,
            condition=task.condition,
            scheduled_at=task.scheduled_at if task.retry_at else None,
            retry_at=task.retry_at,
        )
        for key, task in state.tasks.items()
        if task.phase is not TaskPhase.BLOCKED or task.attempts
    }
    moved = {
        "prior": prior,
        "first_ordinal": state.ordinal,
        "first_seq": state.seq,
        "started_at": state.started_at,
        "warn_after_s": 0 if state.warned else state.plan.warn_after_s,
    }
    return state.plan.model_copy(update=moved)


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
            state.started_at = event.at
        case StopRequested():
            if state.stop is None:
                state.stop, state.stopped_by = event.cause, event.by
        case RunEnded():
            state.result, state.message = event.result, event.message
        case AttemptScheduled():
            _apply_scheduled(state, event)
        case ForEachExpanded():
            state.ordinal += event.todo * event.attempts_each
        case AttemptEnded():
            _apply_ended(state, event)
        case TaskSkipped():
            state.ordinal += 1
            _finish(state, event.task_key, event.phase)
        case TaskStopRequested():
            state.tasks[event.task_key].stopping = True
        case DurationWarned(task_key=None):
            state.warned = True
        case DurationWarned():
            state.watched.discard(event.task_key or "")


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
    task.tries += 1
    task.stopping = False
    task.scheduled_at, task.retry_at = event.at, None
    if task.plan.warn_after_s:
        state.watched.add(event.task_key)


def _apply_ended(state: RunState, event: AttemptEnded) -> None:
    task = state.tasks[event.task_key]
    _check_under_way(task, event.task_run_id)
    state.running.discard(event.task_key)
    state.watched.discard(event.task_key)
    task.current, task.message = None, event.outcome.message
    task.condition = event.outcome.condition
    if event.outcome.result is AttemptResult.LOST:
        task.lost += 1
        task.tries -= 1
    if event.retry_at is not None:
        task.phase, task.retry_at = TaskPhase.WAITING_FOR_RETRY, event.retry_at
        state.retrying.add(event.task_key)
        return
    _finish(state, event.task_key, _phase_after(event.outcome.result))


def end_attempt(
    state: RunState, task_key: str, any_task_run_id: int, outcome: AttemptOutcome, now: datetime
) -> AttemptEnded:
    """Return the event by which an attempt ends, with the decision whether it is tried again.

    Raises:
        ValueError: the attempt is not under way.
    """
    task = state.tasks[task_key]
    _check_under_way(task, any_task_run_id)
    retry_at = None
    if state.stop is None and not task.stopping and _may_retry(state.plan, task, outcome.result):
        retry_at = now
        if outcome.result is not AttemptResult.LOST and task.scheduled_at is not None:
            wait = timedelta(milliseconds=task.plan.min_retry_interval_ms)
            retry_at = max(now, task.scheduled_at + wait)
    return AttemptEnded(
        at=now, task_key=task_key, task_run_id=any_task_run_id, outcome=outcome, retry_at=retry_at
    )


def _check_under_way(task: TaskState, any_task_run_id: int) -> None:
    if task.current != any_task_run_id:
        raise ValueError(f"attempt {any_task_run_id} of '{task.plan.task_key}' is not under way")


def _phase_after(result: AttemptResult) -> TaskPhase:
    return TaskPhase.FAILED if result is AttemptResult.LOST else TaskPhase(result.value)


def _may_retry(plan: RunPlan, task: TaskState, result: AttemptResult) -> bool:
    if plan.iterations is not None and task.attempts >= plan.iterations.attempts_each:
        return False
    if result is AttemptResult.LOST:
        return task.lost < MAX_LOST
    if result is AttemptResult.TIMEDOUT and not task.plan.retry_on_timeout:
        return False
    if result not in (AttemptResult.FAILED, AttemptResult.TIMEDOUT):
        return False
    return task.plan.max_retries < 0 or task.tries <= task.plan.max_retries


def _finish(state: RunState, task_key: str, phase: TaskPhase) -> None:
    task = state.tasks[task_key]
    if task.phase.is_final:
        raise ValueError(f"task '{task_key}' has ended as {task.phase} already")
    state.retrying.discard(task_key)
    state.unblocked.pop(task_key, None)
    task.phase, task.retry_at = phase, None
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
    events = due_warnings(state, now)
    ordinal = state.ordinal
    free = _free(state)
    for task_key in _due(state, now):
        event = _start_or_skip(state, task_key, ordinal + 1, now)
        if isinstance(event, AttemptScheduled):
            if free == 0:
                break
            free -= 1
        ordinal += 1
        events.append(event)
    return events


def _free(state: RunState) -> int:
    """Return how many more attempts may start; negative when there is no limit."""
    limit = state.plan.concurrency
    return limit - len(state.running) if limit else -1


def _due(state: RunState, now: datetime) -> list[str]:
    if state.stop is not None:
        return [
            key
            for key, task in state.tasks.items()
            if task.phase in (TaskPhase.BLOCKED, TaskPhase.WAITING_FOR_RETRY)
        ]
    retries = [key for key in sorted(state.retrying) if (state.tasks[key].retry_at or now) <= now]
    if state.plan.iterations is not None and _free(state) == 0:
        return []
    return [*retries, *state.unblocked]


def _start_or_skip(state: RunState, task_key: str, ordinal: int, now: datetime) -> Event:
    task = state.tasks[task_key]
    if ordinal > MAX_ATTEMPTS:
        raise ValueError(f"run {state.plan.run_id} has used all of its {MAX_ATTEMPTS} attempts")
    identity = task_run_id(state.plan.run_id, ordinal)
    phase = None
    if state.stop is not None:
        phase = TaskPhase.CANCELED
    elif task.phase is TaskPhase.BLOCKED:
        phase = skip_phase(state, task_key)
    if phase is not None:
        return TaskSkipped(
            at=now, task_key=task_key, task_run_id=identity, phase=phase, attempt=task.attempts
        )
    return AttemptScheduled(at=now, task_key=task_key, task_run_id=identity, attempt=task.attempts)


def skip_phase(state: RunState, task_key: str) -> TaskPhase | None:
    """Judge a task's `run_if` now that its dependencies have ended; None means: run it."""
    task = state.tasks[task_key].plan
    if task.disabled:
        return TaskPhase.DISABLED
    phases = [_as_seen_by(task, state.tasks[key]) for key in task.depends_on]
    if not phases:
        return None
    if all(phase is TaskPhase.EXCLUDED for phase in phases):
        return TaskPhase.EXCLUDED
    succeeded = sum(phase in _GOOD for phase in phases)
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


def _as_seen_by(task: TaskPlan, upstream: TaskState) -> TaskPhase:
    """Return an upstream task's phase; a condition with the other outcome counts as excluded."""
    wanted = task.outcomes.get(upstream.plan.task_key)
    if wanted is not None and upstream.phase in _GOOD and upstream.condition != wanted:
        return TaskPhase.EXCLUDED
    return upstream.phase


def due_warnings(state: RunState, now: datetime) -> list[Event]:
    """Return the warnings of health rules that are due.

    `decide` names them too; who records an attempt's end asks first, because by then the moment to
    decide may have been missed.
    """
    if state.stop is not None:
        return []
    warnings: list[Event] = []
    if (at := _run_warns_at(state)) is not None and at <= now:
        warnings.append(DurationWarned(at=now, seconds=state.plan.warn_after_s))
    for key in sorted(state.watched):
        task = state.tasks[key]
        if _task_warns_at(task) <= now:
            warnings.append(
                DurationWarned(
                    at=now,
                    task_key=key,
                    task_run_id=task.current,
                    seconds=task.plan.warn_after_s,
                )
            )
    return warnings


def _run_warns_at(state: RunState) -> datetime | None:
    if state.started_at is None or state.warned or not state.plan.warn_after_s:
        return None
    return state.started_at + timedelta(seconds=state.plan.warn_after_s)


def _task_warns_at(task: TaskState) -> datetime:
    if task.scheduled_at is None:
        raise ValueError(f"task '{task.plan.task_key}' has not been scheduled")
    return task.scheduled_at + timedelta(seconds=task.plan.warn_after_s)


def next_wake(state: RunState) -> datetime | None:
    """Return when something is next due by itself: a retry or a warning; None for never."""
    if state.stop is not None:
        return None
    waits: list[datetime] = []
    if _free(state):
        waits = [at for key in state.retrying if (at := state.tasks[key].retry_at) is not None]
    waits += [_task_warns_at(state.tasks[key]) for key in state.watched]
    if (at := _run_warns_at(state)) is not None:
        waits.append(at)
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
