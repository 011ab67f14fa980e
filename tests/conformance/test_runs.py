"""`sdk.jobs`: runs, from their start to their repair."""

import io
import time
import uuid
from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    BadRequest,
    InvalidParameterValue,
    OperationFailed,
    ResourceDoesNotExist,
)
from databricks.sdk.service import jobs
from databricks.sdk.service.workspace import ImportFormat, Language

from tests.conformance.test_jobs import compare, raw

NOTEBOOK = b"""# Databricks notebook source
dbutils.widgets.text("word", "none")
dbutils.notebook.exit("it says " + dbutils.widgets.get("word"))
"""


@pytest.fixture
def job_id(sdk: WorkspaceClient) -> Iterator[int]:
    """A job of a comparison, and one for each input."""
    check = jobs.Task(
        task_key="check",
        for_each_task=jobs.ForEachTask(
            inputs="{{job.parameters.inputs}}",
            task=compare("each", "{{input}}"),
        ),
        depends_on=[jobs.TaskDependency(task_key="first")],
    )
    parameters = [jobs.JobParameterDefinition(name="inputs", default="[1, 2]")]
    made = sdk.jobs.create(
        name=f"runs {uuid.uuid4()}", tasks=[compare("first"), check], parameters=parameters
    )
    assert made.job_id is not None
    yield made.job_id
    sdk.jobs.cancel_all_runs(job_id=made.job_id)
    sdk.jobs.delete(made.job_id)


def task_of(run: jobs.Run, key: str) -> jobs.RunTask:
    return [task for task in run.tasks or [] if task.task_key == key][-1]


def test_a_run_succeeds_and_is_read_in_every_way(sdk: WorkspaceClient, job_id: int) -> None:
    run = sdk.jobs.run_now_and_wait(job_id, job_parameters={"inputs": "[1]"})
    assert run.run_id is not None and run.state is not None and run.status is not None
    assert run.state.life_cycle_state is jobs.RunLifeCycleState.TERMINATED
    assert run.state.result_state is jobs.RunResultState.SUCCESS
    assert run.status.state is jobs.RunLifecycleStateV2State.TERMINATED
    assert run.job_id == job_id and run.run_type is jobs.RunType.JOB_RUN
    assert run.start_time and run.end_time and run.end_time >= run.start_time
    assert run.job_parameters is not None
    [parameter] = run.job_parameters
    assert (parameter.name, parameter.default, parameter.value) == ("inputs", "[1, 2]", "[1]")
    first, each = task_of(run, "first"), task_of(run, "check")
    assert first.run_id not in (None, run.run_id)
    assert sdk.jobs.get_run(first.run_id or 0).job_run_id == run.run_id
    iterations = sdk.jobs.get_run(each.run_id or 0).iterations or []
    assert len(iterations) == 1
    with pytest.raises(BadRequest, match="multiple tasks"):
        sdk.jobs.get_run_output(run.run_id)
    # A run that has ended is cancelled without a word, and deleted once.
    sdk.jobs.cancel_run(run.run_id)
    sdk.jobs.delete_run(run.run_id)
    with pytest.raises(ResourceDoesNotExist):
        sdk.jobs.get_run(run.run_id)


def test_a_notebook_has_an_output_and_an_export(sdk: WorkspaceClient) -> None:
    sdk.workspace.mkdirs("/Shared/conformance-runs")
    path = "/Shared/conformance-runs/says"
    sdk.workspace.upload(
        path,
        io.BytesIO(NOTEBOOK),
        format=ImportFormat.SOURCE,
        language=Language.PYTHON,
        overwrite=True,
    )
    notebook = jobs.NotebookTask(notebook_path=path, base_parameters={"word": "hello"})
    run = sdk.jobs.submit_and_wait(
        run_name="once",
        tasks=[jobs.SubmitTask(task_key="n", notebook_task=notebook)],
        idempotency_token=uuid.uuid4().hex,
    )
    assert run.run_type is jobs.RunType.SUBMIT_RUN and run.run_name == "once"
    task = task_of(run, "n")
    output = sdk.jobs.get_run_output(task.run_id or 0)
    assert output.notebook_output is not None
    assert output.notebook_output.result == "it says hello"
    views = sdk.jobs.export_run(task.run_id or 0).views or []
    assert views[0].type is jobs.ViewType.NOTEBOOK and "it says" in (views[0].content or "")


