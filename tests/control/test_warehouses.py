"""Warehouses: the API as the unmodified SDK uses it, the keeper, jobs that name them."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound as SdkNotFound
from databricks.sdk.errors import OperationFailed
from databricks.sdk.service import sql
from sqlmodel import col, select, update
from typer.testing import CliRunner

from control.audit.tables import AuditEntry
from control.auth import Caller
from control.cli import warehouses as commands
from control.cli.client import Api
from control.deps import Deps
from control.internal.placed import on_warehouse
from control.runs.tables import OutboxRow
from control.statements.tables import Statement
from control.warehouses import service, store
from control.warehouses.host import CannotStart
from control.warehouses.keeper import Keeper
from control.warehouses.kubernetes import KubernetesHost
from control.warehouses.tables import Warehouse
from spec.attempts import DbtProgram, SqlDialect, SqlProgram
from spec.errors import Exhausted, NotFound, Unavailable
from spec.tasks import Engine, Task
from spec.warehouses import (
    MOST_TRIES,
    POWER,
    QUEUE_LIMIT,
    Clusters,
    ClusterSize,
    Decision,
    Load,
    PinnedWarehouse,
    Power,
    Standing,
    Wanted,
    WarehouseConfig,
    WarehouseState,
    decide,
    warehouse_queue,
)
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, run_now
from tests.control.serving import serving

API = "/api/2.0/sql/warehouses"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


# What is decided -----------------------------------------------------------------------------


def standing(wanted: Wanted = Wanted.RUNNING, **fields: Any) -> Standing:
    """A warehouse of one to four processes that was used just now."""
    values: dict[str, Any] = {
        "wanted": wanted,
        "min_clusters": 1,
        "max_clusters": 4,
        "auto_stop": timedelta(minutes=10),
        "last_activity_at": NOW,
        **fields,
    }
    return Standing(**values)


@pytest.mark.parametrize(
    ("what", "clusters", "load", "decision"),
    [
        (standing(), Clusters(), Load(), Decision(1, WarehouseState.STARTING)),
        (standing(), Clusters(1, 0), Load(), Decision(1, WarehouseState.STARTING)),
        (standing(), Clusters(1, 1), Load(), Decision(1, WarehouseState.RUNNING)),
        (standing(min_clusters=2), Clusters(1, 1), Load(), Decision(2, WarehouseState.RUNNING)),
        # It grows with what is open, ten statements a process, up to its limit.
        (standing(), Clusters(1, 1), Load(10, 0), Decision(1, WarehouseState.RUNNING)),
        (standing(), Clusters(1, 1), Load(10, 1), Decision(2, WarehouseState.RUNNING)),
        (standing(), Clusters(1, 1), Load(10, 500), Decision(4, WarehouseState.RUNNING)),
        # It keeps what it has while anything runs, and for a minute after.
        (standing(), Clusters(3, 3), Load(1, 0), Decision(3, WarehouseState.RUNNING)),
        (standing(), Clusters(3, 3), Load(), Decision(3, WarehouseState.RUNNING)),
        (
            standing(last_activity_at=NOW - timedelta(minutes=2)),
            Clusters(3, 3),
            Load(),
            Decision(1, WarehouseState.RUNNING),
        ),
        # Idleness ends it; an open statement, however old the last end, does not.
        (
            standing(last_activity_at=NOW - timedelta(minutes=10)),
            Clusters(1, 1),
            Load(),
            Decision(0, WarehouseState.STOPPING, is_idle=True),
        ),
        (
            standing(last_activity_at=NOW - timedelta(hours=9)),
            Clusters(1, 1),
            Load(1, 0),
            Decision(1, WarehouseState.RUNNING),
        ),
        (
            standing(last_activity_at=NOW - timedelta(days=9), auto_stop=timedelta()),
            Clusters(1, 1),
            Load(),
            Decision(1, WarehouseState.RUNNING),
        ),
        (
            standing(Wanted.STOPPED),
            Clusters(2, 1),
            Load(3, 3),
            Decision(0, WarehouseState.STOPPING),
        ),
        (standing(Wanted.STOPPED), Clusters(), Load(), Decision(0, WarehouseState.STOPPED)),
        (standing(Wanted.DELETED), Clusters(1, 1), Load(), Decision(0, WarehouseState.DELETING)),
        (standing(Wanted.DELETED), Clusters(), Load(), Decision(0, WarehouseState.DELETED)),
        # It is given up when processes end again and again before one was ready.
        (
            standing(tries=MOST_TRIES),
            Clusters(),
            Load(),
            Decision(0, WarehouseState.STOPPED, is_hopeless=True),
        ),
        (standing(tries=MOST_TRIES), Clusters(1, 0), Load(), Decision(1, WarehouseState.STARTING)),
    ],
)
def test_decide(what: Standing, clusters: Clusters, load: Load, decision: Decision) -> None:
    assert decide(what, clusters, load, NOW) == decision


def test_each_size_is_twice_the_one_before_and_no_more_than_the_machine() -> None:
    assert POWER[ClusterSize.XXS] == Power(1024, 1)
    assert POWER[ClusterSize.XL5] == Power(512 * 1024, 512)
    assert POWER[ClusterSize.L].within(6_000, 4) == Power(6_000, 4)


def test_built_in_warehouses_of_two_workspaces_have_two_queues() -> None:
    assert warehouse_queue(1, "duckdb") != warehouse_queue(2, "duckdb")
    assert warehouse_queue(1, "0123456789abcdef") == "warehouse@0123456789abcdef"


# The API -------------------------------------------------------------------------------------


@dataclass
class FakeHost:
    """A host whose processes are numbers."""

    running: dict[str, int] = field(default_factory=dict[str, int])
    is_ready: bool = True
    last_words: str = ""
    refusal: CannotStart | Unavailable | None = None
    engines: set[Engine] = field(default_factory=set[Engine])

    async def look(self, warehouse: WarehouseConfig) -> Clusters:
        """Return the numbers."""
        alive = self.running.get(warehouse.place, 0)
        return Clusters(alive, alive if self.is_ready else 0, self.last_words)

    async def scale(self, warehouse: WarehouseConfig, count: int) -> int:
        """Change the numbers."""
        if count and self.refusal is not None:
            raise self.refusal
        before = self.running.get(warehouse.place, 0)
        self.running[warehouse.place] = count
        return max(0, count - before)

    async def settle(self, engines: Collection[Engine]) -> None:
        """Remember them."""
        self.engines = set(engines)


@pytest.fixture
def host() -> FakeHost:
    """Where the keeper starts processes."""
    return FakeHost()


@pytest.fixture
def keeper(deps: Deps, host: FakeHost) -> Keeper:
    """A keeper that looks when it is told."""
    return Keeper(deps.database, host)


@pytest.fixture
async def client(deps: Deps, token: str, keeper: Keeper) -> AsyncIterator[WorkspaceClient]:
    """The unmodified SDK, with a keeper at work."""
    keeping = asyncio.create_task(keeper.keep(deps.hub))
    async with serving(deps) as url:
        yield await asyncio.to_thread(WorkspaceClient, host=url, token=token)
    keeping.cancel()


async def create(api: httpx2.AsyncClient, **fields: Any) -> str:
    """Make a warehouse over the API."""
    answer = await api.post(API, json={"name": "bi", **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def read(api: httpx2.AsyncClient, warehouse_id: str) -> dict[str, Any]:
    """Read a warehouse over the API."""
    answer = await api.get(f"{API}/{warehouse_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def row_of(deps: Deps, warehouse_id: str) -> Warehouse:
    """Read a warehouse's row in workspace 1."""
    async with deps.database.read_session() as session:
        return await session.get_one(Warehouse, (1, warehouse_id))


