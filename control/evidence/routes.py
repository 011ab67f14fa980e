"""`/api/openlake/1.0/runs/{run_id}/…`: what a run used, and the evidence of what it did."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from control.evidence import document, settings, tables
from control.http import CallerArg, DepsArg, compact
from spec.api.evidence import Evidence, RunSettings
from spec.api.run_tables import RunTables

_PIECE_BYTES = 256 * 1024

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


@router.get("/tables", response_model=RunTables)
async def list_run_tables(
    run_id: int,
    caller: CallerArg,
    deps: DepsArg,
    task_run_id: Annotated[int | None, Query(description="Of this attempt alone.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Attempts.")] = 100,
    page_token: str | None = None,
) -> Response:
    """List the tables that a run's attempts read and changed."""
    return compact(await tables.of_run(deps, caller, run_id, task_run_id, limit, page_token))


@router.get("/evidence", responses={200: {"model": Evidence}}, response_class=StreamingResponse)
async def get_evidence(run_id: int, caller: CallerArg, deps: DepsArg) -> StreamingResponse:
    """Export all that a run did as one document that carries its own SHA-256."""
    file = await document.make(deps, caller, run_id)
    return StreamingResponse(_pieces(file), media_type="application/json")


def _pieces(file: SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
