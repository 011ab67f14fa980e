"""Queries on alerts."""

from sqlalchemy import ColumnElement
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.alerts.tables import Alert
from control.queries import store as queries
from spec.api.alerts import PinnedAlert
from spec.errors import Invalid, NotFound


async def get(
    session: AsyncSession, workspace_id: int, alert_id: str, *, lock: bool = False
) -> Alert:
    """Return an alert, also one in the trash.

    Raises:
        NotFound: there is no such alert in the workspace.
    """
    statement = select(Alert).where(Alert.alert_id == alert_id, Alert.workspace_id == workspace_id)
    found = (await session.exec(statement.with_for_update() if lock else statement)).first()
    if found is None:
        raise NotFound(f"Alert {alert_id} does not exist.", alert_id=alert_id)
    return found


async def page(
    session: AsyncSession,
    workspace_id: int,
    *,
    below: str | None,
    limit: int,
    visible: ColumnElement[bool],
) -> list[Alert]:
    """Return active alerts, newest first, with ids below a bound."""
    statement = select(Alert).where(
        Alert.workspace_id == workspace_id, col(Alert.trashed_at).is_(None), visible
    )
    if below is not None:
        statement = statement.where(col(Alert.alert_id) < below)
    statement = statement.order_by(col(Alert.alert_id).desc()).limit(limit)
    return list((await session.exec(statement)).all())


async def with_query(session: AsyncSession, workspace_id: int, alert_id: str) -> PinnedAlert:
    """Return an active alert and the text of its query, as a run pins them.

    Raises:
        Invalid: the alert or its query is not there, or in the trash.
    """
    try:
        alert = await get(session, workspace_id, alert_id)
    except NotFound:
        alert = None
    if alert is None or alert.trashed_at is not None:
        raise Invalid(f"there is no alert '{alert_id}'")
    query = await queries.find_active(session, workspace_id, alert.query_id)
    pinned = await queries.pinned(session, workspace_id, alert.query_id)
    if query is None or pinned is None:
        raise Invalid(
            f"the query '{alert.query_id}' of the alert '{alert.display_name}' is not there any"
            " more; give the alert another one"
        )
    return PinnedAlert(
        alert_id=alert_id,
        display_name=alert.display_name,
        query_name=query.display_name,
        **dict(pinned),
        condition=alert.condition,  # pyright: ignore[reportArgumentType]
        custom_subject=alert.custom_subject,
        custom_body=alert.custom_body,
    )
