"""A run's life as a pure state machine: events in, next state out. No clock, no I/O, no Temporal.

The workflow feeds it (`apply`), asks what comes next (`decide`), records the answer, and starts
what it names. Folding the recorded events again gives the same state, so the stored history of a
run and its workflow can be compared at any time.

Rules are Databricks' (docs "Configure and manage job runs", "Run if conditions"): a task is judged
when all its dependencies have ended; a run ends by its leaf tasks. A part of a for-each is the same
machine over a graph without edges. What the state holds is in `spec.run_state`, how a run ends and
is published in `spec.run_ends`.
"""

from datetime import datetime, timedelta

from spec.attempts import AttemptOutcome, AttemptResult
from spec.events import (
    AttemptEnded,
    AttemptScheduled,
    DurationWarned,
    Event,
    ForEachExpanded,
    Published,
    PublishRefused,
    PublishStarted,
    RunEnded,
    RunStarted,
    StopRequested,
    TaskSkipped,
    TaskStopRequested,
)
from spec.ids import MAX_ATTEMPTS, task_run_id
from spec.plans import RunPlan, TaskPhase, TaskPlan
from spec.run_ends import BAD, CANCELED, GOOD, next_step
from spec.run_state import RunState, TaskState
from spec.tasks import RunIf

MAX_LOST = 5
"""Attempts of one task that may be lost to dead machines before the task fails; they do not count
as retries, because the user's code is not to blame."""

_UNCOUNTED = (AttemptResult.LOST, AttemptResult.CONFLICT)
"""Attempts that end so are made again at once, and cost no retry."""


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
        case PublishStarted():
            state.publishes, state.publishing = event.round, True
        case Published():
            state.publishing, state.published = False, event.tables
        case PublishRefused():
            state.publishing = False
            if event.rerun:
                _start_over(state, event.rerun)
            else:
                state.refused = event.message
        case RunEnded():
            state.result, state.message = event.result, event.message
        case AttemptScheduled():
            _apply_scheduled(state, event)
        case ForEachExpanded():
            state.ordinal += event.todo * event.attempts_each
        case AttemptEnded():
            _apply_ended(state, event)
        case TaskSkipped():
            _use_id(state, event)
            _finish(state, event.task_key, event.phase)
        case TaskStopRequested():
            state.tasks[event.task_key].stopping = True
            if state.tasks[event.task_key].phase is TaskPhase.BLOCKED:
                # It does not wait for its dependencies any more.
                state.unblocked[event.task_key] = None
        case DurationWarned(task_key=None):
            state.warned = True
        case DurationWarned():
            state.watched.discard(event.task_key or "")


def _use_id(state: RunState, event: AttemptScheduled | TaskSkipped) -> None:
    task = state.tasks[event.task_key]
    if task.reserved == event.task_run_id:
        task.reserved = None
    else:
        state.ordinal += 1


def _apply_scheduled(state: RunState, event: AttemptScheduled) -> None:
    task = state.tasks[event.task_key]
    if task.phase not in (TaskPhase.BLOCKED, TaskPhase.WAITING_FOR_RETRY):
        raise ValueError(f"task '{event.task_key}' is {task.phase} and cannot be scheduled")
    _use_id(state, event)
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
    if event.outcome.result in _UNCOUNTED:
        task.tries -= 1
        task.lost += event.outcome.result is AttemptResult.LOST
    if event.retry_at is not None:
        task.phase, task.retry_at = TaskPhase.WAITING_FOR_RETRY, event.retry_at
        state.retrying.add(event.task_key)
        return
    stopped = state.stop is not None or task.stopping
    _finish(state, event.task_key, _phase_after(event.outcome.result, stopped))


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
        if outcome.result not in _UNCOUNTED and task.scheduled_at is not None:
            wait = timedelta(milliseconds=task.plan.min_retry_interval_ms)
            retry_at = max(now, task.scheduled_at + wait)
    return AttemptEnded(
        at=now, task_key=task_key, task_run_id=any_task_run_id, outcome=outcome, retry_at=retry_at
    )


def _check_under_way(task: TaskState, any_task_run_id: int) -> None:
    if task.current != any_task_run_id:
        raise ValueError(f"attempt {any_task_run_id} of '{task.plan.task_key}' is not under way")


def _phase_after(result: AttemptResult, stopped: bool) -> TaskPhase:
    if result is AttemptResult.CONFLICT:
        return TaskPhase.CANCELED if stopped else TaskPhase.FAILED
    return TaskPhase.FAILED if result is AttemptResult.LOST else TaskPhase(result.value)


def _may_retry(plan: RunPlan, task: TaskState, result: AttemptResult) -> bool:
    if plan.iterations is not None and task.attempts >= plan.iterations.attempts_each:
        return False
    if result is AttemptResult.CONFLICT:
        return True
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


def _start_over(state: RunState, task_keys: tuple[str, ...]) -> None:
    """Take tasks that have ended back to where they had not begun; their attempts count on."""
    for key in task_keys:
        task = state.tasks[key]
        if not task.phase.is_final:
            raise ValueError(f"task '{key}' is {task.phase} and cannot start over")
        state.tasks[key] = TaskState(task.plan, attempts=task.attempts)
    again = set(task_keys)
    for key in task_keys:
        waits_for = sum(needed in again for needed in state.tasks[key].plan.depends_on)
        state.open_dependencies[key] = waits_for
        if not waits_for:
            state.unblocked[key] = None
    state.unfinished += len(again)


def decide(state: RunState, now: datetime) -> list[Event]:
    """Return the events that follow from the state by themselves, in order; [] when none do.

    Apply all of them, then ask again: a skipped task may unblock the next one.
    """
    if state.result is not None:
        return []
    if state.publishing:
        return due_warnings(state, now)
    if state.unfinished == 0:
        return [next_step(state, now)]
    events = due_warnings(state, now)
    ordinal = state.ordinal
    free = _free(state)
    for task_key in _due(state, now):
        event = _start_or_skip(state, task_key, ordinal + 1, now)
        if isinstance(event, AttemptScheduled):
            if free == 0:
                break
            free -= 1
        ordinal += state.tasks[task_key].reserved is None
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
    identity = task.reserved or _next_id(state.plan, ordinal)
    phase = None
    if state.stop is not None or (task.stopping and task.phase is TaskPhase.BLOCKED):
        phase = TaskPhase.CANCELED
    elif task.phase is TaskPhase.BLOCKED:
        phase = skip_phase(state, task_key)
    if phase is not None:
        return TaskSkipped(
            at=now, task_key=task_key, task_run_id=identity, phase=phase, attempt=task.attempts
        )
    return AttemptScheduled(at=now, task_key=task_key, task_run_id=identity, attempt=task.attempts)


def _next_id(plan: RunPlan, ordinal: int) -> int:
    if ordinal > MAX_ATTEMPTS:
        raise ValueError(f"run {plan.run_id} has used all of its {MAX_ATTEMPTS} attempts")
    return task_run_id(plan.run_id, ordinal)


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
    succeeded = sum(phase in GOOD for phase in phases)
    failed = sum(phase in BAD for phase in phases)
    canceled = sum(phase in CANCELED for phase in phases)
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
    if wanted is not None and upstream.phase in GOOD and upstream.condition != wanted:
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
