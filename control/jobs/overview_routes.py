"""`/api/openlake/1.0/jobs`: jobs and their runs at a glance, as the console shows them."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, whole
from control.jobs import overview
from control.runs import matrix
from spec.api.overview import (
    JobMatrix,
    JobOverview,
    JobOverviewList,
    ListJobOverviews,
    PreviewSchedule,
    RunTimeline,
    SchedulePreview,
)

router = APIRouter(prefix="/api/openlake/1.0", tags=["console"])


@router.get("/jobs", response_model=JobOverviewList)
async def list_job_overviews(
    query: Annotated[ListJobOverviews, Query()], caller: CallerArg, deps: DepsArg
) -> Response:
    """List jobs with what starts them, their newest runs and what the caller may do."""
    return whole(await overview.list_overviews(deps, caller, query))


@router.get("/jobs/{job_id}/overview", response_model=JobOverview)
async def get_job_overview(job_id: int, caller: CallerArg, deps: DepsArg) -> Response:
    """Read one job as the list shows it."""
    return whole(await overview.overview(deps, caller, job_id))


@router.get("/jobs/{job_id}/matrix", response_model=JobMatrix)
async def get_job_matrix(
    job_id: int,
    caller: CallerArg,
    deps: DepsArg,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
    page_token: str | None = None,
) -> Response:
    """Read a job's newest runs, each with the state of every task."""
    return whole(await matrix.matrix(deps, caller, job_id, limit, page_token))


@router.get("/runs/{run_id}/timeline", response_model=RunTimeline)
async def get_run_timeline(run_id: int, caller: CallerArg, deps: DepsArg) -> Response:
    """Read when each attempt of each task of a run waited, began and ended."""
    return whole(await matrix.timeline(deps, caller, run_id))


@router.post("/schedules/preview")
async def preview_schedule(body: PreviewSchedule, caller: CallerArg) -> SchedulePreview:
    """Say what a cron expression means, in words and by its next instants; keeps nothing."""
    return overview.preview(body)
