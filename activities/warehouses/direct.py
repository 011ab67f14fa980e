"""The direct way of statements: this process waits at the internal API for what it has room for.

A statement that comes so has no workflow as long as it ends here. Its lease is renewed while it
runs, and the answer to that says when it is to stop. It is handed on to a workflow when this
process shuts down, or can do nothing more for it.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

import structlog

from activities.control_client import ControlClient
from activities.warehouses.run_statement import Held, StatementActivities
from spec.errors import AttemptOver, OpenLakeError, Unavailable
from spec.statements import StatementHold, StatementWork
from spec.warehouses import WarehouseConfig

log = structlog.get_logger(__name__)

LEAVE_WITHIN = timedelta(seconds=10)
"""A process that shuts down takes so long to hand its statements on."""
_RENEW_AFTER_S = 0.5
"""Most statements have ended by then."""
_ASK_AGAIN_S = 0.5
_REFUSED_S = 10.0


class DirectStatements:
    """See module."""

    def __init__(
        self, warehouse: WarehouseConfig, control: ControlClient, activities: StatementActivities
    ) -> None:
        """See class."""
        self._warehouse = warehouse
        self._control = control
        self._activities = activities
        self._is_leaving = False
        self._asking: set[asyncio.Task[StatementWork | None]] = set()

    async def run(self) -> None:
        """Take statements, one a slot, until `shutdown`."""
        await asyncio.gather(*(self._lane() for _ in range(self._warehouse.slots)))

    async def shutdown(self) -> None:
        """Take no more and hand on what is under way; returns when nothing is."""
        self._is_leaving = True
        for each in self._asking:
            each.cancel()
        held = list(self._activities.held.values())
        await asyncio.gather(*(each.taking.leave() for each in held), return_exceptions=True)
        if held:
            tasks = {each.running for each in held}
            await asyncio.wait(tasks, timeout=LEAVE_WITHIN.total_seconds())
            for task in tasks:
                task.cancel()

    async def _lane(self) -> None:
        while not self._is_leaving:
            # Whoever waits in the queue of this process has its turn before.
            async with self._activities.slots:
                pass
            if self._is_leaving:
                return
            if (work := await self._take()) is not None:
                await self._work(work)

    async def _take(self) -> StatementWork | None:
        asking = asyncio.create_task(self._control.take_statement(self._warehouse.place))
        self._asking.add(asking)
        try:
            return await asking
        except asyncio.CancelledError:
            if not self._is_leaving:
                raise
        except OpenLakeError as error:
            is_refused = not isinstance(error, Unavailable)
            if is_refused:
                log.warning("statement.not_taken", reason=error.message)
            await asyncio.sleep(_REFUSED_S if is_refused else _ASK_AGAIN_S)
        finally:
            self._asking.discard(asking)
        return None

    async def _work(self, work: StatementWork) -> None:
        """Bring a statement to its end, or hand it on."""
        hold, slots = StatementHold(attempt=work.attempt), self._activities.slots
        if slots.locked():
            # What came from Temporal meanwhile has the room; another process may have some.
            with suppress(OpenLakeError):
                await self._control.let_statement_go(work.statement_id, hold)
            return
        async with slots:
            await self._see_through(work, hold)

    async def _see_through(self, work: StatementWork, hold: StatementHold) -> None:
        taking = self._activities.taking()
        running = asyncio.create_task(taking.bring_to_end(work))
        held = self._activities.held[work.statement_id] = Held(taking, running)
        if self._is_leaving:
            await taking.leave()
        holding = asyncio.create_task(self._hold(work.statement_id, hold, held))
        try:
            await asyncio.wait({running})
        finally:
            running.cancel()
            holding.cancel()
            await asyncio.gather(running, holding, return_exceptions=True)
            del self._activities.held[work.statement_id]
        if running.cancelled() or (error := running.exception()) is None:
            return
        log.warning("statement.handed_on", statement_id=work.statement_id, reason=str(error))
        # Where this does not get through, the lease runs out.
        with suppress(OpenLakeError):
            await self._control.let_statement_go(work.statement_id, hold)

    async def _hold(self, statement_id: str, hold: StatementHold, held: Held) -> None:
        """Renew a statement's lease; stop it when that is ordered, or another worker has it."""
        await asyncio.sleep(_RENEW_AFTER_S)
        is_told = False
        while True:
            try:
                orders = await self._control.renew_statement(statement_id, hold)
            except AttemptOver:
                # Another worker goes on with the engine's query.
                await held.taking.leave()
                held.running.cancel()
                return
            except OpenLakeError as error:
                log.warning("statement.not_renewed", reason=error.message)
                await asyncio.sleep(_ASK_AGAIN_S)
                continue
            if orders.cancel and not is_told:
                try:
                    await held.taking.cancel()
                    is_told = True
                except OpenLakeError as error:
                    # The lease is renewed all the same, and it is tried again.
                    log.warning("statement.not_stopped", reason=error.message)
            if orders.cancel:
                await asyncio.sleep(_RENEW_AFTER_S)
