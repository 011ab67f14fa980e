"""What may be done to warehouses, and how statements use them.

Requests only say what is wanted; the keeper (`control.warehouses.keeper`), woken by `CHANGED`,
starts and stops the processes.
"""

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.exc import IntegrityError
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub, paging
from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.permissions.access import forget, own, require, visible
from control.permissions.levels import Kind, Level
from control.warehouses import store
from control.warehouses.load import loads
from control.warehouses.tables import Warehouse
from spec.api.warehouses import (
    DIALECT_TAG,
    ENGINE_TAG,
    Channel,
    CreateWarehouse,
    DataSource,
    EditWarehouse,
    OdbcParams,
    Tags,
    WarehouseFields,
    WarehouseHealth,
    WarehouseList,
    WarehouseView,
)
from spec.attempts import SqlDialect
from spec.errors import Exhausted, Invalid, NotFound
from spec.tasks import BUILT_IN, SQL_ENGINES, Engine
from spec.warehouses import (
    ENGINES_WITH_SERVER,
    POWER,
    QUEUE_LIMIT,
    ClusterSize,
    HealthStatus,
    Load,
    Wanted,
    WarehouseConfig,
    WarehouseState,
)

CHANGED = "warehouses"
"""The hub's topic of everything that the keeper must look at."""

_TOUCH_EVERY = timedelta(seconds=15)
"""Activity is noted no more often; the shortest auto-stop is 10 minutes."""

_LEND_EVERY = timedelta(minutes=1)
"""The same of attempts of jobs, of which thousands may begin at once."""

_MOST_AT_ONCE = 1000

_UNUSED: dict[str, Any] = {
    "warehouse_type": "PRO",
    "enable_serverless_compute": False,
    "enable_photon": False,
    "spot_instance_policy": "POLICY_UNSPECIFIED",
    "channel": {},
}
"""Fields without effect, and what is shown of them where nothing was given."""


class NameTaken(Invalid):
    """Another warehouse of the workspace has this name."""

    code = "RESOURCE_ALREADY_EXISTS"


# What people do ----------------------------------------------------------------------------


async def create(deps: Deps, caller: Caller, fields: CreateWarehouse) -> str:
    """Make a warehouse and want it running; return its id.

    Raises:
        NameTaken: see there.
        Invalid: the fields do not fit together.
    """
    engine, dialect = _engine(fields), _dialect(fields)
    async with deps.database.session() as session:
        await store.make_built_in(session, caller.workspace_id)
        row = Warehouse(
            workspace_id=caller.workspace_id,
            warehouse_id=_new_id(),
            name=fields.name,
            engine=(engine or Engine.DUCKDB).value,
            dialect=(dialect or SqlDialect.DATABRICKS).value,
            cluster_size=ClusterSize.S.value,
            creator=caller.user_name,
            wanted=Wanted.RUNNING.value,
            state=WarehouseState.STARTING.value,
            last_activity_at=datetime.now(UTC),
        )
        _fill(row, fields)
        await _keep(session, row)
        await own(session, caller, Kind.WAREHOUSE, row.warehouse_id)
        facts = {"name": row.name, "engine": row.engine}
        audit.record(session, caller, "warehouse.created", "warehouse", row.warehouse_id, **facts)
        await hub.notify(session, CHANGED)
    return row.warehouse_id


async def list_warehouses(
    deps: Deps, caller: Caller, page_size: int, page_token: str | None
) -> WarehouseList:
    """Return one page of warehouses."""
    below = paging.text_below(page_token)
    async with deps.database.session() as session:
        await store.make_built_in(session, caller.workspace_id)
        rows = await store.page(
            session,
            caller.workspace_id,
            below=below,
            limit=page_size + 1,
            visible=visible(caller, Kind.WAREHOUSE, col(Warehouse.warehouse_id)),
        )
        busy = await loads(session)
    shown, token = paging.cut_below(rows, page_size, lambda row: row.warehouse_id)
    views = tuple(
        view(deps, row, busy.get((row.workspace_id, row.warehouse_id), Load())) for row in shown
    )
    return WarehouseList(warehouses=views, next_page_token=token)


