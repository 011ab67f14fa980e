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
from control.transactions.store import newest
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
_PATIENCE_S = 45.0
"""How long an opening waits for what earlier attempts are committing."""


async def open_attempt(deps: Deps, ref: AttemptRef, host: str) -> AttemptWork:
    """Give an attempt the right to work, declare earlier ones over, and return its work.

    Raises:
        AttemptOver: the attempt, or its run, has ended, or a later attempt was opened.
        Conflict: the run's catalog branch cannot be gone on with.
        NotFound: there is no such run.
    """
    if run_of(ref.task_run_id) != ref.run_id:
        raise Invalid(f"attempt {ref.task_run_id} is not of run {ref.run_id}")
    claims = deps.access.claims(ref)
    run, attempt, snapshot, in_transaction = await _open(deps, claims, ref, host)
    if in_transaction:
        context = TransactionContext(deps.database, deps.catalog)
        claims = await ensure_attempt_branch(context, claims)
    return await _work(deps, claims, ref, run, attempt, snapshot)


async def _open(
    deps: Deps, claims: AttemptClaims, ref: AttemptRef, host: str
) -> tuple[Run, AttemptRow, SettingsSnapshot, bool]:
    """Open the attempt; close it again in the same transaction if it had ended before.

    Returns:
        The run, the attempt, what the run works from, and whether it works on a branch.
    """
    begun = fence.beginning(deps.database, claims, host=host, patience_s=_PATIENCE_S)
    try:
        async with begun as (session, attempt, opening):
            run, has_ended = await _run_of(session, ref)
            if has_ended:
                reason = "it had ended before it was opened"
                await fence.close_attempt(session, ref.task_run_id, reason)
            snapshot = await deps.snapshots.get(session, run.settings_hash)
            publishes = snapshot.settings.get("publish") is not None
            in_transaction = publishes or await newest(session, run.run_id) is not None
            await hub.notify(session, hub.run_topic(ref.run_id))
    except Forbidden as error:
        raise AttemptOver(error.message, task_run_id=ref.task_run_id) from error
    if has_ended:
        raise AttemptOver(f"attempt {ref.task_run_id} has ended", task_run_id=ref.task_run_id)
    log.info(
        "attempt.opened", task_run_id=ref.task_run_id, host=host, superseded=opening.superseded
    )
    return run, attempt, snapshot, in_transaction


async def _run_of(session: AsyncSession, ref: AttemptRef) -> tuple[Run, bool]:
    """Return an attempt's run, and whether one of them has ended.

    Raises:
        NotFound: there is no such run.
    """
    query = (
        select(Run, TaskRun.ended_at)
        .outerjoin(TaskRun, col(TaskRun.task_run_id) == ref.task_run_id)
        .where(Run.run_id == ref.run_id)
    )
    found = (await session.exec(query)).first()
    if found is None or (found[0].workspace_id, found[0].job_id) != (ref.workspace_id, ref.job_id):
        raise NotFound(f"Run {ref.run_id} does not exist.", run_id=ref.run_id)
    run, ended_at = found
    return run, ended_at is not None or RunLife(run.life).is_over


async def _work(
    deps: Deps,
    claims: AttemptClaims,
    ref: AttemptRef,
    run: Run,
    attempt: AttemptRow,
    snapshot: SettingsSnapshot,
) -> AttemptWork:
    task = task_of(snapshot.settings, ref.task_key)
    overrides = RunOverrides.model_validate(run.overrides)
    body = body_of(task, snapshot.files, overrides)
    asks_upstream = uses_upstream(body, run.job_parameters)
    if asks_upstream:
        await await_projection(deps.database, deps.hub, ref)
    async with deps.database.read_session() as session:
        context = await context_of(session, ref, run, task, deps.public_url, whole=asks_upstream)
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
        environment=_environment(ref, run),
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


def _environment(ref: AttemptRef, run: Run) -> dict[str, str]:
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


async def keep_lineage(deps: Deps, task_run_id: int, events: list[dict[str, Any]]) -> None:
    """Store the events that an attempt's worker shipped, also after its end: they are facts."""
    async with deps.database.session() as session:
        attempt = await fence.known_attempt(session, task_run_id)
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
    async with deps.database.session() as session:
        attempt = await fence.known_attempt(session, task_run_id, lock=True)
        if attempt.state == AttemptState.OVER:
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
