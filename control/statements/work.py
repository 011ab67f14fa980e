"""What a worker is given of a statement, however it gets it."""

from datetime import UTC, datetime

from control.deps import Deps
from control.statements.readers import writer
from control.statements.tables import Statement
from spec.statements import (
    Disposition,
    ResultFormat,
    StatementBody,
    StatementState,
    StatementWork,
)

TABLE = "statements"
"""The place that bodies are sealed for."""


def topic(statement_id: str) -> str:
    """Name what changes with a statement's state."""
    return f"statement:{statement_id}"


def seal(deps: Deps, statement_id: str, body: StatementBody) -> str:
    """Return what was sent as it is kept in the statement's row."""
    return deps.sealer.seal(body.model_dump_json().encode(), table=TABLE, row=statement_id)


def body_of(deps: Deps, row: Statement) -> StatementBody:
    """Return what was sent, of a statement that has not ended."""
    sealed = deps.sealer.unseal(row.body or "", table=TABLE, row=row.statement_id)
    return StatementBody.model_validate_json(sealed)


def take_up(row: Statement) -> None:
    """Begin an attempt."""
    row.attempt += 1
    row.state = StatementState.RUNNING.value
    row.started_at = row.started_at or datetime.now(UTC)


async def work_of(
    deps: Deps, row: Statement, body: StatementBody, handle: dict[str, object]
) -> StatementWork:
    """Return all that running a statement's newest attempt needs."""
    who = (row.workspace_id, row.user_name)
    reader = await deps.readers.of(deps.access, *who, row.branch)
    may_write = row.branch is None
    return StatementWork(
        statement_id=row.statement_id,
        workspace_id=row.workspace_id,
        user_name=row.user_name,
        attempt=row.attempt,
        body=body,
        catalog=row.catalog,
        schema_name=row.schema_name,
        disposition=Disposition(row.disposition),
        format=ResultFormat(row.format),
        row_limit=row.row_limit,
        byte_limit=row.byte_limit,
        reader=reader,
        writer=writer(deps.access, *who, row.statement_id, reader.storage) if may_write else None,
        handle=handle,
    )
