"""The direct way of a statement to a process of its warehouse, past Temporal.

A process that has room waits here. The statement's row says that it is taken up, and its START row
stays in the outbox: `not_before` is the lease, which the process renews while it works. The end
deletes it. Whoever dies in between: the lease runs out, the relay starts the statement's workflow,
and the statement is taken up once more, as after the death of any worker.
"""

import asyncio
import time
from datetime import timedelta

import structlog

from control import hub
from control.deps import Deps
from control.runs import outbox
from control.runs.tables import OutboxRow
from control.sse import is_ending
from control.statements import store
from control.statements.tables import Statement
from control.statements.work import body_of, take_up, topic, work_of
from spec.errors import AttemptOver, NotFound
from spec.statements import StatementHold, StatementOrders, StatementState, StatementWork
from spec.warehouses import place_of

log = structlog.get_logger(__name__)

FIRST_LEASE = timedelta(seconds=5)
"""Of a statement that was handed over: until its worker says for the first time that it has it."""
LEASE = timedelta(seconds=10)
"""From one renewal on; the worker renews three times within it."""
_OFFERED_S = 0.1
"""So long a statement waits for a process that comes to have room, before Temporal keeps it."""
_POLL_S = 20.0
_LOOK_S = 0.5
"""So often whoever waits looks whether this process of the API is to end."""
_RENEWED_S = 3.0
"""How long a renewal waits for an order before it is answered."""


def offers(place: str) -> str:
    """Name how the topics begin by which a statement is offered to a warehouse's processes."""
    return f"offer:{place}/"


async def offer(deps: Deps, row: Statement, start: OutboxRow) -> None:
    """Show a statement to the processes of a running warehouse, which all seem to be busy.

    Temporal keeps it if none takes it at once: it then waits in the warehouse's queue.
    """
    deps.desk.offer(place_of(row.workspace_id, row.warehouse_id), row.statement_id)
    await asyncio.sleep(_OFFERED_S)
    await outbox.start_now(deps.database, deps.launcher, start)


# What processes of warehouses ask -----------------------------------------------------------


async def take(deps: Deps, place: str, gone: "asyncio.Future[None]") -> StatementWork | None:
    """Wait for a statement of the warehouse at a place, and take it up; None when none came.

    Args:
        deps: The collaborators.
        place: See `spec.warehouses.place_of`.
        gone: Done when nobody is there any more who could be answered.
    """
    async with deps.hub.watch(offers(place)) as heard:
        return await _taken(deps, place, heard, gone)


async def _taken(
    deps: Deps, place: str, heard: hub.Watch, gone: "asyncio.Future[None]"
) -> StatementWork | None:
    until, seat = time.monotonic() + _POLL_S, deps.desk.sit(place)
    wake = asyncio.ensure_future(heard.wake.wait())
    try:
        while True:
            while (
                not gone.done() and deps.desk.is_free(seat) and (shown := deps.desk.offered(place))
            ):
                deps.desk.rise(seat)
                if work := await _claim(deps, place, shown):
                    return work
                seat = deps.desk.sit(place)
            waiting = {seat.work, wake, gone}
            await asyncio.wait(waiting, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            if seat.work.done():
                return seat.work.result()
            if gone.done():
                return None
            if wake.done():
                for statement_id in heard.take()[0]:
                    deps.desk.offer(place, statement_id)
                wake = asyncio.ensure_future(heard.wake.wait())
            is_over = is_ending() or time.monotonic() > until
            if is_over and deps.desk.is_free(seat):
                return None
    finally:
        wake.cancel()
        deps.desk.rise(seat)


async def _claim(deps: Deps, place: str, statement_id: str) -> StatementWork | None:
    """Take up a statement that was offered, unless it has been taken up or is to stop."""
    async with deps.database.session() as session:
        try:
            row = await store.lock(session, statement_id)
        except NotFound:
            return None
        is_meant = place_of(row.workspace_id, row.warehouse_id) == place
        is_fresh = row.state == StatementState.PENDING and not row.attempt
        if not is_meant or not is_fresh or row.cancel_asked_at is not None:
            return None
        if not await outbox.put_off_start(session, statement_id, FIRST_LEASE):
            return None
        take_up(row)
        session.add(row)
    return await work_of(deps, row, body_of(deps, row), {})


async def renew(deps: Deps, statement_id: str, hold: StatementHold) -> StatementOrders:
    """Note that a process still works on a statement, and wait a moment for an order to stop it.

    Its lease may have run out before, and its workflow have been started: as long as that has not
    taken the statement up, it stays with who has it.

    Raises:
        AttemptOver: the statement has ended, or another worker has taken it up.
    """
    async with deps.hub.follow(topic(statement_id)) as wake:
        async with deps.database.session() as session:
            row = await store.current(session, statement_id, hold.attempt)
            await outbox.put_off_start(session, statement_id, LEASE)
        if row.cancel_asked_at is not None:
            return StatementOrders(cancel=True)
        until = time.monotonic() + _RENEWED_S
        while not is_ending() and time.monotonic() < until:
            if await hub.wait(wake, _LOOK_S):
                break
    async with deps.database.read_session() as session:
        row = await store.get(session, row.workspace_id, statement_id)
    if StatementState(row.state).is_over or row.attempt != hold.attempt:
        raise AttemptOver(f"statement {statement_id} has ended, or another worker has it")
    return StatementOrders(cancel=row.cancel_asked_at is not None)


async def let_go(deps: Deps, statement_id: str, hold: StatementHold) -> None:
    """Hand a statement on to its workflow: the process that has it can do no more for it.

    Raises:
        AttemptOver: as `renew`.
    """
    async with deps.database.session() as session:
        await store.current(session, statement_id, hold.attempt)
        await outbox.put_off_start(session, statement_id, timedelta())
        await hub.notify(session, hub.OUTBOX)
    log.info("statement.let_go", statement_id=statement_id)
