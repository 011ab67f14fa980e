"""What may be done to runs."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from control import paging
from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.jobs import rules
from control.jobs import store as jobs
from control.permissions.access import require, require_admin
from control.permissions.levels import Kind, Level
from control.runs import ending, outbox, store
from control.runs import repair as repairs
from control.runs.access import permitted, permitted_task, visible_runs
from control.runs.admission import Admitted, Ask
from control.runs.gathering import admit_gathered, transact
from control.runs.pictures import picture, pictures
from control.runs.resolved import resolved_values
from control.runs.store import OpenedTaskRun
from control.runs.tables import Run, TaskRun
from control.runs.views import Picture, history, show_run, show_task_run, show_tasks
from control.triggers.service import is_continuous
from spec.api.jobs import PAGE
from spec.api.permissions import AccessControl
from spec.api.runs import (
    CancelAll,
    ListRuns,
    RepairRun,
    RunList,
    RunNow,
    RunOverrides,
    RunView,
    SubmitRun,
)
from spec.api.states import RunState, RunStatus
from spec.errors import Invalid
from spec.ids import is_task_run, run_of
from spec.jobs import JobSettings
from spec.states import RunLife

MOST_LISTED = 100


async def run_now(deps: Deps, caller: Caller, request: RunNow) -> Run:
    """Run a job; asked again with the same idempotency token, return the same run.

    Raises:
        Forbidden: the caller may not run the job, or whose rights the run has may not use what its
            tasks name.
        OpenLakeError: see `control.runs.admission.admit`.
    """
    overrides = RunOverrides(**request.model_dump(include=set(RunOverrides.model_fields)))
    ask = Ask(
        job_id=request.job_id,
        key=_key(request.idempotency_token),
        parameters=request.job_parameters,
        overrides=overrides,
        queue=request.queue.enabled if request.queue else None,
    )
    async with deps.database.read_session() as session:
        if await jobs.find(session, caller.workspace_id, request.job_id) is not None:
            await require(session, caller, Kind.JOB, request.job_id, Level.CAN_MANAGE_RUN)
        is_restart = await is_continuous(session, caller.workspace_id, request.job_id)
    if not is_restart:
        return await _admit(deps, caller, ask)
    run = await _admit(deps, caller, replace(ask, trigger="CONTINUOUS_RESTART", queue=True))
    await _cancel_active(deps, caller, run.job_id, before=run.run_id)
    return run


async def submit(deps: Deps, caller: Caller, request: SubmitRun) -> Run:
    """Run tasks that are no job."""
    shared = set(SubmitRun.model_fields) & set(JobSettings.model_fields)
    given = request.model_dump(include=shared, exclude_unset=True)
    settings = JobSettings.model_validate({"name": request.run_name, **given})
    access = request.access_control_list
    return await submit_settings(deps, caller, settings, request.idempotency_token, access)


async def submit_settings(
    deps: Deps,
    caller: Caller,
    settings: JobSettings,
    idempotency_token: str | None = None,
    access: tuple[AccessControl, ...] = (),
) -> Run:
    """Run these settings once, as no job's; `access` says who else may do what with the run."""
    async with deps.database.read_session() as session:
        await rules.check(deps, session, caller, settings)
    ask = Ask(settings=settings, key=_key(idempotency_token), access=access)
    return await _admit(deps, caller, ask)


def _key(token: str | None) -> str | None:
    return f"token:{token}" if token else None


async def _admit(deps: Deps, caller: Caller, ask: Ask) -> Run:
    admitted = await admit_gathered(deps, caller, ask)
    _count(deps, admitted)
    if admitted.outbox is not None:
        await outbox.deliver_now(deps.database, deps.launcher, admitted.outbox)
    return admitted.run


def _count(deps: Deps, admitted: Admitted) -> None:
    outcome = "repeated" if admitted.repeated else admitted.run.life
    deps.metrics.admissions.labels(outcome).inc()


