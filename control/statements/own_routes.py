"""`/api/openlake/1.0/statements/{statement_id}`: what browsers need, beside `sql/statements`."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from control.http import CallerArg, DepsArg
from control.statements import fetching
from control.statements.exporting import MEDIA_TYPE, FileFormat, file_of
from spec.api.statements import StatementView

router = APIRouter(prefix="/api/openlake/1.0/statements/{statement_id}", tags=["statements"])

_ROWS = {"content": {"application/json": {"schema": {"type": "array", "items": {"type": "array"}}}}}
_FILE = {
    "content": {
        media.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
        for media in MEDIA_TYPE.values()
    }
}


@router.get("", response_model=StatementView)
async def follow_statement(
    statement_id: str,
    caller: CallerArg,
    deps: DepsArg,
    wait_s: Annotated[int, Query(ge=0, le=50)] = 0,
) -> Response:
    """Read a statement as soon as it is over, or as it stands after so many seconds."""
    content = await fetching.follow(deps, caller, statement_id, wait_s)
    return Response(content, media_type="application/json")


@router.get("/chunks/{chunk_index}", responses={200: _ROWS}, response_class=Response)
async def get_statement_rows(
    statement_id: str, chunk_index: int, caller: CallerArg, deps: DepsArg
) -> Response:
    """Read the rows of one chunk, also of an answer that `sql/statements` only links to.

    An array of rows, each an array of texts and nulls.
    """
    rows = await fetching.rows_of(deps, caller, statement_id)
    return Response(await rows.chunk(deps, chunk_index), media_type="application/json")


@router.get("/download", responses={200: _FILE}, response_class=StreamingResponse)
async def download_statement(
    statement_id: str,
    caller: CallerArg,
    deps: DepsArg,
    format: FileFormat = FileFormat.CSV,
) -> StreamingResponse:
    """Download all rows as one file: CSV, JSON or Parquet."""
    rows = await fetching.rows_of(deps, caller, statement_id)
    name = f"statement-{statement_id}.{format}"
    return StreamingResponse(
        file_of(format, rows.columns, rows.chunks(deps)),
        media_type=MEDIA_TYPE[format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
