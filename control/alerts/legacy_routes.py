"""`/api/2.0/preview/sql/alerts`: alerts as older clients ask for them."""

from fastapi import APIRouter

from control.alerts import service
from control.bodies import validate
from control.http import CallerArg, DepsArg
from spec.api.alerts import AlertFields, UpdateAlert
from spec.api.jobs import Empty
from spec.api.legacy_alerts import CreateLegacyAlert, LegacyAlertFields, LegacyAlertView
from spec.errors import NotFound

router = APIRouter(prefix="/api/2.0/preview/sql/alerts", tags=["alerts"])

_AT_ONCE = 1000


@router.post("")
async def create_legacy_alert(
    body: CreateLegacyAlert, caller: CallerArg, deps: DepsArg
) -> LegacyAlertView:
    """Make an alert."""
    fields = validate(AlertFields, body.modern())
    return LegacyAlertView.of(await service.create(deps, caller, fields))


@router.get("")
async def list_legacy_alerts(caller: CallerArg, deps: DepsArg) -> list[LegacyAlertView]:
    """List all alerts at once, newest first; `sql/alerts` lists them by pages."""
    found: list[LegacyAlertView] = []
    token: str | None = None
    while True:
        page = await service.list_alerts(deps, caller, _AT_ONCE, token)
        found += [LegacyAlertView.of(each) for each in page.results]
        token = page.next_page_token
        if token is None:
            return found


@router.get("/{alert_id}")
async def get_legacy_alert(alert_id: str, caller: CallerArg, deps: DepsArg) -> LegacyAlertView:
    """Read an alert; older clients know of no trash."""
    found = await service.get(deps, caller, alert_id)
    if found.lifecycle_state == "TRASHED":
        raise NotFound(f"Alert {alert_id} is in the trash.")
    return LegacyAlertView.of(found)


@router.put("/{alert_id}")
async def update_legacy_alert(
    alert_id: str, body: LegacyAlertFields, caller: CallerArg, deps: DepsArg
) -> Empty:
    """Replace an alert; another condition or query is judged anew."""
    change = validate(UpdateAlert, {"alert": body.modern(), "update_mask": "*"})
    await service.update(deps, caller, alert_id, change)
    return Empty()


@router.delete("/{alert_id}")
async def trash_legacy_alert(alert_id: str, caller: CallerArg, deps: DepsArg) -> Empty:
    """Put an alert into the trash."""
    await service.trash(deps, caller, alert_id)
    return Empty()
