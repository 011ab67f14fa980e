"""The one place where runs come into being: API, triggers, other runs, all ask here.

One transaction holds the run's row, the pinned settings and files, the audit entry and, when the
run may start, the outbox row that makes Temporal learn of it. The job's row lock orders all
admissions of a job, so its limit holds and its queue is first in, first out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub
from control.audit import store as audit
from control.auth import Caller, caller_named
from control.jobs import store as jobs
from control.jobs.access import owner_of
from control.jobs.materials import Outside
from control.jobs.rules import runs_as
from control.jobs.snapshots import git_snapshot_of, pin, pin_again
from control.jobs.tables import Job
from control.notifications.checks import require_destinations
from control.notifications.outbox import note
from control.permissions.access import own
from control.permissions.levels import Kind
from control.permissions.objects import Target
from control.permissions.service import assign
from control.runs import quota
from control.runs.plans import chosen_tasks
from control.runs.quota import COUNTED
from control.runs.tables import OutboxKind, OutboxRow, Run
from control.transactions.lifecycle import begin_replay
from spec.api.permissions import AccessControl
from spec.api.runs import RunOverrides
from spec.errors import Invalid, NotFound
from spec.ids import run_id_at
from spec.jobs import JobSettings
from spec.occasions import Occasion
from spec.states import RunLife

FAST_PATH = timedelta(seconds=5)
"""For so long the relay leaves a start to the request that asked for it."""


@dataclass(frozen=True)
class Ask:
    """A wish for one run; either of a job or of settings that are no job."""

    job_id: int | None = None
    settings: JobSettings | None = None
    trigger: str = "ONE_TIME"
    key: str | None = None
    """Two asks of one workspace with the same key are one run, whatever else they say."""
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    overrides: RunOverrides = RunOverrides()  # noqa: RUF009 - frozen
    queue: bool | None = None
    """Overrides what the job says."""
    parent_task_run_id: int | None = None
    """The run_job task run that asks."""
    triggered_at: datetime | None = None
    """The instant that the trigger stands for."""
    trigger_info: dict[str, Any] = field(default_factory=dict[str, Any])
    access: tuple[AccessControl, ...] = ()
    """Of a run without a job: who may do what with it, beside who asks."""
    replay: "Replay | None" = None
    """The run that is to be run again; `settings` are made from its own."""


@dataclass(frozen=True)
class Replay:
    """A run that is run again."""

    run_id: int
    base_hash: str
    """The catalog commit whose tables it saw."""
    files: Mapping[str, str]
    """What it worked from: pinned path → SHA-256."""


@dataclass(frozen=True)
class Admitted:
    """What became of an ask."""

    run: Run
    repeated: bool = False
    """The run was there before, by its key."""
    outbox: OutboxRow | None = None
    """To be delivered after the commit; None when nothing is to be started now."""


async def admit(
    session: AsyncSession, caller: Caller, ask: Ask, outside: Outside | None = None
) -> Admitted:
    """Create a run, or return the one that the key already made.

    Args:
        session: The transaction.
        caller: Who asks.
        ask: For what.
        outside: What the run takes from outside the database; see `control.runs.gathering`.

    Raises:
        NotFound: there is no such job.
        Invalid: a parameter is unknown, a file is missing, or the key's run was deleted.
        JobChanged: the job's repository is another one than when `outside` was fetched.
        Forbidden: whose rights the run has is gone, or may not use what the tasks name.
    """
    if known := await find_by_key(session, caller, ask.key):
        return known
    room = await quota.room(session, caller.workspace_id)
    job = None
    if ask.job_id is not None:
        job = await jobs.get(session, caller.workspace_id, ask.job_id, lock=True)
        if known := await find_by_key(session, caller, ask.key):
            return known
    settings = ask.settings or JobSettings.model_validate(job.settings if job else {})
    if job is None:
        await require_destinations(session, caller.workspace_id, settings)
    life = await _life(session, ask, job, settings, room)
    run = await _new_run(session, caller, ask, job, settings, outside or Outside(), life)
    columns = run.model_dump(exclude_unset=False)
    made = await session.exec(
        insert(Run).values(columns).on_conflict_do_nothing().returning(col(Run.run_id))
    )
    if made.first() is None:
        # Only the key can be taken: another ask with it, of another job, was quicker.
        if known := await find_by_key(session, caller, ask.key):
            return known
        raise RuntimeError(f"run {run.run_id} could not be inserted")
    _audit(session, caller, run)
    await hub.notify(session, hub.run_topic(run.run_id))
    if ask.access:
        await own(session, caller, Kind.JOB, run.job_id)
        await assign(session, caller, Target.job(run.job_id), ask.access, replace=False)
    if ask.replay is not None:
        await begin_replay(session, run, ask.replay.run_id, ask.replay.base_hash)
    if run.life == RunLife.SKIPPED:
        limit = f"Run was skipped: the job may have {settings.max_concurrent_runs} at once."
        skipped = Occasion("ended", run.created_at, result=run.life, message=limit)
        await note(session, run, run.execution, skipped)
    outbox = None
    if run.life == RunLife.PENDING:
        outbox = await start_later(session, run, FAST_PATH)
    return Admitted(run, outbox=outbox)


async def find_by_key(session: AsyncSession, caller: Caller, key: str | None) -> Admitted | None:
    """Return the run that a key has made already.

    Raises:
        NotFound: it was deleted.
    """
    if key is None:
        return None
    query = select(Run).where(Run.workspace_id == caller.workspace_id, Run.idempotency_key == key)
    run = (await session.exec(query)).first()
    if run is None:
        return None
    if run.deleted_at is not None:
        raise NotFound(
            f"The run {run.run_id} of this idempotency token was deleted; use a new token.",
            run_id=run.run_id,
        )
    return Admitted(run, repeated=True)


async def _new_run(
    session: AsyncSession,
    caller: Caller,
    ask: Ask,
    job: Job | None,
    settings: JobSettings,
    outside: Outside,
    life: RunLife,
) -> Run:
    now = datetime.now(UTC)
    parameters = run_parameters(settings, ask.parameters)
    overrides = _overrides(settings, ask.overrides)
    run_as = runs_as(settings, await owner_of(session, job) if job else caller.user_name)
    if ask.replay is not None:
        snapshot = await pin_again(session, settings, ask.replay.files)
    else:
        runner = await runner_of(session, caller, run_as)
        snapshot = await pin(session, runner, settings, ask.overrides, outside)
    number = (await session.exec(select(func.nextval("run_numbers")))).one()
    return Run(
        run_id=run_id_at(int(number)),
        workspace_id=caller.workspace_id,
        job_id=job.job_id if job else await jobs.next_job_id(session),
        run_name=settings.name,
        run_type="JOB_RUN" if job else "SUBMIT_RUN",
        trigger=ask.trigger,
        creator=caller.user_name,
        run_as=run_as,
        idempotency_key=ask.key,
        life=life.value,
        settings_hash=snapshot.hash,
        reserved_from=0,
        job_parameters=parameters,
        overrides=overrides.model_dump(mode="json", exclude_none=True),
        parent_task_run_id=ask.parent_task_run_id,
        triggered_at=ask.triggered_at,
        trigger_info=ask.trigger_info,
        git_snapshot=git_snapshot_of(snapshot),
        job_version=job.version if job else None,
        created_at=now,
        queued_at=now if life is RunLife.QUEUED else None,
        admitted_at=now if life is RunLife.PENDING else None,
        ended_at=now if life is RunLife.SKIPPED else None,
    )


async def runner_of(session: AsyncSession, caller: Caller, run_as: str) -> Caller:
    """Return whose rights a run has, with those rights.

    Raises:
        Forbidden: there is no such user or service principal any more.
    """
    if caller.principal_id and caller.user_name == run_as:
        return caller
    return await caller_named(session, caller.workspace_id, run_as)


def _overrides(settings: JobSettings, given: RunOverrides) -> RunOverrides:
    if given.only is None:
        return given
    try:
        return given.model_copy(update={"only": chosen_tasks(settings, given.only)})
    except ValueError as error:
        raise Invalid(str(error)) from None


def run_parameters(
    settings: JobSettings, given: dict[str, str], earlier: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return every job parameter's value: what was given, else what it had, else its default.

    Raises:
        Invalid: one was given that the job does not declare.
    """
    declared = {parameter.name: parameter.default for parameter in settings.parameters}
    if unknown := sorted(given.keys() - declared.keys()):
        has = f"it has {', '.join(sorted(declared))}" if declared else "it has none"
        raise Invalid(
            f"job '{settings.name}' has no parameter {', '.join(map(repr, unknown))}; {has}"
        )
    kept = {name: value for name, value in (earlier or {}).items() if name in declared}
    return declared | kept | given


