"""Databricks SQL on a DuckDB in memory, what is refused, and the page about it."""

from collections.abc import Iterator
from typing import TypedDict

import duckdb
import pytest

from activities.sql.databricks import entered, needs_columns, translate
from activities.sql.scripts import SqlScript
from spec.attempts import SqlDialect
from spec.errors import EngineRejected
from spec.tasks import Engine
from tests.activities.dialect import page
from tests.activities.dialect.cases import CASES, SAMPLES, Case
from tests.activities.dialect.running import Duckdb, outcome, run_script

READS = [case for case in CASES if case.only_reads]


class Where(TypedDict):
    """Of names that give none."""

    catalog: str
    schema: str


WHERE = Where(catalog="lakehouse", schema="default")
BOTH = pytest.mark.parametrize("engine", [Engine.DUCKDB, Engine.TRINO])


@pytest.fixture(scope="module")
def memory() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute("ATTACH ':memory:' AS lakehouse")
        db.execute("CREATE SCHEMA lakehouse.memory")
        db.execute("USE lakehouse.memory")
        db.execute(translate(SAMPLES, Engine.DUCKDB, **WHERE))
        yield db


@pytest.mark.parametrize("case", READS, ids=lambda case: case.construct)
async def test_queries_give_what_was_recorded(
    memory: duckdb.DuckDBPyConnection, case: Case
) -> None:
    connection = Duckdb(lambda text, values: memory.execute(text, values), lambda *_: None)
    found = await outcome(connection, case, "memory")
    assert found == page.recorded()[case.construct]["duckdb"]


def test_the_page_is_up_to_date() -> None:
    assert set(page.recorded()) == {case.construct for case in CASES}
    assert page.PAGE.read_text("utf-8") == page.page(), "run `make gen`"


async def test_a_script_goes_where_it_is_told(memory: duckdb.DuckDBPyConnection) -> None:
    memory.execute("CREATE SCHEMA lakehouse.elsewhere")
    connection = Duckdb(memory.execute, lambda *at: memory.execute(f"USE {'.'.join(at)}"))
    script = "USE elsewhere; CREATE TABLE t AS SELECT 5 AS a; USE memory; SELECT a FROM elsewhere.t"
    assert await run_script(connection, script, "memory") == [("5",)]


def test_use_counts_for_what_follows() -> None:
    text = "USE a; SELECT 1; USE b.c; SELECT 2; USE CATALOG d; SELECT 3"
    script = SqlScript(text, SqlDialect.DATABRICKS, Engine.TRINO, "lakehouse", "default")
    found = [f"{step.catalog}.{step.schema}" for step in script.steps]
    assert found == [
        *("lakehouse.default", "lakehouse.a", "lakehouse.a", "b.c", "b.c", "d.default"),
    ]
    assert entered("SELECT 1", **WHERE) == ("lakehouse", "default")


@BOTH
def test_markers_stay_markers(engine: Engine) -> None:
    text = "SELECT date_add(d, :n), ':x' FROM t WHERE s = :s LIMIT :n"
    script = SqlScript(text, SqlDialect.DATABRICKS, engine, "lakehouse", "default")
    statement = script.spelled(script.steps[0])
    assert set(statement.names) == {"n", "s"}
    assert script.steps[0].written.text == text
    with pytest.raises(EngineRejected, match="':s'"):
        script.check({"n": "1"})


@BOTH
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT a\nFROM t,\n  WHERE", "cannot be read: .* line 3"),
        ("SELECT 'open", "cannot be read"),
        ("VACUUM t", "VACUUM: .*maintenance"),
        ("CREATE TABLE t (a INT) LOCATION 's3://x'", r"LOCATION \(line 1, column 14\)"),
        ("CREATE TABLE t (a INT) USING DELTA", "USING delta|USING DELTA"),
        ("SELECT arr[i] FROM t", r"arr\[i\] .*array or a map"),
        ("SELECT date_format(d, 'QQQ') FROM t", "date pattern"),
        ("SELECT date_format(d, pattern) FROM t", "must be a literal"),
        ("SELECT hash(a) FROM t", "hash"),
        ("SELECT 1; SELECT 2", "give one statement"),
        ("SELECT datediff(a) FROM t", "datediff"),
        ("DROP VOLUME v", "DROP VOLUME|cannot be read"),
        ("SELECT explode(a), explode(b) FROM t", "Two generators"),
    ],
)
def test_what_cannot_be_translated_is_named(engine: Engine, text: str, says: str) -> None:
    with pytest.raises(EngineRejected, match=says):
        translate(text, engine, **WHERE)


def test_a_star_in_a_merge_needs_the_columns_on_trino() -> None:
    text = "MERGE INTO s.t USING n ON t.a = n.a WHEN NOT MATCHED THEN INSERT *"
    assert needs_columns(text, Engine.DUCKDB, **WHERE) == []
    assert needs_columns(text, Engine.TRINO, **WHERE) == [("lakehouse", "s", "t")]
    with pytest.raises(EngineRejected, match="not known"):
        translate(text, Engine.TRINO, **WHERE)
    told = translate(text, Engine.TRINO, **WHERE, columns={("lakehouse", "s", "t"): ["a", "b"]})
    assert told.endswith('INSERT ("a", "b") VALUES ("n"."a", "n"."b")')


@BOTH
def test_nothing_is_lost_silently(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from activities.sql.databricks import duckdb_form, trino_form

    for form in (duckdb_form.DuckdbForm, trino_form.TrinoForm):
        monkeypatch.setattr(form, "generate", lambda *_, **__: "SELECT a FROM t")
    with pytest.raises(EngineRejected, match=r"'dropped' \(line 1, column 17\)"):
        translate("SELECT a, dropped FROM t", engine, **WHERE)
