"""What the references in a task's parameters came to, as `include_resolved_values` shows it."""

from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from control.internal.work import body_of, program_of
from control.runs.context import context_of
from control.runs.tables import TaskRun
from control.runs.views import Picture
from spec.api.runs import RunOverrides
from spec.attempts import DbtProgram, NotebookProgram, SqlProgram, TaskRef
from spec.references import Context, resolve
from spec.tasks import Task


async def resolved_values(
    session: AsyncSession, picture: Picture, row: TaskRun, public_url: str
) -> dict[str, Any]:
    """Return {task type: resolved fields} of one attempt (Databricks' `ResolvedValues`).

    They are worked out anew from what had ended before the attempt began, so they are what it got.
    """
    run = picture.run
    ref = TaskRef(
        workspace_id=run.workspace_id,
        job_id=run.job_id,
        run_id=run.run_id,
        execution=row.execution,
        task_key=row.task_key,
        attempt=row.attempt,
        task_run_id=row.task_run_id,
    )
    task = picture.task(row.task_key)
    if task is None:
        return {}
    context = await context_of(session, ref, run, task, public_url)
    overrides = RunOverrides.model_validate(run.overrides)
    return {task.kind: _fields(task, picture.snapshot.files, overrides, context)}


def _fields(
    task: Task, files: dict[str, Any], overrides: RunOverrides, context: Context
) -> dict[str, Any]:
    if (condition := task.condition_task) is not None:
        return {
            "left": resolve(condition.left, context),
            "right": resolve(condition.right, context),
        }
    if (call := task.run_job_task) is not None:
        given = {name: resolve(text, context) for name, text in call.job_parameters.items()}
        return {"job_parameters": given}
    if task.replay_task is not None:
        return {}
    if (loop := task.for_each_task) is not None:
        return {"inputs": resolve(loop.inputs, context)}
    program = program_of(body_of(task, files, overrides), context, None)
    match program:
        case NotebookProgram():
            return {"base_parameters": program.parameters}
        case DbtProgram():
            return {"commands": list(program.commands)}
        case SqlProgram():
            return {"parameters": program.parameters}
        case _:
            return {"parameters": program.model_dump(mode="json").get("parameters", [])}
