"""The rows of an answer through the API, for clients that cannot reach the object store.

Chunks are handed on as they are stored: nothing is read into memory but one chunk at a time.
"""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from control.auth import Caller
from control.deps import Deps
from control.statements import service, store
from control.statements.objects import chunk_key
from control.statements.service import check
from control.statements.tables import Statement, StatementResult
from spec.errors import Conflict, NotFound
from spec.statements import Column, ResultFormat


@dataclass(frozen=True)
class Rows:
    """The stored rows of one answer."""

    statement: Statement
    result: StatementResult

    @property
    def columns(self) -> tuple[Column, ...]:
        """In their order."""
        return tuple(Column.model_validate(each) for each in self.result.columns)

    async def chunk(self, deps: Deps, index: int) -> bytes:
        """Return the rows of one chunk: a JSON array of arrays of texts and nulls.

        Raises:
            NotFound: there is no such chunk, or it is gone.
            Unavailable: the object store does not answer.
        """
        count = len(self.result.chunks)
        if not 0 <= index < count:
            raise NotFound(
                f"Statement {self.statement.statement_id} has {count} chunks, counted from 0; there"
                f" is no chunk {index}.",
                statement_id=self.statement.statement_id,
            )
        if self.result.inline is not None:
            return self.result.inline.encode()
        row = self.statement
        where = (row.workspace_id, row.statement_id, self.result.attempt, index)
        return await deps.objects.get(chunk_key(*where, ResultFormat.JSON_ARRAY))

    async def chunks(self, deps: Deps) -> AsyncIterator[bytes]:
        """Yield all chunks in their order."""
        for index in range(len(self.result.chunks)):
            yield await self.chunk(deps, index)


async def rows_of(deps: Deps, caller: Caller, statement_id: str) -> Rows:
    """Return the rows of a statement that succeeded.

    Raises:
        NotFound: there is no such statement in the workspace, or its rows have been deleted.
        Forbidden: it is somebody else's.
        Conflict: it has not succeeded, or its client asked for another format than JSON_ARRAY.
    """
    row, result = await service.succeeded(deps, caller, statement_id)
    if row.format != ResultFormat.JSON_ARRAY:
        raise Conflict(
            f"The rows of statement {statement_id} are stored as {row.format}, as its client asked;"
            " here are only those of JSON_ARRAY. Send the statement again to see its rows."
        )
    return Rows(row, result)


async def follow(deps: Deps, caller: Caller, statement_id: str, wait_s: int) -> str:
    """Return a statement as JSON once it is over, or as it stands after so long.

    Raises:
        NotFound: there is no such statement in the workspace.
        Forbidden: it is somebody else's.
    """
    async with deps.database.read_session() as session:
        check(caller, await store.get(session, caller.workspace_id, statement_id))
    return await service.follow(deps, caller, statement_id, time.monotonic() + wait_s)
