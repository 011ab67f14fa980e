"""The unmodified databricks-sdk works against the API by host and token alone."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotFound
from databricks.sdk.errors.platform import ResourceAlreadyExists, ResourceDoesNotExist
from databricks.sdk.service import jobs, sql
from databricks.sdk.service.workspace import ImportFormat, Language

from control.db import Database
from control.deps import Deps
from control.projection import Projector
from spec.attempts import AttemptResult
from spec.events import RunStarted
from tests.control.conftest import Recorder
from tests.control.make import put_file
from tests.control.serving import serving
from tests.control.test_projection import T0, Play

T = TypeVar("T")


async def call(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run a blocking call of the SDK beside the server."""
    return await asyncio.to_thread(function, *args, **kwargs)


@pytest.fixture
async def sdk(deps: Deps, database: Database, token: str) -> AsyncIterator[WorkspaceClient]:
    await put_file(database, "/jobs/main.py")
    async with serving(deps) as url:
        yield await call(WorkspaceClient, host=url, token=token)


def task(key: str = "a") -> jobs.Task:
    return jobs.Task(
        task_key=key, spark_python_task=jobs.SparkPythonTask(python_file="/Workspace/jobs/main.py")
    )


async def test_who_am_i(sdk: WorkspaceClient) -> None:
    assert (await call(sdk.current_user.me)).user_name == "admin@openlake.local"
    assert await call(sdk.get_workspace_id) == 1


async def test_a_job_lives_and_dies(sdk: WorkspaceClient) -> None:
    made = await call(
        sdk.jobs.create,
        name="flights",
        tasks=[task("a"), task("b")],
        parameters=[jobs.JobParameterDefinition(name="month", default="1")],
        max_concurrent_runs=2,
        tags={"team": "x"},
    )
    assert made.job_id is not None
    job = await call(sdk.jobs.get, made.job_id)
    assert job.settings is not None and job.settings.tasks is not None
    assert [t.task_key for t in job.settings.tasks] == ["a", "b"]
    assert job.settings.format is jobs.Format.MULTI_TASK
    # What was read can be sent back as it is.
    await call(sdk.jobs.reset, made.job_id, job.settings)
    await call(
        sdk.jobs.update,
        made.job_id,
        new_settings=jobs.JobSettings(name="renamed", tasks=[task("c")]),
        fields_to_remove=["tasks/a", "tags"],
    )
    job = await call(sdk.jobs.get, made.job_id)
    assert job.settings is not None and job.settings.tasks is not None
    assert sorted(t.task_key for t in job.settings.tasks) == ["b", "c"]
    assert (job.settings.name, job.settings.tags) == ("renamed", None)
    await call(sdk.jobs.delete, made.job_id)
    with pytest.raises(ResourceDoesNotExist):
        await call(sdk.jobs.get, made.job_id)


async def test_jobs_and_runs_are_listed_by_pages(sdk: WorkspaceClient) -> None:
    ids = [(await call(sdk.jobs.create, name=f"j{n}", tasks=[task()])).job_id for n in range(7)]
    listed = await call(lambda: list(sdk.jobs.list(limit=3)))
    assert [job.job_id for job in listed] == ids[::-1]
    named = await call(lambda: list(sdk.jobs.list(name="J3")))
    assert [job.job_id for job in named] == [ids[3]]
    runs = [(await call(sdk.jobs.run_now, ids[0])).response.run_id for _ in range(5)]
    listed = await call(lambda: list(sdk.jobs.list_runs(job_id=ids[0], limit=2)))
    assert [run.run_id for run in listed] == runs[::-1]
    active = await call(lambda: list(sdk.jobs.list_runs(active_only=True, expand_tasks=True)))
    assert len(active) == 5
    assert active[0].tasks is not None and active[0].tasks[0].task_key == "a"
    with pytest.raises(InvalidParameterValue):
        await call(lambda: list(sdk.jobs.list_runs(active_only=True, completed_only=True)))


async def test_a_job_of_250_tasks_is_read_by_pages(sdk: WorkspaceClient) -> None:
    keys = [f"t{n}" for n in range(250)]
    made = await call(sdk.jobs.create, name="wide", tasks=[task(key) for key in keys])
    assert made.job_id is not None
    job = await call(sdk.jobs.get, made.job_id)
    assert job.settings is not None and job.settings.tasks is not None
    assert [t.task_key for t in job.settings.tasks] == keys
    started = await call(sdk.jobs.run_now, made.job_id)
    run = await call(sdk.jobs.get_run, started.response.run_id)
    assert run.tasks is not None
    assert [t.task_key for t in run.tasks] == keys
    expanded = await call(lambda: list(sdk.jobs.list(expand_tasks=True)))
    assert expanded[0].settings is not None and expanded[0].settings.tasks is not None
    assert len(expanded[0].settings.tasks) == 250


