"""The ids of task runs that have still to begin: known from a run's rows, before there is a row."""

from typing import Any

from control.jobs.tables import SettingsSnapshot
from control.runs.tables import Run, TaskRun
from spec.api.runs import RunOverrides
from spec.ids import reserved_ids
from spec.states import RunLife, TaskResult

NEVER_BEGAN = "The run ended before this task began."


def chosen_tasks(run: Run, snapshot: SettingsSnapshot) -> list[dict[str, Any]]:
    """Return the settings of the tasks that a run was asked for, in the job's order."""
    tasks: list[dict[str, Any]] = snapshot.settings.get("tasks", [])
    only = RunOverrides.model_validate(run.overrides).only
    return [task for task in tasks if only is None or task["task_key"] in only]


def ids_of(run: Run, snapshot: SettingsSnapshot) -> dict[str, int]:
    """Return task key → id of its first attempt in the run's newest execution.

    Empty for a run of a version that reserved none.
    """
    if run.reserved_from is None:
        return {}
    keys = (task["task_key"] for task in chosen_tasks(run, snapshot))
    return reserved_ids(run.run_id, run.reserved_from, keys)


def waiting_task_run(run: Run, snapshot: SettingsSnapshot, task_run_id: int) -> TaskRun | None:
    """Return what is known of a task run that has no row yet; None when the id is nobody's.

    It is no row and must not become one: only the projection writes those.
    """
    for task_key, reserved in ids_of(run, snapshot).items():
        if reserved != task_run_id:
            continue
        waiting = TaskRun(
            task_run_id=task_run_id,
            run_id=run.run_id,
            execution=run.execution,
            task_key=task_key,
            scheduled_at=run.created_at,
        )
        if RunLife(run.life).is_over:
            waiting.result, waiting.message = TaskResult.CANCELED.value, NEVER_BEGAN
            waiting.ended_at = run.ended_at
        return waiting
    return None
