"""Catalogs, schemas and tables on real servers, by the unmodified SDK and over the API.

The stack's own catalog is asked through the stack's API; a Hive Metastore and another Iceberg REST
server through an API in this process, whose settings name them.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import httpx2
import pyarrow as pa
import pytest
import typer
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service.catalog import ColumnTypeName, TableType
from pydantic import SecretStr
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BinaryType,
    DateType,
    DecimalType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestamptzType,
)
from pyiceberg.view.metadata import ViewVersion
from rich.console import Console
from typer.testing import CliRunner

from activities.sql.duckdb_catalog import Lakehouse
from control.assembly import assemble
from control.cli import catalogs as catalog_commands
from control.cli import tables as table_commands
from control.cli.client import Api
from control.config import CatalogConnection, CatalogStorage, Ports, Settings
from control.db import Database
from control.gateway.tokens import AttemptClaims, issue
from control.lakehouse.assembly import files_of
from control.lakehouse.base import TableName
from control.stack.layout import Layout
from spec.attempts import StorageAccess
from tests.control.serving import serving
from tests.gateway.opening import begin_attempt
from tests.integration.catalog_servers import hive_catalog, hive_metastore, iceberg_rest_server
from tests.integration.stack import Stack, catalog

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

RUN = 9_000 << 20
SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True, doc="of the order"),
    NestedField(2, "day", DateType(), required=False),
    NestedField(3, "region", StringType(), required=False),
    NestedField(4, "price", DecimalType(10, 2), required=False),
    NestedField(5, "at", TimestamptzType(), required=False),
    NestedField(
        6,
        "lines",
        ListType(
            7,
            StructType(
                NestedField(8, "sku", StringType(), required=True),
                NestedField(9, "tags", MapType(10, StringType(), 11, LongType()), required=False),
            ),
        ),
        required=False,
    ),
    NestedField(12, "raw", BinaryType(), required=False),
    identifier_field_ids=[1],
)
SPEC = PartitionSpec(
    PartitionField(2, 1000, IdentityTransform(), "day"),
    PartitionField(3, 1001, IdentityTransform(), "region"),
)


def rows(first: int, count: int, region: str | None) -> pa.Table:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    made = [
        {
            "id": each,
            "day": date(2026, 3, 1) + timedelta(days=each % 2),
            "region": region,
            "price": Decimal("1.50") * each,
            "at": at,
            "lines": [{"sku": f"s{each}", "tags": [("a", each)]}],
            "raw": b"\xff\x00",
        }
        for each in range(first, first + count)
    ]
    return pa.Table.from_pylist(made, schema=SCHEMA.as_arrow())


def as_attempt(layout: Layout, task_key: str) -> Catalog:
    """Return a catalog as an attempt of a task of run `RUN`, which is opened for it."""
    claims = AttemptClaims(
        workspace_id=1,
        job_id=7,
        run_id=RUN,
        task_run_id=RUN + 1,
        task_key=task_key,
        attempt=0,
        expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1),
    )

    async def begin() -> None:
        database = Database.connect(layout.postgres_url(), pool_size=1)
        await begin_attempt(database, claims, patience_s=20)
        await database.dispose()

    asyncio.run(begin())
    token = issue(layout.secret("signing-key"), claims)
    connection = {"type": "rest", "uri": layout.gateway_iceberg_url, "warehouse": "lakehouse"}
    return load_catalog("lakehouse", **connection, token=token, **store_of(layout))


def store_of(layout: Layout) -> dict[str, str]:
    s3 = layout.s3("lakehouse")
    return files_of(StorageAccess(**{**s3.__dict__, "secret_key": s3.secret_key}))


@pytest.fixture(scope="module")
def shop(whole_stack: Stack) -> Stack:
    """A stack with a schema `shop`: a table of several writers, an empty one, a view."""
    own = catalog(whole_stack)
    for namespace in ("shop", "shop.eu", "shop_empty"):
        own.create_namespace_if_not_exists(namespace)
    made = {"partition_spec": SPEC, "properties": {"owner": "ada"}}
    for table in ("shop.orders", "shop.eu.orders"):
        if own.table_exists(table):
            own.drop_table(table)
    # Another table that had the name before is not part of this one's history.
    own.create_table("shop.orders", SCHEMA).append(rows(0, 1, "south"))
    own.drop_table("shop.orders")
    orders = own.create_table("shop.orders", SCHEMA, **made)
    orders.append(rows(0, 4, "north"))
    as_attempt(whole_stack.layout, "load").load_table("shop.orders").append(rows(4, 6, None))
    own.load_table("shop.orders").delete("id = 9")
    own.create_table("shop.eu.orders", SCHEMA)
    version = ViewVersion.model_validate(
        {
            "version-id": 1,
            "schema-id": 0,
            "timestamp-ms": 1_770_000_000_000,
            "summary": {},
            "representations": [
                {"type": "sql", "sql": "SELECT id FROM shop.orders", "dialect": "trino"}
            ],
            "default-namespace": ["shop"],
        }
    )
    if own.view_exists("shop.ids"):
        own.drop_view("shop.ids")
    own.create_view("shop.ids", Schema(NestedField(1, "id", LongType(), required=False)), version)
    return whole_stack


@pytest.fixture(scope="module")
def sdk(shop: Stack) -> WorkspaceClient:
    return shop.client()


@pytest.fixture
def api(shop: Stack) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {shop.layout.secret('token')}"}
    with httpx2.Client(base_url=shop.layout.api_url, headers=headers, timeout=60) as client:
        yield client


def page(api: httpx2.Client, name: str, tail: str = "", **query: Any) -> dict[str, Any]:
    answer = api.get(f"/api/openlake/1.0/tables/{name}{tail}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


ORDERS = "lakehouse.shop.orders"


def test_the_sdk_walks_from_catalogs_to_tables(sdk: WorkspaceClient) -> None:
    assert "lakehouse" in [each.name for each in sdk.catalogs.list()]
    assert sdk.catalogs.get("lakehouse").name == "lakehouse"
    schemas = {each.full_name for each in sdk.schemas.list("lakehouse", max_results=1)}
    assert {"lakehouse.shop", "lakehouse.shop.eu", "lakehouse.shop_empty"} <= schemas
    assert sdk.schemas.get("lakehouse.shop.eu").name == "shop.eu"
    listed = list(sdk.tables.list("lakehouse", "shop", max_results=1))
    assert [(each.name, each.table_type) for each in listed] == [
        ("ids", TableType.VIEW),
        ("orders", TableType.MANAGED),
    ]
    assert list(sdk.tables.list("lakehouse", "shop_empty")) == []
    found = sdk.tables.list_summaries("lakehouse", schema_name_pattern="shop%", max_results=1)
    assert [each.full_name for each in found] == [
        "lakehouse.shop.ids",
        "lakehouse.shop.orders",
        "lakehouse.shop.eu.orders",
    ]


def test_the_sdk_reads_columns_of_every_type(sdk: WorkspaceClient) -> None:
    table = sdk.tables.get(ORDERS)
    columns = table.columns or []
    assert [(each.name, each.type_name, each.type_text) for each in columns] == [
        ("id", ColumnTypeName.LONG, "bigint"),
        ("day", ColumnTypeName.DATE, "date"),
        ("region", ColumnTypeName.STRING, "string"),
        ("price", ColumnTypeName.DECIMAL, "decimal(10,2)"),
        ("at", ColumnTypeName.TIMESTAMP, "timestamp"),
        ("lines", ColumnTypeName.ARRAY, "array<struct<sku:string,tags:map<string,bigint>>>"),
        ("raw", ColumnTypeName.BINARY, "binary"),
    ]
    assert (columns[0].nullable, columns[0].comment) == (False, "of the order")
    assert (columns[2].partition_index, columns[0].partition_index) == (1, None)
    assert (table.owner, table.table_id is not None) == ("ada", True)
    assert sdk.tables.get("lakehouse.shop.ids").view_definition == "SELECT id FROM shop.orders"


def test_what_does_not_exist_is_not_found(sdk: WorkspaceClient) -> None:
    assert sdk.tables.exists(ORDERS).table_exists
    assert not sdk.tables.exists("lakehouse.shop.nothing").table_exists
    for ask in (
        lambda: sdk.tables.get("lakehouse.shop.nothing"),
        lambda: sdk.tables.get("nowhere.shop.orders"),
        lambda: sdk.schemas.get("lakehouse.nothing"),
        lambda: list(sdk.tables.list("lakehouse", "nothing")),
        lambda: list(sdk.schemas.list("nowhere")),
        lambda: sdk.catalogs.get("nowhere"),
    ):
        with pytest.raises(NotFound):
            ask()


def test_a_tables_page_tells_its_shape_and_size(api: httpx2.Client) -> None:
    found = page(api, ORDERS)
    assert found["branch"] == "main"
    lines = next(each for each in found["fields"] if each["name"] == "lines")
    assert [each["name"] for each in lines["fields"][0]["fields"]] == ["sku", "tags"]
    assert found["identifier_fields"] == ["id"]
    assert [(each["transform"], each["column"]) for each in found["partition_fields"]] == [
        ("identity", "day"),
        ("identity", "region"),
    ]
    assert found["statistics"]["rows"] == 9
    assert found["snapshot"]["snapshot_id"] == found["refs"][0]["snapshot_id"]
    view = page(api, "lakehouse.shop.ids")
    assert view["view"] == [{"sql": "SELECT id FROM shop.orders", "dialect": "trino"}]
    refused = api.get("/api/openlake/1.0/tables/lakehouse.shop.ids/sample")
    assert (refused.status_code, "is a view" in refused.text) == (400, True)


def test_every_snapshot_is_listed_with_its_writer(api: httpx2.Client) -> None:
    found = page(api, ORDERS, "/snapshots", limit=2)
    more = page(api, ORDERS, "/snapshots", limit=2, page_token=found["next_page_token"])
    snapshots = found["snapshots"] + more["snapshots"]
    assert "next_page_token" not in more
    deleted, loaded, first = snapshots
    assert (first["added_rows"], first["total_rows"], loaded["added_rows"]) == (4, 4, 6)
    assert deleted["deleted_rows"] - deleted["added_rows"] == 1
    assert loaded["writer"] == {
        "run_id": RUN,
        "job_id": 7,
        "task_run_id": RUN + 1,
        "task_key": "load",
        "attempt": 0,
        "elsewhere": False,
    }
    assert first["writer"]["user"] and deleted["parent_id"] == loaded["snapshot_id"]
    diff = page(api, ORDERS, "/diff", **{"from": first["snapshot_id"]})
    assert (diff["net_rows"], diff["snapshots"], diff["complete"]) == (5, 2, True)
    assert diff["added_rows"] - diff["deleted_rows"] == 5
    rows = page(api, ORDERS, "/diff/rows", **{"from": loaded["snapshot_id"]})
    # PyIceberg wrote the files of the deleted row anew; the other rows in them did not change.
    assert (rows["added_rows"], rows["deleted_rows"], rows["cut"]) == (0, 1, False)
    assert [each["change"] for each in rows["rows"]] == ["removed"]
    rows = page(api, ORDERS, "/diff/rows", **{"from": first["snapshot_id"], "limit": 2})
    assert (len(rows["rows"]), rows["added_rows"], rows["cut"]) == (2, 5, True)
    wrong = {"from": deleted["snapshot_id"], "to": first["snapshot_id"]}
    assert api.get(f"/api/openlake/1.0/tables/{ORDERS}/diff", params=wrong).status_code == 400
    unknown = api.get(f"/api/openlake/1.0/tables/{ORDERS}/diff", params={"from": "1"})
    assert unknown.status_code == 404


def test_partitions_and_files_add_up(api: httpx2.Client) -> None:
    found = page(api, ORDERS, "/partitions")
    sizes = {
        (each["values"]["day"], each["values"].get("region")): each["rows"]
        for each in found["partitions"]
    }
    assert sizes == {
        ("2026-03-01", "north"): 2,
        ("2026-03-02", "north"): 2,
        ("2026-03-01", None): 3,
        ("2026-03-02", None): 2,
    }
    files: list[dict[str, Any]] = []
    token = ""
    while True:
        listed = page(api, ORDERS, "/files", limit=3, page_token=token)
        files += listed["files"]
        token = listed.get("next_page_token", "")
        if not token:
            break
    assert len({each["path"] for each in files}) == len(files) == 4
    assert sum(each["rows"] for each in files) == 9


def test_a_sample_is_text_and_no_longer_than_asked(api: httpx2.Client) -> None:
    found = page(api, ORDERS, "/sample", limit=100)
    assert {row[0] for row in found["rows"]} == {str(each) for each in range(9)}
    assert not found["cut"]
    row = next(row for row in found["rows"] if row[0] == "3")
    assert row[1:] == [
        "2026-03-02",
        "north",
        "4.50",
        "2026-03-01T12:00:00+00:00",
        '[{"sku":"s3","tags":[["a",3]]}]',
        "/wA=",
    ]
    short = page(api, ORDERS, "/sample", limit=2)
    assert (len(short["rows"]), short["cut"]) == (2, True)
    assert page(api, "lakehouse.shop.eu.orders", "/sample")["rows"] == []


def test_a_sample_leaves_deleted_rows_out(shop: Stack, api: httpx2.Client) -> None:
    own = catalog(shop)
    own.create_namespace_if_not_exists("trimmed")
    if own.table_exists("trimmed.orders"):
        own.drop_table("trimmed.orders")
    own.create_table("trimmed.orders", pa.schema([("id", pa.int64())])).append(
        pa.table({"id": list(range(100))})
    )
    # PyIceberg writes whole files anew; DuckDB writes files of deleted positions beside them.
    duckdb = Lakehouse(
        {
            "name": "lakehouse",
            "uri": shop.layout.gateway_iceberg_url,
            "warehouse": "lakehouse",
            "token": own.properties["token"],
        },
        shop.layout.s3("lakehouse").__dict__,
    )
    duckdb.execute("DELETE FROM lakehouse.trimmed.orders WHERE id < 60", {})
    duckdb.close()
    size = page(api, "lakehouse.trimmed.orders")["statistics"]
    assert (size["rows"], size["position_deletes"], size["bytes"] > 0) == (40, 60, True)
    before = page(api, "lakehouse.trimmed.orders", "/snapshots")["snapshots"][-1]
    rows = page(api, "lakehouse.trimmed.orders", "/diff/rows", **{"from": before["snapshot_id"]})
    assert (rows["deleted_rows"], rows["rows"][59]) == (60, {"change": "removed", "cells": ["59"]})
    found = page(api, "lakehouse.trimmed.orders", "/sample", limit=3)
    assert (found["rows"], found["deletes_applied"]) == ([["60"], ["61"], ["62"]], True)
    kinds = [each["content"] for each in page(api, "lakehouse.trimmed.orders", "/files")["files"]]
    assert kinds == ["DATA", "POSITION_DELETES"]


def test_the_command_line_shows_tables(shop: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Api(shop.layout.api_url, shop.layout.secret("token"))
    monkeypatch.setattr(catalog_commands, "connect", lambda: session)
    monkeypatch.setattr(table_commands, "connect", lambda: session)
    console = Console(width=160, highlight=False)
    monkeypatch.setattr(catalog_commands, "console", console)
    monkeypatch.setattr(table_commands, "console", console)

    def said(group: typer.Typer, *words: str) -> str:
        done = CliRunner().invoke(group, list(words), catch_exceptions=False)
        assert done.exit_code == 0, done.stdout
        return done.stdout

    tables = table_commands.app
    assert "lakehouse  nessie" in said(catalog_commands.catalogs, "list")
    assert "lakehouse.shop.eu" in said(catalog_commands.schemas, "list")
    assert "lakehouse.shop.orders  managed" in said(tables, "list", "shop")
    assert "No tables" in said(tables, "list", "lakehouse.shop_empty")
    told = said(tables, "get", "shop.orders")
    assert "9 rows" in told and "identity(day), identity(region)" in told
    assert "SELECT id" in said(tables, "get", "shop.ids")
    assert f"task load of run {RUN}" in said(tables, "snapshots", ORDERS)
    assert len(json.loads(said(tables, "files", ORDERS, "--output", "json"))) == 4
    assert "2026-03-02" in said(tables, "sample", ORDERS, "--limit", "5")
    session.close()


@pytest.fixture(scope="module")
def others(shop: Stack) -> Iterator[dict[str, CatalogConnection]]:
    """Settings that name a Hive Metastore, an Iceberg REST server and one that is not there."""
    layout, store = shop.layout, shop.layout.s3("lakehouse")
    storage = CatalogStorage(
        endpoint=store.endpoint,
        access_key=SecretStr(store.access_key),
        secret_key=SecretStr(store.secret_key),
    )
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        starting = [
            pool.submit(stack.enter_context, each(layout))
            for each in (hive_metastore, iceberg_rest_server)
        ]
        hive, rest = (each.result() for each in starting)
        yield {
            "hive": CatalogConnection(type="hive", uri=hive, storage=storage),
            "elsewhere": CatalogConnection(type="rest", uri=rest),
            "gone": CatalogConnection(type="rest", uri="http://127.0.0.1:9"),
            "gone_hive": CatalogConnection(type="hive", uri="thrift://127.0.0.1:9"),
        }


@pytest.fixture
async def beside(
    shop: Stack, others: dict[str, CatalogConnection]
) -> AsyncIterator[httpx2.AsyncClient]:
    """An API with all these catalogs."""
    settings = Settings(
        data_dir=shop.data_dir, ports=Ports(**shop.ports), catalogs=cast(Any, others)
    )
    deps = await assemble(Layout(settings))
    headers = {"Authorization": f"Bearer {shop.layout.secret('token')}"}
    async with (
        serving(deps) as url,
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=60) as client,
    ):
        yield client
    await deps.lakehouse.close()
    await deps.catalog.close()
    await deps.database.dispose()


@pytest.mark.parametrize("name", ["hive", "elsewhere"])
async def test_tables_of_other_catalogs_are_read_alike(
    shop: Stack, others: dict[str, CatalogConnection], beside: httpx2.AsyncClient, name: str
) -> None:
    uri, files = others[name].uri, store_of(shop.layout)

    def fill() -> None:
        theirs = (
            hive_catalog(uri, files)
            if name == "hive"
            else load_catalog(name, type="rest", uri=uri, **files)
        )
        theirs.create_namespace("sales", {"location": f"s3://lakehouse/{name}/sales"})
        plain = Schema(*SCHEMA.fields[:3])
        table = theirs.create_table("sales.orders", plain, partition_spec=SPEC)
        for first, count in ((0, 3), (3, 2)):
            table.append(rows(first, count, "south").select(plain.column_names))

    def walk() -> None:
        sdk = WorkspaceClient(host=str(beside.base_url), token=shop.layout.secret("token"))
        assert f"{name}.sales" in [each.full_name for each in sdk.schemas.list(name)]
        [listed] = sdk.tables.list(name, "sales")
        assert (listed.full_name, listed.table_type) == (
            f"{name}.sales.orders",
            TableType.EXTERNAL,
        )
        table = sdk.tables.get(f"{name}.sales.orders")
        assert [each.type_name for each in table.columns or []][:2] == [
            ColumnTypeName.LONG,
            ColumnTypeName.DATE,
        ]
        assert not sdk.tables.exists(f"{name}.sales.nothing").table_exists
        with pytest.raises(NotFound):
            list(sdk.tables.list(name, "nothing"))

    await asyncio.to_thread(fill)
    await asyncio.to_thread(walk)
    path = f"/api/openlake/1.0/tables/{name}.sales.orders"
    sample = (await beside.get(f"{path}/sample")).json()
    assert len(sample["rows"]) == 5
    first = (await beside.get(f"{path}/snapshots", params={"limit": 1})).json()
    token = {"limit": 1, "page_token": first["next_page_token"]}
    second = (await beside.get(f"{path}/snapshots", params=token)).json()
    assert [each["total_rows"] for each in first["snapshots"] + second["snapshots"]] == [5, 3]
    assert "next_page_token" not in second
    branch = await beside.get(path, params={"branch": "main"})
    assert (branch.status_code, "no branches" in branch.text) == (400, True)


@pytest.mark.parametrize("name", ["gone", "gone_hive"])
async def test_a_catalog_that_is_away_says_so_and_spoils_nothing(
    beside: httpx2.AsyncClient, name: str
) -> None:
    unity = "/api/2.1/unity-catalog"
    away = await beside.get(f"{unity}/schemas", params={"catalog_name": name})
    assert away.status_code == 503
    assert f"The catalog '{name}' cannot be reached" in away.json()["message"]
    assert (await beside.get(f"{unity}/tables/{name}.a.b")).status_code == 503
    listed = (await beside.get(f"{unity}/catalogs")).json()["catalogs"]
    assert {"gone", "gone_hive", "hive", "elsewhere", "lakehouse"} == {e["name"] for e in listed}
    fine = await beside.get(f"{unity}/schemas", params={"catalog_name": "lakehouse"})
    assert fine.status_code == 200


async def test_a_branch_shows_its_own_state(shop: Stack) -> None:
    deps = await assemble(shop.layout)
    name = TableName.parse(ORDERS)
    try:
        before = await deps.lakehouse.load(name)
        base = (await deps.catalog.read("/api/v2/trees/main")).json()["reference"]
        made = await deps.catalog.call(
            "POST",
            "/api/v2/trees?name=a-look&type=BRANCH",
            f'{{"type":"BRANCH","name":"main","hash":"{base["hash"]}"}}'.encode(),
        )
        assert made.status_code == 200, made.text
        await asyncio.to_thread(
            lambda: catalog(shop).load_table("shop.orders").append(rows(20, 1, "west"))
        )
        kept, now = await deps.lakehouse.load(name, "a-look"), await deps.lakehouse.load(name)
        key = "current-snapshot-id"
        assert kept.metadata[key] == before.metadata[key] != now.metadata[key]
        past = await deps.lakehouse.catalog("lakehouse").past(name.key, kept, "a-look", None, 10)
        assert past.snapshots[0]["snapshot-id"] == kept.metadata[key]
    finally:
        head = (await deps.catalog.read("/api/v2/trees/a-look")).json()["reference"]["hash"]
        await deps.catalog.call("DELETE", f"/api/v2/trees/a-look@{head}?type=BRANCH")
        await deps.catalog.close()
        await deps.database.dispose()
