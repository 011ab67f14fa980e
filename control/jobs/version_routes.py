"""`/api/openlake/1.0/jobs/{job_id}/versions`: the history of a job's settings."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact
from control.jobs import service, versions
from spec.api.versions import Restored, VersionDiff, VersionList, VersionView

router = APIRouter(prefix="/api/openlake/1.0/jobs/{job_id}/versions", tags=["jobs"])


@router.get("", response_model=VersionList)
async def list_job_versions(
    job_id: int,
    caller: CallerArg,
    deps: DepsArg,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    page_token: str | None = None,
) -> Response:
    """List the versions of a job's settings, newest first."""
    return compact(await versions.list_versions(deps, caller, job_id, limit, page_token))


@router.get("/{version}", response_model=VersionView)
async def get_job_version(
    job_id: int, version: int, caller: CallerArg, deps: DepsArg
) -> VersionView:
    """Read the settings that a job had in one version."""
    return await versions.get(deps, caller, job_id, version)


@router.get("/{version}/diff", response_model=VersionDiff)
async def diff_job_versions(
    job_id: int,
    version: int,
    caller: CallerArg,
    deps: DepsArg,
    against: Annotated[
        int | None, Query(description="An earlier or later version; else the one before.")
    ] = None,
) -> VersionDiff:
    """Tell what changed from another version to this one; tasks are matched by key."""
    return await versions.diff(deps, caller, job_id, version, against)


@router.post("/{version}/restore")
async def restore_job_version(
    job_id: int, version: int, caller: CallerArg, deps: DepsArg
) -> Restored:
    """Give a job the settings of one of its versions again, as a new version."""
    return Restored(job_id=job_id, version=await service.restore(deps, caller, job_id, version))
