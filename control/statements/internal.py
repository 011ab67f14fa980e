"""What the workers of warehouses ask and report: open, write down, upload, end.

Every call may be repeated. Each taking-up of a statement is an attempt; what a worker says of an
attempt that is not the newest one does not count.
"""

from datetime import UTC, datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub
from control.auth import Caller
from control.deps import Deps
from control.runs import outbox
from control.statements import store
from control.statements.objects import chunk_key
from control.statements.redacting import redacted_text
from control.statements.tables import Statement, StatementResult
from control.statements.work import body_of, take_up, topic, work_of
from control.warehouses import service as warehouses
from spec.errors import AttemptOver, NotFound
from spec.statements import (
    ResultFormat,
    StatementEnd,
    StatementProgress,
    StatementRef,
    StatementState,
    StatementWork,
    Upload,
    UploadOrder,
)

KEPT = timedelta(days=1)
"""How long the rows of an answer are."""
_UPLOAD_LIFE_S = 3600


async def open_statement(deps: Deps, ref: StatementRef) -> StatementWork:
    """Take a statement up, or take it up again after a worker's death.

    Raises:
        AttemptOver: it has ended, or is to stop.
        NotFound: there is no such statement.
    """
    async with deps.database.session() as session:
        row = await store.lock(session, ref.statement_id)
        if (row.workspace_id, row.warehouse_id) != (ref.workspace_id, ref.warehouse_id):
            raise NotFound(f"Statement {ref.statement_id} is of another warehouse.")
        if StatementState(row.state).is_over or row.body is None:
            raise AttemptOver(f"statement {ref.statement_id} has ended")
        if row.cancel_asked_at is not None and not ref.stop:
            raise AttemptOver(row.message)
        handle = await _handle(session, row)
        take_up(row)
        session.add(row)
    return await work_of(deps, row, body_of(deps, row), handle)


async def _handle(session: AsyncSession, row: Statement) -> dict[str, object]:
    if row.attempt == 0:
        return {}
    result = await session.get(StatementResult, row.statement_id)
    return {} if result is None else result.handle


async def note(deps: Deps, statement_id: str, progress: StatementProgress) -> None:
    """Write down by what the next worker can go on.

    Raises:
        AttemptOver: the statement has ended, or another worker has taken it up.
    """
    async with deps.database.session() as session:
        row = await store.current(session, statement_id, progress.attempt)
        row.engine_query_id = progress.engine_query_id or row.engine_query_id
        session.add(row)
        result = StatementResult(
            statement_id=statement_id, attempt=progress.attempt, handle=progress.handle
        )
        await store.put_result(session, result)


async def order_upload(deps: Deps, statement_id: str, order: UploadOrder) -> Upload:
    """Return where a chunk may be put.

    Raises:
        AttemptOver: as `note`.
    """
    async with deps.database.session() as session:
        row = await store.current(session, statement_id, order.attempt)
    key = chunk_key(
        row.workspace_id, statement_id, order.attempt, order.index, ResultFormat(row.format)
    )
    return Upload(url=await deps.objects.upload_link(key, _UPLOAD_LIFE_S))


async def end(deps: Deps, statement_id: str, ending: StatementEnd) -> None:
    """Write down how a statement ended, and wake whoever waits for it.

    Raises:
        AttemptOver: as `note`, unless it has ended by this very report.
    """
    now = datetime.now(UTC)
    async with deps.database.session() as session:
        row = await store.lock(session, statement_id)
        if row.attempt != ending.attempt:
            raise AttemptOver(f"statement {statement_id} was taken up by another worker")
        if StatementState(row.state).is_over:
            return
        await _finish(session, deps, row, ending, now)
        await outbox.take_back_start(session, statement_id)
        result = None
        if ending.state is StatementState.SUCCEEDED:
            result = _result(statement_id, ending)
            await store.put_result(session, result)
    deps.desk.ended(row, result)
    deps.hub.wake_here(topic(statement_id))
    await warehouses.note_use(deps, row.workspace_id, row.warehouse_id)


async def _finish(
    session: AsyncSession, deps: Deps, row: Statement, ending: StatementEnd, now: datetime
) -> None:
    row.state = ending.state.value
    row.kind = ending.kind or row.kind
    row.engine_query_id = ending.engine_query_id or row.engine_query_id
    row.error_code = ending.error_code.value if ending.error_code else None
    if ending.state is StatementState.FAILED:
        caller = Caller.acting_for(row.workspace_id, row.user_name)
        row.message = await redacted_text(session, deps, caller, ending.message)
    elif ending.state is StatementState.SUCCEEDED:
        row.message = ""
        row.row_count = sum(chunk.rows for chunk in ending.chunks)
        row.byte_count = sum(chunk.bytes for chunk in ending.chunks)
        row.truncated = ending.truncated
    # What an attempt that failed has uploaded is to be deleted at once.
    row.expires_at = now + KEPT if ending.state is StatementState.SUCCEEDED else now
    row.ended_at, row.body = now, None
    session.add(row)
    await hub.notify(session, topic(row.statement_id))


def _result(statement_id: str, ending: StatementEnd) -> StatementResult:
    return StatementResult(
        statement_id=statement_id,
        attempt=ending.attempt,
        columns=[column.model_dump(mode="json", exclude_none=True) for column in ending.columns],
        chunks=[(chunk.rows, chunk.bytes) for chunk in ending.chunks],
        inline=ending.inline,
    )
