"""Repairs: an ended run goes on as a new execution that keeps what went well."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub
from control.audit import store as audit
from control.auth import Caller
from control.jobs import store as jobs
from control.jobs.materials import Outside
from control.jobs.snapshots import git_snapshot_of, pin
from control.jobs.tables import SettingsSnapshot
from control.permissions.levels import Level
from control.runs import quota, store
from control.runs.access import permitted
from control.runs.admission import (
    FAST_PATH,
    at_limit,
    run_parameters,
    runner_of,
    start_later,
)
from control.runs.anew import void_until
from control.runs.plans import dependents, reach
from control.runs.reserved import ids_of
from control.runs.tables import ForEachRun, OutboxRow, Run, RunExecution, TaskRun
from control.transactions import lifecycle
from control.transactions import store as transactions
from spec.api.runs import RepairRun, RunOverrides
from spec.errors import Invalid
from spec.ids import is_task_run, run_of
from spec.jobs import JobSettings
from spec.plans import Prior, TaskPhase
from spec.states import RunLife, TaskResult

_NEEDS_LATEST = "The latest repair ID needs to be provided in order to create a new repair"
_FINE = (TaskPhase.SUCCESS, TaskPhase.EXCLUDED, TaskPhase.DISABLED)


async def settings_to_gather(
    session: AsyncSession, caller: Caller, request: RepairRun
) -> JobSettings | None:
    """Return the settings that a repair takes anew; None when it keeps those of the run.

    Raises:
        NotFound: there is no such run.
        Forbidden: the caller may not run its job.
    """
    run = await permitted(session, caller, run_of(request.run_id), Level.CAN_MANAGE_RUN)
    job = await jobs.find(session, caller.workspace_id, run.job_id)
    if request.openlake_settings == "ORIGINAL" or job is None:
        return None
    return JobSettings.model_validate(job.settings)


async def repair(
    session: AsyncSession, caller: Caller, request: RepairRun, outside: Outside | None = None
) -> tuple[int, OutboxRow | None]:
    """Make the next execution of a run; it waits in the job's queue when the job is at its limit.

    It takes the job's settings of now, as Databricks does, or those that the run began with.

    Args:
        session: The transaction.
        caller: Who asks.
        request: For what.
        outside: What the settings take from outside; see `settings_to_gather`.

    Returns:
        The repair's id, and what has to be delivered after the commit.

    Raises:
        NotFound: there is no such run.
        Invalid: the run has not ended, an earlier repair is not named, nothing is to run, or what
            the run wrote as a transaction is gone.
    """
    room = await quota.room(session, caller.workspace_id)
    run = await _lock(session, caller, request.run_id)
    past = await store.executions(session, [run.run_id])
    _check(run, past, request)
    settings, snapshot, version = await _settings(session, caller, run, request, outside)
    attempts = await store.task_runs(session, [run.run_id])
    newest = {task.row.task_key: task.row for task in attempts}
    chosen = rerun_tasks(
        settings,
        newest,
        request,
        must=await _must(session, run, settings, newest),
        may_be_none=await _may_be_none(session, run, settings),
    )
    await lifecycle.reopen(session, run.run_id)
    if not past:
        session.add(_of_original(run))
    else:
        _close(past[-1], run)
        session.add(past[-1])
    number = int((await session.exec(select(func.nextval("run_numbers")))).one())
    parameters = run_parameters(settings, request.job_parameters, run.job_parameters)
    made = RunExecution(
        run_id=run.run_id,
        execution=run.execution + 1,
        repair_id=number,
        settings_hash=snapshot.hash,
        job_version=version,
        job_parameters=parameters,
        overrides=_overrides(run, request),
        prior=_priors(settings, newest, chosen),
        first_ordinal=await _last_ordinal(session, run),
        rerun_tasks=list(chosen),
        creator=caller.user_name,
        created_at=datetime.now(UTC),
    )
    session.add(made)
    run.git_snapshot = git_snapshot_of(snapshot)
    run.reserved_from = made.first_ordinal
    await _reopen(session, run, made, settings, room)
    audit.record(
        session,
        caller,
        "run.repaired",
        "run",
        run.run_id,
        repair_id=number,
        tasks=list(chosen),
        parameters=request.job_parameters,
    )
    await session.flush()
    pending = run.life == RunLife.PENDING
    return number, await start_later(session, run, FAST_PATH) if pending else None


async def _lock(session: AsyncSession, caller: Caller, run_id: int) -> Run:
    if is_task_run(run_id):
        raise Invalid(f"{run_id} is the run of one task; repair its job run.")
    run = await permitted(session, caller, run_id, Level.CAN_MANAGE_RUN)
    # The job first, as admission and the projection do: so nobody waits in a circle.
    await jobs.lock_any(session, run.job_id)
    return await store.get(session, caller.workspace_id, run_id, lock=True)


def _check(run: Run, past: list[RunExecution], request: RepairRun) -> None:
    if not RunLife(run.life).is_over:
        raise Invalid(f"Run {run.run_id} is still active; only a run that has ended is repaired.")
    if past and request.latest_repair_id is None:
        raise Invalid(_NEEDS_LATEST)
    latest = past[-1].repair_id if past else None
    if request.latest_repair_id is not None and request.latest_repair_id != latest:
        raise Invalid(
            f"{request.latest_repair_id} is not the latest repair of run {run.run_id}; it is"
            f" {latest or 'not repaired yet: leave latest_repair_id out'}"
        )


async def _settings(
    session: AsyncSession, caller: Caller, run: Run, request: RepairRun, outside: Outside | None
) -> tuple[JobSettings, SettingsSnapshot, int | None]:
    """Return what the repair works from, and which version of the job that is."""
    job = await jobs.find(session, caller.workspace_id, run.job_id)
    if request.openlake_settings == "ORIGINAL" or job is None:
        first = await session.get(RunExecution, (run.run_id, 0)) or run
        snapshot = await store.snapshot(session, first.settings_hash)
        return JobSettings.model_validate(snapshot.settings), snapshot, first.job_version
    settings = JobSettings.model_validate(job.settings)
    overrides = RunOverrides.model_validate(_overrides(run, request))
    runner = await runner_of(session, caller, run.run_as or run.creator)
    snapshot = await pin(session, runner, settings, overrides, outside)
    return settings, snapshot, job.version


async def _must(
    session: AsyncSession, run: Run, settings: JobSettings, newest: dict[str, TaskRun]
) -> set[str]:
    """Return the tasks whose work is not on the run's branch any more, though they succeeded."""
    void = await void_until(session, run.run_id, settings)
    return {key for key, last in void.items() if key in newest and newest[key].task_run_id <= last}


