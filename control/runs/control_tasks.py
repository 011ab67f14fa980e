"""The tasks that the control plane does itself: conditions, for-each inputs, other jobs' runs."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from pydantic import JsonValue
from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError

from control import hub
from control.auth import caller_named
from control.deps import Deps
from control.heartbeats import beating
from control.jobs import store as jobs
from control.jobs.access import permitted as permitted_job
from control.jobs.materials import Outside
from control.jobs.tables import SettingsSnapshot
from control.permissions.levels import Level
from control.replays.plan import replay_settings
from control.replays.written import base_of
from control.runs import ending, outbox
from control.runs.access import permitted
from control.runs.admission import Admitted, Ask, Replay, admit
from control.runs.anew import void_until
from control.runs.context import read_task
from control.runs.for_each import done_before, keep_inputs, read_inputs, spans
from control.runs.gathering import settings_of, transact
from control.runs.tables import ForEachRun, Run, TaskOutput, TaskRun
from spec.api.runs import RunOverrides
from spec.attempts import AttemptOutcome, AttemptOutput, AttemptResult, TaskRef
from spec.conditions import holds
from spec.errors import Invalid, OpenLakeError
from spec.events import RunResult
from spec.jobs import JobSettings
from spec.plans import Expansion
from spec.references import Context, resolve
from spec.states import RunLife
from spec.tasks import Task

MOST_NESTED_RUNS = 3
"""A run_job task's run may itself run another job, so deep (Databricks' limit)."""


class ControlTasks:
    """The activities `judge`, `expand` and `run_child` of `spec.ports`."""

    def __init__(self, deps: Deps) -> None:
        """See class."""
        self._deps = deps

    @activity.defn(name="judge")
    async def judge(self, ref: TaskRef) -> AttemptOutcome:
        """See `spec.ports.judge`."""
        began = datetime.now(UTC)
        _, task, context = await self._read(ref)
        condition = task.condition_task
        if condition is None:
            raise _refused(f"task '{ref.task_key}' is no condition_task")
        left, right = _resolve(condition.left, context), _resolve(condition.right, context)
        try:
            outcome = "true" if holds(condition.op, left, right) else "false"
        except ValueError as error:
            return _failed(str(error))
        return AttemptOutcome(
            result=AttemptResult.SUCCESS,
            condition=outcome,
            message=f"{left} {condition.op.value} {right} is {outcome}."[:1000],
            started_at=began,
            ended_at=datetime.now(UTC),
        )

    @activity.defn(name="expand")
    async def expand(self, ref: TaskRef) -> Expansion:
        """See `spec.ports.expand`."""
        async with beating():
            return await self._expand(ref)

    async def _expand(self, ref: TaskRef) -> Expansion:
        async with self._deps.database.read_session() as session:
            known = await session.get(ForEachRun, ref.task_run_id)
        if known is not None:
            return Expansion(total=known.total, todo=tuple(map(tuple, known.todo)))
        run, task, context = await self._read(ref)
        if task.for_each_task is None:
            raise _refused(f"task '{ref.task_key}' is no for_each_task")
        text = _resolve(task.for_each_task.inputs, context)
        try:
            inputs = read_inputs(text, ref.task_key)
        except Invalid as error:
            raise _refused(error.message) from error
        async with self._deps.database.session() as session:
            snapshot = await session.get_one(SettingsSnapshot, run.settings_hash)
            settings = JobSettings.model_validate(snapshot.settings)
            void = await void_until(session, ref.run_id, settings)
            done = await done_before(session, ref, inputs, void.get(ref.task_key, 0))
            todo = spans([i for i in range(len(inputs)) if i not in done])
            await keep_inputs(session, ref, inputs, todo)
        return Expansion(total=len(inputs), todo=todo)

    @activity.defn(name="run_child")
    async def run_child(self, ref: TaskRef) -> AttemptOutcome:
        """See `spec.ports.run_child`."""
        began = datetime.now(UTC)
        try:
            child = await self._admit_child(ref)
        except OpenLakeError as error:
            if error.retryable:
                raise
            return _failed(error.message)
        async with beating():
            run = await self._follow_child(child.run_id, ref)
        return child_outcome(run, began)

    async def _read(self, ref: TaskRef) -> tuple[Run, Task, Context]:
        """Return the run, the task and its references, after what came before is written."""
        try:
            return await read_task(self._deps, ref)
        except Invalid as error:
            raise _refused(error.message) from error

    async def _admit_child(self, ref: TaskRef) -> Run:
        run, task, context = await self._read(ref)
        if task.replay_task is not None:
            return await self._admit_replay(ref, run, task.replay_task.run_id)
        wanted = task.run_job_task
        if wanted is None:
            raise Invalid(f"task '{ref.task_key}' is no run_job_task")
        given = {name: resolve(text, context) for name, text in wanted.job_parameters.items()}
        legacy = _resolved(wanted.model_dump(include=set(RunOverrides.model_fields)), context)
        ask = Ask(
            job_id=wanted.job_id,
            trigger="RUN_JOB_TASK",
            key=f"task:{ref.task_run_id}",
            parameters=given,
            overrides=RunOverrides.model_validate(legacy),
            queue=True,
            parent_task_run_id=ref.task_run_id,
        )
        async with self._deps.database.read_session() as session:
            caller = await caller_named(session, run.workspace_id, run.run_as or run.creator)
            await permitted_job(session, caller, wanted.job_id, Level.CAN_MANAGE_RUN)

        async def make(session: AsyncSession, outside: Outside) -> Admitted:
            await _check_depth(session, run)
            pushed = await _declared(session, run, wanted.job_id, context.parameters)
            whole = replace(ask, parameters=given | pushed)
            admitted = await admit(session, caller, whole, outside)
            await _keep_child(session, ref, admitted.run.run_id)
            return admitted

        admitted = await transact(
            self._deps, lambda session: settings_of(session, caller, ask), make
        )
        if admitted.outbox is not None:
            await outbox.deliver_now(self._deps.database, self._deps.launcher, admitted.outbox)
        return admitted.run

    async def _admit_replay(self, ref: TaskRef, run: Run, replayed_id: int) -> Run:
        """Admit the run that runs another one again, on the tables as they were then."""
        async with self._deps.database.read_session() as session:
            caller = await caller_named(session, run.workspace_id, run.run_as or run.creator)
            replayed = await permitted(session, caller, replayed_id, Level.CAN_MANAGE_RUN)
            snapshot = await session.get_one(SettingsSnapshot, replayed.settings_hash)
            base = await base_of(session, self._deps.catalog, replayed, self._deps.history)
        ask = Ask(
            settings=replay_settings(snapshot),
            key=f"task:{ref.task_run_id}",
            parameters=dict(replayed.job_parameters),
            overrides=RunOverrides.model_validate(replayed.overrides),
            parent_task_run_id=ref.task_run_id,
            triggered_at=replayed.triggered_at or replayed.created_at,
            trigger_info=dict(replayed.trigger_info),
            replay=Replay(replayed_id, base, snapshot.files),
        )
        async with self._deps.database.session() as session:
            admitted = await admit(session, caller, ask)
            await _keep_child(session, ref, admitted.run.run_id)
        if admitted.outbox is not None:
            await outbox.deliver_now(self._deps.database, self._deps.launcher, admitted.outbox)
        return admitted.run

    async def _follow_child(self, run_id: int, ref: TaskRef) -> Run:
        """Wait for the child's end; when we are cancelled, cancel it and wait on."""
        async with self._deps.hub.follow(hub.run_topic(run_id)) as wake:
            while True:
                wake.clear()
                async with self._deps.database.read_session() as session:
                    run = await session.get_one(Run, run_id)
                if RunLife(run.life).is_over:
                    return run
                try:
                    await hub.wait(wake, 5.0)
                except asyncio.CancelledError:
                    details = activity.cancellation_details()
                    if details is None or not details.cancel_requested:
                        raise
                    await self._cancel_child(run_id, ref)

    async def _cancel_child(self, run_id: int, ref: TaskRef) -> None:
        async with self._deps.database.session() as session:
            run = await session.get_one(Run, run_id, with_for_update=True)
            row = await ending.cancel(session, run, f"task {ref.task_key} of run {ref.run_id}")
        if row is not None:
            await outbox.deliver_now(self._deps.database, self._deps.launcher, row)


