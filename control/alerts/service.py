"""What may be done to alerts."""

from datetime import UTC, datetime
from typing import Any

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from control import paging
from control.alerts import store
from control.alerts.tables import Alert
from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.ids import new_id
from control.permissions.access import hand_over, own, require, visible
from control.permissions.levels import Kind, Level
from control.queries import store as queries
from control.queries.service import iso
from spec.alerts import AlertCondition, AlertState
from spec.api.alerts import AlertChange, AlertFields, AlertList, AlertView, UpdateAlert
from spec.errors import Invalid

_NEVER_EMPTY = frozenset(
    {
        "display_name",
        "query_id",
        "condition",
        "notify_on_ok",
        "seconds_to_retrigger",
        "owner_user_name",
    }
)
_COLUMNS = {"owner_user_name": "owner"}


async def create(deps: Deps, caller: Caller, fields: AlertFields) -> AlertView:
    """Make an alert.

    Raises:
        Invalid: its query does not exist.
    """
    now = datetime.now(UTC)
    async with deps.database.session() as session:
        await _check_query(session, caller, fields.query_id)
        row = Alert(
            alert_id=new_id(),
            workspace_id=caller.workspace_id,
            owner=caller.user_name,
            judged_by=0,
            created_at=now,
            updated_at=now,
            **fields.model_dump(mode="json", exclude_none=True),
        )
        session.add(row)
        await session.flush()
        await own(session, caller, Kind.ALERT, row.alert_id)
        audit.record(session, caller, "alert.created", "alert", row.alert_id)
    return view(row)


async def get(deps: Deps, caller: Caller, alert_id: str) -> AlertView:
    """Return an alert."""
    async with deps.database.read_session() as session:
        return view(await _permitted(session, caller, alert_id, Level.CAN_VIEW))


async def list_alerts(
    deps: Deps, caller: Caller, page_size: int, page_token: str | None
) -> AlertList:
    """Return one page of active alerts, newest first."""
    below = paging.text_below(page_token)
    async with deps.database.read_session() as session:
        rows = await store.page(
            session,
            caller.workspace_id,
            below=below,
            limit=page_size + 1,
            visible=visible(caller, Kind.ALERT, col(Alert.alert_id)),
        )
    shown, token = paging.cut_below(rows, page_size, lambda row: row.alert_id)
    return AlertList(results=tuple(view(row) for row in shown), next_page_token=token)


async def update(deps: Deps, caller: Caller, alert_id: str, change: UpdateAlert) -> AlertView:
    """Change the masked fields of an alert; another condition or query is judged anew.

    Raises:
        Invalid: the mask names a field that there is not, or that must have a value.
        Forbidden: the caller may not change it, or not give it away.
    """
    values = _masked(change)
    async with deps.database.session() as session:
        row = await _permitted(session, caller, alert_id, Level.CAN_EDIT, lock=True)
        owner = values.get("owner_user_name")
        if owner is not None and owner != row.owner:
            await require(session, caller, Kind.ALERT, alert_id, Level.IS_OWNER)
            await hand_over(session, row.workspace_id, Kind.ALERT, alert_id, owner)
        if (query_id := values.get("query_id")) is not None:
            await _check_query(session, caller, query_id)
        for name, value in values.items():
            setattr(row, _COLUMNS.get(name, name), value)
        if {"query_id", "condition"} & values.keys():
            row.state, row.told_at = AlertState.UNKNOWN.value, None
        row.updated_at = datetime.now(UTC)
        audit.record(session, caller, "alert.updated", "alert", alert_id, fields=list(values))
    return view(row)


def _masked(change: UpdateAlert) -> dict[str, Any]:
    given = change.alert.model_dump(mode="json", exclude_unset=True)
    # Masks may name parts of the condition; it is replaced whole.
    mask = [name.strip().partition(".")[0] for name in change.update_mask.split(",")]
    names = list(given) if mask == ["*"] else list(dict.fromkeys(mask))
    if unknown := sorted(set(names) - set(AlertChange.model_fields)):
        raise Invalid(f"update_mask: there is no field {', '.join(unknown)}")
    if empty := sorted(name for name in names if given.get(name) is None and name in _NEVER_EMPTY):
        raise Invalid(f"update_mask: give the alert's {', '.join(empty)} a value")
    return {name: given.get(name) for name in names}


async def _check_query(session: AsyncSession, caller: Caller, query_id: str) -> None:
    if await queries.find_active(session, caller.workspace_id, query_id) is None:
        raise Invalid(f"there is no saved query '{query_id}'; make it with sql/queries first")
    await require(session, caller, Kind.QUERY, query_id, Level.CAN_RUN)


async def _permitted(
    session: AsyncSession, caller: Caller, alert_id: str, wanted: Level, *, lock: bool = False
) -> Alert:
    row = await store.get(session, caller.workspace_id, alert_id, lock=lock)
    await require(session, caller, Kind.ALERT, alert_id, wanted)
    return row


async def trash(deps: Deps, caller: Caller, alert_id: str) -> None:
    """Put an alert into the trash; runs that pinned it still judge by it."""
    async with deps.database.session() as session:
        row = await _permitted(session, caller, alert_id, Level.CAN_MANAGE, lock=True)
        row.trashed_at = row.trashed_at or datetime.now(UTC)
        audit.record(session, caller, "alert.trashed", "alert", alert_id)


def view(row: Alert) -> AlertView:
    """Return an alert as Databricks shows it."""
    return AlertView(
        id=row.alert_id,
        display_name=row.display_name,
        query_id=row.query_id,
        condition=AlertCondition.model_validate(row.condition),
        custom_subject=row.custom_subject,
        custom_body=row.custom_body,
        notify_on_ok=row.notify_on_ok,
        seconds_to_retrigger=row.seconds_to_retrigger,
        parent_path=row.parent_path,
        owner_user_name=row.owner,
        lifecycle_state="TRASHED" if row.trashed_at else "ACTIVE",
        state=AlertState(row.state),
        trigger_time=iso(row.triggered_at) if row.triggered_at else None,
        create_time=iso(row.created_at),
        update_time=iso(row.updated_at),
    )
