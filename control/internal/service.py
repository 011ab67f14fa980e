"""Opens attempts and keeps what they leave; every call may be repeated."""

import json
from typing import Any

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub
from control.alerts.evaluation import evaluate
from control.auth import caller_named
from control.deps import Deps
from control.files import store as files
from control.gateway import attempts as fence
from control.gateway.tables import AttemptRow, AttemptState
from control.gateway.tokens import AttemptClaims
from control.internal.compute import compute_of
from control.internal.placed import on_warehouse, sqlglot_dialect
from control.internal.work import (
    Body,
    body_of,
    program_of,
    uses_upstream,
    work_files,
)
from control.jobs.snapshots import pinned_warehouses, task_of
from control.jobs.tables import SettingsSnapshot
from control.lineage.collect import collect
from control.queries.tasks import PinnedSql, utc
from control.replays import service as replays
from control.runs.context import await_projection, context_of
from control.runs.tables import Run, TaskOutput, TaskRun
from control.secrets.reading import redact_output, redactor_of, with_secrets
from control.transactions.context import Context as TransactionContext
from control.transactions.opening import ensure_attempt_branch
from control.uploads import service as uploads
from control.warehouses import service as warehouses
from spec.api.alerts import PinnedAlert
from spec.api.queries import PinnedQuery
from spec.api.runs import RunOverrides
from spec.attempts import (
    AttemptOutput,
    AttemptRef,
    AttemptWork,
    CompareProgram,
    LineageParent,
    LoadProgram,
)
from spec.errors import AttemptOver, Forbidden, Invalid, NotFound
from spec.ids import lineage_run_id, run_of, submit_key
from spec.states import RunLife
from spec.tasks import BUILT_IN, warehouse_of
from spec.warehouses import PinnedWarehouse

log = structlog.get_logger(__name__)

MOST_VALUES_BYTES = 48 * 1024
MOST_RESULT_BYTES = 5 * 1024 * 1024


async def open_attempt(deps: Deps, ref: AttemptRef, host: str) -> AttemptWork:
    """Give an attempt the right to work, declare earlier ones over, and return its work.

    Raises:
        AttemptOver: the attempt, or its run, has ended, or a later attempt was opened.
        Conflict: the run's catalog branch cannot be gone on with.
        NotFound: there is no such run.
    """
    await _check_run(deps, ref)
    claims = deps.access.claims(ref)
    try:
        opening = await fence.begin_attempt(deps.database, claims, patience_s=45.0)
    except Forbidden as error:
        raise AttemptOver(error.message, task_run_id=ref.task_run_id) from error
    async with deps.database.session() as session:
        run = await _not_ended(session, ref)
        attempt = None
        if run is not None:
            attempt = await session.get_one(AttemptRow, ref.task_run_id, with_for_update=True)
            attempt.host = attempt.host or host
            await hub.notify(session, hub.run_topic(ref.run_id))
    if run is None or attempt is None:
        raise AttemptOver(f"attempt {ref.task_run_id} has ended", task_run_id=ref.task_run_id)
    log.info(
        "attempt.opened",
        task_run_id=ref.task_run_id,
        host=host,
        superseded=opening.superseded,
    )
    claims = await ensure_attempt_branch(TransactionContext(deps.database, deps.catalog), claims)
    return await _work(deps, claims, ref, run, attempt)


async def _check_run(deps: Deps, ref: AttemptRef) -> None:
    async with deps.database.read_session() as session:
        run = await session.get(Run, ref.run_id)
    if run is None or (run.workspace_id, run.job_id) != (ref.workspace_id, ref.job_id):
        raise NotFound(f"Run {ref.run_id} does not exist.", run_id=ref.run_id)
    if run_of(ref.task_run_id) != ref.run_id:
        raise Invalid(f"attempt {ref.task_run_id} is not of run {ref.run_id}")
    if RunLife(run.life).is_over:
        raise AttemptOver(f"run {ref.run_id} is over", task_run_id=ref.task_run_id)


async def _not_ended(session: AsyncSession, ref: AttemptRef) -> Run | None:
    """Return the run, unless the attempt's end has been projected; then close what was opened.

    Takes turns with the projection, which closes the attempts it sees.
    """
    await fence.order_ending(session, ref.task_run_id)
    run = await session.get_one(Run, ref.run_id)
    task_run = await session.get(TaskRun, ref.task_run_id)
    ended = task_run is not None and task_run.ended_at is not None
    if ended or RunLife(run.life).is_over:
        await fence.close_attempt(session, ref.task_run_id, "it had ended before it was opened")
        return None
    return run


