"""Engines on a real lakehouse: portable SQL, what lands once, what user code finds."""

import asyncio
import dataclasses
from itertools import takewhile
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pyiceberg.catalog import load_catalog

from activities.config import WorkerConfig
from activities.engines import registry
from activities.engines.base import EngineAdapter, Handle
from activities.folder import AttemptFolder
from activities.follow import Follower
from activities.sql.gateway_tables import GatewayTables
from activities.sql.trino_script import Place
from spec.attempts import (
    AttemptOutcome,
    AttemptResult,
    AttemptWork,
    NotebookProgram,
    PythonProgram,
    SqlProgram,
)
from spec.tasks import Engine
from tests.activities.fakes import FakeControl
from tests.activities.lake import Lake

pytestmark = pytest.mark.integration

SCRIPT = """
-- Runs as it stands on every SQL engine; :schema; is not a marker here.
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE OR REPLACE TABLE {schema}.days AS
  SELECT CAST(n AS BIGINT) AS n, :label AS label, 'a;b' AS fixed
  FROM (VALUES (1), (2), (3)) AS v(n);
CREATE OR REPLACE TABLE {schema}.days AS SELECT n + 1 AS n, label, fixed FROM {schema}.days;
CREATE OR REPLACE TABLE {schema}.totals AS
  SELECT label, sum(n) AS total, count(*) AS many FROM {schema}.days GROUP BY label;
CREATE OR REPLACE TABLE {schema}.totals AS
  SELECT label, sum(n) AS total FROM {schema}.days WHERE n > CAST(:least AS INTEGER) GROUP BY label;
INSERT INTO {schema}.totals SELECT 'more', CAST(:least AS BIGINT);
SELECT label, total FROM {schema}.totals ORDER BY total;
"""


class Field:
    """Drives work on the lake as a worker does, with an internal API in memory."""

    def __init__(self, lake: Lake, config: WorkerConfig) -> None:
        self.lake = lake
        self.config = lake.worker(config)
        self.control = FakeControl()
        self.adapters: list[EngineAdapter] = []

    def adapter(self, engine: Engine) -> EngineAdapter:
        self.adapters.append(registry.load(engine, self.config))
        return self.adapters[-1]

    async def run(self, work: AttemptWork, **sources: str) -> AttemptOutcome:
        work = self.control.add(work, **sources)
        adapter = self.adapter(work.ref.engine)
        follower = Follower(
            work.ref, self.control, adapter, self.config.host, self.config.folder, None
        )
        outcome = await follower.run()
        print(self.control.log(work.ref))
        return outcome

    def folder(self, work: AttemptWork) -> AttemptFolder:
        return AttemptFolder(self.config.folder / work.key, work.key)

    def table(self, work: AttemptWork, name: str) -> Any:
        """Load a table with the attempt's own token."""
        s3 = work.storage
        catalog = load_catalog(
            "lakehouse",
            **{
                "type": "rest",
                "uri": work.catalog.uri,
                "warehouse": work.catalog.warehouse,
                "token": work.catalog.token,
                "s3.endpoint": s3.endpoint,
                "s3.region": s3.region,
                "s3.access-key-id": s3.access_key,
                "s3.secret-access-key": s3.secret_key,
            },
        )
        return catalog.load_table(name)

    def rows(self, work: AttemptWork, name: str) -> list[dict[str, Any]]:
        return self.table(work, name).scan().to_arrow().to_pylist()

    async def close(self) -> None:
        for adapter in self.adapters:
            await adapter.close()


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


