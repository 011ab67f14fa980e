"""`/api/openlake/1.0/runs/{run_id}/…`: what a run used."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.evidence import settings
from control.http import CallerArg, DepsArg, compact
from spec.api.evidence import RunSettings

router = APIRouter(prefix="/api/openlake/1.0/runs/{run_id}", tags=["runs"])


@router.get("/settings", response_model=RunSettings)
async def get_run_settings(
    run_id: int,
    caller: CallerArg,
    deps: DepsArg,
    execution: Annotated[
        int | None, Query(ge=0, description="0 is the original, n the n-th repair.")
    ] = None,
) -> Response:
    """Read the settings that a run uses; those of its newest execution when none is named."""
    return compact(await settings.used_by(deps, caller, run_id, execution))
