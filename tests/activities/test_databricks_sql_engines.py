"""Every case of Databricks SQL on real Iceberg tables, on DuckDB and on Trino.

`OPENLAKE_RECORD=1` writes down how they went, for the page; run `make gen` afterwards.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx2
import pytest

from activities.config import WorkerConfig
from activities.sql.databricks import Table
from activities.sql.duckdb_catalog import Lakehouse
from activities.sql.gateway_tables import GatewayTables
from activities.sql.scripts import Step
from activities.sql.statements import Statement
from activities.sql.trino_client import TrinoClient, literal
from spec.attempts import AttemptResult, AttemptWork, SqlDialect, SqlProgram
from spec.tasks import Engine
from tests.activities.dialect import page
from tests.activities.dialect.cases import CASES, SAMPLES
from tests.activities.dialect.running import (
    PARAMETERS,
    Connection,
    Duckdb,
    EngineFailed,
    Rows,
    outcome,
    plain,
    run_script,
)
from tests.activities.lake import Lake
from tests.activities.test_lakehouse import Field

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

AT_ONCE = 4

SCRIPT = """
CREATE SCHEMA IF NOT EXISTS {schema};
USE {schema};
CREATE OR REPLACE TABLE `days` USING ICEBERG AS SELECT 1 AS n, "it's" AS label;
MERGE INTO days USING (SELECT 1 AS n, 'new' AS label UNION ALL SELECT 2, :label) AS s
  ON days.n = s.n
  WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *;
SELECT collect_list(label)[0], size(collect_list(n)), nvl(max(n), 0) AS `most` FROM days
  WHERE n > 1;
"""


@pytest.fixture
async def field(lake: Lake, config: WorkerConfig) -> AsyncIterator[Field]:
    field = Field(lake, config)
    yield field
    await field.close()


@pytest.fixture
async def trino_field(trino: Lake, config: WorkerConfig) -> AsyncIterator[Field]:
    field = Field(trino, config)
    yield field
    await field.close()


class Trino:
    """Runs statements on Trino, as an attempt's script does."""

    engine = Engine.TRINO

    def __init__(self, http: httpx2.AsyncClient, lake: Lake, work: AttemptWork) -> None:
        self._trino = TrinoClient(http, lake.layout.trino_url)
        self._tables = GatewayTables(http, work.catalog)
        self._work = work

    async def run(self, step: Step, statement: Statement) -> Rows:
        text = statement.text
        if statement.names:
            using = ", ".join(literal(PARAMETERS[name]) for name in statement.names)
            bound = literal(statement.bound(lambda name: "?"))
            text = f"EXECUTE IMMEDIATE {bound} USING {using}"
        token = self._work.catalog.token
        result = await self._trino.submit(text, self._work.key, step.catalog, token, step.schema)
        rows: list[list[Any]] = list(result.rows)
        kinds = [kind for _, kind in result.columns]
        while result.next_uri is not None and result.error is None:
            result = await self._trino.read(result.next_uri)
            rows += result.rows
            kinds = [kind for _, kind in result.columns] or kinds
        if result.error is not None:
            message = str(result.error.get("message"))
            raise EngineFailed(f"{result.error.get('errorName')}: {message}")
        return [tuple(map(plain, row, kinds)) for row in rows]

    async def columns(self, table: Table) -> Sequence[str]:
        state = await self._tables.load(table[1], table[2])
        return [] if state is None else list(state.columns)


async def outcomes(connection: Connection, at_once: int) -> dict[str, str]:
    schema = f"dialect_{connection.engine.value}"
    await run_script(connection, f"CREATE SCHEMA IF NOT EXISTS {schema}", "default")
    await run_script(connection, SAMPLES, schema)
    gate = asyncio.Semaphore(at_once)

    async def one(index: int) -> str | AssertionError:
        async with gate:
            try:
                return await outcome(connection, CASES[index], schema)
            except AssertionError as wrong:
                return wrong

    found = await asyncio.gather(*(one(index) for index in range(len(CASES))))
    wrong = [str(each) for each in found if isinstance(each, AssertionError)]
    assert not wrong, "\n".join(wrong)
    return {case.construct: str(each) for case, each in zip(CASES, found, strict=True)}