async def check_script(field: Field, engine: Engine) -> None:
    schema = f"script_{engine.value}"
    program = SqlProgram(
        text=SCRIPT.format(schema=schema), parameters={"label": "it's :x;", "least": "2"}
    )
    work = await field.lake.open(engine, program)
    outcome = await field.run(work)
    assert outcome.result is AttemptResult.SUCCESS, outcome.message
    sql = field.control.outputs[work.ref.task_run_id].sql
    assert sql is not None and sql.columns == ("label", "total")
    assert sql.rows == (("more", "2"), ("it's :x;", "7"))
    assert [row["n"] for row in field.rows(work, f"{schema}.days")] == [2, 3, 4]
    totals = {row["label"]: row["total"] for row in field.rows(work, f"{schema}.totals")}
    assert totals == {"it's :x;": 7, "more": 2}
    snapshot = field.table(work, f"{schema}.totals").current_snapshot()
    assert snapshot.summary["openlake.task-run-id"] == str(work.ref.task_run_id)
    edges = {
        (tuple(i["name"] for i in event["inputs"]), tuple(o["name"] for o in event["outputs"]))
        for event in field.control.events
        if event["inputs"] or event["outputs"]
    }
    days, totals_name = f"lakehouse.{schema}.days", f"lakehouse.{schema}.totals"
    assert edges == {
        ((), (days,)),
        ((days,), (days,)),
        ((days,), (totals_name,)),
        ((), (totals_name,)),
        ((totals_name,), ()),
    }
    columns = [
        output["facets"]["columnLineage"]["fields"]["total"]["inputFields"][0]["field"]
        for event in field.control.events
        for output in event["outputs"]
        if output["name"] == totals_name and event["inputs"]
    ]
    assert columns == ["n", "n"]


async def test_the_same_script_runs_on_duckdb(field: Field) -> None:
    await check_script(field, Engine.DUCKDB)


async def test_the_same_script_runs_on_trino(trino_field: Field) -> None:
    await check_script(trino_field, Engine.TRINO)


async def test_many_rows_are_cut_and_said_to_be(field: Field) -> None:
    work = await field.lake.open(Engine.DUCKDB, SqlProgram(text="SELECT * FROM range(5000)"))
    await field.run(work)
    sql = field.control.outputs[work.ref.task_run_id].sql
    assert sql is not None
    assert (len(sql.rows), sql.truncated, sql.row_count) == (1000, True, None)


async def test_trino_stops_reading_when_enough_rows_are_there(trino_field: Field) -> None:
    program = SqlProgram(text="SELECT orderkey FROM tpch.sf1.orders")
    work = await trino_field.lake.open(Engine.TRINO, program)
    assert (await trino_field.run(work)).result is AttemptResult.SUCCESS
    sql = trino_field.control.outputs[work.ref.task_run_id].sql
    assert sql is not None
    assert (len(sql.rows), sql.truncated, sql.row_count) == (1000, True, None)


async def drive(
    adapter: EngineAdapter, handle: Handle, work: AttemptWork, polls: int = 1000
) -> Handle:
    async with asyncio.timeout(60):
        for _ in range(polls):
            progress = await adapter.poll(handle, work)
            handle = progress.handle or handle
            if progress.done:
                break
    return handle


def place_of(handle: Handle) -> Place:
    return Place.model_validate_json(handle.state["place"])


@pytest.mark.parametrize(
    ("told", "landed", "remembered"),
    [(2, True, True), (2, True, False), (2, False, False), (1, True, True), (1, True, False)],
)
async def test_a_write_out_of_sight_lands_once(
    trino_field: Field, told: int, landed: bool, remembered: bool
) -> None:
    """A worker dies with an INSERT under way; one on another host takes over, others write too.

    Args:
        trino_field: With Trino.
        told: Up to which statement the dying worker had told where it stood.
        landed: The INSERT did.
        remembered: Trino knows the attempt's queries; it forgets after a while, and in a restart.
    """
    schema = f"once_{told}_{landed}_{remembered}".lower()
    statements = [
        f"CREATE SCHEMA IF NOT EXISTS {schema}",
        f"CREATE OR REPLACE TABLE {schema}.t AS SELECT 0 AS n",
        f"INSERT INTO {schema}.t SELECT 1 AS n",
        f"SELECT count(*) FROM {schema}.t",
    ]
    done = SqlProgram(text="; ".join(statements[: 3 if landed else 2]))
    work = await trino_field.lake.open(Engine.TRINO, done)
    first = trino_field.adapter(Engine.TRINO)
    place = place_of(await drive(first, await first.submit(work, work.key), work))
    async with httpx2.AsyncClient(trust_env=False) as http:
        commits = await GatewayTables(http, work.catalog).commits()
    made = dict.fromkeys(commit.query_id for commit in commits if commit.query_id is not None)
    assert len(made) == (2 if landed else 1)
    its_own = [*made][told - 1 : told]
    noted = [commit.id for commit in takewhile(lambda c: c.query_id not in its_own, commits)]
    other = await trino_field.lake.open(
        Engine.TRINO, SqlProgram(text=f"INSERT INTO {schema}.t VALUES 7")
    )
    await drive(first, await first.submit(other, other.key), other)
    before = place.moved(
        index=told, asked=False, ended_at=None, noted=noted[-1], query_id=None, sql=None
    )
    work = work.model_copy(update={"program": SqlProgram(text="; ".join(statements))})
    if not remembered:
        work = work.model_copy(update={"key": f"{work.key}-forgotten"})
    trino_field.folder(work).make()
    (trino_field.folder(work).path / "trino.json").unlink(missing_ok=True)
    handle = Handle(key=work.key, state={"place": before.model_dump_json(exclude_defaults=True)})
    second = trino_field.adapter(Engine.TRINO)
    handle = await drive(second, handle, work)
    outcome, output = await second.collect(handle, work)
    assert outcome.result is AttemptResult.SUCCESS, outcome.message
    assert output.sql is not None and output.sql.rows == (("3",),)
    assert sorted(row["n"] for row in trino_field.rows(work, f"{schema}.t")) == [0, 1, 7]


