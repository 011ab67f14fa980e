"""The flights example without the stack: its bundle, its SQL on DuckDB, its check."""

import importlib.util
from pathlib import Path
from types import ModuleType

import duckdb
import pyarrow as pa
import pytest
import sqlglot
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog

from spec.bundle import load_bundle
from spec.tasks import Engine, engine_of
from tests.examples import oracle
from tests.spec.folder import DiskFolder

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
SOURCES = EXAMPLES / "flights" / "src"
GOLD = ("daily_delays", "carrier_ranking")


def module(name: str) -> ModuleType:
    """Load one of the example's scripts without running it."""
    spec = importlib.util.spec_from_file_location(f"flights_{name}", SOURCES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize(
    ("target", "engine"), [(None, Engine.DUCKDB), ("dev", Engine.DUCKDB), ("trino", Engine.TRINO)]
)
def test_bundle_is_sound_for_every_target(target: str | None, engine: Engine):
    bundle = load_bundle(DiskFolder(EXAMPLES / "flights"), target=target)
    tasks = {task.task_key: task for task in bundle.jobs["flights"].tasks}
    assert not bundle.warnings
    assert engine_of(tasks["daily_delays"]) is engine_of(tasks["carrier_ranking"]) is engine
    assert engine_of(tasks["ingest"]) is engine_of(tasks["clean"]) is Engine.SPARK
    assert {engine_of(tasks[key]) for key in ("check", "train", "report")} == {Engine.PYTHON}
    uploaded = dict(bundle.files)
    assert tasks["clean"].spark_python_task is not None
    assert tasks["clean"].spark_python_task.python_file == uploaded["src/clean.py"]


def test_hello_bundle_is_sound():
    bundle = load_bundle(DiskFolder(EXAMPLES / "hello"))
    assert not bundle.warnings
    assert [task.task_key for task in bundle.jobs["hello"].tasks] == ["greet", "count", "part"]


@pytest.fixture(scope="module")
def lake() -> duckdb.DuckDBPyConnection:
    """A DuckDB database whose `lake.all_flights` is silver.flights for all rows, made by SQL."""
    connection = duckdb.connect()
    connection.execute("ATTACH ':memory:' AS lakehouse; USE lakehouse")
    for schema in ("bronze", "silver", "gold", "lake"):
        connection.execute(f"CREATE SCHEMA {schema}")
    ingest = module("ingest")
    for name in ("flights", "weather", "planes", "airlines"):
        source = ingest.read(oracle.data_folder(), name)
        connection.register("source", source)
        connection.execute(f"CREATE TABLE bronze.{name} AS SELECT * FROM source")
    connection.execute("""
        CREATE TABLE lake.all_flights AS
        SELECT make_date(f.year::INT, f.month::INT, f.day::INT) AS flight_date, f.month::INT AS
            month, f.carrier, f.flight::INT AS flight, f.origin, f.dest,
            TRY_CAST(f.dep_delay AS INT) AS dep_delay, TRY_CAST(f.arr_delay AS INT) AS arr_delay,
            f.dep_time = 'NA' AS cancelled, TRY_CAST(w.temp AS DOUBLE) AS temp,
            TRY_CAST(p.seats AS INT) AS seats
        FROM bronze.flights f
        LEFT JOIN bronze.weather w ON w.origin = f.origin AND w.time_hour = f.time_hour
        LEFT JOIN bronze.planes p ON p.tailnum = f.tailnum
    """)
    return connection


def fill(lake: duckdb.DuckDBPyConnection, month: str, carriers: str) -> None:
    """Make silver and gold for these parameters, gold by the example's own SQL."""
    lake.execute(
        "CREATE OR REPLACE TABLE silver.flights AS SELECT * FROM lake.all_flights"
        " WHERE ($month = 'all' OR month::VARCHAR = $month)"
        " AND ($carriers = 'all' OR list_contains(string_split($carriers, ','), carrier))",
        {"month": month, "carriers": carriers},
    )
    for name in GOLD:
        lake.execute((SOURCES / f"{name}.sql").read_text())


@pytest.mark.parametrize(
    ("month", "carriers"), [("all", "all"), ("1", "all"), ("all", "UA,B6"), ("12", "OO,HA")]
)
def test_gold_sql_gives_what_pandas_gives(
    lake: duckdb.DuckDBPyConnection, month: str, carriers: str, tmp_path: Path
):
    fill(lake, month, carriers)
    catalog = iceberg(lake, tmp_path)
    oracle.check_tables(catalog, month, carriers)


def iceberg(lake: duckdb.DuckDBPyConnection, folder: Path) -> Catalog:
    """Return an Iceberg catalog in a folder that holds the same tables."""
    catalog = SqlCatalog("test", uri=f"sqlite:///{folder}/c.db", warehouse=f"file://{folder}")
    for schema in ("bronze", "silver", "gold"):
        catalog.create_namespace(schema)
    for name in ("silver.flights", *(f"gold.{name}" for name in GOLD)):
        put(catalog, name, lake.sql(f"SELECT * FROM {name}").fetch_arrow_table())
    for name, rows in oracle.BRONZE_ROWS.items():
        put(catalog, f"bronze.{name}", pa.table({"row": pa.array(range(rows), pa.int32())}))
    return catalog


def put(catalog: Catalog, name: str, table: pa.Table) -> None:
    """Make or replace one table."""
    if catalog.table_exists(name):
        catalog.drop_table(name)
    catalog.create_table(name, table.schema).append(table)


@pytest.mark.parametrize("name", GOLD)
def test_gold_sql_is_the_same_text_in_both_dialects(name: str):
    text = (SOURCES / f"{name}.sql").read_text()
    as_trino = sqlglot.parse(text, dialect="trino")
    as_duckdb = sqlglot.parse(text, dialect="duckdb")
    assert len(as_trino) == 2
    for trino, duck in zip(as_trino, as_duckdb, strict=True):
        assert trino is not None and duck is not None
        assert trino.sql("trino") == duck.sql("trino")
        assert trino.sql("duckdb") == duck.sql("duckdb")


def test_check_is_content_with_sound_tables(lake: duckdb.DuckDBPyConnection, tmp_path: Path):
    fill(lake, "12", "OO,HA")
    rows = oracle.expected("12", "OO,HA").counts["rows"]
    assert module("check").problems_of(iceberg(lake, tmp_path), rows) == []


def test_check_names_every_problem(lake: duckdb.DuckDBPyConnection, tmp_path: Path):
    fill(lake, "12", "OO,HA")
    catalog = iceberg(lake, tmp_path)
    for name in ("silver.flights", "gold.daily_delays", "gold.carrier_ranking"):
        table = catalog.load_table(name)
        table.append(table.scan(limit=1).to_arrow())
    said = "; ".join(module("check").problems_of(catalog, 28))
    for part in (
        "silver.flights accounts for",
        "silver.flights has",
        "gold.daily_delays has",
        "different (flight_date, origin)",
        "gold.carrier_ranking has",
        "places [1, 1]",
    ):
        assert part in said


def test_ingest_reads_every_value_as_text():
    ingest = module("ingest")
    for name in ingest.TABLES:
        table = ingest.read(oracle.data_folder(), name)
        assert table.num_rows == oracle.BRONZE_ROWS[name]
        assert set(table.schema.types) == {pa.string()}
    planes = ingest.read(oracle.data_folder(), "planes").to_pylist()[0]
    assert (planes["tailnum"], planes["year"], planes["speed"]) == ("N10156", "2004", "NA")
