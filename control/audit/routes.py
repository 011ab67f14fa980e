"""`/api/openlake/1.0/audit`: who did what."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control import paging
from control.audit import store
from control.http import CallerArg, DepsArg, compact
from spec.attempts import Frozen

router = APIRouter(prefix="/api/openlake/1.0", tags=["audit"])


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
    object_type: str | None = None,
    object_id: str | None = None,
    page_token: str | None = None,
) -> Response:
    """List what was done in the workspace, newest first."""
    before = paging.integer(paging.decode(page_token), "before")
    async with deps.database.read_session() as session:
        rows = await store.entries(
            session,
            caller.workspace_id,
            before=before,
            limit=limit + 1,
            object_type=object_type,
            object_id=object_id,
        )
    shown = rows[:limit]
    token = paging.encode(before=shown[-1].audit_id) if len(rows) > limit else None
    entries = tuple(AuditEntryView.model_validate(row.model_dump()) for row in shown)
    return compact(AuditList(entries=entries, next_page_token=token))
