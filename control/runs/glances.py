"""What a glance at a task of a run shows: one word for its state, whatever it has been through.

The rules are those of `control.runs.views.show_tasks`, without the settings that it shows beside.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from control.jobs.tables import SettingsSnapshot
from control.runs import store
from control.runs.reserved import chosen_tasks, ids_of
from control.runs.store import AttemptFacts
from control.runs.tables import Run, RunExecution
from control.runs.views import BY_CONTROL_PLANE, is_to_come, millis
from spec.graph_order import graph_order
from spec.states import RunLife, TaskResult, task_word
from spec.tasks import TASK_TYPES

WAITS, BLOCKED = "WAITING_FOR_RETRY", "BLOCKED"


@dataclass(frozen=True)
class Glance:
    """A run, its settings and the attempts of its tasks, without iterations."""

    run: Run
    snapshot: SettingsSnapshot
    attempts: dict[str, list[AttemptFacts]] = field(
        default_factory=lambda: defaultdict[str, list[AttemptFacts]](list)
    )
    executions: list[RunExecution] = field(default_factory=list[RunExecution])

    @cached_property
    def tasks(self) -> list[dict[str, Any]]:
        """The settings of the tasks that the run was asked for, in graph order."""
        return in_order(chosen_tasks(self.run, self.snapshot))

    @cached_property
    def reserved(self) -> dict[str, int]:
        """Task key → the id of its first attempt, known before it begins."""
        return ids_of(self.run, self.snapshot)

    @property
    def is_over(self) -> bool:
        """True when the run will not change any more."""
        return RunLife(self.run.life).is_over

    def state_of(self, task: dict[str, Any]) -> str:
        """Say how a task stands, or how it ended."""
        made = self.attempts.get(task["task_key"])
        if not made:
            return TaskResult.CANCELED.value if self.is_over else BLOCKED
        last = made[-1]
        if not self.is_over:
            if is_to_come(self.run, self.executions, last.task_key, last.execution):
                return BLOCKED
            if last.retry_at is not None:
                return WAITS
        return self.state_of_attempt(task, last)

    def state_of_attempt(self, task: dict[str, Any], attempt: AttemptFacts) -> str:
        """Say how one attempt of a task stands, or how it ended."""
        if attempt.result is None and self.run.life == RunLife.TERMINATING:
            return RunLife.TERMINATING.value
        result = None if attempt.result is None else TaskResult(attempt.result)
        return task_word(result, taken_up_at(task, attempt) is not None)


async def glances(session: AsyncSession, runs: Sequence[Run]) -> list[Glance]:
    """Return some runs, in the same order, with a fixed number of queries."""
    snapshots = await store.snapshots(session, {run.settings_hash for run in runs})
    found = {run.run_id: Glance(run, snapshots[run.settings_hash]) for run in runs}
    for attempt in await store.attempt_facts(session, found.keys()):
        found[attempt.run_id].attempts[attempt.task_key].append(attempt)
    repaired = [run.run_id for run in runs if run.execution]
    for execution in await store.executions(session, repaired) if repaired else []:
        found[execution.run_id].executions.append(execution)
    return list(found.values())


def taken_up_at(task: dict[str, Any], attempt: AttemptFacts) -> datetime | None:
    """Return when a worker took an attempt up, or the control plane began it."""
    is_ours = any(name in task for name in BY_CONTROL_PLANE)
    return attempt.scheduled_at if is_ours else attempt.opened_at


def in_order(tasks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return task settings in graph order."""
    by_key = {task["task_key"]: task for task in tasks}
    return [by_key[key] for key in graph_order(tasks)]


def type_of(task: dict[str, Any]) -> str:
    """Return a task's type, e.g. `sql_task`."""
    return next((name for name in TASK_TYPES if name in task), "")


def instant(at: datetime | None) -> int | None:
    """Return an instant in milliseconds; None for one that has not come."""
    return None if at is None else millis(at)


def span(start: datetime | None, end: datetime | None) -> int | None:
    """Return the milliseconds between two instants; None when one has not come."""
    return None if start is None or end is None else max(0, millis(end) - millis(start))