async def age(deps: Deps, warehouse_id: str, by: timedelta) -> None:
    """Let a warehouse's last activity be so long ago."""
    async with deps.database.session() as session:
        statement = update(Warehouse).where(col(Warehouse.warehouse_id) == warehouse_id)
        await session.exec(statement.values(last_activity_at=datetime.now(UTC) - by))


def statement(number: int, warehouse_id: str, state: str) -> Statement:
    """A row of an open statement."""
    return Statement(
        statement_id=f"s{number}",
        workspace_id=1,
        warehouse_id=warehouse_id,
        user_name="ann",
        text="SELECT 1",
        disposition="INLINE",
        format="JSON_ARRAY",
        state=state,
    )


async def test_the_waiters_of_the_sdk_see_a_warehouse_through_its_life(
    client: WorkspaceClient, host: FakeHost
) -> None:
    def live() -> None:
        made = client.warehouses.create_and_wait(
            name="bi",
            cluster_size="X-Small",
            min_num_clusters=1,
            max_num_clusters=3,
            auto_stop_mins=10,
            enable_photon=True,
            spot_instance_policy=sql.SpotInstancePolicy.COST_OPTIMIZED,
            warehouse_type=sql.CreateWarehouseRequestWarehouseType.PRO,
            channel=sql.Channel(name=sql.ChannelName.CHANNEL_NAME_CURRENT),
            tags=sql.EndpointTags(custom_tags=[sql.EndpointTagPair(key="team", value="bi")]),
        )
        assert made.id is not None
        assert (made.state, made.num_clusters, made.cluster_size) == (
            sql.State.RUNNING,
            1,
            "X-Small",
        )
        assert made.health is not None and made.health.status is sql.Status.HEALTHY
        assert made.odbc_params is not None
        assert made.odbc_params.path == f"/sql/1.0/warehouses/{made.id}"
        assert host.running[made.id] == 1
        edited = client.warehouses.edit_and_wait(made.id, name="reports", cluster_size="Large")
        assert (edited.name, edited.cluster_size, edited.auto_stop_mins) == ("reports", "Large", 10)
        assert edited.tags is not None and edited.tags.custom_tags is not None
        assert [tag.value for tag in edited.tags.custom_tags] == ["bi"]
        assert client.warehouses.stop_and_wait(made.id).state is sql.State.STOPPED
        assert host.running[made.id] == 0
        client.warehouses.delete(made.id)
        assert [each.name for each in client.warehouses.list(page_size=1)] == ["trino", "duckdb"]
        with pytest.raises(SdkNotFound):
            client.warehouses.start(made.id)

    await asyncio.to_thread(live)


