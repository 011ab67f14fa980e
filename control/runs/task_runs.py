"""`/api/openlake/1.0/task-runs/*`: what Databricks has no word for."""

from fastapi import APIRouter
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact
from control.runs import outputs
from spec.attempts import AttemptOutput

router = APIRouter(prefix="/api/openlake/1.0/task-runs", tags=["runs"])


@router.get("/{task_run_id}/output", response_model=AttemptOutput)
async def get_task_output(task_run_id: int, caller: CallerArg, deps: DepsArg) -> Response:
    """Read all that a task run left: error, result, first rows, task values."""
    return compact(await outputs.left_by(deps, caller, task_run_id))
