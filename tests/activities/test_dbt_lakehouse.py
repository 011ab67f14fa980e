"""Real dbt on the real lakehouse, on both warehouses."""

import asyncio
import io
import tarfile
import time
from typing import Any

import psutil
import pytest

from activities.config import WorkerConfig
from activities.engines.dbt import stop_queries
from activities.processes import MARKER
from activities.sql.trino_client import TrinoClient
from spec.attempts import AttemptResult, AttemptWork, DbtProgram, DbtResult, SqlProgram
from spec.tasks import Engine
from tests.activities.lake import Lake
from tests.activities.test_lakehouse import Field

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

PROJECT = {
    "shop/dbt_project.yml": """
name: shop
version: "1.0"
profile: shop
models: {+materialized: table}
""",
    "shop/seeds/raw_orders.csv": "id,customer,amount\n1,ada,2.5\n2,bob,4.0\n3,ada,1.0\n",
    "shop/models/orders.sql": (
        "select cast(id as bigint) as id, customer, cast(amount as double) as amount"
        " from {{ ref('raw_orders') }}"
    ),
    "shop/models/totals.sql": (
        "select customer, sum(id) as total, count(*) as many from {{ ref('orders') }}"
        " where id is not null group by customer"
    ),
    "shop/models/changes.sql": """
{{ config(materialized='incremental', unique_key='id', incremental_strategy='delete+insert') }}
select id, amount * {{ var('factor', 1) }} as amount from {{ ref('orders') }}
{% if is_incremental() %} where id > 1 {% endif %}
""",
    "shop/models/schema.yml": """
models:
  - name: orders
    columns: [{name: id, data_tests: [unique, not_null]}]
""",
    "shop/snapshots/order_history.yml": """
snapshots:
  - name: order_history
    relation: ref('orders')
    config: {unique_key: id, strategy: check, check_cols: [amount]}
""",
}


@pytest.fixture
async def field(lake: Lake, config: WorkerConfig) -> Any:
    field = Field(lake, config)
    yield field
    await field.close()


@pytest.fixture
async def trino_field(trino: Lake, config: WorkerConfig) -> Any:
    field = Field(trino, config)
    yield field
    await field.close()


async def run(
    field: Field, warehouse: Engine | None, *commands: str, **files: str
) -> tuple[AttemptWork, AttemptResult]:
    schema = f"dbt_{warehouse.value}" if warehouse else "default"
    program = DbtProgram(commands=commands, project="shop", warehouse=warehouse, schema_name=schema)
    work = await field.lake.open(Engine.PYTHON, program)
    sources = PROJECT | {f"shop/{name}": content for name, content in files.items()}
    outcome = await field.run(work, **sources)
    return work, outcome.result


def left(field: Field, work: AttemptWork) -> DbtResult:
    result = field.control.outputs[work.ref.task_run_id].dbt
    assert result is not None
    return result


async def check_project(field: Field, warehouse: Engine) -> None:
    schema = f"dbt_{warehouse.value}"
    first, result = await run(field, warehouse, "dbt build")
    assert result is AttemptResult.SUCCESS, field.control.outputs[first.ref.task_run_id]
    seeds = {"seeds/raw_orders.csv": "id,customer,amount\n1,ada,9.5\n2,bob,4.0\n3,ada,8.0\n"}
    changed = "dbt run --vars 'factor: 10' --target prod"
    commands = ("dbt seed", changed, "dbt build -s order_history")
    second, result = await run(field, warehouse, *commands, **seeds)
    assert result is AttemptResult.SUCCESS, field.control.outputs[second.ref.task_run_id]
    totals = {row["customer"]: row for row in field.rows(second, f"{schema}.totals")}
    assert {name: (row["total"], row["many"]) for name, row in totals.items()} == {
        "ada": (4, 2),
        "bob": (2, 1),
    }
    changes = {row["id"]: row["amount"] for row in field.rows(second, f"{schema}.changes")}
    assert changes == {1: 2.5, 2: 40.0, 3: 80.0}
    history = field.rows(second, f"{schema}.order_history")
    current = {row["id"]: row["amount"] for row in history if row["dbt_valid_to"] is None}
    assert (len(history), current) == (5, {1: 9.5, 2: 4.0, 3: 8.0})
    stamp = field.table(second, f"{schema}.totals").current_snapshot().summary
    assert stamp["openlake.task-run-id"] == str(second.ref.task_run_id)
    check_results(left(field, first), left(field, second))
    check_lineage(field, schema)
    check_artifacts(field, second)


