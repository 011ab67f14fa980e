"""Statements and their answers as Databricks shows them."""

from typing import Any

from control.queries.service import iso
from control.statements.tables import Statement, StatementResult
from spec.api.statements import (
    ChunkInfo,
    ColumnInfo,
    ResultManifest,
    ResultSchema,
    StatementError,
    StatementStatus,
    StatementView,
)
from spec.statements import Column, ResultFormat, ServiceError, StatementState

EXPIRED = (
    "The rows of this statement were deleted {at}: they are kept for a day. Send the statement"
    " again to get them anew."
)


def state_of(row: Statement) -> StatementState:
    """Return a statement's state as it is shown: CLOSED when its rows are gone."""
    state = StatementState(row.state)
    gone = row.purged_at is not None and state is StatementState.SUCCEEDED
    return StatementState.CLOSED if gone else state


def view(row: Statement, result: StatementResult | None) -> StatementView:
    """Return a statement, without any rows."""
    state = state_of(row)
    error = None
    if state is StatementState.CLOSED:
        words = EXPIRED.format(at=iso(row.purged_at))
        error = StatementError(error_code=ServiceError.NOT_FOUND, message=words)
    elif row.error_code is not None:
        error = StatementError(error_code=ServiceError(row.error_code), message=row.message)
    manifest = None
    if state is StatementState.SUCCEEDED and result is not None:
        manifest = _manifest(row, result)
    return StatementView(
        statement_id=row.statement_id,
        status=StatementStatus(state=state, error=error),
        manifest=manifest,
    )


def chunk_infos(result: StatementResult) -> tuple[ChunkInfo, ...]:
    """Return what an answer's chunks are, in their order."""
    infos: list[ChunkInfo] = []
    offset = 0
    for index, (rows, size) in enumerate(result.chunks):
        infos.append(
            ChunkInfo(chunk_index=index, row_offset=offset, row_count=rows, byte_count=size)
        )
        offset += rows
    return tuple(infos)


def next_of(row: Statement, infos: tuple[ChunkInfo, ...], index: int) -> dict[str, Any]:
    """Return the fields that lead from a chunk to the next one; none behind the last one."""
    if index + 1 >= len(infos):
        return {}
    offset = infos[index + 1].row_offset
    path = f"/api/2.0/sql/statements/{row.statement_id}/result/chunks/{index + 1}"
    return {
        "next_chunk_index": index + 1,
        "next_chunk_internal_link": f"{path}?row_offset={offset}",
    }


def _manifest(row: Statement, result: StatementResult) -> ResultManifest:
    columns = [Column.model_validate(each) for each in result.columns]
    infos = chunk_infos(result)
    return ResultManifest(
        format=ResultFormat(row.format),
        schema=ResultSchema(
            column_count=len(columns),
            columns=tuple(
                ColumnInfo(
                    name=column.name,
                    position=position,
                    type_name=column.type_name,
                    type_text=column.type_text,
                    type_precision=column.precision,
                    type_scale=column.scale,
                    type_interval_type=column.interval,
                )
                for position, column in enumerate(columns)
            ),
        ),
        total_chunk_count=len(infos),
        total_row_count=row.row_count or 0,
        total_byte_count=row.byte_count or 0,
        truncated=row.truncated,
        chunks=infos,
    )
