"""Draws Databricks' picture of a run from its rows; pure."""

from collections import defaultdict
from datetime import datetime
from typing import Any, Literal, cast

from control.jobs.tables import SettingsSnapshot
from control.runs.store import OpenedTaskRun
from control.runs.tables import Run
from spec.api.runs import RepairHistoryItem, RunOverrides, RunParameter, RunView, TaskRunView
from spec.events import RunResult, StopCause
from spec.states import RunLife, TaskResult, View, blocked_view, run_view, task_view


def millis(at: datetime | None) -> int:
    """Return an instant as Databricks writes it; 0 for one that has not come."""
    return 0 if at is None else int(at.timestamp() * 1000)


def between(start: datetime | None, end: datetime | None) -> int:
    """Return the milliseconds from one instant to another; 0 when one has not come."""
    return 0 if start is None or end is None else max(0, millis(end) - millis(start))


def state_of(run: Run) -> View:
    """Return how a run stands."""
    return run_view(
        RunLife(run.life),
        None if run.result is None else RunResult(run.result),
        run.message,
        None if run.stop_cause is None else StopCause(run.stop_cause),
    )


def show_run(run: Run, snapshot: SettingsSnapshot | None, public_url: str) -> RunView:
    """Return a run without its tasks."""
    view = state_of(run)
    return RunView(
        job_id=run.job_id,
        run_id=run.run_id,
        number_in_job=run.run_id,
        original_attempt_run_id=run.run_id,
        run_name=run.run_name,
        run_type=cast(Literal["JOB_RUN", "SUBMIT_RUN"], run.run_type),
        trigger=run.trigger,
        creator_user_name=run.creator,
        state=view.state,
        status=view.status,
        start_time=millis(run.created_at),
        end_time=millis(run.ended_at),
        run_duration=between(run.created_at, run.ended_at),
        queue_duration=between(run.created_at, run.admitted_at),
        run_page_url=f"{public_url}/jobs/{run.job_id}/runs/{run.run_id}",
        job_parameters=_parameters(run, snapshot),
        overriding_parameters=RunOverrides.model_validate(run.overrides) if run.overrides else None,
    )


def _parameters(run: Run, snapshot: SettingsSnapshot | None) -> tuple[RunParameter, ...]:
    declared: list[dict[str, str]] = snapshot.settings.get("parameters", []) if snapshot else []
    defaults = {parameter["name"]: parameter["default"] for parameter in declared}
    return tuple(
        RunParameter(name=name, default=defaults.get(name, ""), value=value)
        for name, value in run.job_parameters.items()
    )


def show_task_run(task: OpenedTaskRun, settings: dict[str, Any], page_url: str) -> dict[str, Any]:
    """Return one attempt, with the settings of its task beside."""
    row = task.row
    result = None if row.result is None else TaskResult(row.result)
    view = task_view(result, task.opened_at is not None, row.message, row.code)
    started = row.started_at or task.opened_at
    shown = TaskRunView(
        run_id=row.task_run_id,
        task_key=row.task_key,
        state=view.state,
        status=view.status,
        start_time=millis(row.scheduled_at),
        end_time=millis(row.ended_at),
        setup_duration=between(row.scheduled_at, started),
        execution_duration=between(started, row.ended_at),
        run_duration=between(row.scheduled_at, row.ended_at),
        attempt_number=row.attempt,
        run_page_url=f"{page_url}/tasks/{row.task_run_id}",
    )
    return settings | shown.model_dump(mode="json", exclude_none=True)


def show_tasks(
    run: Run, snapshot: SettingsSnapshot, task_runs: list[OpenedTaskRun], public_url: str
) -> list[dict[str, Any]]:
    """Return one entry an attempt, and one for each task that has none yet, in the job's order."""
    attempts: dict[str, list[OpenedTaskRun]] = defaultdict(list)
    for task_run in task_runs:
        attempts[task_run.row.task_key].append(task_run)
    page_url = f"{public_url}/jobs/{run.job_id}/runs/{run.run_id}"
    entries: list[dict[str, Any]] = []
    for settings in snapshot.settings.get("tasks", []):
        made = attempts.get(settings["task_key"], [])
        entries += [show_task_run(task, settings, page_url) for task in made]
        if not made:
            entries.append(settings | _without_attempt(run, settings["task_key"]))
    return entries


def _without_attempt(run: Run, task_key: str) -> dict[str, Any]:
    view = blocked_view()
    if RunLife(run.life).is_over:
        # The run ended before the task had a task run: skipped as a whole, or while queued.
        view = task_view(TaskResult.CANCELED, message="The run ended before this task began.")
    shown = TaskRunView(task_key=task_key, state=view.state, status=view.status)
    return shown.model_dump(mode="json", exclude_none=True)


def history(view: RunView, task_runs: list[OpenedTaskRun]) -> tuple[RepairHistoryItem, ...]:
    """Return a run's executions; there is only the original one until repairs exist."""
    return (
        RepairHistoryItem(
            start_time=view.start_time,
            end_time=view.end_time,
            state=view.state,
            status=view.status,
            task_run_ids=tuple(task.row.task_run_id for task in task_runs),
        ),
    )
