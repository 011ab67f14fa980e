"""What the references of a task's settings stand for, at the moment the task starts."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import JsonValue
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub
from control.db import Database
from control.deps import Deps
from control.hub import Hub
from control.internal.upstream import upstream_tasks
from control.jobs.snapshots import task_of
from control.jobs.tables import SettingsSnapshot
from control.runs.tables import ForEachInput, ForEachRun, Run, TaskRun
from control.triggers.service import BACKFILL_KEY
from spec.attempts import TaskRef
from spec.errors import NotFound, Unavailable
from spec.ids import split_iteration
from spec.references import Context, Upstream, resolve
from spec.tasks import Task

PROJECTION_WAIT_S = 20.0
"""For so long an attempt that refers to other tasks waits until their ends are written."""


async def context_of(
    session: AsyncSession,
    ref: TaskRef,
    run: Run,
    task: Task,
    public_url: str,
    *,
    whole: bool = True,
) -> Context:
    """Return all that the task's references can name, job parameters resolved.

    What earlier tasks left is as it is written now; see `await_projection`. Of those that left
    nothing it is known only when the `whole` is asked for.
    """
    _, index = split_iteration(ref.task_key)
    context = Context(
        workspace_id=ref.workspace_id,
        workspace_url=public_url,
        job_id=ref.job_id,
        job_name=run.run_name,
        run_id=ref.run_id,
        run_started_at=run.created_at,
        trigger=run.trigger,
        parameters=run.job_parameters,
        task_key=task.task_key,
        task_run_id=ref.task_run_id,
        attempt=ref.attempt,
        repair_count=run.execution,
        notebook_path=task.notebook_task.notebook_path if task.notebook_task else None,
        input=None if index is None else await _input(session, ref),
        in_for_each=index is not None,
        tasks=await upstream_tasks(session, ref.run_id, ref.task_run_id, whole=whole),
        triggered_at=run.triggered_at,
        location=run.trigger_info.get("location"),
        backfill_at=run.triggered_at if BACKFILL_KEY in run.trigger_info else None,
    )
    if _asks_for_notebooks(task, run):
        context = replace(context, tasks=await _with_notebooks(session, run, context.tasks))
    resolved = {name: resolve(text, context) for name, text in run.job_parameters.items()}
    return replace(context, parameters=resolved)


def _asks_for_notebooks(task: Task, run: Run) -> bool:
    """Tell whether a text may hold `{{tasks.….notebook_path}}`, which only the settings know."""
    return ".notebook_path" in task.model_dump_json() + "".join(run.job_parameters.values())


async def _with_notebooks(
    session: AsyncSession, run: Run, tasks: Mapping[str, Upstream]
) -> dict[str, Upstream]:
    snapshot = await session.get_one(SettingsSnapshot, run.settings_hash)
    notebooks: dict[str, str] = {
        each["task_key"]: each["notebook_task"]["notebook_path"]
        for each in snapshot.settings.get("tasks", [])
        if each.get("notebook_task")
    }
    return {k: replace(each, notebook_path=notebooks.get(k)) for k, each in tasks.items()}


async def _input(session: AsyncSession, ref: TaskRef) -> JsonValue:
    """Return an iteration's input: of the newest for-each attempt that came before it."""
    task_key, index = split_iteration(ref.task_key)
    attempt = (
        select(col(ForEachRun.task_run_id))
        .where(ForEachRun.run_id == ref.run_id, ForEachRun.task_key == task_key)
        .where(ForEachRun.task_run_id < ref.task_run_id)
        .order_by(col(ForEachRun.task_run_id).desc())
        .limit(1)
    )
    query = select(ForEachInput).where(
        ForEachInput.task_run_id == attempt.scalar_subquery(), ForEachInput.index == index
    )
    row = (await session.exec(query)).first()
    if row is None:
        raise NotFound(f"iteration {ref.task_key} of run {ref.run_id} has no input")
    return row.input


async def read_task(deps: Deps, ref: TaskRef) -> tuple[Run, Task, Context]:
    """Return an attempt's run, task and references, after what came before it is written.

    Raises:
        Invalid: a reference cannot be resolved, or the run has no such task.
        Unavailable: the attempt's start is not written yet.
    """
    await await_projection(deps.database, deps.hub, ref)
    async with deps.database.read_session() as session:
        run = await session.get_one(Run, ref.run_id)
        snapshot = await session.get_one(SettingsSnapshot, run.settings_hash)
        task = task_of(snapshot.settings, ref.task_key)
        return run, task, await context_of(session, ref, run, task, deps.public_url)


async def await_projection(database: Database, waker: Hub, ref: TaskRef) -> None:
    """Wait until the attempt's own start is projected: what came before it is projected too.

    Raises:
        Unavailable: it is not within 20 seconds; ask again.
    """
    async with waker.follow(hub.run_topic(ref.run_id)) as wake:
        for _ in range(int(PROJECTION_WAIT_S)):
            async with database.read_session() as session:
                if await session.get(TaskRun, ref.task_run_id) is not None:
                    return
            await hub.wait(wake, 1.0)
    raise Unavailable(f"the start of attempt {ref.task_run_id} is not written yet; try again")
