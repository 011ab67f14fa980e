"""A job's matrix, tasks × runs, and one run's timeline: what the console draws."""

from typing import Any

from sqlalchemy import true

from control import paging
from control.auth import Caller
from control.deps import Deps
from control.jobs import access as jobs
from control.permissions.levels import Level
from control.runs import store
from control.runs.access import permitted
from control.runs.glances import (
    WAITS,
    Glance,
    glances,
    in_order,
    instant,
    span,
    taken_up_at,
    type_of,
)
from control.runs.store import AttemptFacts, Iterations
from control.runs.views import millis
from spec.api.overview import (
    JobMatrix,
    MatrixCell,
    MatrixRun,
    MatrixTask,
    RunTimeline,
    TimelineAttempt,
    TimelineIterations,
    TimelineTask,
)
from spec.events import RunResult
from spec.states import RunLife, TaskResult, run_word, task_word


async def matrix(
    deps: Deps, caller: Caller, job_id: int, limit: int, page_token: str | None
) -> JobMatrix:
    """Return one page of a job's matrix, newest run first."""
    place = paging.place_of(page_token)
    async with deps.database.read_session() as session:
        await jobs.permitted(session, caller, job_id, Level.CAN_VIEW)
        rows = await store.page(
            session,
            caller.workspace_id,
            store.Filter(job_id=job_id),
            limit=limit + 1,
            below=place.below,
            # Who may see a job may see all its runs.
            visible=true(),
        )
        drawn = await glances(session, rows[:limit])
    page = paging.cut(rows, limit, place, lambda run: run.run_id)
    return JobMatrix(
        tasks=_rows(drawn),
        runs=tuple(_column(each) for each in drawn),
        next_page_token=page.next_token,
    )


def _rows(drawn: list[Glance]) -> tuple[MatrixTask, ...]:
    types: dict[str, str] = {}
    seen: set[str] = set()
    for each in drawn:
        if each.snapshot.hash not in seen:
            seen.add(each.snapshot.hash)
            for task in in_order(each.snapshot.settings.get("tasks", [])):
                types.setdefault(task["task_key"], type_of(task))
    return tuple(MatrixTask(task_key=key, task_type=kind) for key, kind in types.items())


def _column(drawn: Glance) -> MatrixRun:
    run = drawn.run
    return MatrixRun(
        run_id=run.run_id,
        state=run_word(RunLife(run.life), None if run.result is None else RunResult(run.result)),
        start_time=millis(run.created_at),
        end_time=instant(run.ended_at),
        queue_duration=span(run.created_at, run.admitted_at or run.ended_at),
        run_duration=span(run.created_at, run.ended_at),
        trigger=run.trigger,
        number_in_job=run.run_id,
        cells=tuple(_cell(drawn, task) for task in drawn.tasks),
    )


def _cell(drawn: Glance, task: dict[str, Any]) -> MatrixCell:
    key = task["task_key"]
    made = drawn.attempts.get(key, [])
    last = made[-1] if made else None
    return MatrixCell(
        task_key=key,
        task_run_id=last.task_run_id if last is not None else drawn.reserved.get(key),
        state=drawn.state_of(task),
        duration=None if last is None else span(last.scheduled_at, last.ended_at),
        attempts=len(made),
    )


async def timeline(deps: Deps, caller: Caller, run_id: int) -> RunTimeline:
    """Return when each attempt of each task of a run waited, began and ended."""
    async with deps.database.read_session() as session:
        run = await permitted(session, caller, run_id)
        (drawn,) = await glances(session, [run])
        loops = {
            each["task_key"]: drawn.attempts[each["task_key"]][-1].task_run_id
            for each in drawn.tasks
            if "for_each_task" in each and each["task_key"] in drawn.attempts
        }
        found = await store.iteration_results(session, loops.values()) if loops else {}
    return RunTimeline(
        run_id=run.run_id,
        created_at=millis(run.created_at),
        started_at=instant(run.started_at),
        ended_at=instant(run.ended_at),
        tasks=tuple(
            _task(drawn, each, found.get(loops.get(each["task_key"], 0))) for each in drawn.tasks
        ),
    )


def _task(drawn: Glance, task: dict[str, Any], iterations: Iterations | None) -> TimelineTask:
    key = task["task_key"]
    return TimelineTask(
        task_key=key,
        task_type=type_of(task),
        depends_on=tuple(each["task_key"] for each in task.get("depends_on", ())),
        attempts=tuple(_attempt(drawn, task, each) for each in drawn.attempts.get(key, [])),
        iterations=None if iterations is None else _iterations(iterations, drawn.is_over),
    )


def _attempt(drawn: Glance, task: dict[str, Any], attempt: AttemptFacts) -> TimelineAttempt:
    return TimelineAttempt(
        task_run_id=attempt.task_run_id,
        attempt_number=attempt.attempt,
        state=drawn.state_of_attempt(task, attempt),
        queued_at=millis(attempt.scheduled_at),
        started_at=instant(taken_up_at(task, attempt)),
        execution_started_at=instant(attempt.started_at),
        execution_ended_at=instant(attempt.work_ended_at),
        ended_at=instant(attempt.ended_at),
    )


def _iterations(found: Iterations, is_over: bool) -> TimelineIterations:
    by_state: dict[str, int] = {}

    def count(state: str, number: int) -> None:
        if number:
            by_state[state] = by_state.get(state, 0) + number

    count(TaskResult.SUCCESS.value, found.kept)
    for (result, waits), number in found.begun.items():
        state = task_word(None if result is None else TaskResult(result), opened=True)
        count(WAITS if waits and not is_over else state, number)
    left = found.total - found.kept - sum(found.begun.values())
    count(TaskResult.CANCELED.value if is_over else "PENDING", left)
    return TimelineIterations(total=found.total, by_state=by_state)
