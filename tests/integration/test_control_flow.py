"""Conditions, for-each, other jobs' runs, repair, cancel: Databricks' SDK on the real stack."""

import base64
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import OperationFailed
from databricks.sdk.service.compute import Environment
from databricks.sdk.service.jobs import (
    ConditionTask,
    ConditionTaskOp,
    ForEachTask,
    JobEnvironment,
    JobParameterDefinition,
    Run,
    RunJobTask,
    RunLifeCycleState,
    RunResultState,
    SparkPythonTask,
    Task,
    TaskDependency,
)
from databricks.sdk.service.workspace import ImportFormat

from tests.integration.stack import Stack, wait_for

pytestmark = pytest.mark.integration

PYTHON = [JobEnvironment(environment_key="py", spec=Environment(environment_version="2"))]
FOLDER = "/Shared/control-flow"

SUM = """
import sys
from databricks.sdk.runtime import dbutils
value = sum(int(word) for word in sys.argv[1:])
print("sum", value)
dbutils.jobs.taskValues.set("sum", value)
dbutils.jobs.taskValues.set("list", list(range(value)))
"""
ODD_FAILS = """
import sys, pathlib
done = pathlib.Path(sys.argv[2])
value = int(sys.argv[1])
with done.open("a") as file:
    file.write(f"{value}\\n")
if value % 2 and not done.with_suffix(".mended").exists():
    raise ValueError(f"{value} is odd")
"""
FAILS_UNTIL_MENDED = """
import pathlib, sys
if not pathlib.Path(sys.argv[1]).exists():
    raise ValueError("not mended yet")
"""
SLEEPS = "import time; print('asleep', flush=True); time.sleep(600)"


@pytest.fixture(scope="module")
def client(whole_stack: Stack) -> Iterator[WorkspaceClient]:
    """The unmodified SDK, and the files that the tests' tasks run."""
    api = whole_stack.client()
    api.workspace.mkdirs(FOLDER)
    files = {"sum": SUM, "odd": ODD_FAILS, "mend": FAILS_UNTIL_MENDED, "sleep": SLEEPS}
    for name, text in files.items():
        api.workspace.import_(
            f"{FOLDER}/{name}.py",
            content=base64.b64encode(text.encode()).decode(),
            format=ImportFormat.RAW,
            overwrite=True,
        )
    yield api


def python(key: str, file: str, *parameters: str, after: str = "", **fields: Any) -> Task:
    depends_on = [TaskDependency(word) for word in after.split()]
    code = SparkPythonTask(python_file=f"{FOLDER}/{file}.py", parameters=list(parameters))
    return Task(
        task_key=key,
        environment_key="py",
        spark_python_task=code,
        depends_on=depends_on or None,
        **fields,
    )


def create(client: WorkspaceClient, *tasks: Task, **fields: Any) -> int:
    made = client.jobs.create(tasks=list(tasks), environments=PYTHON, **fields)
    assert made.job_id is not None
    return made.job_id


def finish(client: WorkspaceClient, job_id: int, **fields: Any) -> Run:
    started = client.jobs.run_now(job_id, **fields)
    return ended(client, started.run_id)


def ended(client: WorkspaceClient, run_id: int) -> Run:
    def over() -> Run | None:
        run = client.jobs.get_run(run_id)
        return run if run.end_time else None

    return wait_for(over, 90, f"the end of run {run_id}")


def results(run: Run) -> dict[str, str]:
    """Task → how its newest attempt ended."""
    return {
        task.task_key: task.state.result_state.value
        for task in run.tasks or []
        if task.state and task.state.result_state
    }


