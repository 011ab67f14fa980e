"""Job settings as the API gets them."""

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from spec.jobs import JobSettings, faults
from spec.tasks import UNSUPPORTED_TASK_TYPES, Engine, Task, engine_of


def python(task_key: str, *depends_on: str, **more: Any) -> dict[str, Any]:
    """Make one task's JSON."""
    return {
        "task_key": task_key,
        "depends_on": [{"task_key": key} for key in depends_on],
        "spark_python_task": {"python_file": "/x.py"},
        **more,
    }


def job(*tasks: dict[str, Any], **more: Any) -> JobSettings:
    """Validate a job."""
    return JobSettings.model_validate({"name": "j", "tasks": list(tasks), **more})


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ({"a": "a"}, "a → a"),
        ({"a": "b", "b": "a"}, "a → b → a"),
        ({"a": "b", "b": "c", "c": "a", "d": "a"}, "a → b → c → a"),
    ],
)
def test_cycles_are_named_and_nothing_outside_of_them(edges: dict[str, str], cycle: str):
    with pytest.raises(ValidationError) as raised:
        job(*(python(key, needs) for key, needs in edges.items()))
    around = set(cycle.split(" → "))
    said = str(raised.value).partition("in a cycle: ")[2].split(" [")[0].split(" → ")
    assert set(said) == around and said[0] == said[-1]
    for one, needs in pairwise(said):
        assert edges[one] == needs, "each waits for the next"


def test_two_cycles_are_both_named():
    with pytest.raises(ValidationError) as raised:
        job(python("a", "b"), python("b", "a"), python("c", "d"), python("d", "c"))
    assert str(raised.value).count("in a cycle") == 2


def test_unknown_dependency_is_named_with_the_nearest():
    with pytest.raises(ValidationError, match="depends on 'ingst', which is not a task of this"):
        job(python("ingest"), python("clean", "ingst"))
    with pytest.raises(ValidationError, match="did you mean 'ingest'"):
        job(python("ingest"), python("clean", "ingst"))


def test_duplicate_keys_are_named():
    with pytest.raises(ValidationError, match="task_key 'a' is used twice"):
        job(python("a"), python("a"))


@given(st.lists(st.sets(st.integers(0, 30)), min_size=1, max_size=30))
def test_graphs_that_point_backwards_are_always_sound(needs: list[set[int]]):
    tasks = [
        python(f"t{i}", *(f"t{j}" for j in sorted(each) if j < i)) for i, each in enumerate(needs)
    ]
    assert faults(job(*tasks)) == []


def test_thousand_tasks_in_a_chain_are_sound_and_more_are_refused():
    chain = [python("t0"), *(python(f"t{i}", f"t{i - 1}") for i in range(1, 1001))]
    assert len(job(*chain[:1000]).tasks) == 1000
    with pytest.raises(ValidationError, match="at most 1000"):
        job(*chain)


@pytest.mark.parametrize("name", sorted(UNSUPPORTED_TASK_TYPES))
def test_unsupported_types_are_refused_by_name(name: str):
    with pytest.raises(ValidationError, match=f"'{name}' is not supported by OpenLake; "):
        job({"task_key": "a", name: {}})


def test_unknown_fields_are_refused_never_dropped():
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        job(python("a", librarys=[]))


def test_settings_survive_a_round_trip():
    settings = job(python("a"), python("b", "a", max_retries=-1), tags={"a": "b"})
    assert JobSettings.model_validate(settings.model_dump(mode="json")) == settings
    assert JobSettings.model_validate_json(settings.model_dump_json()) == settings


def test_format_is_always_read_back_as_multi_task():
    assert job(format="SINGLE_TASK").format == "MULTI_TASK"


