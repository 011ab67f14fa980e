"""`/api/openlake/1.0/jobs/{job_id}/backfills`: a job's runs for past dates."""

from fastapi import APIRouter
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact
from control.triggers import backfills as service
from spec.api.backfills import BackfillList, BackfillView, StartBackfill
from spec.api.jobs import Empty

router = APIRouter(prefix="/api/openlake/1.0/jobs/{job_id}/backfills", tags=["backfills"])


@router.post("", response_model=BackfillView)
async def start_backfill(
    job_id: int, body: StartBackfill, caller: CallerArg, deps: DepsArg
) -> Response:
    """Run a job once for each logical date of a range; with `dry_run`, only list them."""
    return compact(await service.start(deps, caller, job_id, body))


@router.get("", response_model=BackfillList)
async def list_backfills(job_id: int, caller: CallerArg, deps: DepsArg) -> Response:
    """List a job's newest hundred backfills."""
    return compact(BackfillList(backfills=await service.list_backfills(deps, caller, job_id)))


@router.get("/{backfill_id}", response_model=BackfillView)
async def get_backfill(
    job_id: int,
    backfill_id: int,
    caller: CallerArg,
    deps: DepsArg,
    page_token: str | None = None,
    with_dates: bool = True,
) -> Response:
    """Say how far a backfill is, with its dates unless they are not wanted."""
    view = await service.get(deps, caller, job_id, backfill_id, page_token, with_dates=with_dates)
    return compact(view)


@router.post("/{backfill_id}/cancel")
async def cancel_backfill(job_id: int, backfill_id: int, caller: CallerArg, deps: DepsArg) -> Empty:
    """Start no more runs and cancel the active ones."""
    await service.cancel(deps, caller, job_id, backfill_id)
    return Empty()


@router.post("/{backfill_id}/rerun", response_model=BackfillView)
async def rerun_backfill(
    job_id: int, backfill_id: int, caller: CallerArg, deps: DepsArg
) -> Response:
    """Run the dates again that did not succeed, as a new backfill."""
    return compact(await service.rerun(deps, caller, job_id, backfill_id))