def test_a_condition_chooses_the_branch(client: WorkspaceClient) -> None:
    is_large = ConditionTask(ConditionTaskOp.GREATER_THAN, "{{tasks.add.values.sum}}", "10")

    def branch(key: str, outcome: str) -> Task:
        return Task(
            task_key=key,
            environment_key="py",
            spark_python_task=SparkPythonTask(f"{FOLDER}/sum.py", parameters=["1"]),
            depends_on=[TaskDependency("is_large", outcome=outcome)],
        )

    job_id = create(
        client,
        python("add", "sum", "{{job.parameters.a}}", "5"),
        Task(task_key="is_large", condition_task=is_large, depends_on=[TaskDependency("add")]),
        branch("large", "true"),
        branch("small", "false"),
        parameters=[JobParameterDefinition(name="a", default="7")],
    )
    run = finish(client, job_id)
    assert results(run) == {
        "add": "SUCCESS",
        "is_large": "SUCCESS",
        "large": "SUCCESS",
        "small": "EXCLUDED",
    }
    assert run.state and run.state.result_state is RunResultState.SUCCESS
    condition = next(task for task in run.tasks or [] if task.task_key == "is_large")
    assert condition.condition_task and condition.condition_task.outcome == "true"
    other = finish(client, job_id, job_parameters={"a": "2"})
    assert results(other)["large"] == "EXCLUDED" and results(other)["small"] == "SUCCESS"


def test_a_comparison_of_numbers_that_are_none_fails_with_what_to_do(
    client: WorkspaceClient,
) -> None:
    condition = ConditionTask(ConditionTaskOp.LESS_THAN, "twelve", "13")
    run = finish(client, create(client, Task(task_key="c", condition_task=condition)))
    task = (run.tasks or [])[0]
    assert task.state and task.state.result_state is RunResultState.FAILED
    assert "'twelve' is none; use EQUAL_TO" in (task.state.state_message or "")


def test_a_for_each_takes_a_task_value_and_repairs_only_what_failed(
    client: WorkspaceClient, whole_stack: Stack
) -> None:
    done = whole_stack.data_dir.parent / f"odd-{uuid4().hex}.txt"
    done.touch()
    done.chmod(0o666)
    each = ForEachTask(
        inputs="{{tasks.add.values.list}}",
        concurrency=4,
        task=python("each_iteration", "odd", "{{input}}", str(done)),
    )
    job_id = create(
        client,
        python("add", "sum", "3", "4"),
        Task(task_key="each", for_each_task=each, depends_on=[TaskDependency("add")]),
        python("after", "sum", "1", after="each"),
    )
    run = finish(client, job_id)
    assert results(run) == {"add": "SUCCESS", "each": "FAILED", "after": "UPSTREAM_FAILED"}
    assert sorted(done.read_text().split()) == [str(i) for i in range(7)]
    loop = next(task for task in run.tasks or [] if task.task_key == "each")
    assert loop.state and loop.state.state_message == "3 of 7 iterations failed."
    stats = loop.for_each_task and loop.for_each_task.stats
    counts = stats and stats.task_run_stats
    assert counts and (counts.total_iterations, counts.succeeded_iterations) == (7, 4)
    assert (counts.failed_iterations, counts.active_iterations) == (3, 0)
    shown = client.jobs.get_run(loop.run_id or 0)
    assert len(shown.iterations or []) == 7
    failed = (shown.iterations or [])[1]
    output = client.jobs.get_run_output(failed.run_id or 0)
    assert output.error == "ValueError: 1 is odd"

    done.with_suffix(".mended").touch()
    done.write_text("")
    client.jobs.repair_run(run.run_id or 0, rerun_all_failed_tasks=True)
    again = ended(client, run.run_id or 0)
    assert again.state and again.state.result_state is RunResultState.SUCCESS
    assert sorted(done.read_text().split()) == ["1", "3", "5"]
    assert [t.task_key for t in again.tasks or []].count("add") == 1
    history = client.jobs.get_run(run.run_id or 0, include_history=True).repair_history or []
    assert [item.type.value for item in history if item.type] == ["ORIGINAL", "REPAIR"]
    newest = [task.run_id for task in again.tasks or [] if task.task_key == "each"][-1]
    whole = client.jobs.get_run(newest or 0)
    assert len(whole.iterations or []) == 7