async def test_a_waiter_returns_when_the_run_has_ended(
    sdk: WorkspaceClient, launcher: Recorder, database: Database
) -> None:
    made = await call(sdk.jobs.create, name="x", tasks=[task()])
    assert made.job_id is not None
    waiter = await call(sdk.jobs.run_now, made.job_id, idempotency_token="t")
    run_id = waiter.response.run_id
    assert run_id is not None
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    play.end("a", AttemptResult.SUCCESS)
    await Projector(database).project(play.batch())
    run = await call(waiter.result)
    whole = await call(sdk.jobs.get_run, run_id, include_history=True)
    assert whole.repair_history is not None and whole.tasks is not None
    assert whole.repair_history[0].task_run_ids == [whole.tasks[0].run_id]
    assert run.state is not None
    assert run.state.result_state is jobs.RunResultState.SUCCESS
    assert run.status is not None
    assert run.status.state is jobs.RunLifecycleStateV2State.TERMINATED
    assert run.tasks is not None and run.tasks[0].run_id is not None
    one = await call(sdk.jobs.get_run, run.tasks[0].run_id)
    assert (one.job_run_id, one.run_id) == (run_id, run.tasks[0].run_id)
    output = await call(sdk.jobs.get_run_output, run.tasks[0].run_id)
    assert output.metadata is not None and output.logs == ""
    await call(sdk.jobs.cancel_run, run_id)
    await call(sdk.jobs.delete_run, run_id)
    with pytest.raises(ResourceDoesNotExist):
        await call(sdk.jobs.get_run, run_id)
    with pytest.raises(NotFound):
        await call(sdk.jobs.run_now, made.job_id, idempotency_token="t")


async def test_saved_queries(sdk: WorkspaceClient, launcher: Recorder) -> None:
    made = await call(
        sdk.queries.create,
        query=sql.CreateQueryRequestQuery(
            display_name="daily", query_text="select :month", warehouse_id="duckdb"
        ),
    )
    assert made.id is not None and made.owner_user_name == "admin@openlake.local"
    changed = await call(
        sdk.queries.update,
        made.id,
        "query_text",
        query=sql.UpdateQueryRequestQuery(query_text="select 2", display_name="ignored"),
    )
    assert (changed.query_text, changed.display_name) == ("select 2", "daily")
    other = await call(sdk.queries.create, query=sql.CreateQueryRequestQuery(query_text="x"))
    listed = await call(lambda: [q.id for q in sdk.queries.list(page_size=1)])
    assert listed == [other.id, made.id]
    task = jobs.Task(
        task_key="q",
        sql_task=jobs.SqlTask(warehouse_id="duckdb", query=jobs.SqlTaskQuery(query_id=made.id)),
    )
    job = await call(sdk.jobs.create, name="q", tasks=[task])
    assert job.job_id is not None
    run = await call(sdk.jobs.run_now, job.job_id)
    assert run.response.run_id in launcher.plans
    await call(sdk.queries.delete, made.id)
    with pytest.raises(InvalidParameterValue, match="there is no saved query"):
        await call(sdk.jobs.run_now, job.job_id)


async def test_files_and_notebooks(sdk: WorkspaceClient) -> None:
    workspace = sdk.workspace
    with pytest.raises(NotFound):
        await call(workspace.upload, "/Shared/x/a.py", io.BytesIO(b"a"))
    await call(workspace.mkdirs, "/Shared/x")
    await call(workspace.mkdirs, "/Workspace/Shared/x")
    source = b"# Databricks notebook source\nprint(1)\n"
    await call(
        workspace.upload, "/Shared/x/a.py", io.BytesIO(b"print(1)"), format=ImportFormat.AUTO
    )
    await call(workspace.upload, "/Shared/x/nb.py", io.BytesIO(source), format=ImportFormat.AUTO)
    await call(workspace.upload, "/Shared/x/q", io.BytesIO(b"select 1"), language=Language.SQL)
    listed = await call(lambda: sorted(o.path or "" for o in workspace.list("/Shared/x")))
    assert listed == ["/Shared/x/a.py", "/Shared/x/nb", "/Shared/x/q"]
    status = await call(workspace.get_status, "/Workspace/Shared/x/nb")
    assert status.language is Language.PYTHON
    content = await call(lambda: workspace.download("/Shared/x/nb").read())
    assert content == source
    with pytest.raises(ResourceAlreadyExists):
        await call(workspace.upload, "/Shared/x/a.py", io.BytesIO(b"b"), format=ImportFormat.AUTO)
    await call(
        workspace.upload,
        "/Shared/x/a.py",
        io.BytesIO(b"b"),
        format=ImportFormat.AUTO,
        overwrite=True,
    )
    assert await call(lambda: workspace.download("/Shared/x/a.py").read()) == b"b"
    with pytest.raises(BadRequest):
        await call(workspace.delete, "/Shared/x")
    await call(workspace.delete, "/Shared/x", recursive=True)
    assert await call(lambda: list(workspace.list("/Shared"))) == []
