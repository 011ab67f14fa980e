"""`/internal/1.0/…`: what engine workers ask, with the worker token."""

from typing import Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from control.artifacts import service as artifacts
from control.http import DepsArg, require_worker
from control.internal import service
from control.logs import service as logs
from control.secrets import reading
from spec.api.jobs import Empty
from spec.attempts import AttemptOutput, AttemptRef, AttemptWork, Frozen, LogTail
from spec.errors import Invalid

router = APIRouter(
    prefix="/internal/1.0", tags=["internal"], dependencies=[Depends(require_worker)]
)


class OpenAttempt(Frozen):
    """Request of `open`."""

    host: str
    """Where the worker runs; for people."""
    ref: AttemptRef


class Words(Frozen):
    """Some text."""

    text: str


@router.post("/attempts/{task_run_id}/open")
async def open_attempt(task_run_id: int, body: OpenAttempt, deps: DepsArg) -> AttemptWork:
    """Open an attempt, or open it again, and return all that its work needs."""
    if body.ref.task_run_id != task_run_id:
        raise Invalid(f"the path names attempt {task_run_id}, the body {body.ref.task_run_id}")
    return await service.open_attempt(deps, body.ref, body.host)


@router.get("/blobs/{sha256}")
async def get_blob(sha256: str, deps: DepsArg) -> Response:
    """Return content by its SHA-256."""
    content = await service.blob(deps, sha256)
    return Response(content, media_type="application/octet-stream")


@router.get("/attempts/{task_run_id}/logs")
async def get_log_size(task_run_id: int, deps: DepsArg) -> LogTail:
    """Return how much of the log is held."""
    return await logs.tail_of(deps, task_run_id)


@router.put("/attempts/{task_run_id}/logs")
async def append_log(
    task_run_id: int,
    request: Request,
    deps: DepsArg,
    offset: int = Query(ge=0),
    final: bool = False,
) -> LogTail:
    """Append the raw body if it begins where the log ends; answer how much was taken."""
    logs.check_size(int(request.headers.get("content-length", "0")))
    return await logs.append(deps, task_run_id, offset, await request.body(), final=final)


@router.post("/attempts/{task_run_id}/redact")
async def redact(task_run_id: int, body: Words, deps: DepsArg) -> Words:
    """Return text without the secrets that the attempt was given, e.g. for an error message."""
    return Words(text=await reading.redact(deps, task_run_id, body.text))


@router.post("/attempts/{task_run_id}/lineage")
async def add_lineage(task_run_id: int, body: list[dict[str, Any]], deps: DepsArg) -> Empty:
    """Take OpenLineage events; the same one twice is kept once."""
    await service.keep_lineage(deps, task_run_id, body)
    return Empty()


@router.put("/attempts/{task_run_id}/output")
async def put_output(task_run_id: int, body: AttemptOutput, deps: DepsArg) -> Empty:
    """Keep what the attempt left; the last word counts."""
    await service.keep_output(deps, task_run_id, body)
    return Empty()


@router.put("/attempts/{task_run_id}/artifacts")
async def put_artifacts(task_run_id: int, request: Request, deps: DepsArg) -> Empty:
    """Keep the raw body, a `.tar.gz` of what the attempt left for people; the last one counts."""
    artifacts.check_size(int(request.headers.get("content-length", "0")))
    await artifacts.put(deps, task_run_id, await request.body())
    return Empty()
