"""`/api/2.0/sql/statements`: SQL statements, and what the workers of warehouses ask of them."""

import asyncio

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, require_worker, until_gone
from control.statements import direct, internal, service, sessions
from spec.api.jobs import Empty
from spec.api.statements import (
    CreateSession,
    DeleteSession,
    ExecuteStatement,
    ResultData,
    SessionView,
    StatementView,
)
from spec.errors import Invalid
from spec.statements import (
    StatementEnd,
    StatementHold,
    StatementOrders,
    StatementProgress,
    StatementRef,
    StatementWork,
    Upload,
    UploadOrder,
)

router = APIRouter(prefix="/api/2.0/sql/statements", tags=["statements"])
sessions_router = APIRouter(prefix="/api/2.0/sql/sessions", tags=["statements"])
workers = APIRouter(
    prefix="/internal/1.0/statements", tags=["internal"], dependencies=[Depends(require_worker)]
)


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")


@router.post("", response_model=StatementView)
@router.post("/", include_in_schema=False)
async def execute_statement(
    body: ExecuteStatement, caller: CallerArg, deps: DepsArg, user_agent: str = Header(default="")
) -> Response:
    """Run one SQL statement and wait for its end, up to `wait_timeout`.

    SQL that fails is answered with 200 and the state FAILED. A statement that is not over by then
    goes on, unless `on_wait_timeout` says CANCEL: ask for it by its id.
    """
    return _json(await service.execute(deps, caller, body, service.Origin(client=user_agent)))


@router.get("/{statement_id}", response_model=StatementView)
async def get_statement(statement_id: str, caller: CallerArg, deps: DepsArg) -> Response:
    """Read a statement; once it has succeeded, with the first chunk of its rows."""
    return _json(await service.get(deps, caller, statement_id))


@router.get("/{statement_id}/result/chunks/{chunk_index}", response_model=ResultData)
async def get_statement_result_chunk(
    statement_id: str,
    chunk_index: int,
    caller: CallerArg,
    deps: DepsArg,
    row_offset: int | None = Query(default=None, description="Without effect."),
) -> Response:
    """Read one chunk of a statement's rows, or get a fresh link to it."""
    return _json(await service.get_chunk(deps, caller, statement_id, chunk_index))


@router.post("/{statement_id}/cancel")
async def cancel_statement(statement_id: str, caller: CallerArg, deps: DepsArg) -> Empty:
    """Ask a statement to stop; poll it to see when it has."""
    await service.cancel(deps, caller, statement_id)
    return Empty()


@router.delete("/{statement_id}")
async def close_statement(statement_id: str, caller: CallerArg, deps: DepsArg) -> Empty:
    """Stop a statement, or let go of the rows of one that has ended; its history stays."""
    await service.close(deps, caller, statement_id)
    return Empty()


@sessions_router.post("")
async def create_session(body: CreateSession, caller: CallerArg, deps: DepsArg) -> SessionView:
    """Open a session: what its statements have in common."""
    return SessionView(session_id=await sessions.create(deps, caller, body))


@sessions_router.delete("/{session_id}")
async def delete_session(
    session_id: str,
    caller: CallerArg,
    deps: DepsArg,
    body: DeleteSession | None = None,
    warehouse_id: str | None = None,
) -> Empty:
    """Close a session; its statements go on."""
    given = body or DeleteSession()
    if given.session_id not in (None, session_id):
        raise Invalid(f"the path names session {session_id}, the body {given.session_id}")
    await sessions.close(deps, caller, session_id, given.warehouse_id or warehouse_id)
    return Empty()


@workers.post("/at/{place}/take")
async def take_statement(place: str, request: Request, deps: DepsArg) -> StatementWork | None:
    """Wait for a statement of the warehouse at a place and take it up; null when none came."""
    gone = asyncio.ensure_future(until_gone(request))
    try:
        return await direct.take(deps, place, gone)
    finally:
        gone.cancel()


@workers.post("/{statement_id}/open")
async def open_statement(statement_id: str, body: StatementRef, deps: DepsArg) -> StatementWork:
    """Take a statement up."""
    if body.statement_id != statement_id:
        raise Invalid(f"the path names statement {statement_id}, the body {body.statement_id}")
    return await internal.open_statement(deps, body)


@workers.put("/{statement_id}/hold")
async def renew_statement(statement_id: str, body: StatementHold, deps: DepsArg) -> StatementOrders:
    """Say that a statement that was handed over directly is still worked on; waits for orders."""
    return await direct.renew(deps, statement_id, body)


@workers.delete("/{statement_id}/hold/{attempt}")
async def let_statement_go(statement_id: str, attempt: int, deps: DepsArg) -> Empty:
    """Hand a statement on to its workflow."""
    await direct.let_go(deps, statement_id, StatementHold(attempt=attempt))
    return Empty()


@workers.put("/{statement_id}/progress")
async def note_progress(statement_id: str, body: StatementProgress, deps: DepsArg) -> Empty:
    """Write down by what the next worker can go on."""
    await internal.note(deps, statement_id, body)
    return Empty()


@workers.post("/{statement_id}/uploads")
async def order_upload(statement_id: str, body: UploadOrder, deps: DepsArg) -> Upload:
    """Return where a chunk may be put."""
    return await internal.order_upload(deps, statement_id, body)


@workers.put("/{statement_id}/end")
async def end_statement(statement_id: str, body: StatementEnd, deps: DepsArg) -> Empty:
    """Write down how a statement ended; harmless when repeated."""
    await internal.end(deps, statement_id, body)
    return Empty()
