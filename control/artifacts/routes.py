"""`/api/openlake/1.0/task-runs/{task_run_id}/artifacts`: what an attempt left for people."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from control.artifacts import links, service
from control.http import DepsArg, get_caller

router = APIRouter(prefix="/api/openlake/1.0/task-runs", tags=["runs"])

_ARCHIVE = {"content": {"application/gzip": {"schema": {"type": "string", "format": "binary"}}}}


@router.get("/{task_run_id}/artifacts", responses={200: _ARCHIVE}, response_class=Response)
async def get_artifacts(
    task_run_id: int,
    request: Request,
    deps: DepsArg,
    expires: int = 0,
    signature: str | None = None,
) -> Response:
    """Return the archive that a task run left: an executed notebook, dbt's own files.

    A link from `jobs/runs/get-output` needs no token.
    """
    if signature is not None:
        links.check(deps, task_run_id, expires, signature)
        content = await service.read(deps, task_run_id)
    else:
        content = await service.get(deps, await get_caller(request, deps), task_run_id)
    name = f"artifacts-{task_run_id}.tar.gz"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/gzip", headers=disposition)