async def get(
    deps: Deps,
    caller: Caller,
    any_id: int,
    page_token: str | None,
    *,
    include_history: bool = False,
    include_resolved_values: bool = False,
) -> RunView:
    """Return a run, or the run of one task, with its tasks by pages of 100."""
    offset = paging.integer(paging.decode(page_token), "offset") or 0
    async with deps.database.read_session() as session:
        run = await permitted(session, caller, run_of(any_id))
        if is_task_run(any_id):
            row = await store.task_run(session, caller.workspace_id, any_id)
            return await _one_task(deps, session, run, row, offset, include_resolved_values)
        drawn = await picture(session, run)
        tasks = show_tasks(drawn, deps.public_url)
        if include_resolved_values:
            await _add_resolved(deps, session, drawn, tasks[offset : offset + PAGE])
    more = len(tasks) > offset + PAGE
    view = show_run(run, drawn.snapshot, deps.public_url)
    return view.model_copy(
        update={
            "repair_history": history(drawn, view) if include_history else None,
            "tasks": tuple(tasks[offset : offset + PAGE]),
            "next_page_token": paging.encode(offset=offset + PAGE) if more else None,
        }
    )


async def _add_resolved(
    deps: Deps, session: AsyncSession, drawn: Picture, entries: list[dict[str, Any]]
) -> None:
    rows = {task.row.task_run_id: task.row for task in drawn.task_runs}
    for entry in entries:
        row = rows.get(entry.get("run_id", 0))
        if row is not None:
            values = await resolved_values(session, drawn, row, deps.public_url)
            entry["resolved_values"] = values


async def _one_task(
    deps: Deps, session: AsyncSession, run: Run, row: TaskRun, offset: int, resolved: bool
) -> RunView:
    drawn = await picture(session, run)
    whole = show_run(run, None, deps.public_url)
    opened = await store.opened_task_run(session, row.task_run_id)
    entry = None
    if opened is None:
        # It waits: so it is shown among the tasks of its run.
        tasks = show_tasks(drawn, deps.public_url)
        entry = next((task for task in tasks if task.get("run_id") == row.task_run_id), None)
    if entry is None:
        entry = show_task_run(drawn, opened or OpenedTaskRun(row, None), deps.public_url)
    if resolved and opened is not None:
        entry["resolved_values"] = await resolved_values(session, drawn, row, deps.public_url)
    iterations: list[dict[str, object]] | None = None
    if "for_each_task" in entry:
        found = await store.iterations(session, row, offset, PAGE + 1)
        iterations = [show_task_run(drawn, each, deps.public_url) for each in found]
    more = len(iterations or []) > PAGE
    durations = tuple(f"{what}_duration" for what in ("run", "setup", "execution", "cleanup"))
    times = ("start_time", "end_time", *durations)
    return whole.model_copy(
        update={
            "run_id": row.task_run_id,
            "number_in_job": row.task_run_id,
            "job_run_id": run.run_id,
            "original_attempt_run_id": await store.first_attempt(session, row),
            "run_name": entry["task_key"],
            "state": RunState.model_validate(entry["state"]),
            "status": RunStatus.model_validate(entry["status"]),
            "attempt_number": entry["attempt_number"],
            "run_page_url": entry["run_page_url"],
            "tasks": (entry,),
            "iterations": None if iterations is None else tuple(iterations[:PAGE]),
            "next_page_token": paging.encode(offset=offset + PAGE) if more else None,
            **{name: entry[name] for name in times},
        }
    )


async def list_runs(deps: Deps, caller: Caller, query: ListRuns) -> RunList:
    """Return one page of runs, newest first."""
    place, limit = paging.place_of(query.page_token), query.limit or MOST_LISTED
    which = store.Filter(
        job_id=query.job_id,
        active_only=query.active_only,
        completed_only=query.completed_only,
        run_type=query.run_type,
        started_from=_instant(query.start_time_from),
        started_to=_instant(query.start_time_to),
    )
    async with deps.database.read_session() as session:
        rows = await store.page(
            session,
            caller.workspace_id,
            which,
            limit=limit + 1,
            below=place.below,
            above=place.above,
            offset=query.offset if place.is_start else 0,
            visible=visible_runs(caller),
        )
        page = paging.cut(rows, limit, place, lambda run: run.run_id)
        shown = await _shown(deps, session, page.rows, expand=query.expand_tasks)
    return RunList(
        runs=tuple(shown),
        has_more=page.next_token is not None,
        next_page_token=page.next_token,
        prev_page_token=page.previous_token,
    )


