"""`/api/2.x/jobs/run-now` and `/api/2.x/jobs/runs/*`."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact
from control.runs import export, outputs, service
from spec.api.jobs import Empty
from spec.api.runs import (
    CancelAll,
    ExportedRun,
    ExportRun,
    ListRuns,
    RepairAnswer,
    RepairRun,
    RunId,
    RunList,
    RunNow,
    RunNowAnswer,
    RunOutput,
    RunRef,
    RunView,
    SubmitRun,
)

router = APIRouter(prefix="/api/{version:jobs_version}/jobs", tags=["runs"])


@router.post("/run-now")
async def run_now(body: RunNow, caller: CallerArg, deps: DepsArg) -> RunNowAnswer:
    """Run a job now; the same idempotency token gives the same run.

    The answer comes as soon as the run is stored; read it with `runs/get` until `state` has a
    `result_state`. At the job's `max_concurrent_runs` the run waits (`queue`) or is SKIPPED.
    """
    run = await service.run_now(deps, caller, body)
    return RunNowAnswer(run_id=run.run_id, number_in_job=run.run_id)


@router.post("/runs/submit")
async def submit_run(body: SubmitRun, caller: CallerArg, deps: DepsArg) -> RunId:
    """Run tasks that are no job.

    The same idempotency token gives the same run. The run belongs to who submits it, and is listed
    with `run_type` SUBMIT_RUN.
    """
    return RunId(run_id=(await service.submit(deps, caller, body)).run_id)


@router.get("/runs/get", response_model=RunView)
async def get_run(
    run_id: int,
    caller: CallerArg,
    deps: DepsArg,
    page_token: str | None = None,
    include_history: bool = False,
    include_resolved_values: bool = False,
) -> Response:
    """Read a run, or the run of one task.

    `state` and `status` say the same in two vocabularies. Each attempt of a task is an entry of its
    own under `tasks`, with an id of its own; more than 100 are read by `page_token`.
    """
    return compact(
        await service.get(
            deps,
            caller,
            run_id,
            page_token,
            include_history=include_history,
            include_resolved_values=include_resolved_values,
        )
    )


@router.get("/runs/list", response_model=RunList)
async def list_runs(
    query: Annotated[ListRuns, Query()], caller: CallerArg, deps: DepsArg
) -> Response:
    """List runs, newest first."""
    return compact(await service.list_runs(deps, caller, query))


@router.get("/runs/get-output", response_model=RunOutput)
async def get_output(run_id: int, caller: CallerArg, deps: DepsArg) -> Response:
    """Read what the run of one task left.

    Of a job's run with several tasks there is no output: name one of its tasks' runs.
    """
    return compact(await outputs.get(deps, caller, run_id))


@router.post("/runs/repair")
async def repair_run(body: RepairRun, caller: CallerArg, deps: DepsArg) -> RepairAnswer:
    """Run tasks of an ended run again; the run keeps its id and what went well.

    Name the tasks, or take all that failed; what depends on them follows only with
    `rerun_dependent_tasks`. From the second repair on `latest_repair_id` must be that of the last.
    """
    return RepairAnswer(repair_id=await service.repair(deps, caller, body))


@router.get("/runs/export", response_model=ExportedRun)
async def export_run(
    query: Annotated[ExportRun, Query()], caller: CallerArg, deps: DepsArg
) -> ExportedRun:
    """Export the run of a notebook task as a page."""
    return await export.export(deps, caller, query)


@router.post("/runs/cancel")
async def cancel_run(body: RunRef, caller: CallerArg, deps: DepsArg) -> Empty:
    """Ask a run to stop.

    It answers at once; the run is over when `state.life_cycle_state` says so. One task is stopped
    by the id of its run.
    """
    await service.cancel(deps, caller, body.run_id)
    return Empty()


@router.post("/runs/cancel-all")
async def cancel_all_runs(body: CancelAll, caller: CallerArg, deps: DepsArg) -> Empty:
    """Ask all runs of a job to stop."""
    await service.cancel_all(deps, caller, body)
    return Empty()


@router.post("/runs/delete")
async def delete_run(body: RunRef, caller: CallerArg, deps: DepsArg) -> Empty:
    """Delete a run that is over."""
    await service.delete(deps, caller, body.run_id)
    return Empty()