def check(engine: Engine, found: dict[str, str]) -> None:
    if os.environ.get("OPENLAKE_RECORD"):
        page.record(engine, found)
    known = page.recorded()
    recorded = {case.construct: known.get(case.construct, {}).get(engine.value) for case in CASES}
    changed = {
        name: (recorded[name], found[name]) for name in found if recorded[name] != found[name]
    }
    assert not changed, "it goes otherwise than the page says; record it anew"


async def check_task(field: Field, engine: Engine) -> None:
    """Run a script as a task: what is logged and told as lineage is as it was written."""
    schema = f"dialect_task_{engine.value}"
    program = SqlProgram(
        text=SCRIPT.format(schema=schema),
        parameters={"label": "it's two"},
        dialect=SqlDialect.DATABRICKS,
    )
    work = await field.lake.open(engine, program)
    outcome = await field.run(work)
    assert outcome.result is AttemptResult.SUCCESS, outcome.message
    sql = field.control.outputs[work.ref.task_run_id].sql
    assert sql is not None and sql.rows == (("it's two", "1", "2"),)
    assert sql.columns[-1] == "most"
    assert "CREATE OR REPLACE TABLE `days` USING ICEBERG" in field.control.log(work.ref)
    written = {each["name"] for event in field.control.events for each in event["outputs"]}
    assert written == {f"lakehouse.{schema}.days"}
    refused = SqlProgram(text=f"DROP TABLE {schema}.days; VACUUM t", dialect=SqlDialect.DATABRICKS)
    work = await field.lake.open(engine, refused)
    outcome = await field.run(work)
    assert outcome.result is AttemptResult.FAILED and "Statement 2: " in outcome.message
    # Nothing had run before it was refused.
    assert len(field.rows(work, f"{schema}.days")) == 2


async def test_a_task_runs_databricks_sql_on_duckdb(field: Field) -> None:
    await check_task(field, Engine.DUCKDB)


async def test_a_task_runs_databricks_sql_on_trino(trino_field: Field) -> None:
    await check_task(trino_field, Engine.TRINO)


async def test_a_task_starts_in_the_schema_it_names(field: Field, trino_field: Field) -> None:
    for place, engine in ((field, Engine.DUCKDB), (trino_field, Engine.TRINO)):
        schema = f"dialect_named_{engine.value}"
        made = SqlProgram(text=f"CREATE SCHEMA IF NOT EXISTS {schema}")
        assert (await place.run(await place.lake.open(engine, made))).result == "SUCCESS"
        text = "CREATE OR REPLACE TABLE here AS SELECT 1 AS a"
        work = await place.lake.open(engine, SqlProgram(text=text, schema_name=schema))
        outcome = await place.run(work)
        assert outcome.result is AttemptResult.SUCCESS, outcome.message
        assert place.rows(work, f"{schema}.here") == [{"a": 1}]


async def test_every_case_goes_on_duckdb_as_the_page_says(lake: Lake) -> None:
    work = await lake.open(Engine.DUCKDB, SqlProgram(text="SELECT 1"))
    lakehouse = Lakehouse(work.catalog.model_dump(), work.storage.model_dump())
    connection = Duckdb(lakehouse.execute, lakehouse.enter)
    check(Engine.DUCKDB, await outcomes(connection, 1))


async def test_every_case_goes_on_trino_as_the_page_says(trino: Lake) -> None:
    work = await trino.open(Engine.TRINO, SqlProgram(text="SELECT 1"))
    async with httpx2.AsyncClient(timeout=60, trust_env=False) as http:
        check(Engine.TRINO, await outcomes(Trino(http, trino, work), AT_ONCE))