async def test_an_outdated_page_is_found_again(trino_field: Field) -> None:
    """Another worker has read on: the handle's address is gone, the query runs."""
    text = (
        "SELECT count(*) FROM tpch.sf1.lineitem a, tpch.tiny.lineitem b "
        "WHERE a.orderkey + b.orderkey = 1"
    )
    work = await trino_field.lake.open(Engine.TRINO, SqlProgram(text="SELECT 1; " + text))
    first = trino_field.adapter(Engine.TRINO)
    early = await first.submit(work, work.key)
    early = await drive(first, early, work, polls=1)
    late = await drive(first, early, work, polls=2)
    assert place_of(late).next_uri not in (None, place_of(early).next_uri)
    (trino_field.folder(work).path / "trino.json").unlink()
    second = trino_field.adapter(Engine.TRINO)
    handle = await drive(second, early, work, polls=4)
    assert place_of(handle).query_id not in (None, place_of(late).query_id)
    await second.cancel(handle)
    log = (trino_field.folder(work).path / "log").read_text()
    assert "sent again after its worker was lost" in log


async def test_python_finds_the_catalog_without_arguments(field: Field) -> None:
    source = """
import pyarrow as pa
from pyiceberg.catalog import load_catalog
catalog = load_catalog()
catalog.create_namespace_if_not_exists("plain")
table = catalog.create_table_if_not_exists("plain.t", pa.schema([("x", pa.int64())]))
table.append(pa.table({"x": [1, 2]}))
from dbruntime import dbutils
dbutils.jobs.taskValues.set("rows", table.scan().to_arrow().num_rows)
print(dbutils.jobs.taskValues.get("before", "rows"))
"""
    work = await field.lake.open(
        Engine.PYTHON, PythonProgram(path="main.py"), upstream_values={"before": {"rows": 7}}
    )
    outcome = await field.run(work, main=source)
    assert outcome.result is AttemptResult.SUCCESS, outcome.message
    assert field.control.outputs[work.ref.task_run_id].values == {"rows": 2}
    assert field.control.log(work.ref).endswith("7\n")
    stamp = field.table(work, "plain.t").current_snapshot().summary["openlake.task-run-id"]
    assert stamp == str(work.ref.task_run_id)


SPARK = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.sql("CREATE NAMESPACE IF NOT EXISTS sparkling")
spark.range(10).selectExpr("id", "id % 2 AS odd").writeTo("sparkling.t").createOrReplace()
counts = "SELECT odd, count(*) AS n FROM sparkling.t GROUP BY odd"
spark.sql(f"CREATE OR REPLACE TABLE sparkling.u AS {counts}")
for pid in __import__("os").listdir("/proc"):
    if pid.isdigit():
        try:
            line = open(f"/proc/{pid}/cmdline").read()
        except OSError:
            continue
        assert spark.conf.get("spark.sql.catalog.lakehouse.token") not in line, "the token is seen"
