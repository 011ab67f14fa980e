"""The port of a SQL engine behind a warehouse; a new engine is one file and a line in `engines`.

An engine runs one statement as an `Execution`: its answer is a stream of Arrow batches, and it can
be stopped. What of it another worker could go on with is its `handle`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from activities.warehouses.reading import Reading
from spec.errors import OpenLakeError
from spec.statements import Column, ServiceError, StatementWork

Batch = Any
"""A `pyarrow.RecordBatch`, whose fields are the columns; pyarrow has no types for checkers."""

Note = Callable[[dict[str, Any], str | None], Awaitable[None]]
"""Writes down a handle, and the engine's own id of the query, so that no death loses them."""


class StatementFailed(OpenLakeError):
    """The statement failed, and why: nothing of it runs any more."""

    def __init__(self, message: str, error: ServiceError = ServiceError.BAD_REQUEST) -> None:
        """See class."""
        super().__init__(message)
        self.error = error


@dataclass(frozen=True)
class Answer:
    """What a statement answers."""

    columns: tuple[Column, ...]
    batches: AsyncIterator[Batch]
    """To be read once, to the end or not. Raises what `Execution.answer` does."""


class Execution(Protocol):
    """One statement at an engine."""

    @property
    def engine_query_id(self) -> str | None:
        """The engine's own id of the query, once there is one."""
        ...

    async def answer(self) -> Answer:
        """Run the statement, or go on with what an earlier worker began; once.

        Raises:
            StatementFailed: the statement is at fault, or it cannot be known what became of it.
            EngineUnavailable: the engine does not answer: to be tried again.
        """
        ...

    async def stop(self) -> None:
        """Stop it; returns when nothing of it runs. Harmless at any time."""
        ...

    async def leave(self) -> None:
        """Prepare for the end of this process: stop what would end with it, leave the rest."""
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...


class WarehouseEngine(Protocol):
    """Runs the statements of one process of a warehouse."""

    dialect: str
    """sqlglot's name of its SQL."""

    def execution(self, work: StatementWork, reading: Reading, note: Note) -> Execution:
        """Return a statement that can be run."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