def check_results(first: DbtResult, second: DbtResult) -> None:
    built = {each.unique_id: each for each in first.results}
    assert {each.status for each in first.results} == {"success", "pass"}
    assert built["model.shop.totals"].rows_affected == 2
    assert built["model.shop.totals"].execution_time > 0
    unique = next(each for name, each in built.items() if name.startswith("test.shop.unique"))
    assert unique.failures == 0
    assert [(each.command, each.unique_id) for each in second.results if "shop.t" in each.unique_id]
    assert [each.unique_id for each in second.results if each.command == "dbt seed"] == [
        "seed.shop.raw_orders"
    ]


def check_lineage(field: Field, schema: str) -> None:
    edges = {
        (source["name"], target["name"])
        for event in field.control.events
        for source in event["inputs"]
        for target in event["outputs"]
    }
    place = f"lakehouse.{schema}"
    assert {
        (f"{place}.raw_orders", f"{place}.orders"),
        (f"{place}.orders", f"{place}.totals"),
        (f"{place}.orders", f"{place}.changes"),
    } <= edges


def check_artifacts(field: Field, work: AttemptWork) -> None:
    content = field.control.artifacts[work.ref.task_run_id]
    assert left(field, work).artifacts_bytes == len(content)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        names = set(tar.getnames())
        everything = b"".join(
            file.read() for member in tar if (file := tar.extractfile(member)) is not None
        )
    assert {"target/run_results.json", "target/manifest.json", "logs/dbt.log"} <= names
    assert "target/compiled/shop/models/totals.sql" in names
    assert work.catalog.token.encode() not in everything
    assert work.storage.secret_key.encode() not in everything


async def test_a_project_is_built_and_changed_on_duckdb(field: Field) -> None:
    await check_project(field, Engine.DUCKDB)


async def test_a_project_is_built_and_changed_on_trino(trino_field: Field) -> None:
    await check_project(trino_field, Engine.TRINO)


async def test_a_failed_model_fails_the_task_by_name_and_ends_it(field: Field) -> None:
    broken = {
        "models/orders.sql": "select nothing_like_this from {{ ref('raw_orders') }}",
        "models/schema.yml": "",
    }
    commands = ("dbt seed", "dbt run -s orders totals", "dbt test")
    work, result = await run(field, Engine.DUCKDB, *commands, **broken)
    assert result is AttemptResult.FAILED
    output = field.control.outputs[work.ref.task_run_id]
    assert output.error is not None and output.error.startswith("model.shop.orders: ")
    assert "nothing_like_this" in output.error
    states = {each.unique_id: each.status for each in left(field, work).results}
    assert states["model.shop.orders"] == "error"
    assert states["model.shop.totals"] == "skipped"
    assert not any(each.command == "dbt test" for each in left(field, work).results)


async def test_duckdb_says_what_it_cannot_do(field: Field) -> None:
    models = {
        "models/a_view.sql": "{{ config(materialized='view') }} select 1 as one",
        "models/merged.sql": (
            "{{ config(materialized='incremental', incremental_strategy='merge', unique_key='x')"
            " }} select 1 as x"
        ),
    }
    work, result = await run(field, Engine.DUCKDB, "dbt run -s a_view merged", **models)
    assert result is AttemptResult.FAILED
    said = {each.unique_id: each.message or "" for each in left(field, work).results}
    assert "cannot make views" in said["model.shop.a_view"]
    assert "+materialized: table" in said["model.shop.a_view"]
    assert "delete+insert" in said["model.shop.merged"]


