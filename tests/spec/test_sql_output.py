"""References to what a sql task's last statement gave."""

import json
from datetime import UTC, datetime

import pytest

from spec.attempts import SqlResult
from spec.errors import Invalid
from spec.references import Context, Upstream, resolve

RESULT = SqlResult(
    columns=("id", "name", "share", "ok", "price"),
    types=("BIGINT", "varchar", "double", "boolean", "DECIMAL(10,2)"),
    rows=(("1", 'ä "x"', "0.5", "true", "1.10"), ("2", None, "nan", "false", "2.00")),
    row_count=2,
)


def context(result: SqlResult | None, alert_state: str | None = None) -> Context:
    upstream = Upstream(run_id=7, result="SUCCESS", sql=result, alert_state=alert_state)
    return Context(
        workspace_id=1,
        workspace_url="http://here",
        job_id=2,
        job_name="job",
        run_id=3,
        run_started_at=datetime(2026, 3, 1, tzinfo=UTC),
        trigger="ONE_TIME",
        parameters={},
        task_key="after",
        task_run_id=8,
        tasks={"q": upstream},
    )


def test_rows_are_an_array_of_objects_with_json_types() -> None:
    text = resolve("{{tasks.q.output.rows}}", context(RESULT))
    assert json.loads(text) == [
        {"id": 1, "name": 'ä "x"', "share": 0.5, "ok": True, "price": "1.10"},
        {"id": 2, "name": None, "share": "nan", "ok": False, "price": "2.00"},
    ]


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("first_row.id", "1"),
        ("first_row.NAME", 'ä "x"'),
        ("first_row.ok", "true"),
        ("first_row.price", "1.10"),
    ],
)
def test_one_column_of_the_first_row(reference: str, text: str) -> None:
    assert resolve(f"<{{{{tasks.q.output.{reference}}}}}>", context(RESULT)) == f"<{text}>"


def test_the_first_row_is_an_object() -> None:
    assert json.loads(resolve("{{tasks.q.output.first_row}}", context(RESULT)))["id"] == 1


def test_no_rows_are_an_empty_array_and_no_first_row() -> None:
    empty = SqlResult(columns=("id",), types=("BIGINT",), rows=(), row_count=0)
    assert resolve("{{tasks.q.output.rows}}", context(empty)) == "[]"
    with pytest.raises(Invalid, match="gave no row"):
        resolve("{{tasks.q.output.first_row.id}}", context(empty))


def test_a_missing_column_is_named_with_those_there_are() -> None:
    with pytest.raises(Invalid, match=r"first_row\.x.*id, name, share"):
        resolve("{{tasks.q.output.first_row.x}}", context(RESULT))


def test_more_than_the_limits_is_an_error_that_names_them() -> None:
    many = SqlResult(columns=("a",), types=("INT",), rows=(("1",),) * 1000, truncated=True)
    with pytest.raises(Invalid, match="more than 1000 rows"):
        resolve("{{tasks.q.output.rows}}", context(many))
    wide = SqlResult(columns=("a",), types=("varchar",), rows=(("x" * 100,),) * 500)
    with pytest.raises(Invalid, match="the limit is 49152"):
        resolve("{{tasks.q.output.rows}}", context(wide))
    fits = SqlResult(columns=("a",), types=("INT",), rows=(("1",),) * 1000)
    assert len(json.loads(resolve("{{tasks.q.output.rows}}", context(fits)))) == 1000


def test_the_state_of_an_alert_and_what_stays_as_it_was_written() -> None:
    known = context(None, "TRIGGERED")
    assert resolve("{{tasks.q.output.alert_state}}", known) == "TRIGGERED"
    for unknown in ("{{tasks.q.output.rows}}", "{{tasks.q.output.x}}", "{{tasks.q.output}}"):
        assert resolve(unknown, known) == unknown