async def _life(
    session: AsyncSession, ask: Ask, job: Job | None, settings: JobSettings, room: int | None
) -> RunLife:
    by_job = await _life_by_job(session, ask, job, settings)
    is_full = room == 0 and ask.parent_task_run_id is None
    # A workspace's quota makes runs wait, whether or not their job has a queue.
    return RunLife.QUEUED if is_full and by_job is RunLife.PENDING else by_job


async def _life_by_job(
    session: AsyncSession, ask: Ask, job: Job | None, settings: JobSettings
) -> RunLife:
    if job is None:
        return RunLife.PENDING
    if settings.max_concurrent_runs == 0:
        return RunLife.SKIPPED
    if not await at_limit(session, job.job_id, settings):
        return RunLife.PENDING
    by_job = settings.queue.enabled if settings.queue else job.queues_by_default
    return RunLife.QUEUED if (by_job if ask.queue is None else ask.queue) else RunLife.SKIPPED


async def at_limit(session: AsyncSession, job_id: int, settings: JobSettings) -> bool:
    """Tell whether another run of the job would have to wait; the job's row must be locked."""
    lives = await _lives(session, job_id)
    active = sum(lives.get(life, 0) for life in COUNTED)
    return active >= settings.max_concurrent_runs or bool(lives.get(RunLife.QUEUED))


