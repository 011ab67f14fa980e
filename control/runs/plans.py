"""Turns a run's row and settings into the input of its workflow."""

from control.jobs.tables import SettingsSnapshot
from control.runs.tables import Run
from spec.jobs import JobSettings
from spec.plans import RunPlan, TaskPlan
from spec.tasks import Task, engine_of


def task_plan(task: Task) -> TaskPlan:
    """Return what the workflow must know of a task."""
    return TaskPlan(
        task_key=task.task_key,
        engine=engine_of(task),
        depends_on=tuple(dependency.task_key for dependency in task.depends_on),
        run_if=task.run_if,
        max_retries=task.max_retries,
        min_retry_interval_ms=task.min_retry_interval_millis,
        retry_on_timeout=task.retry_on_timeout,
    )


def run_plan(run: Run, snapshot: SettingsSnapshot) -> RunPlan:
    """Return the workflow's input; the same one every time it is asked for."""
    settings = JobSettings.model_validate(snapshot.settings)
    return RunPlan(
        workspace_id=run.workspace_id,
        job_id=run.job_id,
        run_id=run.run_id,
        settings_hash=run.settings_hash,
        tasks=tuple(task_plan(task) for task in settings.tasks),
        timeout_s=settings.timeout_seconds,
        trigger=run.trigger,
        creator=run.creator,
    )
