"""`{{…}}` references, as Databricks documents them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from spec.attempts import SqlResult
from spec.reference_names import REFERENCES, fits, wrong_in
from spec.references import Context, Upstream, find, needs_upstream, resolve

CONTEXT = Context(
    workspace_id=1,
    workspace_url="http://api",
    job_id=7,
    job_name="flights",
    run_id=1 << 20,
    run_started_at=datetime(2026, 3, 1, 4, 5, 6, 789_000, UTC),
    trigger="ONE_TIME",
    parameters={"month": "3", "my-p": "x", "a.b": "dotted"},
    task_key="train",
    task_run_id=(1 << 20) + 2,
    attempt=1,
    notebook_path="/nb",
    tasks={
        "clean": Upstream(
            run_id=9,
            result="SUCCESS",
            code="SUCCESS",
            attempts=2,
            values={"rows": 41, "ok": True, "name": "x", "list": [1, 2], "text": "é"},
        ),
        "gone": Upstream(run_id=8, result="LOST", code="INTERNAL_ERROR"),
    },
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{job.id}}/{{ job.run_id }}", "7/1048576"),
        ("{{job.name}}", "flights"),
        ("{{job.repair_count}}", "0"),
        ("{{job.parameters.month}}", "3"),
        ("{{job.parameters.`my-p`}}", "x"),
        ("{{job.parameters.my-p}}", "x"),
        ("{{job.parameters.a.b}}", "dotted"),
        ("{{job.trigger.type}}", "one_time"),
        ("{{job.start_time.iso_date}}", "2026-03-01"),
        ("{{job.start_time.iso_datetime}}", "2026-03-01T04:05:06.789Z"),
        ("{{job.start_time.iso_weekday}}", "7"),
        ("{{job.start_time.is_weekday}}", "false"),
        ("{{job.start_time.year}}-{{job.start_time.month}}-{{job.start_time.day}}", "2026-3-1"),
        ("{{job.start_time.timestamp_ms}}", "1772337906789"),
        ("{{task.name}}", "train"),
        ("{{task.run_id}}", "1048578"),
        ("{{task.execution_count}}", "2"),
        ("{{task.notebook_path}}", "/nb"),
        ("{{tasks.clean.result_state}}", "success"),
        ("{{tasks.gone.result_state}}", "failed"),
        ("{{tasks.clean.run_id}}", "9"),
        ("{{tasks.clean.execution_count}}", "2"),
        ("{{tasks.clean.values.rows}}", "41"),
        ("{{tasks.clean.values.ok}}", "true"),
        ("{{tasks.clean.values.name}}", "x"),
        ("{{tasks.clean.values.list}}", "[1,2]"),
        ("{{tasks.clean.values.text}}", "é"),
        ("{{workspace.id}} {{workspace.url}}", "1 http://api"),
        ("{{run_id}} {{parent_run_id}} {{task_retry_count}}", "1048578 1048576 1"),
    ],
)
def test_known_references(text: str, expected: str) -> None:
    assert resolve(text, CONTEXT) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{nope}}",
        "{{job.parameters.none}}",
        "{{tasks.none.values.x}}",
        "{{tasks.clean.values.none}}",
        "{{job.start_time.century}}",
        "{{job.id",
        "{ {job.id}}",
        "{{}}",
        "{{job..id..}}x{{a b}}",
    ],
)
def test_unknown_or_malformed_stays_as_written(text: str) -> None:
    if text == "{{job..id..}}x{{a b}}":
        assert "{{a b}}" in resolve(text, CONTEXT)
    else:
        assert resolve(text, CONTEXT) == text


def test_values_are_not_resolved_again() -> None:
    context = Context(**{**CONTEXT.__dict__, "parameters": {"p": "{{job.id}}"}})
    assert resolve("{{job.parameters.p}}", context) == "{{job.id}}"


@given(st.text(alphabet="{}job.id`x "))
def test_any_text_can_be_resolved(text: str) -> None:
    resolve(text, CONTEXT)


def test_other_tasks_are_found() -> None:
    assert find("a {{tasks.x.values.`y.z`}} b") == [("tasks", "x", "values", "y.z")]
    assert needs_upstream(["{{job.id}}", "{{tasks.a.run_id}}"])
    assert not needs_upstream(["{{job.id}}", "tasks.a"])


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("{{input}}", "x", "x"),
        ("{{input}}", 3, "3"),
        ("{{input}}", None, "null"),
        ("{{input}}", {"k": [1]}, '{"k":[1]}'),
        ("{{input.k}}", {"k": "v"}, "v"),
        ("{{input.`my-k`}}", {"my-k": True}, "true"),
        ("{{input.z}}", {"k": "v"}, "{{input.z}}"),
        ("{{input.z}}", "text", "{{input.z}}"),
    ],
)
def test_input_of_an_iteration(text: str, given: JsonValue, expected: str) -> None:
    inside = Context(**{**CONTEXT.__dict__, "input": given, "in_for_each": True})
    assert resolve(text, inside) == expected
    assert resolve(text, CONTEXT) == text


def test_repairs_are_counted() -> None:
    repaired = Context(**{**CONTEXT.__dict__, "repair_count": 2})
    assert resolve("{{job.repair_count}}", repaired) == "2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{job.nmae}}", "'{{job.nmae}}' is no reference; did you mean 'job.name'?"),
        ("{{job.start_time.iso}}", "did you mean 'job.start_time."),
        ("{{job.parameters}}", "did you mean 'job.parameters.<name>'?"),
        ("{{task.xyzzy}}", "known are task.name, task.run_id, task.execution_count, task.note"),
        ("{{workspace.ids}}", "did you mean 'workspace.id'?"),
        ("{{tasks.clean.result}}", "did you mean 'tasks.clean.result_state'?"),
        ("{{tasks.clean.values}}", "did you mean 'tasks.clean.values.<name>'?"),
    ],
)
def test_wrong_member_of_a_known_namespace_is_a_mistake(text: str, said: str) -> None:
    found = wrong_in(f"a {text} b", {"clean"})
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "{{nope}}",
        "{{nope.x}}",
        "{{tasks.other.result}}",
        "{{job.parameters.undeclared}}",
        "{{job}}",
        "{{job.id",
        "{{..}}",
        "{{tasks.clean.values.a.b}}",
    ],
)
def test_other_unknown_references_are_no_mistakes(text: str) -> None:
    assert wrong_in(text, {"clean"}) == []


def test_every_reference_of_the_table_exists() -> None:
    for reference in REFERENCES:
        name = reference.name.replace("<time>", "year").replace("<task>", "clean")
        assert fits(tuple(name.split(".")))
        assert wrong_in(f"{{{{{name.replace('<name>', 'x')}}}}}", {"clean"}) == []


def test_what_the_trigger_knows() -> None:
    instant = datetime(2026, 2, 1, 6, tzinfo=UTC)
    fired = Context(
        **{
            **CONTEXT.__dict__,
            "trigger": "FILE_ARRIVAL",
            "triggered_at": instant,
            "location": "s3://lakehouse/in/",
        }
    )
    assert resolve("{{job.trigger.type}} {{job.trigger.time.iso_date}}", fired) == (
        "file_arrival 2026-02-01"
    )
    assert resolve("{{job.start_time.iso_date}}", fired) == "2026-03-01"
    assert resolve("{{job.trigger.file_arrival.location}}", fired) == "s3://lakehouse/in/"
    assert resolve("{{job.trigger.time.iso_date}}", CONTEXT) == "2026-03-01"
    literal = "{{job.trigger.file_arrival.location}} {{backfill.iso_date}}"
    assert resolve(literal, CONTEXT) == literal


def test_the_logical_date_of_a_backfill() -> None:
    of_backfill = Context(
        **{**CONTEXT.__dict__, "backfill_at": datetime(2026, 1, 5, 6, 30, tzinfo=UTC)}
    )
    text = "{{backfill.iso_date}} {{backfill.hour}} {{backfill.iso_weekday}} {{backfill.x}}"
    assert resolve(text, of_backfill) == "2026-01-05 6 1 {{backfill.x}}"
    again = Context(**{**CONTEXT.__dict__, "trigger": "CONTINUOUS_RESTART"})
    assert resolve("{{job.trigger.type}}", again) == "continuous"


def test_every_reference_of_the_table_has_a_value() -> None:
    upstream = Upstream(
        run_id=9,
        result="SUCCESS",
        code="SUCCESS",
        notebook_path="/up",
        values={"x": 1},
        sql=SqlResult(columns=("x",), types=("INTEGER",), rows=(("1",),)),
        alert_state="OK",
    )
    whole = {
        "tasks": {"clean": upstream},
        "parameters": {"x": "1"},
        "input": {"x": 1},
        "in_for_each": True,
        "triggered_at": datetime(2026, 1, 5, tzinfo=UTC),
        "location": "s3://b/p/",
        "backfill_at": datetime(2026, 1, 5, tzinfo=UTC),
    }
    context = Context(**{**CONTEXT.__dict__, **whole})
    for reference in REFERENCES:
        name = reference.name.replace("<time>", "year").replace("<task>", "clean")
        text = f"{{{{{name.replace('<name>', 'x')}}}}}"
        assert resolve(text, context) != text, text
