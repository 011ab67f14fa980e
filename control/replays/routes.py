"""`/api/openlake/1.0/runs/{run_id}/replay`: run a run again, and compare."""

from fastapi import APIRouter

from control.http import CallerArg, DepsArg
from control.replays import service
from spec.api.replays import StartReplay
from spec.api.runs import RunId

router = APIRouter(prefix="/api/openlake/1.0/runs", tags=["runs"])


@router.post("/{run_id}/replay")
async def replay_run(
    run_id: int, caller: CallerArg, deps: DepsArg, body: StartReplay | None = None
) -> RunId:
    """Run a run again on the tables it saw, on a scratch branch, and compare what both wrote.

    The answer is a run with the tasks `replay` and `compare`; its second task fails, and tells the
    tables, when the outputs differ.
    """
    token = body.idempotency_token if body is not None else None
    run = await service.start(deps, caller, run_id, token)
    return RunId(run_id=run.run_id)
