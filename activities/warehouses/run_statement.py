"""The activity `run_statement`: takes a statement up, runs it, keeps its rows, reports its end."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2
import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.control_client import ControlClient
from activities.faults import Point, reach
from activities.sql.gateway_tables import GatewayTables
from activities.warehouses.base import Execution, StatementFailed, WarehouseEngine
from activities.warehouses.delivery import Delivery
from activities.warehouses.reading import Reading, read
from spec.attempts import CatalogAccess
from spec.errors import AttemptOver, EngineRejected, Unavailable
from spec.statements import (
    ServiceError,
    StatementEnd,
    StatementProgress,
    StatementRef,
    StatementState,
    StatementWork,
    UploadOrder,
)
from spec.warehouses import WarehouseConfig

T = TypeVar("T")

log = structlog.get_logger(__name__)

_HEARTBEAT_S = 1.0
_PATIENCE_S = 600.0
"""How long the API or the object store may be away; the engine's query stays where it is."""
_MOST_MESSAGE = 20_000

LEFT = "LeftRunning"
"""Type of the retryable failure by which a worker that shuts down hands its statements on."""


@dataclass(frozen=True)
class Held:
    """A statement that this process has past Temporal; see `direct`."""

    taking: "Taking"
    running: "asyncio.Task[None]"


class StatementActivities:
    """Holds what the activity needs, and what the direct way shares with it."""

    def __init__(
        self,
        warehouse: WarehouseConfig,
        control: ControlClient,
        engine: WarehouseEngine,
        threads: Executor,
    ) -> None:
        """See class."""
        self._warehouse = warehouse
        self._control = control
        self._engine = engine
        self._threads = threads
        self._http = httpx2.AsyncClient(timeout=httpx2.Timeout(60, connect=5), trust_env=False)
        self.slots = asyncio.Semaphore(warehouse.slots)
        """Whatever way statements come, no more run at once."""
        self.held: dict[str, Held] = {}
        """By their ids."""

    def taking(self) -> "Taking":
        """Return a taking-up of a statement."""
        return Taking(self._warehouse, self._control, self._engine, self._threads, self._http)

    @activity.defn(name="run_statement")
    async def run_statement(self, ref: StatementRef) -> None:
        """See `spec.ports.run_statement`."""
        beating = asyncio.create_task(_beat())
        try:
            if (held := self.held.get(ref.statement_id)) is not None:
                await self._go_on(held, ref)
                return
            async with self.slots:
                one = self.taking()
                running = asyncio.create_task(one.run(ref))
                try:
                    await _attend(one, running)
                except asyncio.CancelledError:
                    # Temporal has given this attempt up: whoever makes the next one goes on.
                    await one.leave()
                    raise
                finally:
                    running.cancel()
                    await asyncio.gather(running, return_exceptions=True)
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)

    async def _go_on(self, held: Held, ref: StatementRef) -> None:
        """Attend to a statement that has got a workflow while this process has it."""
        if ref.stop:
            await held.taking.cancel()
        try:
            await _attend(held.taking, held.running)
        except AttemptOver:
            raise _left("Another process has had the statement") from None
        except asyncio.CancelledError:
            if held.running.cancelled():
                raise _left("The warehouse's process has let go of the statement") from None
            raise


async def _attend(one: "Taking", running: "asyncio.Task[None]") -> None:
    """Wait for the end, and pass on what Temporal wants meanwhile."""
    while True:
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError:
            details = activity.cancellation_details()
            if details is not None and details.cancel_requested:
                await one.cancel()
                continue
            if details is not None and details.worker_shutdown:
                await one.leave()
                continue
            raise
        return running.result()


def _left(why: str) -> ApplicationError:
    """Return the failure after which the statement is taken up once more, unless it has ended."""
    return ApplicationError(f"{why}; it is taken up again.", type=LEFT)


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(_HEARTBEAT_S)