async def _may_be_none(session: AsyncSession, run: Run, settings: JobSettings) -> bool:
    """Tell whether a repair without tasks makes sense: it asks to publish again.

    Raises:
        Invalid: the run is a transaction, and by the settings the repair would write to main.
    """
    transaction = await transactions.newest(session, run.run_id)
    if transaction is None:
        return False
    if settings.publish is None:
        raise Invalid(
            f"Run {run.run_id} is a transaction, but the job's settings have no 'publish' any more;"
            " repair it with the settings it began with (openlake_settings ORIGINAL)."
        )
    return transaction.published_hash is None


def rerun_tasks(
    settings: JobSettings,
    newest: dict[str, TaskRun],
    request: RepairRun,
    must: Collection[str] = (),
    may_be_none: bool = False,
) -> tuple[str, ...]:
    """Return the keys of the tasks that a repair runs again, in the job's order.

    Args:
        settings: What the repair works from.
        newest: Task key → its newest attempt.
        request: What was asked for.
        must: Tasks that run again whatever was asked for.
        may_be_none: There is something to do even if no task has to run.

    Raises:
        Invalid: a task is unknown, or nothing is left to run.
    """
    keys = [task.task_key for task in settings.tasks]
    chosen = set(request.rerun_tasks or ())
    if unknown := sorted(chosen - set(keys)):
        raise Invalid(f"rerun_tasks names {', '.join(unknown)}, which the job has no tasks for")
    if request.rerun_all_failed_tasks:
        chosen = {key for key in keys if key not in newest or phase_of(newest[key]) not in _FINE}
    if request.rerun_dependent_tasks:
        downstream = dependents(settings)
        for key in tuple(chosen):
            chosen |= reach(key, downstream)
    chosen |= set(must)
    if not chosen and not may_be_none:
        raise Invalid("There is nothing to repair: no task failed. Name tasks in rerun_tasks.")
    return tuple(key for key in keys if key in chosen)


