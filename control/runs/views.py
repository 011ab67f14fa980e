"""Draws Databricks' picture of a run from its rows; pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

from control.console.links import run_page
from control.jobs.snapshots import task_of
from control.jobs.tables import SettingsSnapshot
from control.runs.reserved import NEVER_BEGAN, chosen_tasks, ids_of
from control.runs.store import OpenedTaskRun
from control.runs.tables import Run, RunExecution, TaskRun
from spec.api.runs import RepairHistoryItem, RunOverrides, RunParameter, RunView, TaskRunView
from spec.errors import Invalid
from spec.events import RunResult, StopCause
from spec.git import GitSource
from spec.ids import split_iteration
from spec.states import (
    RunLife,
    TaskResult,
    View,
    blocked_view,
    run_view,
    stopping_view,
    task_view,
    waiting_view,
)
from spec.tasks import Task


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


@dataclass(frozen=True)
class IterationStats:
    """How far the iterations of a for-each attempt are; Databricks' `task_run_stats`."""

    total: int = 0
    scheduled: int = 0
    active: int = 0
    completed: int = 0
    succeeded: int = 0
    failed: int = 0

    def shown(self) -> dict[str, dict[str, int]]:
        """Return it as the field `stats` of a for-each task."""
        return {"task_run_stats": {f"{k}_iterations": v for k, v in asdict(self).items()}}


@dataclass(frozen=True)
class Picture:
    """All rows that a run is drawn from."""

    run: Run
    snapshot: SettingsSnapshot
    task_runs: list[OpenedTaskRun]
    """Without iterations."""
    executions: list[RunExecution] = field(default_factory=list[RunExecution])
    stats: dict[int, IterationStats] = field(default_factory=dict[int, IterationStats])
    """For-each attempt → how far it is."""

    def task(self, task_key: str) -> Task | None:
        """Return one task, or what a for-each runs; None when a repair's settings lack it."""
        try:
            return task_of(self.snapshot.settings, task_key)
        except (Invalid, KeyError):
            return None

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """The settings of the tasks that the run was asked for."""
        return chosen_tasks(self.run, self.snapshot)


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
        queue_duration=between(run.created_at, run.admitted_at or run.ended_at),
        run_page_url=_page(run, public_url),
        git_source=_git_source(snapshot),
        job_version=run.job_version,
        job_parameters=_parameters(run, snapshot),
        overriding_parameters=_legacy(run),
        trigger_info=_trigger_info(run),
    )


def _page(run: Run, public_url: str, task_run_id: int | None = None) -> str:
    return run_page(public_url, run.workspace_id, run.job_id, run.run_id, task_run_id)


def _git_source(snapshot: SettingsSnapshot | None) -> GitSource | None:
    source = snapshot.settings.get("git_source") if snapshot is not None else None
    return None if source is None else GitSource.model_validate(source)


def _legacy(run: Run) -> RunOverrides | None:
    given = RunOverrides.model_validate(run.overrides).model_copy(update={"only": None})
    return given if given.model_dump(exclude_none=True) else None


def _trigger_info(run: Run) -> dict[str, Any] | None:
    if run.parent_task_run_id is not None:
        return {"run_id": run.parent_task_run_id}
    return run.trigger_info or None


def _parameters(run: Run, snapshot: SettingsSnapshot | None) -> tuple[RunParameter, ...]:
    declared: list[dict[str, str]] = snapshot.settings.get("parameters", []) if snapshot else []
    defaults = {parameter["name"]: parameter["default"] for parameter in declared}
    return tuple(
        RunParameter(name=name, default=defaults.get(name, ""), value=value)
        for name, value in run.job_parameters.items()
    )


BY_CONTROL_PLANE = ("condition_task", "run_job_task", "replay_task", "for_each_task")
"""Task types that no worker takes up: they begin when they are scheduled."""


def show_task_run(picture: Picture, task: OpenedTaskRun, public_url: str) -> dict[str, Any]:
    """Return one attempt, with the settings of its task beside."""
    row = task.row
    settings = _own_settings(picture, row)
    by_control_plane = any(name in settings for name in BY_CONTROL_PLANE)
    opened_at = row.scheduled_at if by_control_plane else task.opened_at
    view = _task_state(picture.run, row, opened_at)
    started = row.started_at or opened_at
    shown = TaskRunView(
        run_id=row.task_run_id,
        task_key=settings.get("task_key", row.task_key),
        state=view.state,
        status=view.status,
        start_time=millis(row.scheduled_at),
        end_time=millis(row.ended_at),
        setup_duration=between(row.scheduled_at, started or row.ended_at),
        execution_duration=between(started, row.work_ended_at or row.ended_at),
        cleanup_duration=between(started and row.work_ended_at, row.ended_at),
        run_duration=between(row.scheduled_at, row.ended_at),
        attempt_number=row.attempt,
        run_page_url=_page(picture.run, public_url, row.task_run_id),
    )
    return settings | shown.model_dump(mode="json", exclude_none=True) | _ended_facts(picture, row)


