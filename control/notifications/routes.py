"""`/api/2.0/notification-destinations`, and the delivery log under `/api/openlake/1.0`."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact
from control.notifications import history, service
from control.notifications.tables import DeliveryState
from spec.api.jobs import Empty
from spec.api.notifications import (
    CreateDestination,
    DeliveryList,
    DeliveryView,
    DestinationList,
    DestinationView,
    SigningSecret,
    UpdateDestination,
)

router = APIRouter(prefix="/api/2.0/notification-destinations", tags=["notifications"])
own = APIRouter(prefix="/api/openlake/1.0", tags=["notifications"])


@router.post("")
async def create_notification_destination(
    body: CreateDestination, caller: CallerArg, deps: DepsArg
) -> DestinationView:
    """Make a destination."""
    return await service.create(deps, caller, body)


@router.get("", response_model=DestinationList)
async def list_notification_destinations(
    caller: CallerArg,
    deps: DepsArg,
    page_size: Annotated[int, Query(ge=0, le=1000)] = 100,
    page_token: str | None = None,
) -> Response:
    """List destinations, newest first."""
    return compact(await service.list_destinations(deps, caller, page_size or 100, page_token))


@router.get("/{destination_id}")
async def get_notification_destination(
    destination_id: str, caller: CallerArg, deps: DepsArg
) -> DestinationView:
    """Read a destination, without its secrets."""
    return await service.get(deps, caller, destination_id)


@router.patch("/{destination_id}")
async def update_notification_destination(
    destination_id: str, body: UpdateDestination, caller: CallerArg, deps: DepsArg
) -> DestinationView:
    """Change a destination; its type stays."""
    return await service.update(deps, caller, destination_id, body)


@router.delete("/{destination_id}")
async def delete_notification_destination(
    destination_id: str, caller: CallerArg, deps: DepsArg
) -> Empty:
    """Delete a destination and its secrets."""
    await service.delete(deps, caller, destination_id)
    return Empty()


@own.post("/notification-destinations/{destination_id}/signing-secret")
async def renew_signing_secret(
    destination_id: str, caller: CallerArg, deps: DepsArg
) -> SigningSecret:
    """Make a new secret for signing webhooks; it is shown this once."""
    return await service.renew_signing_secret(deps, caller, destination_id)


@own.post("/notification-destinations/{destination_id}/test", response_model=DeliveryView)
async def test_notification_destination(
    destination_id: str, caller: CallerArg, deps: DepsArg
) -> Response:
    """Send a test message; the answer is its entry in the delivery log."""
    return compact(await history.send_test(deps, caller, destination_id))


@own.get("/deliveries", response_model=DeliveryList)
async def list_deliveries(
    caller: CallerArg,
    deps: DepsArg,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    run_id: int | None = None,
    state: DeliveryState | None = None,
    page_token: str | None = None,
) -> Response:
    """List what was sent and what is still to be, newest first."""
    page = await history.list_deliveries(
        deps, caller, limit=limit, page_token=page_token, run_id=run_id, state=state
    )
    return compact(page)


@own.get("/deliveries/{delivery_id}", response_model=DeliveryView)
async def get_delivery(delivery_id: int, caller: CallerArg, deps: DepsArg) -> Response:
    """Read a delivery with every try."""
    return compact(await history.get_delivery(deps, caller, delivery_id))


@own.post("/deliveries/{delivery_id}/retry", response_model=DeliveryView)
async def retry_delivery(delivery_id: int, caller: CallerArg, deps: DepsArg) -> Response:
    """Deliver at once, and again, whatever became of it before."""
    return compact(await history.retry(deps, caller, delivery_id))