@pytest.mark.parametrize(
    ("body", "engine"),
    [
        ({"spark_python_task": {"python_file": "/x"}}, Engine.SPARK),
        ({"notebook_task": {"notebook_path": "/x"}}, Engine.SPARK),
        ({"spark_python_task": {"python_file": "/x"}, "environment_key": "e"}, Engine.PYTHON),
        ({"notebook_task": {"notebook_path": "/x"}, "environment_key": "e"}, Engine.PYTHON),
        ({"sql_task": {"warehouse_id": "duckdb", "file": {"path": "/x"}}}, Engine.DUCKDB),
        ({"sql_task": {"warehouse_id": "trino", "query": {"query_id": "q"}}}, Engine.TRINO),
    ],
)
def test_engine_follows_from_the_task(body: dict[str, Any], engine: Engine):
    assert engine_of(Task.model_validate({"task_key": "a", **body})) is engine


def check(task_key: str, *depends_on: str, **rule: Any) -> dict[str, Any]:
    """Make a check's JSON."""
    body = {"warehouse_id": "duckdb", **(rule or {"sql": "SELECT 1"})}
    return {
        "task_key": task_key,
        "depends_on": [{"task_key": key} for key in depends_on],
        "check_task": body,
    }


def test_a_job_that_publishes_names_its_checks():
    found = job(python("a"), check("c", "a"), publish={"audit": ["c"]})
    assert found.publish is not None
    assert (found.publish.audit, found.publish.keep_hours) == (("c",), 168)
    assert job(python("a")).publish is None


@pytest.mark.parametrize(
    ("audit", "said"),
    [
        (["chekc"], "'chekc', which is not a task of this job; did you mean 'check'?"),
        (["early"], "give it 'depends_on'"),
        (["check", "check"], "names 'check' twice"),
    ],
)
def test_checks_that_cannot_stand_before_publishing_are_said(audit: list[str], said: str):
    with pytest.raises(ValidationError, match=re.escape(said)):
        job(python("a"), check("check", "a"), check("early"), publish={"audit": audit})


def test_table_care_is_no_part_of_a_transaction():
    care = {"task_key": "care", "table_care_task": {"tables": ["s.*"], "compact": {}}}
    assert job(care).publish is None
    with pytest.raises(ValidationError, match="give it a job of its own"):
        job(care, publish={})


@pytest.mark.parametrize(
    ("publish", "said"),
    [
        ({"conflict": "overwrite"}, "'fail' or 'retry_publish'"),
        ({"on": "always"}, "'success'"),
        ({"keep_hours": 0}, "greater than or equal to 1"),
        ({"when": "later"}, "Extra inputs are not permitted"),
    ],
)
def test_publish_takes_nothing_else(publish: dict[str, Any], said: str):
    with pytest.raises(ValidationError, match=re.escape(said)):
        job(python("a"), publish=publish)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"sql": "SELECT 1", "table": "s.t"}, "exactly one of 'sql' and 'table'"),
        ({"table": "s.t"}, "give the table a rule"),
        ({"sql": "SELECT 1", "min_rows": 1}, "are rules of a 'table'"),
        ({"table": "s.t", "min_rows": 1, "parameters": {"a": "b"}}, "belong to 'sql'"),
        ({"table": "t", "min_rows": 1}, "schema.table"),
        ({"table": "a.b.c.d", "min_rows": 1}, "schema.table"),
        ({"table": "a. ", "min_rows": 1}, "schema.table"),
        ({"sql": "SELECT {{job.run_id}}"}, "write :name"),
        ({"sql": "SELECT 1", "warehouse_id": "mars"}, "no warehouse 'mars'"),
        ({"table": "s.{{job.parametres.x}}", "min_rows": 1}, "is no reference"),
    ],
)
def test_a_check_is_one_rule(rule: dict[str, Any], said: str):
    with pytest.raises(ValidationError, match=re.escape(said)):
        job(check("c", **rule))


@pytest.mark.parametrize("table", ["s.t", "c.s.t", "s.odd name", "{{job.parameters.t}}"])
def test_a_check_looks_at_a_table(table: str):
    found = job(check("c", table=table, min_rows=1))
    assert engine_of(found.tasks[0]) is Engine.DUCKDB