def _own_settings(picture: Picture, row: TaskRun) -> dict[str, Any]:
    task_key, index = split_iteration(row.task_key)
    tasks: list[dict[str, Any]] = picture.snapshot.settings.get("tasks", [])
    # A repair may have taken newer settings, in which the task is not any more.
    absent: dict[str, Any] = {"task_key": task_key}
    own = next((task for task in tasks if task["task_key"] == task_key), absent)
    if index is None:
        return own
    nested: dict[str, Any] = own.get("for_each_task", {}).get("task", own)
    return nested | {"iteration": index}


def _task_state(run: Run, row: TaskRun, opened_at: datetime | None) -> View:
    if row.result is None and run.life == RunLife.TERMINATING:
        return stopping_view()
    result, code = None if row.result is None else TaskResult(row.result), row.code
    if result is TaskResult.CANCELED:
        # Whoever stopped the work does not know for whom.
        code = "CANCELED" if run.stop_cause == StopCause.TIMEOUT else "USER_CANCELED"
    return task_view(result, opened_at is not None, row.message, code)


def _ended_facts(picture: Picture, row: TaskRun) -> dict[str, Any]:
    """Return what an attempt adds to the settings of its own task type."""
    settings = _own_settings(picture, row)
    if row.condition is not None:
        return {"condition_task": settings.get("condition_task", {}) | {"outcome": row.condition}}
    if row.task_run_id in picture.stats:
        stats = picture.stats[row.task_run_id].shown()
        return {"for_each_task": settings.get("for_each_task", {}) | {"stats": stats}}
    return {}


def show_tasks(picture: Picture, public_url: str) -> list[dict[str, Any]]:
    """Return one entry an attempt, and one for each task that waits, in the job's order."""
    run = picture.run
    attempts: dict[str, list[OpenedTaskRun]] = defaultdict(list)
    for task_run in picture.task_runs:
        attempts[task_run.row.task_key].append(task_run)
    entries: list[dict[str, Any]] = []
    over = RunLife(run.life).is_over
    reserved = ids_of(run, picture.snapshot)
    for settings in picture.tasks:
        key = settings["task_key"]
        made = attempts.get(key, [])
        entries += [show_task_run(picture, task, public_url) for task in made]
        if not made or (
            not over and is_to_come(run, picture.executions, key, made[-1].row.execution)
        ):
            number = made[-1].row.attempt + 1 if made else 0
            entries.append(
                settings | _without_attempt(run, key, number, reserved.get(key), public_url)
            )
        elif made[-1].row.retry_at is not None and not over:
            entries.append(settings | _waiting(made[-1].row))
    return entries


def is_to_come(
    run: Run, executions: Sequence[RunExecution], task_key: str, last_execution: int
) -> bool:
    """Tell whether a repair under way will run a task of which only older attempts exist."""
    chosen = executions[-1].rerun_tasks if executions else []
    return task_key in chosen and last_execution < run.execution


def _without_attempt(
    run: Run, task_key: str, number: int, task_run_id: int | None, public_url: str
) -> dict[str, Any]:
    view = blocked_view()
    if RunLife(run.life).is_over:
        # The run ended before the task had a task run: skipped as a whole, or while queued.
        view = task_view(TaskResult.CANCELED, message=NEVER_BEGAN)
    shown = TaskRunView(
        run_id=task_run_id,
        task_key=task_key,
        state=view.state,
        status=view.status,
        attempt_number=number,
        run_page_url=_page(run, public_url, task_run_id) if task_run_id is not None else "",
    )
    return shown.model_dump(mode="json", exclude_none=True)


def _waiting(last: TaskRun) -> dict[str, Any]:
    at = "" if last.retry_at is None else last.retry_at.isoformat(timespec="seconds")
    view = waiting_view(f"Attempt {last.attempt + 1} begins at {at}.")
    shown = TaskRunView(
        task_key=last.task_key,
        state=view.state,
        status=view.status,
        attempt_number=last.attempt + 1,
        retry_time=millis(last.retry_at),
    )
    return shown.model_dump(mode="json", exclude_none=True)


def history(picture: Picture, view: RunView) -> tuple[RepairHistoryItem, ...]:
    """Return a run's executions, oldest first; there is always the original one."""
    made: dict[int, list[int]] = defaultdict(list)
    for task in picture.task_runs:
        made[task.row.execution].append(task.row.task_run_id)
    past = [row for row in picture.executions if row.execution < picture.run.execution]
    items = [_past(row, tuple(made[row.execution])) for row in past]
    newest = next(
        (row for row in picture.executions if row.execution == picture.run.execution), None
    )
    items.append(
        RepairHistoryItem(
            type="REPAIR" if newest else "ORIGINAL",
            id=newest.repair_id if newest else None,
            start_time=millis(newest.created_at) if newest else view.start_time,
            end_time=view.end_time,
            state=view.state,
            status=view.status,
            task_run_ids=tuple(made[picture.run.execution]),
        )
    )
    return tuple(items)


def _past(row: RunExecution, task_run_ids: tuple[int, ...]) -> RepairHistoryItem:
    view = run_view(RunLife.ENDED, RunResult(row.result or "CANCELED"), row.message)
    return RepairHistoryItem(
        type="REPAIR" if row.execution else "ORIGINAL",
        id=row.repair_id or None,
        start_time=millis(row.created_at),
        end_time=millis(row.ended_at),
        state=view.state,
        status=view.status,
        task_run_ids=task_run_ids,
    )
