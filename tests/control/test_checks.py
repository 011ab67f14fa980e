"""Check tasks: what a rule becomes in SQL, and what that says of tables."""

from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest
from sqlglot import exp, parse_one

from control.internal.work import body_of, program_of, uses_upstream, work_files
from spec.api.runs import RunOverrides
from spec.attempts import SqlProgram
from spec.errors import Invalid
from spec.references import Context
from spec.tasks import Task

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def context(**parameters: str) -> Context:
    return Context(
        workspace_id=1,
        workspace_url="http://here",
        job_id=2,
        job_name="sales",
        run_id=3,
        run_started_at=NOW,
        trigger="ONE_TIME",
        parameters=parameters,
        task_key="check",
        task_run_id=4,
    )


def program(job: dict[str, str] | None = None, **check: Any) -> SqlProgram:
    task = Task.model_validate(
        {"task_key": "check", "check_task": {"warehouse_id": "duckdb", **check}}
    )
    body = body_of(task, {}, RunOverrides())
    made = program_of(body, context(**(job or {})), None)
    assert isinstance(made, SqlProgram) and made.check
    assert work_files(body) == {}
    return made


@pytest.fixture
def lake() -> duckdb.DuckDBPyConnection:
    """Three rows, the newest a minute old; an empty table; a table with odd names."""
    found = duckdb.connect()
    found.execute("CREATE SCHEMA sales; SET TimeZone = 'UTC'")
    found.execute(
        "CREATE TABLE sales.orders AS SELECT range AS id,"
        " current_timestamp - INTERVAL '1' MINUTE * range AS at,"
        " (current_timestamp - INTERVAL '1' MINUTE * range)::TIMESTAMP AS plain,"
        " current_date - 2 AS day FROM range(1, 4)"
    )
    found.execute("CREATE TABLE sales.empty (seen TIMESTAMPTZ)")
    found.execute('CREATE TABLE sales."odd "" name" (id INTEGER)')
    return found


RULES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"table": "sales.orders", "min_rows": 3, "max_rows": 3}, []),
    ({"table": "sales.orders", "min_rows": 4}, [("min_rows", "3")]),
    ({"table": "sales.orders", "max_rows": 2}, [("max_rows", "3")]),
    (
        {
            "table": "sales.empty",
            "min_rows": 1,
            "freshness": {"column": "seen", "max_age_seconds": 9},
        },
        [("freshness", "no value"), ("min_rows", "0")],
    ),
    ({"table": "sales.empty", "max_rows": 0}, []),
    ({"table": 'sales.odd " name', "max_rows": 0}, []),
]


@pytest.mark.parametrize(("rules", "broken"), RULES)
def test_a_table_rule_returns_a_row_for_each_that_is_broken(
    lake: duckdb.DuckDBPyConnection, rules: dict[str, Any], broken: list[tuple[str, str]]
):
    found = lake.execute(program(**rules).text)
    assert [column[0] for column in found.description or []] == ["rule", "expected", "found"]
    assert sorted((rule, value) for rule, _, value in found.fetchall()) == broken


@pytest.mark.parametrize("column", ["at", "plain"])
@pytest.mark.parametrize(("age", "broken"), [(30, 1), (3_600, 0)])
def test_freshness_is_the_age_of_the_newest_value(
    lake: duckdb.DuckDBPyConnection, column: str, age: int, broken: int
):
    freshness = {"column": column, "max_age_seconds": age}
    rows = lake.execute(program(table="sales.orders", freshness=freshness).text).fetchall()
    assert len(rows) == broken
    assert all(row[1] == f"{column} at most {age} s old" for row in rows)


def test_a_date_can_be_fresh(lake: duckdb.DuckDBPyConnection):
    freshness = {"column": "day", "max_age_seconds": 86_400 * 5}
    text = program(table="sales.orders", freshness=freshness).text
    assert lake.execute(text).fetchall() == []


def test_trino_reads_the_same_rule():
    made = program(table="c.s.t", min_rows=1, freshness={"column": "at", "max_age_seconds": 60})
    tree = parse_one(made.text, dialect="trino")
    assert [table.sql() for table in tree.find_all(exp.Table) if table.db] == ['"c"."s"."t"']


def test_a_rule_cannot_break_out_of_its_quotes(lake: duckdb.DuckDBPyConnection):
    freshness = {"column": "a'); DROP TABLE sales.orders; --", "max_age_seconds": 1}
    with pytest.raises(duckdb.BinderException):
        lake.execute(program(table="sales.orders", freshness=freshness).text)
    assert lake.execute("SELECT count(*) FROM sales.orders").fetchall() == [(3,)]


def test_references_are_replaced_in_parameters_and_table():
    sql = "SELECT 1 WHERE :a > 0"
    made = program({"day": "monday"}, sql=sql, parameters={"a": "{{job.name}}"})
    assert made.text == sql
    assert made.parameters == {"a": "sales", "day": "monday"}
    assert '"s"."{{x}}"' not in program(table="s.{{job.name}}", min_rows=1).text
    assert '"s"."sales"' in program(table="s.{{job.name}}", min_rows=1).text


def test_a_reference_that_gives_no_table_is_refused():
    with pytest.raises(Invalid, match="names no table"):
        program(table="{{job.name}}", min_rows=1)


def test_a_table_of_another_task_waits_for_it():
    check = {"warehouse_id": "trino", "table": "s.{{tasks.a.values.t}}", "min_rows": 1}
    task = Task.model_validate({"task_key": "check", "check_task": check})
    assert uses_upstream(body_of(task, {}, RunOverrides()), {})
