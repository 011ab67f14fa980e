"""Queries on warehouses."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from control.permissions.levels import Kind, Level
from control.permissions.tables import Grant
from control.warehouses.tables import Warehouse
from control.workspaces.defaults import defaults_of
from control.workspaces.principals import USERS, find_group
from spec.attempts import SqlDialect
from spec.errors import Invalid, NotFound
from spec.tasks import BUILT_IN, Engine, warehouse_engine
from spec.warehouses import (
    ClusterSize,
    HealthStatus,
    PinnedWarehouse,
    Wanted,
    WarehouseState,
    is_warehouse_id,
    place_of,
)


async def get(
    session: AsyncSession, workspace_id: int, warehouse_id: str, *, lock: bool = False
) -> Warehouse:
    """Return a warehouse that is not deleted; a built-in one is made when it is missing.

    Raises:
        Invalid: the text is no id of a warehouse.
        NotFound: there is no such warehouse in the workspace.
    """
    if not is_warehouse_id(warehouse_id):
        raise Invalid(
            f"'{warehouse_id}' is not a valid warehouse id: those are 'duckdb', 'trino' and 16"
            " hexadecimal digits; list them with GET /api/2.0/sql/warehouses"
        )
    found = await find(session, workspace_id, warehouse_id, lock=lock)
    if found is None:
        raise NotFound(f"SQL warehouse {warehouse_id} does not exist.", warehouse_id=warehouse_id)
    return found


def _of(workspace_id: int):
    return select(Warehouse).where(
        Warehouse.workspace_id == workspace_id, Warehouse.wanted != Wanted.DELETED.value
    )


async def find(
    session: AsyncSession, workspace_id: int, warehouse_id: str, *, lock: bool = False
) -> Warehouse | None:
    """Return a warehouse that is not deleted; a built-in one is made when it is missing."""
    statement = _of(workspace_id).where(Warehouse.warehouse_id == warehouse_id)
    statement = statement.with_for_update() if lock else statement
    found = (await session.exec(statement)).first()
    if found is None and warehouse_id in BUILT_IN:
        await make_built_in(session, workspace_id)
        found = (await session.exec(statement)).first()
    return found


async def at(session: AsyncSession, place: str) -> Warehouse | None:
    """Return the warehouse whose `spec.warehouses.place_of` this is, if there is one."""
    warehouse_id, _, workspace_id = place.partition("-")
    query = select(Warehouse).where(
        Warehouse.warehouse_id == warehouse_id, Warehouse.wanted != Wanted.DELETED.value
    )
    if warehouse_id in BUILT_IN:
        number = int(workspace_id) if workspace_id.isdecimal() else 0
        query = query.where(Warehouse.workspace_id == number)
    return (await session.exec(query)).first()


async def page(
    session: AsyncSession,
    workspace_id: int,
    *,
    below: str | None,
    limit: int,
    visible: ColumnElement[bool],
) -> list[Warehouse]:
    """Return warehouses: the built-in ones, then newest first, with ids below a bound."""
    statement = _of(workspace_id).where(visible)
    if below is not None:
        statement = statement.where(col(Warehouse.warehouse_id) < below)
    statement = statement.order_by(col(Warehouse.warehouse_id).desc()).limit(limit)
    return list((await session.exec(statement)).all())


async def with_name(session: AsyncSession, workspace_id: int, name: str) -> Warehouse | None:
    """Return the warehouse of this name, if there is one."""
    return (await session.exec(_of(workspace_id).where(Warehouse.name == name))).first()


async def engines(session: AsyncSession, workspace_id: int) -> dict[str, Engine]:
    """Return id → engine of every warehouse that a job of the workspace may name."""
    query = select(Warehouse.warehouse_id, Warehouse.engine).where(
        Warehouse.workspace_id == workspace_id, Warehouse.wanted != Wanted.DELETED.value
    )
    made = {each: Engine(engine) for each, engine in (await session.exec(query)).all()}
    return {**BUILT_IN, **made}


async def pinned(
    session: AsyncSession, workspace_id: int, warehouse_id: str
) -> PinnedWarehouse | None:
    """Return what a run keeps of a warehouse; None for a built-in one that is as at first.

    Raises:
        Invalid: there is no such warehouse; says which there are.
    """
    row = await find(session, workspace_id, warehouse_id)
    if row is None:
        try:
            warehouse_engine(warehouse_id, await engines(session, workspace_id))
        except ValueError as error:
            raise Invalid(str(error)) from None
        return None
    found = PinnedWarehouse(
        engine=Engine(row.engine),
        dialect=SqlDialect(row.dialect),
        catalog=row.catalog or (await defaults_of(session, workspace_id)).catalog,
        schema_name=row.schema_name,
    )
    is_plain = warehouse_id in BUILT_IN and found == PinnedWarehouse(engine=found.engine)
    return None if is_plain else found


async def make_built_in(session: AsyncSession, workspace_id: int) -> None:
    """Make the warehouses that every workspace has, as far as they are missing.

    Jobs named them before there was a table, so their SQL is the engine's own. They are stopped
    until somebody wants them. Everybody may use them until somebody says otherwise.
    """
    now = datetime.now(UTC)
    rows: list[dict[str, Any]] = [
        {
            "workspace_id": workspace_id,
            "warehouse_id": warehouse_id,
            "name": warehouse_id,
            "engine": engine.value,
            "dialect": SqlDialect.ENGINE.value,
            "cluster_size": ClusterSize.S.value,
            "min_clusters": 1,
            "max_clusters": 1,
            "auto_stop_mins": 120,
            "tags": {},
            "unused": {},
            "creator": "openlake",
            "wanted": Wanted.STOPPED.value,
            "state": WarehouseState.STOPPED.value,
            "health": HealthStatus.HEALTHY.value,
            "health_summary": "",
            "clusters": 0,
            "last_activity_at": now,
        }
        for warehouse_id, engine in BUILT_IN.items()
    ]
    made = insert(Warehouse).values(rows).on_conflict_do_nothing()
    new = (await session.exec(made.returning(col(Warehouse.warehouse_id)))).all()
    users = await find_group(session, workspace_id, USERS) if new else None
    if users is not None:
        given = [
            {
                "workspace_id": workspace_id,
                "kind": Kind.WAREHOUSE.value,
                "object_id": warehouse_id,
                "principal_id": users.principal_id,
                "level": Level.CAN_USE.value,
            }
            for (warehouse_id,) in new
        ]
        await session.exec(insert(Grant).values(given).on_conflict_do_nothing())


# Use and rest ------------------------------------------------------------------------------


async def hold(session: AsyncSession, workspace_id: int, warehouse_id: str) -> None:
    """Keep a warehouse from being found idle until this transaction ends; many may hold it."""
    lock = _lock_of(workspace_id, warehouse_id)
    await session.exec(select(func.pg_advisory_xact_lock_shared(lock)))


async def try_alone(session: AsyncSession, warehouse: Warehouse) -> bool:
    """Tell whether nobody holds the warehouse; nobody can then until this transaction ends."""
    lock = _lock_of(warehouse.workspace_id, warehouse.warehouse_id)
    return bool((await session.exec(select(func.pg_try_advisory_xact_lock(lock)))).one())


def _lock_of(workspace_id: int, warehouse_id: str):
    return func.hashtextextended(f"warehouse/{place_of(workspace_id, warehouse_id)}", 0)


async def start(session: AsyncSession, warehouse: Warehouse) -> bool:
    """Want a warehouse to run, unless that is so already; True when something changed."""
    changed = (
        update(Warehouse)
        .where(*_is(warehouse), col(Warehouse.wanted) == Wanted.STOPPED.value)
        .values(
            wanted=Wanted.RUNNING.value,
            state=WarehouseState.STARTING.value,
            health=HealthStatus.HEALTHY.value,
            health_summary="",
            last_activity_at=datetime.now(UTC),
        )
    )
    return bool((await session.exec(changed)).rowcount)


async def touch(
    session: AsyncSession, workspace_id: int, warehouse_id: str, every: timedelta
) -> None:
    """Note that the warehouse is in use, once in a while."""
    now = datetime.now(UTC)
    await session.exec(
        update(Warehouse)
        .where(
            col(Warehouse.workspace_id) == workspace_id,
            col(Warehouse.warehouse_id) == warehouse_id,
            col(Warehouse.last_activity_at) < now - every,
        )
        .values(last_activity_at=now)
    )


def _is(warehouse: Warehouse):
    return (
        col(Warehouse.workspace_id) == warehouse.workspace_id,
        col(Warehouse.warehouse_id) == warehouse.warehouse_id,
    )


async def lend(session: AsyncSession, warehouse: Warehouse, every: timedelta) -> bool:
    """Note that a job's attempt begins on the engine of a warehouse; False if that was just so."""
    now, at = datetime.now(UTC), col(Warehouse.jobs_at)
    changed = update(Warehouse).where(*_is(warehouse), or_(at.is_(None), at < now - every))
    return bool((await session.exec(changed.values(jobs_at=now))).rowcount)