async def _work(
    deps: Deps, claims: AttemptClaims, ref: AttemptRef, run: Run, attempt: AttemptRow
) -> AttemptWork:
    async with deps.database.read_session() as session:
        snapshot = await session.get_one(SettingsSnapshot, run.settings_hash)
    task = task_of(snapshot.settings, ref.task_key)
    overrides = RunOverrides.model_validate(run.overrides)
    body = body_of(task, snapshot.files, overrides)
    if uses_upstream(body, run.job_parameters):
        await await_projection(deps.database, deps.hub, ref)
    async with deps.database.read_session() as session:
        context = await context_of(session, ref, run, task, deps.public_url)
        pinned = (await pinned_warehouses(session, snapshot)).get(warehouse_of(task) or "")
        sql = await _sql(session, attempt, body, pinned)
        compute, more_files = await compute_of(
            task,
            snapshot.settings,
            snapshot.files,
            overrides,
            lambda sha256: files.get_blob(session, sha256),
        )
        program = on_warehouse(program_of(body, context, sql), task, pinned)
        if isinstance(program, LoadProgram):
            program = await uploads.ready(deps, session, ref.workspace_id, program)
        if isinstance(program, CompareProgram):
            runner = await caller_named(session, run.workspace_id, run.run_as or run.creator)
            program = await replays.ready(deps, session, runner, program)
    engine = pinned.engine if pinned is not None else BUILT_IN.get(warehouse_of(task) or "")
    await warehouses.lend_engine(deps, ref.workspace_id, engine)
    return AttemptWork(
        ref=ref,
        key=submit_key(ref.task_run_id),
        job_name=run.run_name,
        program=program,
        files=work_files(body) | more_files,
        compute=await with_secrets(deps, run, ref.task_run_id, compute),
        environment=_environment(deps, ref, run),
        catalog=deps.access.catalog(claims),
        api_token=deps.access.api_token(claims),
        storage=await deps.access.storage.issue(submit_key(ref.task_run_id), ref.workspace_id),
        lineage=_lineage(ref, run),
        upstream_values={
            key: dict(upstream.values) for key, upstream in context.tasks.items() if upstream.values
        },
        started_at=attempt.opened_at,
        host=attempt.host,
        timeout_s=task.timeout_seconds,
    )


async def _sql(
    session: AsyncSession, attempt: AttemptRow, body: Body, warehouse: PinnedWarehouse | None
) -> PinnedSql | str | None:
    """Return the saved query of a SQL task, or the text of its file; None for other tasks."""
    task = body.task.sql_task
    if task is None:
        return None
    content = await files.get_blob(session, body.files[body.path])
    if task.file is not None:
        return content.decode("utf-8", "replace")
    return PinnedSql(
        PinnedQuery.read(content)
        if task.alert is None
        else PinnedAlert.model_validate_json(content),
        sqlglot_dialect(task.warehouse_id or "", warehouse),
        utc(attempt.opened_at),
    )


def _environment(deps: Deps, ref: AttemptRef, run: Run) -> dict[str, str]:
    facts = {
        "workspace_id": str(ref.workspace_id),
        "job_id": str(ref.job_id),
        "run_id": str(ref.run_id),
        "task_run_id": str(ref.task_run_id),
        "task_key": ref.task_key,
        "attempt": str(ref.attempt),
    }
    return {
        "MLFLOW_EXPERIMENT_NAME": f"/{run.run_name}",
        # MLflow's SystemEnvironmentContext turns this JSON into tags of every MLflow run.
        "MLFLOW_RUN_CONTEXT": json.dumps({f"openlake.{k}": v for k, v in facts.items()}),
        **{f"OPENLAKE_{name.upper()}": value for name, value in facts.items()},
    }


def _lineage(ref: AttemptRef, run: Run) -> LineageParent:
    return LineageParent(
        namespace=f"openlake-{ref.workspace_id}",
        job_name=f"{run.run_name}.{ref.task_key}",
        run_id=str(lineage_run_id(ref.task_run_id)),
        parent_job_name=run.run_name,
        parent_run_id=str(lineage_run_id(ref.run_id)),
    )


async def blob(deps: Deps, sha256: str) -> bytes:
    """Return content by its SHA-256."""
    async with deps.database.read_session() as session:
        return await files.get_blob(session, sha256)


async def known_attempt(deps: Deps, task_run_id: int) -> AttemptRow:
    """Return an attempt that has been opened.

    Raises:
        NotFound: it never was.
    """
    async with deps.database.read_session() as session:
        attempt = await session.get(AttemptRow, task_run_id)
    if attempt is None:
        raise NotFound(f"Attempt {task_run_id} was never opened.", task_run_id=task_run_id)
    return attempt


async def keep_lineage(deps: Deps, task_run_id: int, events: list[dict[str, Any]]) -> None:
    """Store the events that an attempt's worker shipped, also after its end: they are facts."""
    attempt = await known_attempt(deps, task_run_id)
    async with deps.database.session() as session:
        if redactor := await redactor_of(deps, session, task_run_id):
            events = redactor.tree(events)
        await collect(session, attempt.workspace_id, events, attempt)


async def keep_output(deps: Deps, task_run_id: int, output: AttemptOutput) -> None:
    """Store what an attempt left; a later word replaces it.

    Raises:
        AttemptOver: the attempt is over; what a zombie says does not count.
        Invalid: the task values or the notebook's result are too large.
    """
    size = len(json.dumps(output.values, separators=(",", ":")))
    if size > MOST_VALUES_BYTES:
        raise Invalid(f"task values have at most {MOST_VALUES_BYTES} bytes of JSON, not {size}")
    size = len((output.notebook_result or "").encode())
    if size > MOST_RESULT_BYTES:
        raise Invalid(f"a notebook's result has at most {MOST_RESULT_BYTES} bytes, not {size}")
    attempt = await known_attempt(deps, task_run_id)
    async with deps.database.session() as session:
        query = select(AttemptRow.state).where(col(AttemptRow.task_run_id) == task_run_id)
        if (await session.exec(query.with_for_update(read=True))).one() == AttemptState.OVER:
            raise AttemptOver(f"attempt {task_run_id} is over", task_run_id=task_run_id)
        if (alert := await evaluate(session, attempt, output)) is not None:
            output = output.model_copy(update={"alert": alert})
        redactor = await redactor_of(deps, session, task_run_id)
        row = {
            "task_run_id": task_run_id,
            "run_id": attempt.run_id,
            "task_key": attempt.task_key,
            "output": redact_output(redactor, output),
        }
        statement = insert(TaskOutput).values(row)
        await session.exec(
            statement.on_conflict_do_update(
                index_elements=["task_run_id"], set_={"output": statement.excluded.output}
            )
        )
