"""How a run ends: by its leaves; one that is a transaction also by its checks and its publishing.

Audit comes first: unless every task that `audit` names has succeeded, nothing is published.
"""

from collections.abc import Iterable
from datetime import datetime

from spec.events import (
    Published,
    PublishRefused,
    PublishStarted,
    RunEnded,
    RunResult,
    StopCause,
)
from spec.ids import split_iteration
from spec.plans import RunPlan, TaskPhase
from spec.publish import ConflictPolicy, PublishOutcome, PublishRequest
from spec.run_state import RunState, TaskState

MAX_PUBLISHES = 10
"""So often an execution tries to publish; before each further one some tasks have run again."""

GOOD = frozenset({TaskPhase.SUCCESS, TaskPhase.DISABLED})
BAD = frozenset({TaskPhase.FAILED, TaskPhase.TIMEDOUT, TaskPhase.UPSTREAM_FAILED})
CANCELED = frozenset({TaskPhase.CANCELED, TaskPhase.UPSTREAM_CANCELED})
SKIPPED = frozenset({TaskPhase.UPSTREAM_FAILED, TaskPhase.UPSTREAM_CANCELED, TaskPhase.EXCLUDED})

_SUCCEEDED = (RunResult.SUCCESS, RunResult.SUCCESS_WITH_FAILURES)
_MOST_NAMED = 5


def next_step(state: RunState, now: datetime) -> PublishStarted | RunEnded:
    """Return what comes once every task has ended and nothing is being published."""
    result, message = run_result(state)
    # A part of a for-each has no end of its own to publish.
    if not state.plan.publish or state.plan.iterations is not None:
        return RunEnded(at=now, result=result, message=message)
    if state.published is not None:
        return RunEnded(at=now, result=result, message=message or _told(state.published))
    if state.refused:
        return RunEnded(at=now, result=RunResult.FAILED, message=state.refused)
    if result in (*_SUCCEEDED, RunResult.FAILED) and (unmet := _unmet(state, result)):
        return RunEnded(at=now, result=RunResult.FAILED, message=unmet)
    if result in _SUCCEEDED:
        return PublishStarted(at=now, round=state.publishes + 1)
    return RunEnded(at=now, result=result, message=message)


def _told(tables: tuple[str, ...]) -> str:
    if not tables:
        return ""
    named = ", ".join(tables[:_MOST_NAMED])
    more = len(tables) - _MOST_NAMED
    return f"Published {named}" + (f" and {more} more." if more > 0 else ".")


def _unmet(state: RunState, result: RunResult) -> str:
    """Say which check stands in the way of publishing; "" when none does, or another task."""
    phases = {key: state.tasks[key].phase for key in state.plan.audit}
    for key, phase in phases.items():
        if phase is TaskPhase.FAILED:
            return f"Not published: check '{key}' failed; its output shows the rows."
    if result is RunResult.FAILED:
        return ""
    for key, phase in phases.items():
        if phase not in GOOD:
            return f"Not published: check '{key}' did not succeed ({phase.value})."
    return ""


def publish_request(plan: RunPlan, started: PublishStarted) -> PublishRequest:
    """Return what the catalog is asked; the last time, nothing is to be tried again after it."""
    is_last = started.round >= MAX_PUBLISHES
    return PublishRequest(
        workspace_id=plan.workspace_id,
        job_id=plan.job_id,
        run_id=plan.run_id,
        execution=plan.execution,
        round=started.round,
        conflict=ConflictPolicy.FAIL if is_last else plan.conflict,
    )


def end_publish(
    state: RunState, outcome: PublishOutcome, now: datetime
) -> Published | PublishRefused:
    """Return the event by which publishing ends, with the tasks that run again.

    Raises:
        ValueError: nothing is being published.
    """
    if not state.publishing:
        raise ValueError(f"run {state.plan.run_id} is not being published")
    if outcome.published:
        return Published(at=now, tables=outcome.tables)
    again = to_run_again(state, outcome.writers) if outcome.cut_anew else ()
    message = outcome.message or "Not published: another writer has changed the same tables."
    if not again and state.publishes >= MAX_PUBLISHES:
        message = f"{message} It was tried {state.publishes} times."
    return PublishRefused(at=now, message=message, tables=outcome.tables, rerun=again)


def to_run_again(state: RunState, writers: Iterable[str]) -> tuple[str, ...]:
    """Return the tasks that run again on a branch that was cut anew, in the plan's order.

    Those are the writers of what stood in the way, every check, since it has seen another state
    of the tables, and all that follows from any of them; () when no writer is known.

    Args:
        state: Of the run.
        writers: Task keys; of an iteration, the whole for-each runs again.
    """
    found = {split_iteration(key)[0] for key in writers} & state.tasks.keys()
    if not found:
        return ()
    found |= set(state.plan.audit)
    waiting = list(found)
    while waiting:
        for dependent in state.dependents[waiting.pop()]:
            if dependent not in found:
                found.add(dependent)
                waiting.append(dependent)
    return tuple(key for key in state.tasks if key in found)


def run_result(state: RunState) -> tuple[RunResult, str]:
    """Return how the run ended, by its leaf tasks, with a sentence for a person."""
    if state.stop is StopCause.TIMEOUT:
        return RunResult.TIMEDOUT, f"Run timed out after {state.plan.timeout_s} seconds."
    if state.stop is StopCause.USER:
        by = f" by {state.stopped_by}" if state.stopped_by else ""
        return RunResult.CANCELED, f"Run was cancelled{by}."
    leaves = [task for key, task in state.tasks.items() if not state.dependents[key]]
    for task in leaves:
        if task.phase in BAD:
            return RunResult.FAILED, _failure(state, task)
    if any(task.phase in CANCELED for task in leaves):
        return RunResult.CANCELED, "A task was cancelled."
    if any(task.phase in BAD | CANCELED for task in state.tasks.values()):
        return RunResult.SUCCESS_WITH_FAILURES, ""
    return RunResult.SUCCESS, ""


def _failure(state: RunState, leaf: TaskState) -> str:
    # Name the task whose code failed, not the leaf that merely never ran because of it.
    culprit = leaf
    if leaf.phase in SKIPPED:
        failed = (t for t in state.tasks.values() if t.phase in BAD and t.phase not in SKIPPED)
        culprit = next(failed, leaf)
    why = "Workload failed, see run output for details"
    if culprit.phase is TaskPhase.TIMEDOUT:
        why = "Workload timed out"
    return f"Task {culprit.plan.task_key} failed with message: {why}."