async def lent(session: AsyncSession, since: datetime) -> set[Engine]:
    """Return the engines on which attempts of jobs have begun since then."""
    query = select(Warehouse.engine).where(col(Warehouse.jobs_at) >= since).distinct()
    return {Engine(engine) for engine in (await session.exec(query)).all()}


# The keeper --------------------------------------------------------------------------------


async def keep_alone(session: AsyncSession) -> bool:
    """Tell whether this transaction is the one that may act for the keeper until it ends."""
    attempt = select(func.pg_try_advisory_xact_lock(func.hashtextextended("warehouses/keeper", 0)))
    return bool((await session.exec(attempt)).one())


async def awake(session: AsyncSession) -> list[Warehouse]:
    """Return the warehouses of all workspaces that run, or are to, or are not at rest yet."""
    at_rest = (WarehouseState.STOPPED.value, WarehouseState.DELETED.value)
    query = select(Warehouse).where(
        or_(
            Warehouse.wanted == Wanted.RUNNING.value,
            col(Warehouse.state).not_in(at_rest),
        )
    )
    return list((await session.exec(query.order_by(col(Warehouse.warehouse_id)))).all())


async def note(
    session: AsyncSession,
    seen: Warehouse,
    state: WarehouseState,
    clusters: int,
    *,
    health: HealthStatus,
    summary: str,
) -> None:
    """Write what is so, if it differs from what was seen and nobody has wanted else meanwhile."""
    values = {
        "state": state.value,
        "clusters": clusters,
        "health": health.value,
        "health_summary": summary[:1000],
    }
    if all(getattr(seen, name) == value for name, value in values.items()):
        return
    changed = update(Warehouse).where(*_is(seen), col(Warehouse.wanted) == seen.wanted)
    await session.exec(changed.values(**values))


async def rest(session: AsyncSession, seen: Warehouse) -> bool:
    """Want an idle warehouse stopped, unless there was activity since it was seen."""
    changed = (
        update(Warehouse)
        .where(
            *_is(seen),
            col(Warehouse.wanted) == Wanted.RUNNING.value,
            col(Warehouse.last_activity_at) == seen.last_activity_at,
        )
        .values(wanted=Wanted.STOPPED.value, state=WarehouseState.STOPPING.value)
    )
    return bool((await session.exec(changed)).rowcount)


async def fail(session: AsyncSession, seen: Warehouse, why: str) -> bool:
    """Want a warehouse stopped that cannot be started, and keep the reason."""
    changed = (
        update(Warehouse)
        .where(*_is(seen), col(Warehouse.wanted) == Wanted.RUNNING.value)
        .values(
            wanted=Wanted.STOPPED.value,
            state=WarehouseState.STOPPING.value,
            health=HealthStatus.FAILED.value,
            health_summary=why[:1000],
        )
    )
    return bool((await session.exec(changed)).rowcount)