def phase_of(row: TaskRun) -> TaskPhase:
    """Return how a task stands whose newest attempt has ended."""
    if row.result is None:
        return TaskPhase.CANCELED
    result = TaskResult(row.result)
    if result in (TaskResult.LOST, TaskResult.CONFLICT):
        return TaskPhase.FAILED
    return TaskPhase(result.value)


def _priors(
    settings: JobSettings, newest: dict[str, TaskRun], chosen: tuple[str, ...]
) -> dict[str, Any]:
    priors: dict[str, Any] = {}
    for task in settings.tasks:
        row = newest.get(task.task_key)
        attempts = row.attempt + 1 if row else 0
        if task.task_key in chosen:
            prior = Prior(attempts=attempts)
        elif row is None:
            # New in the job's settings, and not asked for.
            prior = Prior(phase=TaskPhase.EXCLUDED)
        else:
            prior = Prior(phase=phase_of(row), attempts=attempts, condition=row.condition)
        priors[task.task_key] = prior.model_dump(mode="json")
    return priors


async def _last_ordinal(session: AsyncSession, run: Run) -> int:
    used = select(func.max(TaskRun.task_run_id)).where(TaskRun.run_id == run.run_id)
    for_loops = select(func.max(ForEachRun.last_ordinal)).where(ForEachRun.run_id == run.run_id)
    reserved = ids_of(run, await store.snapshot(session, run.settings_hash))
    ids = [(await session.exec(used)).one() or run.run_id, *reserved.values()]
    return max(max(ids) - run.run_id, (await session.exec(for_loops)).one() or 0)


def _overrides(run: Run, request: RepairRun) -> dict[str, Any]:
    given = RunOverrides(**request.model_dump(include=set(RunOverrides.model_fields) - {"only"}))
    kept = dict(run.overrides)
    # What is repaired is named by the request, from all of the job's tasks.
    kept.pop("only", None)
    return kept | given.model_dump(mode="json", exclude_none=True)


def _of_original(run: Run) -> RunExecution:
    row = RunExecution(
        run_id=run.run_id,
        execution=0,
        repair_id=0,
        settings_hash=run.settings_hash,
        job_version=run.job_version,
        job_parameters=run.job_parameters,
        overrides=run.overrides,
        creator=run.creator,
        created_at=run.created_at,
    )
    _close(row, run)
    return row


def _close(row: RunExecution, run: Run) -> None:
    """Keep what the run's row says of its newest execution."""
    row.started_at, row.ended_at = run.started_at, run.ended_at
    row.result, row.message = run.result, run.message


async def _reopen(
    session: AsyncSession, run: Run, made: RunExecution, settings: JobSettings, room: int | None
) -> None:
    is_full = room == 0 and run.parent_task_run_id is None
    waits = is_full or await at_limit(session, run.job_id, settings)
    now = datetime.now(UTC)
    run.execution = made.execution
    run.settings_hash, run.job_version = made.settings_hash, made.job_version
    run.job_parameters, run.overrides = made.job_parameters, made.overrides
    run.life = (RunLife.QUEUED if waits else RunLife.PENDING).value
    run.queued_at = now if waits else None
    run.result = run.stop_cause = run.started_at = run.ended_at = None
    run.message = ""
    session.add(run)
    await hub.notify(session, hub.run_topic(run.run_id))