async def _lives(session: AsyncSession, job_id: int) -> dict[RunLife, int]:
    query = (
        select(col(Run.life), func.count())
        .where(Run.job_id == job_id)
        .where(text("life IN ('QUEUED', 'PENDING', 'RUNNING', 'TERMINATING')"))
        .group_by(col(Run.life))
    )
    return {RunLife(life): count for life, count in (await session.exec(query)).all()}


async def release(session: AsyncSession, workspace_id: int, job_id: int) -> None:
    """Let queued runs of a job start, oldest first, as far as its limit allows now.

    Called whenever a run ends or the limit changes, in that transaction. Where the workspace has a
    quota, the place goes to whatever job has waited longest.
    """
    room = await quota.room(session, workspace_id)
    if room:
        await release_queued(session, workspace_id)
        room = 0
    await _release(session, job_id, room)


async def release_queued(session: AsyncSession, workspace_id: int) -> None:
    """Let queued runs of a workspace start, as far as its quota and their jobs allow now."""
    room = await quota.room(session, workspace_id)
    for job_id in await quota.waiting_jobs(session, workspace_id):
        if room == 0:
            return
        started = await _release(session, job_id, room)
        if room is not None:
            room -= sum(run.parent_task_run_id is None for run in started)


async def _release(session: AsyncSession, job_id: int, room: int | None) -> list[Run]:
    """Let queued runs of one job start; with `room`, so many at most that count for a quota."""
    job = await jobs.lock_any(session, job_id)
    if job is not None and job.deleted_at is not None:
        return []
    lives = await _lives(session, job_id)
    # Without a job it is one run, which its workspace's quota made wait.
    limit = JobSettings.model_validate(job.settings).max_concurrent_runs if job else 1
    free = limit - sum(lives.get(life, 0) for life in COUNTED)
    if free <= 0 or not lives.get(RunLife.QUEUED):
        return []
    query = (
        select(Run)
        .where(Run.job_id == job_id, Run.life == RunLife.QUEUED.value)
        .order_by(col(Run.queued_at), col(Run.run_id))
        .limit(free)
        # Whoever cancels one of them at this moment keeps it; waiting here could wait in a circle.
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    waiting = _within(list((await session.exec(query)).all()), room)
    for run in waiting:
        run.life, run.queued_at = RunLife.PENDING.value, None
        # A repair that had to wait does not change how long the run itself did.
        run.admitted_at = run.admitted_at or datetime.now(UTC)
        session.add(run)
        await start_later(session, run, timedelta(0))
        await hub.notify(session, hub.run_topic(run.run_id))
    return waiting


def _within(runs: list[Run], room: int | None) -> list[Run]:
    """Return the runs that a quota has room for; those that other runs wait for do not count."""
    if room is None:
        return runs
    counted = [run.run_id for run in runs if run.parent_task_run_id is None][:room]
    return [run for run in runs if run.parent_task_run_id is not None or run.run_id in counted]


async def start_later(session: AsyncSession, run: Run, after: timedelta) -> OutboxRow:
    """Note that Temporal has to start this run; the relay takes it up when `after` has passed."""
    row = OutboxRow(
        run_id=run.run_id, kind=OutboxKind.START.value, not_before=datetime.now(UTC) + after
    )
    session.add(row)
    await session.flush()
    if not after:
        await hub.notify(session, hub.OUTBOX)
    return row


def _audit(session: AsyncSession, caller: Caller, run: Run) -> None:
    audit.record(
        session,
        caller,
        "run.created",
        "run",
        run.run_id,
        job_id=run.job_id,
        life=run.life,
        trigger=run.trigger,
        parameters=run.job_parameters,
    )