def test_a_token_makes_one_run_only(sdk: WorkspaceClient, job_id: int) -> None:
    token = uuid.uuid4().hex
    runs = {sdk.jobs.run_now(job_id, idempotency_token=token).response.run_id for _ in range(3)}
    assert len(runs) == 1
    submitted = {
        sdk.jobs.submit(
            tasks=[jobs.SubmitTask(task_key="a", condition_task=compare("a").condition_task)],
            idempotency_token=token + "s",
        ).response.run_id
        for _ in range(2)
    }
    assert len(submitted) == 1


def test_a_failed_run_raises_and_is_repaired(sdk: WorkspaceClient) -> None:
    path = "/Shared/conformance-runs/fails.py"
    sdk.workspace.mkdirs("/Shared/conformance-runs")
    sdk.workspace.upload(
        path,
        io.BytesIO(b"import sys\nassert sys.argv[1] == 'ok', 'no'\n"),
        format=ImportFormat.AUTO,
        overwrite=True,
    )
    python = jobs.SparkPythonTask(python_file=path, parameters=["{{job.parameters.how}}"])
    made = sdk.jobs.create(
        name="repaired",
        tasks=[
            compare("first"),
            jobs.Task(
                task_key="then",
                spark_python_task=python,
                depends_on=[jobs.TaskDependency(task_key="first")],
            ),
        ],
        parameters=[jobs.JobParameterDefinition(name="how", default="bad")],
    )
    assert made.job_id is not None
    waiter = sdk.jobs.run_now(made.job_id)
    run_id = waiter.response.run_id
    assert run_id is not None
    with pytest.raises(OperationFailed):
        sdk.jobs.wait_get_run_job_terminated_or_skipped(run_id)
    run = sdk.jobs.get_run(run_id)
    assert run.state is not None and run.state.result_state is jobs.RunResultState.FAILED
    output = sdk.jobs.get_run_output(task_of(run, "then").run_id or 0)
    assert output.error and "Traceback" in (output.error_trace or "")
    repaired = sdk.jobs.repair_run_and_wait(
        run_id, rerun_tasks=["then"], job_parameters={"how": "ok"}
    )
    assert repaired.state is not None
    assert repaired.state.result_state is jobs.RunResultState.SUCCESS
    run = sdk.jobs.get_run(run_id, include_history=True)
    history = run.repair_history or []
    assert [item.type for item in history] == [
        jobs.RepairHistoryItemType.ORIGINAL,
        jobs.RepairHistoryItemType.REPAIR,
    ]
    with pytest.raises(InvalidParameterValue, match="latest repair ID"):
        sdk.jobs.repair_run(run_id, rerun_tasks=["then"])
    with pytest.raises(InvalidParameterValue, match="duplicate"):
        sdk.jobs.repair_run(run_id, rerun_tasks=["then", "then"])
    again = sdk.jobs.repair_run(run_id, rerun_tasks=["then"], latest_repair_id=history[-1].id)
    assert again.response.repair_id != history[-1].id
    assert sdk.jobs.wait_get_run_job_terminated_or_skipped(run_id).run_id == run_id
    sdk.jobs.delete(made.job_id)


def test_a_run_is_cancelled(sdk: WorkspaceClient) -> None:
    path = "/Shared/conformance-runs/sleeps.py"
    sdk.workspace.mkdirs("/Shared/conformance-runs")
    sdk.workspace.upload(
        path,
        io.BytesIO(b"import time\ntime.sleep(600)\n"),
        format=ImportFormat.AUTO,
        overwrite=True,
    )
    task = jobs.Task(task_key="s", spark_python_task=jobs.SparkPythonTask(python_file=path))
    made = sdk.jobs.create(name="sleeps", tasks=[task], max_concurrent_runs=1)
    assert made.job_id is not None
    first = sdk.jobs.run_now(made.job_id).response.run_id
    waiting = sdk.jobs.run_now(made.job_id).response.run_id
    assert first is not None and waiting is not None
    status = sdk.jobs.get_run(waiting).status
    assert status is not None and status.state is jobs.RunLifecycleStateV2State.QUEUED
    # A task has its id, and can be asked for, while its run still waits.
    ahead = task_of(sdk.jobs.get_run(waiting), "s")
    assert sdk.jobs.get_run(ahead.run_id or 0).job_run_id == waiting
    output = sdk.jobs.get_run_output(ahead.run_id or 0)
    assert output.metadata is not None and output.metadata.state is not None
    assert output.metadata.state.life_cycle_state is jobs.RunLifeCycleState.BLOCKED
    # Not null: clients compute with it.
    assert raw(sdk, "GET", "/api/2.2/jobs/runs/get", run_id=first)["end_time"] == 0
    active = [run.run_id for run in sdk.jobs.list_runs(job_id=made.job_id, active_only=True)]
    assert active == [waiting, first]
    with pytest.raises(BadRequest):
        sdk.jobs.delete_run(first)
    sdk.jobs.cancel_all_runs(job_id=made.job_id, all_queued_runs=None)
    for run_id in (first, waiting):
        run = sdk.jobs.wait_get_run_job_terminated_or_skipped(run_id)
        assert run.state is not None and run.state.result_state is jobs.RunResultState.CANCELED
    assert task_of(sdk.jobs.get_run(waiting), "s").run_id == ahead.run_id
    third = sdk.jobs.run_now(made.job_id).response.run_id
    assert third is not None
    run = sdk.jobs.cancel_run_and_wait(third)
    assert run.state is not None and run.state.result_state is jobs.RunResultState.CANCELED
    ended = [run.run_id for run in sdk.jobs.list_runs(job_id=made.job_id, completed_only=True)]
    assert ended == [third, waiting, first]
    sdk.jobs.delete(made.job_id)