class Taking:
    """One taking-up of one statement."""

    def __init__(
        self,
        warehouse: WarehouseConfig,
        control: ControlClient,
        engine: WarehouseEngine,
        threads: Executor,
        http: httpx2.AsyncClient,
    ) -> None:
        """See class; made by `StatementActivities.taking`."""
        self._warehouse = warehouse
        self._control = control
        self._engine = engine
        self._threads = threads
        self._http = http
        self._execution: Execution | None = None
        self._reading: Reading | None = None
        self._is_canceled = False
        self._is_leaving = False
        self._has_begun = False
        """Whether the engine may have been told of a write, which is noted before."""

    async def run(self, ref: StatementRef) -> None:
        """Take the statement up and bring it to its end."""
        work = await _patiently(lambda: self._control.open_statement(ref))
        await self.bring_to_end(work, stop=ref.stop)

    async def bring_to_end(self, work: StatementWork, *, stop: bool = False) -> None:
        """Run a statement that is taken up, or only stop it, and report its end."""
        reach(Point.AFTER_TAKE, self._warehouse.warehouse_id)
        delivery = Delivery(work, lambda i, content: self._put(work, i, content), self._threads)
        try:
            end = await self._end_of(work, delivery, stop=stop)
        except AttemptOver:
            # Whoever has taken the statement up goes on with the engine's query.
            await self.leave()
            raise
        finally:
            if self._execution is not None:
                await self._execution.close()
        if end is not None:
            reach(Point.BEFORE_FINISH, self._warehouse.warehouse_id)
            await _patiently(lambda: self._control.end_statement(work.statement_id, end))

    async def cancel(self) -> None:
        """Stop the engine's query; the statement then ends by itself as CANCELED."""
        self._is_canceled = True
        if self._execution is not None:
            await self._execution.stop()

    async def leave(self) -> None:
        """Let go of the statement: this process ends."""
        self._is_leaving = True
        if self._execution is not None:
            await self._execution.leave()

    async def _end_of(
        self, work: StatementWork, delivery: Delivery, *, stop: bool
    ) -> StatementEnd | None:
        """Return how the statement ended; None when it was only to be stopped."""
        try:
            self._reading = await self._read(work)
            execution = self._engine.execution(work, self._reading, self._noter(work))
            self._execution = execution
            if stop:
                await execution.stop()
                return None
            if self._is_leaving:
                # What an earlier worker has begun goes on without us.
                await execution.leave()
            if self._is_canceled or self._is_leaving:
                raise StatementFailed("", ServiceError.CANCELLED)
            answer = await execution.answer()
            await delivery.take(answer)
        except StatementFailed as error:
            return self._failed(work, error.message, error.error)
        except EngineRejected as error:
            return self._failed(work, error.message, ServiceError.BAD_REQUEST)
        return StatementEnd(
            attempt=work.attempt,
            state=StatementState.SUCCEEDED,
            kind=self._reading.kind,
            engine_query_id=execution.engine_query_id,
            columns=answer.columns,
            chunks=tuple(delivery.chunks),
            inline=delivery.inline,
            truncated=delivery.is_truncated,
        )

    def _failed(self, work: StatementWork, message: str, error: ServiceError) -> StatementEnd:
        can_repeat = self._reading is None or self._reading.is_repeatable or not self._has_begun
        if self._is_leaving and not self._is_canceled and can_repeat:
            raise _left("The warehouse's process shuts down")
        execution = self._execution
        state = StatementState.CANCELED if self._is_canceled else StatementState.FAILED
        return StatementEnd(
            attempt=work.attempt,
            state=state,
            error_code=None if self._is_canceled else error,
            message=message[:_MOST_MESSAGE],
            kind=None if self._reading is None else self._reading.kind,
            engine_query_id=None if execution is None else execution.engine_query_id,
        )

    async def _read(self, work: StatementWork) -> Reading:
        catalog = work.catalog or self._warehouse.catalog or work.reader.catalog.name
        schema = work.schema_name or self._warehouse.schema_name or "default"

        async def columns(table: tuple[str, str, str]) -> Sequence[str]:
            access: CatalogAccess = work.reader.catalog
            state = await GatewayTables(self._http, access).load(table[1], table[2])
            return () if state is None else tuple(state.columns)

        return await read(work.body, self._warehouse, (catalog, schema), columns)

    def _noter(
        self, work: StatementWork
    ) -> Callable[[dict[str, Any], str | None], Awaitable[None]]:
        async def note(handle: dict[str, Any], query_id: str | None) -> None:
            progress = StatementProgress(
                attempt=work.attempt, handle=handle, engine_query_id=query_id
            )
            await _patiently(lambda: self._control.note_statement(work.statement_id, progress))
            self._has_begun = True

        return note

    async def _put(self, work: StatementWork, index: int, content: bytes) -> None:
        order = UploadOrder(attempt=work.attempt, index=index)

        async def put() -> None:
            upload = await self._control.upload_for(work.statement_id, order)
            try:
                answer = await self._http.put(upload.url, content=content)
            except httpx2.TransportError as error:
                raise Unavailable(f"the object store does not answer: {error!r}") from error
            if answer.status_code >= 300:
                raise Unavailable(f"the object store refused a chunk: {answer.text[:300]}")

        await _patiently(put)


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call that may be repeated until it gets through."""
    until, pause_s = time.monotonic() + _PATIENCE_S, 0.1
    while True:
        try:
            return await call()
        except Unavailable as error:
            if time.monotonic() > until:
                raise
            log.warning("statement.waiting", reason=error.message)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 5.0)
