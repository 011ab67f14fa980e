"""What a real Airflow 3 makes of the DAGs that jobs become."""

import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from control.airflow.compile import Export, compile_dag, file_name
from control.airflow.schedule import airflow_cron
from spec.cron import parse_cron
from spec.cron_fire import next_fires
from spec.jobs import JobSettings
from tests.integration.airflow.server import Airflow

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


def _task(key: str, *needs: str, **more: Any) -> dict[str, Any]:
    query = {"warehouse_id": "duckdb", "query": {"query_id": "q"}}
    edges = [{"task_key": need} for need in needs]
    return {"task_key": key, "depends_on": edges, "sql_task": query, **more}


def _export(*tasks: dict[str, Any], **settings: Any) -> Export:
    job = JobSettings.model_validate({"name": "nightly", "tasks": tasks, **settings})
    return Export(99, job, "http://127.0.0.1:1", datetime(2026, 1, 2, tzinfo=UTC))


def test_airflow_reads_a_compiled_job_as_it_was_meant(airflow: Airflow) -> None:
    export = _export(
        _task("a"),
        _task("b"),
        _task("c", "a", "b", run_if="ALL_DONE"),
        _task("d", "a", "b", run_if="AT_LEAST_ONE_SUCCESS"),
        _task("e", "c", run_if="ALL_FAILED"),
        _task("f", "e", "d"),
        name='it\'s "nightly"\n# \\ é',
        parameters=[{"name": "my-p", "default": "it's {{ ds }}\n"}],
        schedule={
            "quartz_cron_expression": "0 0/15 6-8 ? * MON-FRI",
            "timezone_id": "Europe/Berlin",
            "pause_status": "PAUSED",
        },
    )
    compiled = compile_dag(replace(export, takes_schedule=True))
    (airflow.dags / file_name(99)).write_text(compiled.text)
    airflow.wait(lambda: airflow.knows("openlake_job_99"), 60, "the DAG to be read")
    dag = airflow.get("/dags/openlake_job_99/details")
    assert dag["dag_display_name"] == export.settings.name
    assert dag["timetable_summary"] == "*/15 6-8 * * 1-5"
    assert dag["params"]["my-p"]["value"] == "it's {{ ds }}\n"
    tasks = airflow.get("/dags/openlake_job_99/tasks")["tasks"]
    assert {each["task_id"]: each["trigger_rule"] for each in tasks} == {
        "a": "all_success",
        "b": "all_success",
        "c": "all_done",
        "d": "all_done_min_one_success",
        "e": "all_failed",
        "f": "none_failed_min_one_success",
    }
    edges = {(each["task_id"], below) for each in tasks for below in each["downstream_task_ids"]}
    assert edges == {(up, key) for key, ups in _EDGES.items() for up in ups}


_EDGES = {"c": "ab", "d": "ab", "e": "c", "f": "ed"}

_CRONS = [
    "0 0 6 * * ?",
    "0 */7 22-2 * * ?",
    "0 0 12 1,15 * ?",
    "0 0 0 L * ?",
    "0 30 9 ? * 6#3",
    "0 30 9 ? * 6L",
    "0 0 8 ? 2,11 SAT,SUN",
    "0 5/10 1/6 ? * FRI-MON",
]


def test_translated_schedules_fire_when_quartz_fires(airflow_environment: Path) -> None:
    start = datetime(2026, 1, 30, 13, tzinfo=UTC)
    said = {text: airflow_cron(parse_cron(text)) for text in _CRONS}
    script = (
        "import sys, json, datetime, croniter\n"
        "start = datetime.datetime.fromtimestamp(float(sys.argv[1]), datetime.timezone.utc)\n"
        "for cron in json.loads(sys.argv[2]):\n"
        "    ticks = croniter.croniter(cron, start, ret_type=float)\n"
        "    print(json.dumps([ticks.get_next() for _ in range(40)]))\n"
    )
    arguments = [str(start.timestamp()), json.dumps(list(said.values()))]
    python = airflow_environment / "bin" / "python"
    done = subprocess.run(
        [python, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    for text, line in zip(said, done.stdout.splitlines(), strict=True):
        wanted = [at.timestamp() for at in next_fires(parse_cron(text), start, "UTC", 40)]
        assert json.loads(line) == wanted, (text, said[text])
