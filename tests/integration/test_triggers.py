"""Triggers and a backfill on the real stack: schedules, files, tables, never ending."""

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from uuid import uuid4

import boto3
import pyarrow as pa
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import (
    BaseRun,
    ConditionTask,
    ConditionTaskOp,
    Continuous,
    CronSchedule,
    FileArrivalTriggerConfiguration,
    JobParameterDefinition,
    JobSettings,
    PauseStatus,
    TableUpdateTriggerConfiguration,
    Task,
    TriggerSettings,
)

from tests.integration.stack import Stack, catalog, wait_for

pytestmark = pytest.mark.integration

EVERY_2_S = CronSchedule("0/2 * * * * ?", "Europe/Berlin")


@pytest.fixture
def client(whole_stack: Stack) -> Iterator[WorkspaceClient]:
    """The unmodified SDK; jobs of a test are deleted after it, so that none goes on for ever."""
    api = whole_stack.client()
    before = {job.job_id for job in api.jobs.list()}
    yield api
    for job in api.jobs.list():
        if job.job_id is not None and job.job_id not in before:
            api.jobs.delete(job.job_id)


def create(client: WorkspaceClient, left: str = "1", **fields: Any) -> int:
    """Make a job of one condition, which needs no engine worker."""
    condition = ConditionTask(ConditionTaskOp.EQUAL_TO, left, "1")
    made = client.jobs.create(tasks=[Task("check", condition_task=condition)], **fields)
    assert made.job_id is not None
    return made.job_id


def runs(client: WorkspaceClient, job_id: int) -> list[BaseRun]:
    """The job's runs, oldest first."""
    return list(client.jobs.list_runs(job_id=job_id))[::-1]


def await_runs(client: WorkspaceClient, job_id: int, count: int, within_s: float) -> list[BaseRun]:
    def enough() -> list[BaseRun] | None:
        found = runs(client, job_id)
        return found if len(found) >= count else None

    return wait_for(enough, within_s, f"{count} runs of job {job_id}")


def said(client: WorkspaceClient, run: BaseRun) -> str:
    """What the condition compared, references resolved."""
    whole = client.jobs.get_run(run.run_id or 0)
    return (whole.tasks or [])[0].state.state_message or ""  # pyright: ignore


@pytest.mark.timeout(200)
def test_a_schedule_survives_the_death_of_its_worker(
    whole_stack: Stack, client: WorkspaceClient
) -> None:
    instant = "{{job.trigger.time.iso_datetime}}"
    job_id = create(client, instant, schedule=EVERY_2_S, max_concurrent_runs=100)
    await_runs(client, job_id, 2, 30)
    whole_stack.kill("control-worker")
    whole_stack.up()
    count = len(runs(client, job_id))
    await_runs(client, job_id, count + 2, 60)
    paused = CronSchedule(EVERY_2_S.quartz_cron_expression, "Europe/Berlin", PauseStatus.PAUSED)
    client.jobs.update(job_id, new_settings=JobSettings(schedule=paused))
    found = runs(client, job_id)
    assert {run.trigger.value for run in found if run.trigger} == {"PERIODIC"}
    for run in found:
        wait_for(lambda run=run: client.jobs.get_run(run.run_id or 0).end_time, 60, "its end")
    instants = [said(client, run).split()[0] for run in found]
    assert len(set(instants)) == len(instants), instants
    assert all(int(at[17:19]) % 2 == 0 and at[19:] == ".000Z" for at in instants), instants
    time.sleep(5)  # nothing to wait for: that nothing comes is what is shown
    assert len(runs(client, job_id)) <= len(found) + 1


@pytest.mark.timeout(120)
def test_new_files_and_new_snapshots_start_jobs(
    whole_stack: Stack, client: WorkspaceClient
) -> None:
    name = f"arrivals_{uuid4().hex[:8]}"
    tables = catalog(whole_stack)
    tables.create_namespace_if_not_exists("demo")
    table = tables.create_table(f"demo.{name}", pa.schema([("x", pa.int64())]))
    table.append(pa.table({"x": [1]}))
    bucket = whole_stack.layout.settings.object_store.lakehouse_bucket
    url = f"s3://{bucket}/{name}/"
    keys = whole_stack.layout.s3("lakehouse")
    store: Any = boto3.client(
        "s3",
        endpoint_url=keys.endpoint,
        region_name=keys.region,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
    )
    store.put_object(Bucket=bucket, Key=f"{name}/old.csv", Body=b"1")
    time.sleep(1.1)  # the store tells whole seconds
    arrival = TriggerSettings(file_arrival=FileArrivalTriggerConfiguration(url))
    update = TriggerSettings(table_update=TableUpdateTriggerConfiguration([f"demo.{name}"]))
    of_files = create(client, "{{job.trigger.file_arrival.location}}", trigger=arrival)
    of_tables = create(client, "{{job.trigger.type}}", trigger=update)
    for job_id in (of_files, of_tables):
        wait_for(lambda job_id=job_id: looked(client, job_id), 30, "the first look")
        assert runs(client, job_id) == []
    store.put_object(Bucket=bucket, Key=f"{name}/new.csv", Body=b"2")
    table.append(pa.table({"x": [2]}))
    for job_id, trigger, words in (
        (of_files, "FILE_ARRIVAL", url),
        (of_tables, "TABLE", "table"),
    ):
        (run,) = await_runs(client, job_id, 1, 40)
        assert run.trigger is not None and run.trigger.value == trigger
        wait_for(lambda run=run: client.jobs.get_run(run.run_id or 0).end_time, 30, "its end")
        assert said(client, run).startswith(words)


def looked(client: WorkspaceClient, job_id: int) -> bool:
    job = client.api_client.do(
        "GET", "/api/2.2/jobs/get", query={"job_id": job_id, "include_trigger_state": "true"}
    )
    state: dict[str, Any] = job["trigger_state"]  # pyright: ignore
    assert "last_error" not in state
    return bool(state.get("last_look_time"))


@pytest.mark.timeout(120)
def test_a_continuous_job_runs_one_after_the_other(client: WorkspaceClient) -> None:
    job_id = create(client, continuous=Continuous(pause_status=PauseStatus.UNPAUSED))
    await_runs(client, job_id, 4, 40)
    paused = Continuous(pause_status=PauseStatus.PAUSED)
    client.jobs.update(job_id, new_settings=JobSettings(continuous=paused))
    found = [run for run in runs(client, job_id) if run.end_time]
    assert {run.trigger.value for run in found if run.trigger} == {"CONTINUOUS"}
    for before, after in pairwise(found):
        assert (before.end_time or 0) <= (after.start_time or 0)


@pytest.mark.timeout(120)
def test_a_backfill_runs_each_date_once(whole_stack: Stack, client: WorkspaceClient) -> None:
    parameters = [JobParameterDefinition(name="day", default="none")]
    left = "{{job.parameters.day}} {{backfill.iso_date}}"
    job_id = create(client, left, parameters=parameters, max_concurrent_runs=3)
    ended = whole_stack.json(
        *("jobs", "backfill", str(job_id), "--from", "2026-01-30", "--to", "2026-02-03"),
        *("--max-concurrent", "2", "-p", "day={{backfill.month}}", "--reverse"),
    )
    assert (ended["state"], ended["succeeded"], ended["total"]) == ("SUCCEEDED", 5, 5)
    dates = [said(client, run).rsplit(" EQUAL_TO", 1)[0] for run in runs(client, job_id)]
    assert dates == [
        "2 2026-02-03",
        "2 2026-02-02",
        "2 2026-02-01",
        "1 2026-01-31",
        "1 2026-01-30",
    ]
