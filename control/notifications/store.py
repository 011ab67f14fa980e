"""Queries on destinations and deliveries."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from control.notifications.tables import Delivery, DeliveryState, DeliveryTry, DestinationRow
from spec.errors import NotFound


async def destination(
    session: AsyncSession, workspace_id: int, destination_id: str, *, lock: bool = False
) -> DestinationRow:
    """Return a destination.

    Raises:
        NotFound: there is no such destination in the workspace.
    """
    query = select(DestinationRow).where(
        DestinationRow.destination_id == destination_id,
        DestinationRow.workspace_id == workspace_id,
    )
    found = (await session.exec(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound(
            f"Notification destination {destination_id} does not exist.",
            destination_id=destination_id,
        )
    return found


async def destinations(
    session: AsyncSession, workspace_id: int, *, below: str | None, limit: int
) -> list[DestinationRow]:
    """Return destinations, newest first, with ids below a bound."""
    query = select(DestinationRow).where(DestinationRow.workspace_id == workspace_id)
    if below is not None:
        query = query.where(col(DestinationRow.destination_id) < below)
    query = query.order_by(col(DestinationRow.destination_id).desc()).limit(limit)
    return list((await session.exec(query)).all())


async def known(session: AsyncSession, workspace_id: int, wanted: Collection[str]) -> set[str]:
    """Return which of these ids are destinations of the workspace."""
    query = select(DestinationRow.destination_id).where(
        DestinationRow.workspace_id == workspace_id,
        col(DestinationRow.destination_id).in_(wanted),
    )
    return set((await session.exec(query)).all())


async def delivery(
    session: AsyncSession, workspace_id: int, delivery_id: int, *, lock: bool = False
) -> Delivery:
    """Return a delivery.

    Raises:
        NotFound: there is no such delivery in the workspace.
    """
    query = select(Delivery).where(
        Delivery.delivery_id == delivery_id, Delivery.workspace_id == workspace_id
    )
    found = (await session.exec(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound(f"Delivery {delivery_id} does not exist.", delivery_id=delivery_id)
    return found


async def deliveries(
    session: AsyncSession,
    workspace_id: int,
    *,
    limit: int,
    below: int | None = None,
    run_id: int | None = None,
    state: DeliveryState | None = None,
    visible: ColumnElement[bool],
) -> list[Delivery]:
    """Return deliveries, newest first, with ids below a bound."""
    query = select(Delivery).where(Delivery.workspace_id == workspace_id, visible)
    if below is not None:
        query = query.where(col(Delivery.delivery_id) < below)
    if run_id is not None:
        query = query.where(Delivery.run_id == run_id)
    if state is not None:
        query = query.where(Delivery.state == state.value)
    query = query.order_by(col(Delivery.delivery_id).desc()).limit(limit)
    return list((await session.exec(query)).all())


async def tries(session: AsyncSession, delivery_id: int) -> list[DeliveryTry]:
    """Return every try of a delivery, oldest first."""
    query = select(DeliveryTry).where(DeliveryTry.delivery_id == delivery_id)
    return list((await session.exec(query.order_by(col(DeliveryTry.try_id)))).all())


async def claim(
    session: AsyncSession, now: datetime, lease: timedelta, limit: int
) -> Sequence[tuple[Delivery, DeliveryTry]]:
    """Take up due deliveries, and note that they are being tried.

    Whoever claims one has it to himself until the lease is over; then it is due again.
    """
    due = (
        select(col(Delivery.delivery_id))
        .where(Delivery.state == DeliveryState.PENDING.value, Delivery.not_before <= now)
        .order_by(col(Delivery.not_before), col(Delivery.delivery_id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    claimed = (
        update(Delivery)
        .where(col(Delivery.delivery_id).in_(due))
        .values(not_before=now + lease, tries=Delivery.tries + 1)
        .returning(Delivery)
    )
    rows = [row for (row,) in (await session.exec(claimed)).all()]
    pairs = [(row, DeliveryTry(delivery_id=row.delivery_id or 0, started_at=now)) for row in rows]
    session.add_all(attempt for _, attempt in pairs)
    await session.flush()
    return pairs