async def test_views_stand_on_trino(trino_field: Field) -> None:
    view = {"models/a_view.sql": "{{ config(materialized='view') }} select 7 as seven"}
    after = {"models/after.sql": "select seven from {{ ref('a_view') }}", "models/schema.yml": ""}
    work, result = await run(trino_field, Engine.TRINO, "dbt run -s a_view after", **(view | after))
    assert result is AttemptResult.SUCCESS
    assert trino_field.rows(work, "dbt_trino.after") == [{"seven": 7}]


async def test_a_projects_own_profiles_need_no_warehouse(field: Field) -> None:
    profiles = {"profiles.yml": "shop: {outputs: {dev: {type: duckdb, path: x.db}}, target: dev}"}
    work, result = await run(field, None, "dbt build", **profiles)
    assert result is AttemptResult.SUCCESS, field.control.outputs[work.ref.task_run_id]
    assert len(left(field, work).results) == 7


async def running_queries(field: Field, key: str) -> list[str]:
    import httpx2

    async with httpx2.AsyncClient(trust_env=False) as http:
        found = await TrinoClient(http, field.config.trino_url or "").find(key)
    return [query.query_id for query in found if not query.has_ended]


async def until(what: Any, within_s: float = 60) -> None:
    async with asyncio.timeout(within_s):
        while not await what():
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("polite", [True, False])
async def test_a_cancelled_model_ends_in_trino_too(trino_field: Field, polite: bool) -> None:
    endless = {
        "models/endless.sql": (
            "select count(*) as n from tpch.sf1000.lineitem a"
            " join tpch.sf1000.lineitem b on a.comment < b.comment"
        )
    }
    program = DbtProgram(
        commands=("dbt run -s endless",),
        project="shop",
        warehouse=Engine.TRINO,
        schema_name="dbt_cancel",
    )
    work = await trino_field.lake.open(Engine.PYTHON, program)
    files = {f"shop/{name}": content for name, content in endless.items()}
    work = trino_field.control.add(work, **(PROJECT | files))
    adapter = trino_field.adapter(Engine.PYTHON)
    from activities.files import materialise

    folder = trino_field.folder(work)
    folder.make()
    await materialise(work.files, folder.work, folder.path / "blobs", trino_field.control)
    handle = await adapter.submit(work, work.key)

    async def asked() -> bool:
        return bool(await running_queries(trino_field, work.key))

    await until(asked)
    if polite:
        began = time.monotonic()
        await adapter.cancel(handle)
        assert time.monotonic() - began < 5
    else:
        # A killed dbt says nothing to Trino: the attempt's end does.
        child = folder.child
        assert child is not None
        psutil.Process(child.pid).kill()
        while not (await adapter.poll(handle, work)).done:
            pass
        outcome, _ = await adapter.collect(handle, work)
        assert outcome.result is AttemptResult.FAILED
    assert await running_queries(trino_field, work.key) == []
    mark = trino_field.folder(work).mark
    assert not [each for each in psutil.process_iter() if _marked(each, mark)]


def _marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARKER) == mark
    except psutil.Error:
        return False


async def test_without_trino_there_is_nothing_to_stop(field: Field) -> None:
    work = await field.lake.open(Engine.PYTHON, DbtProgram(commands=("dbt run",), project="x"))
    folder = field.folder(work)
    folder.make()
    await stop_queries(folder)
    folder.write("queries.json", '{"trino": "http://127.0.0.1:1"}')
    await stop_queries(folder)


async def test_null_tests_see_no_deleted_rows_on_duckdb(field: Field) -> None:
    script = """
    CREATE SCHEMA IF NOT EXISTS nulls;
    CREATE OR REPLACE TABLE nulls.t AS SELECT 1 AS id, 'a' AS x UNION ALL SELECT 2, NULL;
    DELETE FROM nulls.t WHERE id = 1;
    SELECT (SELECT count(*) FROM nulls.t WHERE x IS NOT NULL) AS known,
           (SELECT count(*) FROM nulls.t WHERE id IS NOT NULL AND x IS NULL) AS unknown;
    """
    work = await field.lake.open(Engine.DUCKDB, SqlProgram(text=script))
    assert (await field.run(work)).result is AttemptResult.SUCCESS
    sql = field.control.outputs[work.ref.task_run_id].sql
    assert sql is not None and sql.rows == (("0", "1"),)