async def test_the_sdk_is_told_why_a_warehouse_does_not_start(
    client: WorkspaceClient, host: FakeHost
) -> None:
    host.refusal = CannotStart("Trino is not installed here; run `openlake install trino`")
    tags = sql.EndpointTags(custom_tags=[sql.EndpointTagPair(key="openlake.engine", value="trino")])
    with pytest.raises(OperationFailed, match="run `openlake install trino`"):
        await asyncio.to_thread(client.warehouses.create_and_wait, name="bi", tags=tags)


async def test_every_workspace_has_two_warehouses_that_sleep(api: httpx2.AsyncClient) -> None:
    found = (await api.get(API)).json()["warehouses"]
    assert [(each["id"], each["engine"], each["state"], each["dialect"]) for each in found] == [
        ("trino", "trino", "STOPPED", "engine"),
        ("duckdb", "duckdb", "STOPPED", "engine"),
    ]


async def test_a_new_warehouse_is_starting_from_the_first_look(api: httpx2.AsyncClient) -> None:
    warehouse_id = await create(api)
    assert len(warehouse_id) == 16 and int(warehouse_id, 16)
    seen = await read(api, warehouse_id)
    facts = (seen["state"], seen["engine"], seen["dialect"], seen["cluster_size"])
    assert facts == ("STARTING", "duckdb", "databricks", "Small")