async def data_sources(deps: Deps, caller: Caller) -> list[DataSource]:
    """Return all warehouses by id and name, as `list_warehouses` orders them."""
    found: list[DataSource] = []
    token: str | None = None
    while True:
        page = await list_warehouses(deps, caller, _MOST_AT_ONCE, token)
        found += [
            DataSource(id=each.id, name=each.name, warehouse_id=each.id) for each in page.warehouses
        ]
        token = page.next_page_token
        if token is None:
            return found


async def get(deps: Deps, caller: Caller, warehouse_id: str) -> WarehouseView:
    """Return a warehouse.

    Raises:
        NotFound, Invalid: see `store.get`.
    """
    async with deps.database.session() as session:
        row = await permitted(session, caller, warehouse_id, Level.CAN_VIEW)
        return view(deps, row, await _load(session, row))


async def edit(deps: Deps, caller: Caller, warehouse_id: str, fields: EditWarehouse) -> None:
    """Change what is given; a running warehouse is started anew where its processes must be.

    Raises:
        NotFound, NameTaken: see there.
        Invalid: the fields do not fit together, or another engine is asked for.
    """
    if fields.id is not None and fields.id != warehouse_id:
        raise Invalid(f"the path names warehouse {warehouse_id}, the body {fields.id}")
    async with deps.database.session() as session:
        row = await permitted(session, caller, warehouse_id, Level.CAN_MANAGE, lock=True)
        if (engine := _engine(fields)) is not None and engine != row.engine:
            raise Invalid(
                f"warehouse {warehouse_id} runs on {row.engine}, and that cannot be changed; make"
                f" another one on {engine}"
            )
        if (dialect := _dialect(fields)) is not None:
            row.dialect = dialect.value
        if fields.name is not None and fields.name != row.name and warehouse_id in BUILT_IN:
            raise Invalid(f"the built-in warehouse {warehouse_id} keeps its name")
        before = config_of(row)
        _fill(row, fields)
        if config_of(row) != before and row.state == WarehouseState.RUNNING:
            row.state = WarehouseState.STARTING.value
        await _keep(session, row)
        given = sorted(fields.model_fields_set - {"id"})
        audit.record(session, caller, "warehouse.edited", "warehouse", warehouse_id, fields=given)
        await hub.notify(session, CHANGED)


async def start(deps: Deps, caller: Caller, warehouse_id: str) -> None:
    """Want a warehouse to run; one that does is left alone."""
    async with deps.database.session() as session:
        row = await permitted(session, caller, warehouse_id, Level.CAN_MANAGE)
        if await store.start(session, row):
            audit.record(session, caller, "warehouse.started", "warehouse", warehouse_id)
            await hub.notify(session, CHANGED)


async def stop(deps: Deps, caller: Caller, warehouse_id: str) -> None:
    """Want a warehouse to be stopped; its processes end, and what they were working on."""
    await _end(deps, caller, warehouse_id, Wanted.STOPPED, WarehouseState.STOPPING)


async def delete(deps: Deps, caller: Caller, warehouse_id: str) -> None:
    """Want a warehouse to be gone: it is found no more, and its name is free at once.

    Raises:
        Invalid: it is one of the two that every workspace has.
    """
    if warehouse_id in BUILT_IN:
        raise Invalid(f"the built-in warehouse {warehouse_id} cannot be deleted; stop it instead")
    await _end(deps, caller, warehouse_id, Wanted.DELETED, WarehouseState.DELETING)


async def _end(
    deps: Deps, caller: Caller, warehouse_id: str, wanted: Wanted, state: WarehouseState
) -> None:
    async with deps.database.session() as session:
        row = await permitted(session, caller, warehouse_id, Level.CAN_MANAGE, lock=True)
        if row.wanted == wanted:
            return
        row.wanted, row.state = wanted.value, state.value
        deed = "warehouse.deleted" if wanted is Wanted.DELETED else "warehouse.stopped"
        if wanted is Wanted.DELETED:
            row.deleted_at = datetime.now(UTC)
            await forget(session, caller.workspace_id, Kind.WAREHOUSE, warehouse_id)
        audit.record(session, caller, deed, "warehouse", warehouse_id)
        await hub.notify(session, CHANGED)


# What statements do ------------------------------------------------------------------------


async def usable(session: AsyncSession, caller: Caller, warehouse_id: str) -> Warehouse:
    """Return the warehouse that a statement names, in whatever state it is.

    Raises:
        Invalid: the text is no id of a warehouse.
        NotFound: the workspace has no such warehouse.
        Forbidden: the caller may not use it.
    """
    return await permitted(session, caller, warehouse_id, Level.CAN_USE)


