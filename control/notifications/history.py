"""The delivery log: what was sent, to whom, and what came of it; and sending again."""

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, true
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub, paging
from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.notifications import store
from control.notifications.messages import TEST, Facts
from control.notifications.outbox import DELIVERIES, LONGEST, new_delivery
from control.notifications.tables import Delivery, DeliveryState, DeliveryTry
from control.permissions.access import require_admin
from control.permissions.levels import Level
from control.runs.access import check, runs_visible
from control.runs.tables import Run
from spec.api.notifications import DeliveryList, DeliveryTryView, DeliveryView


async def send_test(deps: Deps, caller: Caller, destination_id: str) -> DeliveryView:
    """Put a test message on its way; admins only."""
    require_admin(caller, "send test messages")
    async with deps.database.session() as session:
        row = await store.destination(session, caller.workspace_id, destination_id)
        facts = Facts(
            run_name="Test",
            at=datetime.now(UTC),
            message=f"{caller.user_name} sent this to see whether '{row.display_name}' works.",
        )
        delivery = new_delivery(
            workspace_id=caller.workspace_id,
            event=TEST,
            channel="destination",
            destination=destination_id,
            facts=facts.model_dump(mode="json"),
        )
        session.add(delivery)
        await session.flush()
        audit.record(
            session,
            caller,
            "notification_destination.tested",
            "notification_destination",
            destination_id,
            delivery_id=delivery.delivery_id,
        )
        await hub.notify(session, DELIVERIES)
        await session.refresh(delivery)
    return show(delivery)


async def list_deliveries(
    deps: Deps,
    caller: Caller,
    *,
    limit: int,
    page_token: str | None,
    run_id: int | None,
    state: DeliveryState | None,
) -> DeliveryList:
    """Return one page of the deliveries about runs that the caller may see, newest first."""
    below = paging.integer(paging.decode(page_token), "below")
    async with deps.database.read_session() as session:
        rows = await store.deliveries(
            session,
            caller.workspace_id,
            limit=limit + 1,
            below=below,
            run_id=run_id,
            state=state,
            visible=_visible(caller),
        )
    shown = rows[:limit]
    token = paging.encode(below=shown[-1].delivery_id) if len(rows) > limit else None
    return DeliveryList(deliveries=tuple(show(row) for row in shown), next_page_token=token)


async def get_delivery(deps: Deps, caller: Caller, delivery_id: int) -> DeliveryView:
    """Return a delivery with every try."""
    async with deps.database.read_session() as session:
        row = await store.delivery(session, caller.workspace_id, delivery_id)
        await _check(session, caller, row, Level.CAN_VIEW)
        log = await store.tries(session, delivery_id)
    return show(row, log)


async def retry(deps: Deps, caller: Caller, delivery_id: int) -> DeliveryView:
    """Deliver at once, and again, whatever became of it before."""
    async with deps.database.session() as session:
        row = await store.delivery(session, caller.workspace_id, delivery_id, lock=True)
        await _check(session, caller, row, Level.CAN_MANAGE_RUN)
        now = datetime.now(UTC)
        row.state, row.tries, row.ended_at = DeliveryState.PENDING.value, 0, None
        row.not_before, row.give_up_at = now, now + LONGEST
        session.add(row)
        audit.record(session, caller, "delivery.retried", "delivery", delivery_id)
        await hub.notify(session, DELIVERIES)
    return show(row)


def _visible(caller: Caller) -> ColumnElement[bool]:
    return true() if caller.is_admin else col(Delivery.run_id).in_(runs_visible(caller))


async def _check(session: AsyncSession, caller: Caller, row: Delivery, wanted: Level) -> None:
    run = await session.get(Run, row.run_id)
    if run is None:
        require_admin(caller, "look at messages that are about no run")
    else:
        await check(session, caller, run, wanted)


def show(row: Delivery, log: list[DeliveryTry] | None = None) -> DeliveryView:
    """Return a delivery, with its tries where they were asked for."""
    pending = row.state == DeliveryState.PENDING.value
    return DeliveryView(
        delivery_id=row.delivery_id or 0,
        run_id=row.run_id,
        task_run_id=row.task_run_id,
        job_id=row.job_id,
        repair=row.execution,
        event=row.event,
        channel=row.channel,
        destination=row.destination,
        state=row.state,
        tries=row.tries,
        last_error=row.last_error,
        next_try_at=row.not_before if pending else None,
        created_at=row.created_at or row.not_before,
        ended_at=row.ended_at,
        log=None if log is None else tuple(_show_try(attempt) for attempt in log),
    )


def _show_try(row: DeliveryTry) -> DeliveryTryView:
    return DeliveryTryView(
        started_at=row.started_at,
        duration_ms=row.duration_ms,
        status=row.status,
        error=row.error,
    )