async def test_engine_and_dialect_come_by_field_or_by_tag(api: httpx2.AsyncClient) -> None:
    tags = [
        {"key": "openlake.engine", "value": "trino"},
        {"key": "openlake.dialect", "value": "engine"},
    ]
    by_tag = await read(api, await create(api, tags={"custom_tags": tags}))
    by_field = await read(
        api, await create(api, name="b", engine="trino", dialect="engine", schema="gold")
    )
    assert [(each["engine"], each["dialect"]) for each in (by_tag, by_field)] == [
        ("trino", "engine")
    ] * 2
    assert by_field["schema"] == "gold"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "x" * 100}, "at most 99 characters"),
        ({"cluster_size": "Huge"}, "2X-Small"),
        ({"auto_stop_mins": 5}, "at least 10 minutes"),
        ({"min_num_clusters": 3, "max_num_clusters": 2}, "greater than max_num_clusters (2)"),
        ({"max_num_clusters": 41}, "less than or equal to 40"),
        ({"engine": "spark"}, "'spark' runs no warehouses"),
        ({"tags": {"custom_tags": [{"key": "openlake.engine", "value": "db2"}]}}, "'db2'"),
        ({"channel": {"name": "CHANNEL_NAME_CUSTOM"}}, "CHANNEL_NAME_CURRENT"),
        ({"max_dbu": 3}, "max_dbu: this field is not known to OpenLake"),
        ({"name": "duckdb"}, "there is a SQL warehouse 'duckdb' already"),
    ],
)
async def test_what_cannot_be_is_refused(
    api: httpx2.AsyncClient, fields: dict[str, Any], words: str
) -> None:
    answer = await api.post(API, json={"name": "bi", **fields})
    assert answer.status_code == 400 and words in answer.json()["message"]


async def test_names_are_unique_until_their_warehouse_is_deleted(api: httpx2.AsyncClient) -> None:
    first = await create(api)
    answer = await api.post(API, json={"name": "bi"})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS")
    await api.delete(f"{API}/{first}")
    assert (await api.get(f"{API}/{first}")).status_code == 404
    assert await create(api) != first


async def test_edit_keeps_what_is_not_given_and_never_the_engine(api: httpx2.AsyncClient) -> None:
    warehouse_id = await create(api, catalog="lakehouse", max_num_clusters=4)
    answer = await api.post(f"{API}/{warehouse_id}/edit", json={"auto_stop_mins": 0})
    assert answer.status_code == 200
    seen = await read(api, warehouse_id)
    assert (seen["auto_stop_mins"], seen["max_num_clusters"], seen["catalog"]) == (
        0,
        4,
        "lakehouse",
    )
    answer = await api.post(f"{API}/{warehouse_id}/edit", json={"engine": "trino"})
    assert answer.status_code == 400 and "cannot be changed" in answer.json()["message"]
    answer = await api.delete(f"{API}/duckdb")
    assert answer.status_code == 400 and "stop it instead" in answer.json()["message"]


async def test_ids_that_are_none_and_warehouses_of_others_are_not_found(
    api: httpx2.AsyncClient, deps: Deps
) -> None:
    assert (await api.get(f"{API}/bi")).status_code == 400
    other = Caller(2, 1, "eve", "Eve")
    warehouse_id = await create(api)
    async with deps.database.session() as session:
        with pytest.raises(NotFound):
            await service.usable(session, other, warehouse_id)


async def test_every_change_is_audited(api: httpx2.AsyncClient, deps: Deps) -> None:
    warehouse_id = await create(api)
    await api.post(f"{API}/{warehouse_id}/edit", json={"auto_stop_mins": 0})
    await api.post(f"{API}/{warehouse_id}/stop")
    await api.post(f"{API}/{warehouse_id}/start")
    await api.delete(f"{API}/{warehouse_id}")
    async with deps.database.read_session() as session:
        query = select(AuditEntry.action).where(AuditEntry.object_id == warehouse_id)
        deeds = (await session.exec(query.order_by(col(AuditEntry.audit_id)))).all()
    words = ("created", "edited", "stopped", "started", "deleted")
    assert deeds == [f"warehouse.{word}" for word in words]


async def test_thrift_drivers_are_told_what_to_use_instead(api: httpx2.AsyncClient) -> None:
    answer = await api.post("/sql/1.0/warehouses/duckdb", content=b"\x80\x01")
    assert answer.status_code == 501 and "/api/2.0/sql/statements" in answer.json()["message"]
    assert "use_sea=True" in answer.headers["X-Thriftserver-Error-Message"]