async def permitted(
    session: AsyncSession, caller: Caller, warehouse_id: str, wanted: Level, *, lock: bool = False
) -> Warehouse:
    """Return a warehouse that the caller may do so much with.

    Raises:
        Invalid, NotFound: see `store.get`.
        Forbidden: the caller lacks the level.
    """
    row = await store.get(session, caller.workspace_id, warehouse_id, lock=lock)
    await require(session, caller, Kind.WAREHOUSE, warehouse_id, wanted)
    return row


async def wake(session: AsyncSession, caller: Caller, warehouse_id: str) -> Warehouse:
    """Return a warehouse, and see that it runs for what this transaction hands to it.

    Until the transaction ends the keeper does not find the warehouse idle; afterwards it sees the
    statement. So none is ever left with a warehouse that stops.

    Raises:
        Invalid, NotFound, Forbidden: see `usable`.
    """
    await store.hold(session, caller.workspace_id, warehouse_id)
    # Read after that: the keeper may just have put it to rest.
    warehouse = await usable(session, caller, warehouse_id)
    if warehouse.wanted == Wanted.STOPPED and await store.start(session, warehouse):
        await session.refresh(warehouse)
        await hub.notify(session, CHANGED)
    return warehouse


async def admit_statement(session: AsyncSession, warehouse: Warehouse) -> None:
    """Refuse a statement when too many wait already; call it before the statement is inserted.

    Statements that come at the same moment may exceed the limit by their number.

    Raises:
        Exhausted: the warehouse's queue is full.
    """
    load = await _load(session, warehouse)
    if load.waiting >= QUEUE_LIMIT:
        raise Exhausted(
            f"{load.waiting} statements wait for SQL warehouse {warehouse.warehouse_id} already,"
            f" and no more than {QUEUE_LIMIT} may; come again later, or raise its"
            " max_num_clusters",
            warehouse_id=warehouse.warehouse_id,
        )
    if load.waiting:
        # It may be time for another process.
        await hub.notify(session, CHANGED)


async def note_use(deps: Deps, workspace_id: int, warehouse_id: str) -> None:
    """Note that a statement has ended: idleness counts from here. Mostly does nothing."""
    key, now = (workspace_id, warehouse_id), time.monotonic()
    if now < deps.warehouses_touched.get(key, 0.0):
        return
    async with deps.database.session() as session:
        await store.touch(session, workspace_id, warehouse_id, _TOUCH_EVERY)
    deps.warehouses_touched[key] = now + _TOUCH_EVERY.total_seconds()


async def lend_engine(deps: Deps, workspace_id: int, engine: Engine | None) -> None:
    """See that the server of an engine runs for an attempt of a job, if the engine has one.

    The processes of warehouses have no part in jobs.
    """
    if engine is None or engine not in ENGINES_WITH_SERVER:
        return
    async with deps.database.session() as session:
        row = await store.get(session, workspace_id, engine.value)
        if await store.lend(session, row, _LEND_EVERY):
            await hub.notify(session, CHANGED)


async def config_at(deps: Deps, place: str) -> WarehouseConfig:
    """Return what a process of the warehouse at this place must know.

    Raises:
        NotFound: there is none, or it was deleted.
    """
    async with deps.database.read_session() as session:
        row = await store.at(session, place)
    if row is None:
        raise NotFound(f"there is no SQL warehouse at '{place}'")
    return config_of(row)


def config_of(row: Warehouse) -> WarehouseConfig:
    """Return what the processes of a warehouse must know."""
    power = POWER[ClusterSize(row.cluster_size)]
    return WarehouseConfig(
        workspace_id=row.workspace_id,
        warehouse_id=row.warehouse_id,
        name=row.name,
        engine=Engine(row.engine),
        dialect=SqlDialect(row.dialect),
        catalog=row.catalog,
        schema_name=row.schema_name,
        memory_mib=power.memory_mib,
        threads=power.threads,
    )


# Parts -------------------------------------------------------------------------------------


