"""`/api/openlake/1.0/jobs/check`: is this a job?"""

from fastapi import APIRouter

from control.http import CallerArg, DepsArg
from control.jobs import checking
from spec.api.checks import CheckedJob, CheckJob

router = APIRouter(prefix="/api/openlake/1.0/jobs", tags=["jobs"])


@router.post("/check")
async def check_job(body: CheckJob, caller: CallerArg, deps: DepsArg) -> CheckedJob:
    """Say what is wrong with a job's YAML, all of it and where, without saving anything."""
    return await checking.check(deps, caller, body)
