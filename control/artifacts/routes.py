"""`/api/openlake/1.0/task-runs/{task_run_id}/artifacts`: what an attempt left for people."""

from fastapi import APIRouter
from fastapi.responses import Response

from control.artifacts import service
from control.http import CallerArg, DepsArg

router = APIRouter(prefix="/api/openlake/1.0/task-runs", tags=["runs"])

_ARCHIVE = {"content": {"application/gzip": {"schema": {"type": "string", "format": "binary"}}}}


@router.get("/{task_run_id}/artifacts", responses={200: _ARCHIVE}, response_class=Response)
async def get_artifacts(task_run_id: int, caller: CallerArg, deps: DepsArg) -> Response:
    """Return the archive that a task run left: an executed notebook, dbt's own files."""
    content = await service.get(deps, caller, task_run_id)
    name = f"artifacts-{task_run_id}.tar.gz"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/gzip", headers=disposition)
