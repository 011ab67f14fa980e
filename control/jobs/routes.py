"""`/api/2.x/jobs/*`: job definitions."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from control.bodies import read_object, validate
from control.http import CallerArg, DepsArg, compact
from control.jobs import service
from control.jobs.wire import is_yaml, read_new_job, read_settings, tidy
from spec.api.jobs import (
    Empty,
    JobId,
    JobList,
    JobRef,
    JobView,
    ListJobs,
    ResetJob,
    UpdateJob,
)
from spec.errors import Invalid
from spec.jobs import JobSettings

router = APIRouter(prefix="/api/{version:jobs_version}/jobs", tags=["jobs"])


def _body(schema: str) -> dict[str, Any]:
    """Describe a body that is read by hand: JSON, or YAML of one job's settings."""
    reference = {"$ref": f"#/components/schemas/{schema}"}
    settings = {"$ref": "#/components/schemas/JobSettings"}
    content = {
        "application/json": {"schema": reference},
        "application/yaml": {"schema": settings},
    }
    return {"requestBody": {"required": True, "content": content}}


@router.post("/create", response_model=JobId, openapi_extra=_body("CreateJob"))
async def create_job(version: str, request: Request, caller: CallerArg, deps: DepsArg) -> JobId:
    """Make a job from JSON, or from one job's settings in YAML.

    Every mistake is named with its place. Unknown fields are refused; files that tasks name must
    be there when the job runs, not before.
    """
    job = await read_new_job(request)
    return JobId(job_id=await service.create(deps, caller, job, version))


@router.get("/get", response_model=JobView)
async def get_job(
    version: str,
    job_id: int,
    caller: CallerArg,
    deps: DepsArg,
    page_token: str | None = None,
    include_trigger_state: bool = False,
) -> Response:
    """Read a job.

    With 2.2 the tasks after the first 100 are read by `page_token`.
    """
    return compact(
        await service.get(
            deps, caller, job_id, version, page_token, with_trigger=include_trigger_state
        )
    )


@router.get("/list", response_model=JobList)
async def list_jobs(
    query: Annotated[ListJobs, Query()], caller: CallerArg, deps: DepsArg
) -> Response:
    """List jobs, newest first."""
    return compact(await service.list_jobs(deps, caller, query))


@router.post("/reset", response_model=Empty, openapi_extra=_body("ResetJob"))
async def reset_job(
    version: str,
    request: Request,
    caller: CallerArg,
    deps: DepsArg,
    job_id: int | None = None,
) -> Empty:
    """Replace all settings; a YAML body names the job in the query: `?job_id=…`.

    What is left out is gone; to change single fields use `jobs/update`. Each change of the settings
    is a version that can be restored.
    """
    if is_yaml(request):
        if job_id is None:
            raise Invalid("a YAML body holds settings only; name the job in the query: ?job_id=…")
        settings: JobSettings = await read_settings(request)
    else:
        body = await read_object(request)
        if isinstance(body.get("new_settings"), dict):
            body["new_settings"] = tidy(body["new_settings"])
        reset = validate(ResetJob, body)
        job_id, settings = reset.job_id, reset.new_settings
    await service.reset(deps, caller, job_id, settings, version)
    return Empty()


@router.post("/update")
async def update_job(version: str, body: UpdateJob, caller: CallerArg, deps: DepsArg) -> Empty:
    """Change some settings.

    Top-level fields are replaced; tasks and job clusters are merged by their keys.
    `fields_to_remove` takes away what it names, e.g. `schedule` or `tasks/load`.
    """
    await service.update(deps, caller, body, version)
    return Empty()


@router.post("/delete")
async def delete_job(body: JobRef, caller: CallerArg, deps: DepsArg) -> Empty:
    """Delete a job.

    Its runs stay readable; active ones go on, queued ones are cancelled.
    """
    await service.delete(deps, caller, body.job_id)
    return Empty()