"""


async def test_spark_writes_with_the_attempts_token_and_tells_lineage(field: Field) -> None:
    work = await field.lake.open(Engine.SPARK, PythonProgram(path="main.py"))
    outcome = await field.run(work, main=SPARK)
    assert outcome.result is AttemptResult.SUCCESS, outcome.message
    assert sorted(row["n"] for row in field.rows(work, "sparkling.u")) == [5, 5]
    told = str(field.control.events)
    assert work.catalog.token not in told and work.storage.secret_key not in told
    roots = {
        event["run"]["facets"]["parent"]["root"]["run"]["runId"]
        for event in field.control.events
        if "spark_properties" in event["run"]["facets"]
    }
    assert roots == {work.lineage.parent_run_id}
    tables = {
        symlink["name"]
        for event in field.control.events
        for dataset in event["inputs"] + event["outputs"]
        for symlink in dataset["facets"]["symlinks"]["identifiers"]
    }
    assert tables == {"sparkling.t", "sparkling.u"}


CONNECTED = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.sql("CREATE NAMESPACE IF NOT EXISTS warm")
spark.range(int(sys.argv[1])).writeTo("warm.t").createOrReplace()
from dbruntime import dbutils
dbutils.jobs.taskValues.set("rows", spark.table("warm.t").count())
if sys.argv[2:]:
    spark.sql("SELECT * FROM no.such").show()
"""


async def test_a_warm_spark_server_keeps_attempts_apart(
    connect: Lake, config: WorkerConfig
) -> None:
    config = dataclasses.replace(config, spark_connect_url=connect.layout.spark_connect_url)
    field = Field(connect, config)
    for rows in (3, 4):
        program = PythonProgram(path="main.py", parameters=(str(rows),))
        work = await connect.open(Engine.SPARK, program)
        outcome = await field.run(work, main=CONNECTED)
        assert outcome.result is AttemptResult.SUCCESS, outcome.message
        assert field.control.outputs[work.ref.task_run_id].values == {"rows": rows}
        stamp = field.table(work, "warm.t").current_snapshot().summary["openlake.task-run-id"]
        assert stamp == str(work.ref.task_run_id)
    work = await connect.open(Engine.SPARK, NotebookProgram(path="main.py"))
    source = "# Databricks notebook source\ndbutils.notebook.exit(spark.table('warm.t').count())"
    assert (await field.run(work, main=source)).result is AttemptResult.SUCCESS
    assert field.control.outputs[work.ref.task_run_id].notebook_result == "4"
    work = await connect.open(Engine.SPARK, PythonProgram(path="main.py", parameters=("1", "fail")))
    outcome = await field.run(work, main=CONNECTED)
    assert outcome.result is AttemptResult.FAILED
    assert "TABLE_OR_VIEW_NOT_FOUND" in outcome.message
    work = await connect.open(Engine.SPARK, PythonProgram(path="main.py"), timeout_s=12)
    loop = "spark.sql('SELECT count(*) FROM range(1000000000) a, range(1000) b').show()"
    source = (
        f"from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\n{loop}"
    )
    assert (await field.run(work, main=source)).result is AttemptResult.TIMEDOUT
    await field.close()


async def test_a_notebook_runs_on_spark(field: Field) -> None:
    source = """# Databricks notebook source
# MAGIC %sql
# MAGIC SELECT 41 + 1 AS answer

# COMMAND ----------

dbutils.notebook.exit(spark.range(3).count())
"""
    work = await field.lake.open(Engine.SPARK, NotebookProgram(path="nb/main.py"))
    outcome = await field.run(work, **{"nb/main.py": source})
    assert outcome.result is AttemptResult.SUCCESS, outcome.message
    assert "42" in field.control.log(work.ref)
    assert field.control.outputs[work.ref.task_run_id].notebook_result == "3"


def test_no_secret_of_a_worker_is_in_a_folder_others_can_read(config: WorkerConfig) -> None:
    folder = AttemptFolder(config.folder / "k", "k")
    folder.make()
    folder.write("spec.json", "{}")
    assert (folder.path / "spec.json").stat().st_mode & 0o077 == 0
    assert Path(folder.path).stat().st_mode & 0o077 == 0
