"""`/api/2.0/sql/alerts`: alerts on saved queries."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.alerts import service
from control.http import CallerArg, DepsArg, compact
from spec.api.alerts import AlertList, AlertView, CreateAlert, UpdateAlert
from spec.api.jobs import Empty

router = APIRouter(prefix="/api/2.0/sql/alerts", tags=["alerts"])


@router.post("", response_model=AlertView)
async def create_alert(body: CreateAlert, caller: CallerArg, deps: DepsArg) -> Response:
    """Make an alert."""
    return compact(await service.create(deps, caller, body.alert))


@router.get("", response_model=AlertList)
async def list_alerts(
    caller: CallerArg,
    deps: DepsArg,
    page_size: Annotated[int, Query(ge=0, le=1000)] = 100,
    page_token: str | None = None,
) -> Response:
    """List alerts, newest first."""
    return compact(await service.list_alerts(deps, caller, page_size or 100, page_token))


@router.get("/{alert_id}", response_model=AlertView)
async def get_alert(alert_id: str, caller: CallerArg, deps: DepsArg) -> Response:
    """Read an alert."""
    return compact(await service.get(deps, caller, alert_id))


@router.patch("/{alert_id}", response_model=AlertView)
async def update_alert(
    alert_id: str, body: UpdateAlert, caller: CallerArg, deps: DepsArg
) -> Response:
    """Change an alert."""
    return compact(await service.update(deps, caller, alert_id, body))


@router.delete("/{alert_id}")
async def trash_alert(alert_id: str, caller: CallerArg, deps: DepsArg) -> Empty:
    """Put an alert into the trash."""
    await service.trash(deps, caller, alert_id)
    return Empty()
