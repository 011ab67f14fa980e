"""The examples of every task type, deployed as one bundle and run at once on real parts."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import ROOT, Stack, result_of

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(900)]

FOLDER = ROOT / "docs" / "examples" / "task_types"
ELSEWHERE = {"airflow"}
"""Needs a server of its own; see `airflow/test_stack.py`."""


@pytest.fixture(scope="module")
def runs(whole_stack: Stack) -> dict[str, dict[str, Any]]:
    """Every example's finished run, by the job's key."""
    deployed = whole_stack.json("bundle", "deploy", str(FOLDER))
    ids = {key: int(job["job_id"]) for key, job in deployed["jobs"].items() if key not in ELSEWHERE}
    light = {key: whole_stack.start_run(ids[key]) for key in ids if not is_heavy(key)}
    found: dict[str, dict[str, Any]] = {}
    for key in filter(is_heavy, ids):
        found[key] = whole_stack.finished(whole_stack.start_run(ids[key]), within_s=300)
    return found | {key: whole_stack.finished(run, within_s=300) for key, run in light.items()}


def is_heavy(key: str) -> bool:
    """Tell whether a job starts a Spark driver: several at once are too much for two cores."""
    return key.startswith("spark_")


def tasks(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the newest attempt of each task, by its key."""
    return {task["task_key"]: task for task in run["tasks"]}


def keys() -> list[str]:
    files: list[Path] = sorted(FOLDER.glob("*.yml"))
    return [file.stem for file in files if file.stem not in {"databricks", *ELSEWHERE}]


@pytest.mark.parametrize("key", keys())
def test_an_example_of_each_type_succeeds(
    runs: dict[str, dict[str, Any]], whole_stack: Stack, key: str
) -> None:
    named = {each for each in runs if each == key or each.startswith(f"{key}_")}
    assert named, f"{key}.yml holds a job of that name"
    for each in named:
        run = runs[each]
        if run["state"].get("result_state") != "SUCCESS":
            failed = [t for t in run["tasks"] if t["state"].get("result_state") == "FAILED"]
            told = [
                f"{task['state'].get('state_message')}\n"
                + whole_stack.command("runs", "logs", str(task["run_id"]), check=False)[-3000:]
                for task in failed
            ]
            raise AssertionError(f"{each}: {result_of(run)}\n" + "\n".join(told))


def test_a_notebook_runs_another_and_exits_with_a_value(
    runs: dict[str, dict[str, Any]], whole_stack: Stack
) -> None:
    task = tasks(runs["notebook"])["notebook"]
    output = whole_stack.client().jobs.get_run_output(task["run_id"])
    assert output.notebook_output is not None
    assert output.notebook_output.result == "Guten Tag, Berlin! has 14 letters"


def test_a_condition_excludes_the_other_branch(runs: dict[str, dict[str, Any]]) -> None:
    seen = {
        key: task["state"].get("result_state") for key, task in tasks(runs["condition"]).items()
    }
    assert seen["large"] == seen["either_way"] == "SUCCESS"
    assert seen["small"] == "EXCLUDED"


def test_a_for_each_ran_once_for_every_input(
    runs: dict[str, dict[str, Any]], whole_stack: Stack
) -> None:
    task = tasks(runs["for_each"])["each_city"]
    found = whole_stack.client().jobs.get_run(task["run_id"]).iterations or []
    states = Counter(
        each.state.result_state.value
        for each in found
        if each.state is not None and each.state.result_state
    )
    assert states == {"SUCCESS": 4}


def test_a_called_job_had_the_callers_parameters(
    runs: dict[str, dict[str, Any]], whole_stack: Stack
) -> None:
    task = tasks(runs["run_job"])["notebook_of_hamburg"]
    client = whole_stack.client()
    output = client.jobs.get_run_output(task["run_id"]).run_job_output
    assert output is not None and output.run_id is not None
    child = client.jobs.get_run(output.run_id)
    inner = client.jobs.get_run_output((child.tasks or [])[0].run_id or 0)
    assert inner.notebook_output is not None
    assert inner.notebook_output.result == "Guten Tag, Hamburg! has 15 letters"
