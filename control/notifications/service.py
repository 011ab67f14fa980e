"""What may be done to notification destinations."""

import json
import secrets
from datetime import UTC, datetime
from typing import Any

from control import paging
from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.ids import new_id
from control.notifications import services, store
from control.notifications.courier import Courier
from control.notifications.tables import DestinationRow
from control.permissions.access import require_admin
from control.sealing import Sealer
from spec.api.notifications import (
    KINDS,
    CreateDestination,
    DestinationConfig,
    DestinationEntry,
    DestinationList,
    DestinationType,
    DestinationView,
    SigningSecret,
    UpdateDestination,
)
from spec.errors import Invalid

TABLE = "notification_destinations"
_DEED = "change notification destinations"
_FIELDS = {kind: field for field, kind in KINDS.items()}


def open_config(sealer: Sealer, row: DestinationRow) -> dict[str, Any]:
    """Return what a person wrote, secrets in the clear."""
    return json.loads(sealer.unseal(row.config, table=TABLE, row=row.destination_id))


def open_signing_secret(sealer: Sealer, row: DestinationRow) -> str:
    """Return what webhooks to this destination are signed with."""
    place = f"{row.destination_id}/signing"
    return sealer.unseal(row.signing_secret, table=TABLE, row=place).decode()


def _seal_config(sealer: Sealer, row: DestinationRow, config: dict[str, Any]) -> None:
    plain = json.dumps(config).encode()
    row.config = sealer.seal(plain, table=TABLE, row=row.destination_id)


def _seal_new_signing_secret(sealer: Sealer, row: DestinationRow) -> str:
    secret = f"whsec_{secrets.token_hex(32)}"
    place = f"{row.destination_id}/signing"
    row.signing_secret = sealer.seal(secret.encode(), table=TABLE, row=place)
    return secret


async def _require_usable(kind: DestinationType, config: dict[str, Any]) -> None:
    """Refuse what Apprise would not understand when it is too late.

    Raises:
        Invalid: it would not.
    """
    services.check_config(kind, config)
    if kind in (DestinationType.WEBHOOK, DestinationType.EMAIL):
        return
    courier = Courier()
    try:
        outcome = await courier.check(services.chat_service(kind, config))
    finally:
        await courier.close()
    if not outcome.ok:
        raise Invalid(
            f"config.{_FIELDS[kind]}: this is not {services.wanted(kind)} ({outcome.error})"
        )


async def create(deps: Deps, caller: Caller, request: CreateDestination) -> DestinationView:
    """Make a destination; admins only, as all that changes one."""
    require_admin(caller, _DEED)
    kind, config = request.config.kind, request.config.given
    await _require_usable(kind, config)
    async with deps.database.session() as session:
        row = DestinationRow(
            destination_id=new_id(),
            workspace_id=caller.workspace_id,
            display_name=request.display_name,
            kind=kind.value,
            config="",
            created_by=caller.user_name,
        )
        _seal_config(deps.sealer, row, config)
        if kind is DestinationType.WEBHOOK:
            _seal_new_signing_secret(deps.sealer, row)
        session.add(row)
        audit.record(
            session,
            caller,
            "notification_destination.created",
            "notification_destination",
            row.destination_id,
            display_name=row.display_name,
            destination_type=row.kind,
        )
    return view(row, config)


async def get(deps: Deps, caller: Caller, destination_id: str) -> DestinationView:
    """Return a destination without its secrets."""
    async with deps.database.read_session() as session:
        row = await store.destination(session, caller.workspace_id, destination_id)
    return view(row, open_config(deps.sealer, row))


async def list_destinations(
    deps: Deps, caller: Caller, page_size: int, page_token: str | None
) -> DestinationList:
    """Return one page of destinations, newest first."""
    below = paging.text_below(page_token)
    async with deps.database.read_session() as session:
        rows = await store.destinations(
            session,
            caller.workspace_id,
            below=below,
            limit=page_size + 1,
        )
    shown, token = paging.cut_below(rows, page_size, lambda row: row.destination_id)
    return DestinationList(results=tuple(_entry(row) for row in shown), next_page_token=token)


async def update(
    deps: Deps, caller: Caller, destination_id: str, change: UpdateDestination
) -> DestinationView:
    """Change a destination's name or configuration.

    Raises:
        Invalid: the kind would change, or the new configuration is not usable.
    """
    require_admin(caller, _DEED)
    async with deps.database.read_session() as session:
        before = await store.destination(session, caller.workspace_id, destination_id)
    config = open_config(deps.sealer, before)
    given = change.config.given if change.config is not None else {}
    if change.config is not None:
        _require_kind(before, change.config)
        # A new address keeps nothing of the old one: a password must not go elsewhere.
        config = given if given.get("url") not in (None, config.get("url")) else config | given
        await _require_usable(DestinationType(before.kind), config)
    async with deps.database.session() as session:
        row = await store.destination(session, caller.workspace_id, destination_id, lock=True)
        if given:
            _seal_config(deps.sealer, row, config)
        row.display_name = change.display_name or row.display_name
        row.updated_at = datetime.now(UTC)
        audit.record(
            session,
            caller,
            "notification_destination.updated",
            "notification_destination",
            destination_id,
            display_name=row.display_name,
            fields=sorted(given),
        )
    return view(row, config)


def _require_kind(row: DestinationRow, config: DestinationConfig) -> None:
    if config.kind != row.kind:
        raise Invalid(
            f"config.{config.field}: the type of a destination cannot change; this one is"
            f" {row.kind}, so give 'config.{_FIELDS[DestinationType(row.kind)]}', or make another"
        )


async def delete(deps: Deps, caller: Caller, destination_id: str) -> None:
    """Delete a destination and its secrets; what is still to be delivered to it fails."""
    require_admin(caller, _DEED)
    async with deps.database.session() as session:
        row = await store.destination(session, caller.workspace_id, destination_id, lock=True)
        await session.delete(row)
        audit.record(
            session,
            caller,
            "notification_destination.deleted",
            "notification_destination",
            destination_id,
            display_name=row.display_name,
        )


async def renew_signing_secret(deps: Deps, caller: Caller, destination_id: str) -> SigningSecret:
    """Make a new signing secret and show it, this once; the one before is no longer used.

    Raises:
        Invalid: it is not a webhook.
    """
    require_admin(caller, _DEED)
    async with deps.database.session() as session:
        row = await store.destination(session, caller.workspace_id, destination_id, lock=True)
        if row.kind != DestinationType.WEBHOOK:
            raise Invalid(f"only webhooks are signed; this destination is {row.kind}")
        secret = _seal_new_signing_secret(deps.sealer, row)
        audit.record(
            session,
            caller,
            "notification_destination.signing_secret_renewed",
            "notification_destination",
            destination_id,
        )
    return SigningSecret(signing_secret=secret)


def _entry(row: DestinationRow) -> DestinationEntry:
    return DestinationEntry(
        id=row.destination_id,
        display_name=row.display_name,
        destination_type=DestinationType(row.kind),
    )


def view(row: DestinationRow, config: dict[str, Any]) -> DestinationView:
    """Return a destination as Databricks shows it: that secrets are there, not what they are."""
    shown: dict[str, Any] = {f"{name}_set": True for name in config}
    if row.kind == DestinationType.EMAIL:
        shown = config
    entry = _entry(row).model_dump()
    return DestinationView(**entry, config={_FIELDS[DestinationType(row.kind)]: shown})