async def _check_depth(session: AsyncSession, run: Run) -> None:
    depth, above = 1, run
    while above.parent_task_run_id is not None:
        depth += 1
        task = await session.get_one(TaskRun, above.parent_task_run_id)
        above = await session.get_one(Run, task.run_id)
        if depth > MOST_NESTED_RUNS:
            raise Invalid(
                f"jobs may run each other {MOST_NESTED_RUNS} levels deep; run {run.run_id} is that"
                " deep already: check whether a job runs itself"
            )


async def _declared(
    session: AsyncSession, run: Run, job_id: int, parameters: Mapping[str, str]
) -> dict[str, str]:
    """Return this run's job parameters that the other job declares too: they are pushed down."""
    job = await jobs.get(session, run.workspace_id, job_id)
    names = {each["name"] for each in job.settings.get("parameters", [])}
    return {name: value for name, value in parameters.items() if name in names}


def _resolved(values: dict[str, Any], context: Context) -> dict[str, Any]:
    resolved: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            pairs = cast(dict[str, str], value)
            resolved[name] = {key: resolve(text, context) for key, text in pairs.items()}
        elif value is not None:
            resolved[name] = [resolve(text, context) for text in value]
    return resolved


async def _keep_child(session: AsyncSession, ref: TaskRef, child_run_id: int) -> None:
    # A task value too, so that later tasks can name the run.
    values: dict[str, JsonValue] = {"run_id": child_run_id}
    output = AttemptOutput(child_run_id=child_run_id, values=values).model_dump(mode="json")
    row = {
        "task_run_id": ref.task_run_id,
        "run_id": ref.run_id,
        "task_key": ref.task_key,
        "output": output,
    }
    await session.exec(insert(TaskOutput).values(row).on_conflict_do_nothing())


