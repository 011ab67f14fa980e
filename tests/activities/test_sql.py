"""Splitting scripts, finding markers, recognising creations, and lineage of statements."""

from datetime import UTC, datetime

import pytest

from activities.sql import portable
from activities.sql.lineage import Source, column_lineage, statement_event, touched
from activities.sql.statements import check_values, split
from spec.errors import EngineRejected

DIALECTS = ["duckdb", "trino"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("SELECT :a", "SELECT $a"),
        ("SELECT ':a', \":a\" -- :a\n/* :a */ , :b", "SELECT ':a', \":a\" -- :a\n/* :a */ , $b"),
        ("SELECT x::int, :end, :Month", "SELECT x::int, $end, $Month"),
        ("SELECT arr[1:n], arr[x:n]", "SELECT arr[1:n], arr[x:n]"),
        ("SELECT a IN (:a,:a,:b)", "SELECT a IN ($a,$a,$b)"),
        ("SELECT a=:a AND b>:b", "SELECT a=$a AND b>$b"),
        ("SELECT 'it''s :a' || :a", "SELECT 'it''s :a' || $a"),
        ("SELECT 1 LIMIT :n", "SELECT 1 LIMIT $n"),
    ],
)
def test_markers_are_found_where_they_are_markers(dialect: str, text: str, bound: str) -> None:
    (statement,) = split(text, dialect)
    assert statement.bound(lambda name: f"${name}") == bound


def test_a_struct_and_a_dollar_quote_are_no_markers() -> None:
    for text in ("SELECT {'a':b}", "SELECT $$ :a ; $$"):
        (statement,) = split(text, "duckdb")
        assert statement.markers == ()


def test_a_script_is_split_at_its_own_semicolons() -> None:
    script = "-- first; not here\nSELECT ';' ;;\n SELECT 2 -- end ;\n;"
    assert [each.text for each in split(script, "trino")] == ["SELECT ';'", "SELECT 2"]
    assert split("  -- nothing\n", "duckdb") == []


def test_markers_are_counted_within_their_own_statement() -> None:
    first, second = split("SELECT :a; SELECT :b, :a", "duckdb")
    assert (first.names, second.names) == (("a",), ("b", "a"))
    assert second.bound(lambda name: "?") == "SELECT ?, ?"


def test_every_missing_value_is_named() -> None:
    with pytest.raises(EngineRejected, match="':a', ':c'"):
        check_values(split("SELECT :a, :b; SELECT :c", "duckdb"), {"b": "1"})


def test_an_open_quote_is_refused() -> None:
    with pytest.raises(EngineRejected, match="cannot be read"):
        split("SELECT 'open", "duckdb")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_creations_are_recognised(dialect: str) -> None:
    text = (
        "CREATE OR REPLACE TABLE gold.days (a, b) AS\n"
        "WITH w AS (SELECT CAST(x AS INT) AS y FROM t) SELECT y AS a, 1 AS b FROM w"
    )
    found = portable.table_creation(text.replace("(a, b) ", ""), dialect)
    assert found is not None and found.replace and not found.if_not_exists
    assert found.table.sql() == "gold.days"
    assert found.query.startswith("WITH w AS (SELECT")
    assert portable.table_creation("SELECT 1", dialect) is None
    assert portable.table_creation("CREATE TABLE a (x INT)", dialect) is None
    assert portable.table_creation("CREATE VIEW a AS SELECT 1", dialect) is None


def test_options_of_a_creation_are_told() -> None:
    text = "CREATE TABLE a WITH (partitioning = ARRAY['day']) AS SELECT 1 AS day"
    found = portable.table_creation(text, "trino")
    assert found is not None and len(found.options) == 1
    assert found.query == "SELECT 1 AS day"


DAYS = ("lakehouse", "gold", "days")
FLIGHTS = ("lakehouse", "silver", "flights")
CARRIERS = ("lakehouse", "silver", "carriers")
COLUMNS = {
    DAYS: {"day": "DATE", "name": "VARCHAR", "mean": "DOUBLE", "n": "BIGINT"},
    FLIGHTS: {"day": "DATE", "carrier": "VARCHAR", "delay": "DOUBLE"},
    CARRIERS: {"carrier": "VARCHAR", "name": "VARCHAR"},
}
QUERY = """
WITH late AS (SELECT * FROM silver.flights WHERE delay > CAST('3' AS DOUBLE))
SELECT l.day, upper(c.name) AS name, avg(l.delay) AS mean, count(*) AS n
FROM late AS l JOIN lakehouse.silver.carriers AS c ON l.carrier = c.carrier
GROUP BY l.day, upper(c.name)
"""


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("head", ["CREATE TABLE gold.days AS", "INSERT INTO Gold.Days"])
def test_lineage_reaches_columns(dialect: str, head: str) -> None:
    tree = portable.parse(head + QUERY, dialect)
    assert tree is not None
    facts = touched(tree, "lakehouse", "default")
    assert set(facts.inputs) == {FLIGHTS, CARRIERS}
    assert facts.output == DAYS
    found = column_lineage(facts, COLUMNS, dialect)
    assert found == {
        "day": [Source(FLIGHTS, "day", "IDENTITY")],
        "name": [Source(CARRIERS, "name", "TRANSFORMATION")],
        "mean": [Source(FLIGHTS, "delay", "AGGREGATION")],
    }


@pytest.mark.parametrize(
    ("text", "inputs", "output"),
    [
        ("SELECT 1", set(), None),
        ("SELECT * FROM t", {("lakehouse", "default", "t")}, None),
        ("DELETE FROM gold.days WHERE n = 0", set(), DAYS),
        ("CREATE TABLE gold.days (n INT)", set(), DAYS),
        ("CREATE SCHEMA gold", set(), None),
        ("DROP TABLE gold.days", set(), None),
        (
            "MERGE INTO gold.days d USING silver.flights f ON d.day = f.day "
            "WHEN MATCHED THEN UPDATE SET n = 1",
            {FLIGHTS},
            DAYS,
        ),
        ("INSERT INTO gold.days SELECT * FROM gold.days", {DAYS}, DAYS),
    ],
)
def test_tables_touched(text: str, inputs: set[object], output: object) -> None:
    tree = portable.parse(text, "trino")
    assert tree is not None
    facts = touched(tree, "lakehouse", "default")
    assert (set(facts.inputs), facts.output) == (inputs, output)


def test_the_event_of_a_statement() -> None:
    text = "CREATE TABLE gold.days AS" + QUERY
    tree = portable.parse(text, "duckdb")
    assert tree is not None
    facts = touched(tree, "lakehouse", "default")
    job = {"namespace": "openlake", "name": "nightly.days"}
    told = statement_event(
        text, datetime(2026, 1, 1, tzinfo=UTC), job, "run", facts, COLUMNS.__getitem__, "duckdb"
    )
    assert [each["name"] for each in told["outputs"]] == ["lakehouse.gold.days"]
    assert {each["name"] for each in told["inputs"]} == {
        "lakehouse.silver.flights",
        "lakehouse.silver.carriers",
    }
    facets = told["outputs"][0]["facets"]
    assert facets["schema"]["fields"][0] == {"name": "day", "type": "DATE"}
    (day,) = facets["columnLineage"]["fields"]["day"]["inputFields"]
    assert (day["name"], day["field"]) == ("lakehouse.silver.flights", "day")
