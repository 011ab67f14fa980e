"""`/api/openlake/1.0/audit`: who did what."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control import paging
from control.audit import store
from control.http import CallerArg, DepsArg, compact
from control.permissions.access import require_admin
from spec.attempts import Frozen

router = APIRouter(prefix="/api/openlake/1.0", tags=["audit"])


_LAST_MS = 253_402_300_799_999
"""The end of the year 9999: later instants cannot be spelled."""

Text = Annotated[str | None, Query(max_length=1000)]
Millis = Annotated[int | None, Query(ge=0, le=_LAST_MS)]
"""Milliseconds since 1970."""


class AuditEntryView(Frozen):
    """One deed."""

    audit_id: int
    at: datetime
    actor: str
    action: str
    object_type: str
    object_id: str
    request_id: str
    details: dict[str, Any]


class AuditList(Frozen):
    """Deeds, newest first."""

    entries: tuple[AuditEntryView, ...] = ()
    next_page_token: str | None = None


@router.get("/audit", response_model=AuditList)
async def list_audit(
    caller: CallerArg,
    deps: DepsArg,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    actor: Text = None,
    action: Text = None,
    object_type: Text = None,
    object_id: Text = None,
    request_id: Text = None,
    since: Millis = None,
    until: Millis = None,
    page_token: str | None = None,
) -> Response:
    """List what was done in the workspace, newest first; admins only.

    `action` may end in `.*`, as in `job.*`; `since` is included, `until` is not.
    """
    require_admin(caller, "read the audit trail")
    filters = store.Filters(
        actor=actor,
        action=action,
        object_type=object_type,
        object_id=object_id,
        request_id=request_id,
        since=_instant(since),
        until=_instant(until),
    )
    before = paging.integer(paging.decode(page_token), "before")
    async with deps.database.read_session() as session:
        rows = await store.entries(
            session, caller.workspace_id, filters, before=before, limit=limit + 1
        )
    shown = rows[:limit]
    token = paging.encode(before=shown[-1].audit_id) if len(rows) > limit else None
    entries = tuple(AuditEntryView.model_validate(row.model_dump()) for row in shown)
    return compact(AuditList(entries=entries, next_page_token=token))


def _instant(millis: int | None) -> datetime | None:
    # Not by `fromtimestamp`: floats lose milliseconds.
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return None if millis is None else epoch + timedelta(milliseconds=millis)