def child_outcome(run: Run, began: datetime) -> AttemptOutcome:
    """Return how a run_job task ends when its run has ended so."""
    result, code = AttemptResult.FAILED, "RUN_EXECUTION_ERROR"
    if run.result in (RunResult.SUCCESS, RunResult.SUCCESS_WITH_FAILURES):
        result, code = AttemptResult.SUCCESS, "SUCCESS"
    elif run.result == RunResult.CANCELED:
        result, code = AttemptResult.CANCELED, "CANCELED"
    elif run.result == RunResult.TIMEDOUT:
        result, code = AttemptResult.TIMEDOUT, "CANCELED"
    word = run.result or run.life
    message = "" if result is AttemptResult.SUCCESS else f"Run {run.run_id} of the job is {word}."
    return AttemptOutcome(
        result=result,
        code=code,
        message=f"{message} {run.message}".strip()[:1000],
        started_at=began,
        ended_at=datetime.now(UTC),
    )


def _failed(message: str) -> AttemptOutcome:
    return AttemptOutcome(
        result=AttemptResult.FAILED,
        code="INVALID_RUN_CONFIGURATION",
        message=message[:1000],
        ended_at=datetime.now(UTC),
    )


def _resolve(text: str, context: Context) -> str:
    try:
        return resolve(text, context)
    except Invalid as error:
        raise _refused(error.message) from error


def _refused(message: str) -> ApplicationError:
    return ApplicationError(message, type="Invalid", non_retryable=True)