def _new_id() -> str:
    """Return 16 hexadecimal digits, as Databricks' ids: the time, so that they sort, and chance."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(2)}"


def _engine(fields: WarehouseFields) -> Engine | None:
    tag = fields.tags.value_of(ENGINE_TAG) if fields.tags else None
    if tag is None or fields.engine is not None:
        return fields.engine
    if tag not in {each.value for each in SQL_ENGINES}:
        names = " and ".join(f"'{each}'" for each in SQL_ENGINES)
        raise Invalid(f"the tag {ENGINE_TAG} says '{tag}'; the engines of warehouses are {names}")
    return Engine(tag)


def _dialect(fields: WarehouseFields) -> SqlDialect | None:
    tag = fields.tags.value_of(DIALECT_TAG) if fields.tags else None
    if tag is None or fields.dialect is not None:
        return fields.dialect
    if tag not in {each.value for each in SqlDialect}:
        names = " and ".join(f"'{each}'" for each in SqlDialect)
        raise Invalid(f"the tag {DIALECT_TAG} says '{tag}'; the dialects are {names}")
    return SqlDialect(tag)


def _fill(row: Warehouse, fields: WarehouseFields) -> None:
    """Take over what is given, and see that it fits together."""
    row.name = fields.name or row.name
    row.cluster_size = fields.cluster_size.value if fields.cluster_size else row.cluster_size
    if fields.min_num_clusters is not None:
        row.min_clusters = fields.min_num_clusters
        if fields.max_num_clusters is None:
            row.max_clusters = max(row.max_clusters, row.min_clusters)
    if fields.max_num_clusters is not None:
        row.max_clusters = fields.max_num_clusters
    if row.min_clusters > row.max_clusters:
        raise Invalid(
            f"min_num_clusters ({row.min_clusters}) is greater than max_num_clusters"
            f" ({row.max_clusters})"
        )
    if fields.auto_stop_mins is not None:
        row.auto_stop_mins = fields.auto_stop_mins
    if fields.tags is not None:
        row.tags = fields.tags.model_dump(mode="json")
    given = fields.model_fields_set
    row.catalog = fields.catalog if "catalog" in given else row.catalog
    row.schema_name = fields.schema_name if "schema_name" in given else row.schema_name
    unused = fields.model_dump(mode="json", include=set(_UNUSED), exclude_none=True)
    row.unused = row.unused | unused


async def _keep(session: AsyncSession, row: Warehouse) -> None:
    other = await store.with_name(session, row.workspace_id, row.name)
    taken = NameTaken(
        f"there is a SQL warehouse '{row.name}' already; names are unique in a workspace"
    )
    if other is not None and other.warehouse_id != row.warehouse_id:
        raise taken
    session.add(row)
    try:
        await session.flush()
    except IntegrityError as error:
        raise taken from error


async def _load(session: AsyncSession, row: Warehouse) -> Load:
    key = (row.workspace_id, row.warehouse_id)
    return (await loads(session, key)).get(key, Load())


def view(deps: Deps, row: Warehouse, load: Load) -> WarehouseView:
    """Return a warehouse as Databricks shows it."""
    place = urlsplit(deps.public_url)
    path = f"/sql/1.0/warehouses/{row.warehouse_id}"
    port = place.port or (443 if place.scheme == "https" else 80)
    shown = _UNUSED | row.unused
    return WarehouseView(
        id=row.warehouse_id,
        name=row.name,
        state=WarehouseState(row.state),
        health=WarehouseHealth(status=HealthStatus(row.health), summary=row.health_summary),
        cluster_size=ClusterSize(row.cluster_size),
        min_num_clusters=row.min_clusters,
        max_num_clusters=row.max_clusters,
        num_clusters=row.clusters,
        num_active_sessions=load.open,
        auto_stop_mins=row.auto_stop_mins,
        creator_name=row.creator,
        tags=Tags.model_validate(row.tags),
        engine=Engine(row.engine),
        dialect=SqlDialect(row.dialect),
        catalog=row.catalog,
        schema=row.schema_name,
        warehouse_type=shown["warehouse_type"],
        enable_serverless_compute=shown["enable_serverless_compute"],
        enable_photon=shown["enable_photon"],
        spot_instance_policy=shown["spot_instance_policy"],
        channel=Channel.model_validate(shown["channel"]),
        jdbc_url=f"jdbc:spark://{place.hostname}:{port}/default;httpPath={path}",
        odbc_params=OdbcParams(
            hostname=place.hostname or "", path=path, port=port, protocol=place.scheme
        ),
    )