async def test_a_process_learns_what_it_is(
    worker: httpx2.AsyncClient, deps: Deps, token: str
) -> None:
    async with deps.database.session() as session:
        await store.make_built_in(session, 1)
    answer = await worker.get("/warehouses/duckdb-1")
    config = WarehouseConfig.model_validate(answer.json())
    assert (config.engine, config.memory_mib, config.queue) == (
        Engine.DUCKDB,
        4096,
        "warehouse@duckdb-1",
    )
    for place in ("duckdb-7", "duckdb-x", "0123456789abcdef"):
        assert (await worker.get(f"/warehouses/{place}")).status_code == 404


async def test_the_command_line_makes_shows_and_stops_warehouses(
    client: WorkspaceClient, token: str, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Api(client.config.host, token)
    monkeypatch.setattr(commands, "connect", lambda: session)

    def run(*words: str) -> str:
        done = CliRunner().invoke(commands.app, list(words))
        if done.exception is not None:
            raise done.exception
        return done.stdout

    def live() -> None:
        assert "running" in run("create", "bi", "--size", "Medium", "--max", "2")
        made = next(each for each in client.warehouses.list() if each.name == "bi")
        assert made.id is not None
        assert (made.cluster_size, made.max_num_clusters) == ("Medium", 2)
        assert "bi" in run("list") and "● running" in run("get", "bi")
        assert "running" in run("edit", "bi", "--schema", "gold")
        assert "lakehouse.gold" in run("get", made.id)
        assert "stopped" in run("stop", "bi")
        host.refusal = CannotStart("Trino is not installed here")
        with pytest.raises(Unavailable, match="bi did not start: Trino is not installed"):
            run("start", "bi")
        assert "bi failed: Trino is not installed here" in run("list")
        assert "deleted" in run("delete", "bi")
        with pytest.raises(NotFound, match="there are trino, duckdb"):
            run("get", "bi")

    await asyncio.to_thread(live)
    session.close()


# What statements ask -------------------------------------------------------------------------


async def test_a_statement_wakes_its_warehouse(
    deps: Deps, caller: Caller, keeper: Keeper, host: FakeHost
) -> None:
    async with deps.database.session() as session:
        row = await service.usable(session, caller, "duckdb")
        await service.admit_statement(session, row)
        await service.wake(session, Caller.acting_for(1, "test"), row.warehouse_id)
    assert (await row_of(deps, "duckdb")).state == "STARTING"
    await keeper.look()
    await keeper.look()
    assert (await row_of(deps, "duckdb")).state == "RUNNING"
    assert host.running == {"duckdb-1": 1}
    assert host.engines == {Engine.DUCKDB}


async def test_the_queue_of_a_warehouse_has_an_end(deps: Deps, caller: Caller) -> None:
    async with deps.database.session() as session:
        row = await service.usable(session, caller, "duckdb")
        session.add_all(statement(n, "duckdb", "PENDING") for n in range(QUEUE_LIMIT))
        await session.flush()
        with pytest.raises(Exhausted, match="1000 statements wait") as refusal:
            await service.admit_statement(session, row)
        assert refusal.value.status == 429


async def test_activity_is_noted_once_in_a_while(deps: Deps, caller: Caller) -> None:
    async with deps.database.session() as session:
        await service.usable(session, caller, "duckdb")
    before = (await row_of(deps, "duckdb")).last_activity_at
    await service.note_use(deps, 1, "duckdb")
    assert (await row_of(deps, "duckdb")).last_activity_at == before
    await age(deps, "duckdb", timedelta(hours=1))
    deps.warehouses_touched.clear()
    await service.note_use(deps, 1, "duckdb")
    assert (await row_of(deps, "duckdb")).last_activity_at >= before


# The keeper ----------------------------------------------------------------------------------


async def looks(keeper: Keeper, times: int = 2) -> None:
    """Let the keeper act, and see what came of it."""
    for _ in range(times):
        await keeper.look()


async def test_a_warehouse_grows_while_statements_wait(
    api: httpx2.AsyncClient, deps: Deps, keeper: Keeper, host: FakeHost
) -> None:
    warehouse_id = await create(api, max_num_clusters=3)
    await looks(keeper)
    async with deps.database.session() as session:
        session.add_all(statement(n, warehouse_id, "PENDING") for n in range(25))
    await looks(keeper)
    assert host.running[warehouse_id] == 3
    seen = await read(api, warehouse_id)
    assert (seen["num_clusters"], seen["num_active_sessions"]) == (3, 25)
    async with deps.database.session() as session:
        await session.exec(update(Statement).values(state="SUCCEEDED"))
    await age(deps, warehouse_id, timedelta(minutes=2))
    await looks(keeper)
    assert host.running[warehouse_id] == 1


async def test_an_idle_warehouse_is_stopped_and_one_in_use_is_not(
    api: httpx2.AsyncClient, deps: Deps, keeper: Keeper, host: FakeHost
) -> None:
    warehouse_id = await create(api, auto_stop_mins=10)
    await looks(keeper)
    await age(deps, warehouse_id, timedelta(minutes=11))
    row = await row_of(deps, warehouse_id)
    # A statement that has been handed over, but whose transaction has not ended.
    async with deps.database.session() as session:
        await service.wake(session, Caller.acting_for(1, "test"), row.warehouse_id)
        session.add(statement(1, warehouse_id, "PENDING"))
        await session.flush()
        await looks(keeper)
        assert host.running[warehouse_id] == 1
    await looks(keeper)
    assert (await row_of(deps, warehouse_id)).wanted == "RUNNING"
    async with deps.database.session() as session:
        await session.exec(update(Statement).values(state="SUCCEEDED"))
    await looks(keeper, 3)
    assert host.running[warehouse_id] == 0
    assert (await read(api, warehouse_id))["state"] == "STOPPED"
    async with deps.database.read_session() as session:
        query = select(AuditEntry).where(AuditEntry.action == "warehouse.stopped")
        assert (await session.exec(query)).one().actor == "openlake"


async def test_a_process_that_dies_is_started_again_and_it_shows(
    api: httpx2.AsyncClient, keeper: Keeper, host: FakeHost
) -> None:
    warehouse_id = await create(api)
    await looks(keeper)
    host.running[warehouse_id], host.last_words = 0, "warehouse.log ends with: out of memory"
    await keeper.look()
    seen = await read(api, warehouse_id)
    assert (seen["state"], seen["health"]["status"]) == ("STARTING", "DEGRADED")
    assert "out of memory" in seen["health"]["summary"]
    assert host.running[warehouse_id] == 1
    host.last_words = ""
    await keeper.look()
    seen = await read(api, warehouse_id)
    assert (seen["state"], seen["health"]["status"]) == ("RUNNING", "HEALTHY")


async def test_a_warehouse_that_cannot_start_is_given_up_and_says_why(
    api: httpx2.AsyncClient, keeper: Keeper, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.warehouses.keeper._LONGEST_PAUSE_S", 0.0)
    host.is_ready = False
    host.last_words = "warehouse.log ends with: no module named duckdb"
    warehouse_id = await create(api)
    for _ in range(MOST_TRIES):
        assert (await read(api, warehouse_id))["state"] == "STARTING"
        await keeper.look()
        host.running[warehouse_id] = 0
    await looks(keeper)
    seen = await read(api, warehouse_id)
    assert (seen["state"], seen["health"]["status"]) == ("STOPPED", "FAILED")
    assert "no module named duckdb" in seen["health"]["summary"]
    # Somebody mends it and starts it again.
    host.is_ready, host.last_words = True, ""
    await api.post(f"{API}/{warehouse_id}/start")
    await looks(keeper)
    seen = await read(api, warehouse_id)
    assert (seen["state"], seen["health"]["status"]) == ("RUNNING", "HEALTHY")


async def test_a_host_that_is_away_for_a_moment_stops_nothing(
    api: httpx2.AsyncClient, keeper: Keeper, host: FakeHost
) -> None:
    warehouse_id = await create(api)
    host.refusal = Unavailable("the API server does not answer")
    await keeper.look()
    host.refusal = None
    assert (await read(api, warehouse_id))["state"] == "STARTING"


async def test_two_keepers_never_act_at_once(
    api: httpx2.AsyncClient, deps: Deps, keeper: Keeper, host: FakeHost
) -> None:
    await create(api)
    async with deps.database.session() as session:
        assert await store.keep_alone(session)
        await keeper.look()
        assert host.running == {}
    await keeper.look()
    assert sum(host.running.values()) == 1


# Jobs ----------------------------------------------------------------------------------------


def sql_job(warehouse_id: str) -> list[dict[str, Any]]:
    """The tasks of a job that runs a file on a warehouse."""
    task = {"warehouse_id": warehouse_id, "file": {"path": "/jobs/q.sql"}}
    return [{"task_key": "q", "sql_task": task}]


async def test_a_job_may_name_any_warehouse_of_its_workspace(
    api: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    await put_file(deps.database, "/jobs/q.sql", b"SELECT 1")
    warehouse_id = await create(api, engine="trino")
    job_id = await create_job(api, tasks=sql_job(warehouse_id))
    run_id = await run_now(api, job_id)
    assert launcher.plans[run_id].tasks[0].engine is Engine.TRINO
    # What a run has pinned holds though the warehouse is deleted before a repair.
    await api.delete(f"{API}/{warehouse_id}")
    answer = await api.post("/api/2.2/jobs/run-now", json={"job_id": job_id})
    assert answer.status_code == 400
    assert f"task 'q': there is no warehouse '{warehouse_id}'" in answer.json()["message"]
    async with deps.database.read_session() as session:
        assert (await session.exec(select(OutboxRow))).first() is None


async def test_a_job_with_an_unknown_warehouse_is_refused_with_those_that_exist(
    api: httpx2.AsyncClient,
) -> None:
    warehouse_id = await create(api)
    body = {"name": "j", "tasks": sql_job("0123456789abcdef")}
    answer = await api.post("/api/2.2/jobs/create", json=body)
    assert answer.status_code == 400
    assert f"the warehouses are 'duckdb', 'trino', '{warehouse_id}'" in answer.json()["message"]


def test_a_program_takes_dialect_and_place_from_its_warehouse() -> None:
    warehouse = PinnedWarehouse(
        engine=Engine.TRINO, dialect=SqlDialect.DATABRICKS, catalog="lakehouse", schema_name="gold"
    )
    task = Task.model_validate(sql_job("duckdb")[0])
    program = SqlProgram(text="SELECT 1", schema_name="own")
    placed = on_warehouse(program, task, warehouse)
    assert isinstance(placed, SqlProgram)
    assert (placed.dialect, placed.catalog, placed.schema_name) == (
        SqlDialect.DATABRICKS,
        "lakehouse",
        "own",
    )
    rules = {"warehouse_id": "duckdb", "table": "a.b", "min_rows": 1}
    check = Task.model_validate({"task_key": "c", "check_task": rules})
    placed = on_warehouse(SqlProgram(text="…"), check, warehouse)
    assert isinstance(placed, SqlProgram) and placed.dialect is SqlDialect.ENGINE
    dbt = {"warehouse_id": "0123456789abcdef", "commands": ["dbt run"], "project_directory": "/p"}
    task = Task.model_validate({"task_key": "d", "dbt_task": dbt})
    placed = on_warehouse(DbtProgram(commands=("dbt run",), project="."), task, warehouse)
    assert isinstance(placed, DbtProgram)
    assert (placed.warehouse, placed.schema_name) == (Engine.TRINO, "gold")
    assert on_warehouse(program, task, None) is program


async def test_an_attempt_on_trino_has_its_server(
    deps: Deps, token: str, keeper: Keeper, host: FakeHost
) -> None:
    await service.lend_engine(deps, 1, Engine.DUCKDB)
    await keeper.look()
    assert host.engines == set()
    await service.lend_engine(deps, 1, Engine.TRINO)
    await keeper.look()
    assert host.engines == {Engine.TRINO}
    assert host.running == {}


# Kubernetes ----------------------------------------------------------------------------------


class ApiServer(ThreadingHTTPServer):
    """As much of Kubernetes' API as the host uses."""

    deployments: dict[str, dict[str, Any]]
    seen: list[tuple[str, str, str | None]]
    allowed: bool


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(None)

    def do_PATCH(self) -> None:
        length = int(self.headers["Content-Length"])
        assert self.headers["Content-Type"] == "application/merge-patch+json"
        self._answer(json.loads(self.rfile.read(length)))

    def _answer(self, patch: dict[str, Any] | None) -> None:
        server = cast(ApiServer, self.server)
        server.seen.append((self.command, self.path, self.headers["Authorization"]))
        prefix = "/apis/apps/v1/namespaces/lake/deployments/"
        assert self.path.startswith(prefix)
        name, _, scale = self.path.removeprefix(prefix).partition("/")
        found = server.deployments.get(name)
        status = 403 if not server.allowed else 404 if found is None else 200
        body: dict[str, Any] = found or {}
        if patch is not None and found is not None:
            spec = patch["spec"]
            assert ("replicas" in spec) == (scale == "scale")
            found["spec"] |= spec
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def api_server() -> Iterator[ApiServer]:
    """A server on a free port."""
    server = ApiServer(("127.0.0.1", 0), _Handler)
    server.deployments, server.seen, server.allowed = {}, [], True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cluster(api_server: ApiServer, tmp_path: Path) -> KubernetesHost:
    """The host as it is in a pod."""
    (tmp_path / "token").write_text("first")
    (tmp_path / "namespace").write_text("lake")
    return KubernetesHost(f"http://127.0.0.1:{api_server.server_port}", tmp_path)


CONFIG = WarehouseConfig(
    workspace_id=1,
    warehouse_id="0123456789abcdef",
    name="bi",
    engine=Engine.DUCKDB,
    dialect=SqlDialect.DATABRICKS,
    memory_mib=1024,
    threads=1,
)


async def test_on_kubernetes_replicas_are_the_processes(
    cluster: KubernetesHost, api_server: ApiServer, tmp_path: Path
) -> None:
    deployment: dict[str, Any] = {"spec": {"replicas": 0}, "status": {}}
    api_server.deployments["openlake-warehouse-0123456789abcdef"] = deployment
    assert await cluster.look(CONFIG) == Clusters(0, 0)
    assert await cluster.scale(CONFIG, 2) == 2
    assert deployment["spec"]["replicas"] == 2
    deployment["status"] = {"replicas": 2, "readyReplicas": 1, "updatedReplicas": 2}
    assert await cluster.look(CONFIG) == Clusters(2, 1)
    (tmp_path / "token").write_text("second")
    before = len(api_server.seen)
    assert await cluster.scale(CONFIG, 2) == 0
    assert [each[0] for each in api_server.seen[before:]] == ["GET"]
    assert api_server.seen[-1][2] == "Bearer second"


async def test_on_kubernetes_an_edited_warehouse_is_ready_when_its_new_pods_are(
    cluster: KubernetesHost, api_server: ApiServer
) -> None:
    status = {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1}
    deployment: dict[str, Any] = {"spec": {"replicas": 0}, "status": status}
    api_server.deployments["openlake-warehouse-0123456789abcdef"] = deployment
    await cluster.scale(CONFIG, 1)
    edited = CONFIG.model_copy(update={"memory_mib": 2048})
    assert await cluster.look(CONFIG) == Clusters(1, 1)
    assert await cluster.look(edited) == Clusters(1, 0)
    assert await cluster.scale(edited, 1) == 0
    status["updatedReplicas"] = 0
    assert await cluster.look(edited) == Clusters(1, 0)
    status["updatedReplicas"] = 1
    assert await cluster.look(edited) == Clusters(1, 1)


async def test_kubernetes_says_what_is_missing(
    cluster: KubernetesHost, api_server: ApiServer
) -> None:
    with pytest.raises(CannotStart, match="openlake worker warehouse 0123456789abcdef"):
        await cluster.scale(CONFIG, 1)
    assert await cluster.scale(CONFIG, 0) == 0
    api_server.allowed = False
    with pytest.raises(CannotStart, match="'patch' on 'deployments/scale'"):
        await cluster.scale(CONFIG, 1)
    api_server.shutdown()
    api_server.server_close()
    with pytest.raises(Unavailable, match="does not answer"):
        await cluster.look(CONFIG)