def test_a_repair_keeps_what_succeeded_and_needs_the_latest_id(
    client: WorkspaceClient, whole_stack: Stack
) -> None:
    flag = whole_stack.data_dir.parent / f"mended-{uuid4().hex}"
    job_id = create(
        client,
        python("first", "sum", "1", "2"),
        python("second", "mend", str(flag), after="first"),
        python("third", "sum", "{{tasks.first.values.sum}}", after="second"),
    )
    run = finish(client, job_id)
    assert run.state and run.state.life_cycle_state is RunLifeCycleState.INTERNAL_ERROR
    client.jobs.repair_run(run.run_id or 0, rerun_tasks=["second"])
    with pytest.raises(OperationFailed):
        client.jobs.wait_get_run_job_terminated_or_skipped(run.run_id or 0)
    flag.touch()
    with pytest.raises(Exception, match="latest repair ID needs to be provided"):
        client.jobs.repair_run(run.run_id or 0, rerun_tasks=["second"])
    history = client.jobs.get_run(run.run_id or 0, include_history=True).repair_history or []
    client.jobs.repair_run(
        run.run_id or 0, rerun_all_failed_tasks=True, latest_repair_id=history[-1].id
    )
    again = ended(client, run.run_id or 0)
    assert again.state and again.state.result_state is RunResultState.SUCCESS
    attempts = [(t.task_key, t.attempt_number) for t in again.tasks or []]
    assert attempts.count(("first", 0)) == 1 and ("second", 2) in attempts
    ids = [t.run_id for t in again.tasks or []]
    assert len(set(ids)) == len(ids)


def test_another_jobs_run_is_admitted_followed_and_its_end_taken_over(
    client: WorkspaceClient,
) -> None:
    inner = create(
        client,
        python("add", "sum", "{{job.parameters.n}}"),
        parameters=[JobParameterDefinition(name="n", default="1")],
    )
    call = RunJobTask(job_id=inner, job_parameters={"n": "41"})
    run = finish(client, create(client, Task(task_key="call", run_job_task=call)))
    assert run.state and run.state.result_state is RunResultState.SUCCESS
    output = client.jobs.get_run_output((run.tasks or [])[0].run_id or 0)
    child_id = output.run_job_output and output.run_job_output.run_id
    child = client.jobs.get_run(child_id or 0)
    assert child.job_id == inner and child.trigger and child.trigger.value == "RUN_JOB_TASK"
    assert {p.name: p.value for p in child.job_parameters or []} == {"n": "41"}


def test_a_job_that_runs_itself_is_stopped_by_the_depth_limit(client: WorkspaceClient) -> None:
    job_id = create(client, python("placeholder", "sum", "1"), max_concurrent_runs=10)
    call = Task(task_key="again", run_job_task=RunJobTask(job_id=job_id))
    client.api_client.do(
        "POST",
        "/api/2.2/jobs/reset",
        body={
            "job_id": job_id,
            "new_settings": {"name": "loop", "max_concurrent_runs": 10, "tasks": [call.as_dict()]},
        },
    )
    run = finish(client, job_id)
    assert run.state and run.state.result_state is RunResultState.FAILED


def test_one_task_run_is_cancelled_and_the_rest_goes_on(client: WorkspaceClient) -> None:
    job_id = create(client, python("slow", "sleep"), python("other", "sum", "1"))
    run_id = client.jobs.run_now(job_id).run_id

    def asleep() -> int | None:
        for task in client.jobs.get_run(run_id).tasks or []:
            running = task.state and task.state.life_cycle_state is RunLifeCycleState.RUNNING
            if task.task_key == "slow" and running:
                return task.run_id
        return None

    client.jobs.cancel_run(wait_for(asleep, 30, "the slow task"))
    run = ended(client, run_id)
    assert results(run) == {"slow": "CANCELED", "other": "SUCCESS"}


def test_only_the_named_tasks_run(client: WorkspaceClient) -> None:
    job_id = create(
        client,
        python("a", "sum", "1"),
        python("b", "sum", "2", after="a"),
        python("c", "sum", "3", after="b"),
    )
    run = finish(client, job_id, only=["b+"])
    assert results(run) == {"b": "SUCCESS", "c": "SUCCESS"}


def test_a_disabled_task_is_passed_over(client: WorkspaceClient) -> None:
    job_id = create(
        client,
        python("a", "sum", "1", disabled=True),
        python("b", "sum", "2", after="a"),
    )
    assert results(finish(client, job_id)) == {"a": "DISABLED", "b": "SUCCESS"}