async def _shown(
    deps: Deps, session: AsyncSession, runs: list[Run], *, expand: bool
) -> list[RunView]:
    snapshots = await store.snapshots(session, {run.settings_hash for run in runs})
    views = [show_run(run, snapshots[run.settings_hash], deps.public_url) for run in runs]
    if not expand or not runs:
        return views
    return [
        view.model_copy(update={"tasks": tuple(show_tasks(drawn, deps.public_url)[:PAGE])})
        for drawn, view in zip(await pictures(session, runs), views, strict=True)
    ]


def _instant(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000, UTC)


async def repair(deps: Deps, caller: Caller, request: RepairRun) -> int:
    """Let an ended run go on with some of its tasks; return the repair's id."""
    repair_id, row = await transact(
        deps,
        lambda session: repairs.settings_to_gather(session, caller, request),
        lambda session, outside: repairs.repair(session, caller, request, outside),
    )
    if row is not None:
        await outbox.deliver_now(deps.database, deps.launcher, row)
    return repair_id


async def cancel(deps: Deps, caller: Caller, any_id: int) -> None:
    """Ask a run, or one task run, to stop; what is over is left as it is."""
    async with deps.database.session() as session:
        if is_task_run(any_id):
            task = await permitted_task(session, caller, any_id, Level.CAN_MANAGE_RUN)
            run = await store.get(session, caller.workspace_id, task.run_id)
            row = await ending.cancel_task(session, run, task, caller.user_name)
        else:
            run = await permitted(session, caller, any_id, Level.CAN_MANAGE_RUN, lock=True)
            row = await ending.cancel(session, run, caller.user_name)
        audit.record(session, caller, "run.cancel_requested", "run", any_id)
    if row is not None:
        await outbox.deliver_now(deps.database, deps.launcher, row)


async def cancel_all(deps: Deps, caller: Caller, request: CancelAll) -> None:
    """Ask every run of a job, or of the workspace, to stop."""
    if request.job_id is None and not request.all_queued_runs:
        raise Invalid("cancel-all needs 'job_id', or 'all_queued_runs': true for the workspace.")
    async with deps.database.session() as session:
        if request.job_id is None:
            require_admin(caller, "cancel all queued runs of the workspace")
        elif await jobs.find(session, caller.workspace_id, request.job_id) is not None:
            await require(session, caller, Kind.JOB, request.job_id, Level.CAN_MANAGE_RUN)
        await ending.cancel_queued(session, caller.workspace_id, request.job_id)
        audit.record(
            session,
            caller,
            "run.all_cancel_requested",
            "job",
            request.job_id or "*",
            queued_only=request.all_queued_runs,
        )
    if request.job_id is not None and not request.all_queued_runs:
        await _cancel_active(deps, caller, request.job_id)


async def _cancel_active(
    deps: Deps, caller: Caller, job_id: int, before: int | None = None
) -> None:
    """Cancel the active runs of a job; with `before`, only those with smaller ids."""
    query = select(Run).where(Run.workspace_id == caller.workspace_id, Run.job_id == job_id)
    if before is not None:
        query = query.where(Run.run_id < before)
    async with deps.database.session() as session:
        active = (await session.exec(query.where(store.ACTIVE).with_for_update())).all()
        rows = [await ending.cancel(session, run, caller.user_name) for run in active]
    for row in filter(None, rows):
        await outbox.deliver_now(deps.database, deps.launcher, row)


async def delete(deps: Deps, caller: Caller, run_id: int) -> None:
    """Delete a run that is over; its events and lineage stay.

    Raises:
        Invalid: it is still active.
    """
    async with deps.database.session() as session:
        run = await permitted(session, caller, run_id, Level.CAN_MANAGE, lock=True)
        if not RunLife(run.life).is_over:
            raise Invalid(f"Run {run_id} is still active; cancel it first.")
        run.deleted_at = datetime.now(UTC)
        audit.record(session, caller, "run.deleted", "run", run_id)