def test_runs_are_listed_by_pages_and_filters(sdk: WorkspaceClient) -> None:
    made = sdk.jobs.create(name="listed", tasks=[compare("a")], max_concurrent_runs=10)
    assert made.job_id is not None
    began = int(time.time() * 1000) - 1000
    runs = [sdk.jobs.run_now(made.job_id).response.run_id or 0 for _ in range(5)]
    for run_id in runs:
        sdk.jobs.wait_get_run_job_terminated_or_skipped(run_id)
    assert [run.run_id for run in sdk.jobs.list_runs(job_id=made.job_id, limit=2)] == runs[::-1]
    page = raw(sdk, "GET", "/api/2.2/jobs/runs/list", job_id=made.job_id, limit=2)
    assert page["next_page_token"] and "tasks" not in page["runs"][0]
    older = raw(sdk, "GET", "/api/2.1/jobs/runs/list", job_id=made.job_id, limit=2)
    assert older["has_more"] is True
    listed = list(sdk.jobs.list_runs(job_id=made.job_id, expand_tasks=True))
    assert listed[0].tasks is not None
    none = list(sdk.jobs.list_runs(job_id=made.job_id, active_only=True))
    assert none == []
    later = sdk.jobs.list_runs(job_id=made.job_id, start_time_from=began, start_time_to=began + 1)
    assert list(later) == []
    assert len(list(sdk.jobs.list_runs(job_id=made.job_id, start_time_from=began))) == 5
    kinds = sdk.jobs.list_runs(job_id=made.job_id, run_type=jobs.RunType.SUBMIT_RUN)
    assert list(kinds) == []
    with pytest.raises(InvalidParameterValue):
        list(sdk.jobs.list_runs(active_only=True, completed_only=True))
    sdk.jobs.delete(made.job_id)


def test_a_run_of_more_than_a_hundred_tasks_is_read_by_pages(sdk: WorkspaceClient) -> None:
    keys = [f"t{n}" for n in range(120)]
    tasks = [
        jobs.SubmitTask(task_key=key, condition_task=compare(key).condition_task) for key in keys
    ]
    run_id = sdk.jobs.submit(tasks=tasks).response.run_id
    assert run_id is not None
    assert {task.task_key for task in sdk.jobs.get_run(run_id).tasks or []} == set(keys)
    page = raw(sdk, "GET", "/api/2.2/jobs/runs/get", run_id=run_id)
    assert len(page["tasks"]) == 100
    last = raw(
        sdk, "GET", "/api/2.2/jobs/runs/get", run_id=run_id, page_token=page["next_page_token"]
    )
    assert len(last["tasks"]) == 20 and "next_page_token" not in last
    sdk.jobs.cancel_run(run_id)


def test_another_workspace_sees_no_runs(
    sdk: WorkspaceClient, other_workspace: WorkspaceClient, job_id: int
) -> None:
    run_id = sdk.jobs.run_now(job_id).response.run_id
    assert run_id is not None
    for ask in (
        lambda: other_workspace.jobs.get_run(run_id),
        lambda: other_workspace.jobs.cancel_run(run_id),
        lambda: other_workspace.jobs.get_run_output(run_id + 1),
        lambda: other_workspace.jobs.export_run(run_id + 1),
        lambda: other_workspace.jobs.delete_run(run_id),
        lambda: other_workspace.jobs.repair_run(run_id, rerun_all_failed_tasks=True),
    ):
        with pytest.raises(ResourceDoesNotExist):
            ask()
    assert run_id not in [run.run_id for run in other_workspace.jobs.list_runs()]
