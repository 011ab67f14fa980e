"""`sdk.jobs`: definitions of jobs."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
    ResourceDoesNotExist,
)
from databricks.sdk.service import jobs

from tests.conformance.conftest import AsUser


def compare(key: str, left: str = "1", *after: str) -> jobs.Task:
    """A task that takes no compute."""
    condition = jobs.ConditionTask(op=jobs.ConditionTaskOp.EQUAL_TO, left=left, right="1")
    needs = [jobs.TaskDependency(task_key=each) for each in after]
    return jobs.Task(task_key=key, condition_task=condition, depends_on=needs)


def raw(sdk: WorkspaceClient, method: str, path: str, **query_or_body: Any) -> dict[str, Any]:
    """Call the API past the SDK's own methods."""
    if method == "GET":
        answer = sdk.api_client.do(method, path, query=query_or_body)
    else:
        answer = sdk.api_client.do(method, path, body=query_or_body)
    assert isinstance(answer, dict)
    return answer


@pytest.fixture
def job_id(sdk: WorkspaceClient) -> Iterator[int]:
    """A job of one task."""
    made = sdk.jobs.create(name=f"conformance {uuid.uuid4()}", tasks=[compare("a")])
    assert made.job_id is not None
    yield made.job_id
    try:
        sdk.jobs.delete(made.job_id)
    except NotFound:
        pass


def settings_of(sdk: WorkspaceClient, job_id: int) -> jobs.JobSettings:
    settings = sdk.jobs.get(job_id).settings
    assert settings is not None
    return settings


def test_a_job_reads_back_as_it_was_made(sdk: WorkspaceClient) -> None:
    schedule = jobs.CronSchedule(
        quartz_cron_expression="0 0 3 * * ?",
        timezone_id="Europe/Vienna",
        pause_status=jobs.PauseStatus.PAUSED,
    )
    parameters = [jobs.JobParameterDefinition(name="day", default="1")]
    made = sdk.jobs.create(
        name="whole",
        description="All of it",
        tags={"team": "x"},
        tasks=[compare("a"), compare("b", "{{job.parameters.day}}", "a")],
        schedule=schedule,
        parameters=parameters,
        max_concurrent_runs=3,
        queue=jobs.QueueSettings(enabled=True),
        timeout_seconds=60,
    )
    assert made.job_id is not None
    job = sdk.jobs.get(made.job_id)
    assert job.creator_user_name and job.created_time and job.run_as_user_name
    settings = job.settings
    assert settings is not None
    assert (settings.schedule, settings.parameters) == (schedule, parameters)
    assert (settings.description, settings.tags) == ("All of it", {"team": "x"})
    assert (settings.max_concurrent_runs, settings.timeout_seconds) == (3, 60)
    assert settings.format is jobs.Format.MULTI_TASK
    assert settings.tasks is not None
    assert settings.tasks[1].depends_on == [jobs.TaskDependency(task_key="a")]
    assert settings.tasks[1].run_if is jobs.RunIf.ALL_SUCCESS
    # Read and sent back, it stays as it is.
    sdk.jobs.reset(made.job_id, settings)
    assert settings_of(sdk, made.job_id) == settings
    sdk.jobs.delete(made.job_id)
    with pytest.raises(ResourceDoesNotExist):
        sdk.jobs.get(made.job_id)


def test_update_merges_tasks_by_key_and_removes_what_is_named(
    sdk: WorkspaceClient, job_id: int
) -> None:
    sdk.jobs.update(
        job_id,
        new_settings=jobs.JobSettings(tasks=[compare("a", "2"), compare("b")], tags={"k": "v"}),
    )
    settings = settings_of(sdk, job_id)
    assert {
        t.task_key: t.condition_task.left for t in settings.tasks or [] if t.condition_task
    } == {
        "a": "2",
        "b": "1",
    }
    sdk.jobs.update(job_id, fields_to_remove=["tasks/b", "tags"])
    settings = settings_of(sdk, job_id)
    assert ([t.task_key for t in settings.tasks or []], settings.tags) == (["a"], None)
    sdk.jobs.reset(job_id, jobs.JobSettings(name="other", tasks=[compare("c")]))
    settings = settings_of(sdk, job_id)
    assert ([t.task_key for t in settings.tasks or []], settings.name) == (["c"], "other")


def test_lists_are_paged_even_with_a_limit_alone(sdk: WorkspaceClient) -> None:
    name = f"paged {uuid.uuid4()}"
    made = [sdk.jobs.create(name=name, tasks=[compare("a")]).job_id for _ in range(5)]
    assert [job.job_id for job in sdk.jobs.list(name=name.upper(), limit=2)] == made[::-1]
    page = raw(sdk, "GET", "/api/2.2/jobs/list", name=name, limit=2)
    assert len(page["jobs"]) == 2 and page["next_page_token"] and "prev_page_token" not in page
    assert "tasks" not in page["jobs"][0]["settings"]
    after = raw(
        sdk, "GET", "/api/2.2/jobs/list", name=name, limit=2, page_token=page["next_page_token"]
    )
    assert after["prev_page_token"]
    expanded = next(iter(sdk.jobs.list(name=name, expand_tasks=True)))
    assert expanded.settings is not None and expanded.settings.tasks is not None
    older = raw(sdk, "GET", "/api/2.1/jobs/list", name=name, limit=2)
    assert older["has_more"] is True
    for limit in (0, 101, -1):
        with pytest.raises(InvalidParameterValue):
            raw(sdk, "GET", "/api/2.2/jobs/list", limit=limit)
    with pytest.raises(InvalidParameterValue):
        list(sdk.jobs.list(page_token="not ours"))
    for job in made:
        assert job is not None
        sdk.jobs.delete(job)


def test_more_than_a_hundred_tasks_are_paged(sdk: WorkspaceClient) -> None:
    keys = [f"t{n}" for n in range(150)]
    made = sdk.jobs.create(name="wide", tasks=[compare(key) for key in keys])
    assert made.job_id is not None
    assert [t.task_key for t in settings_of(sdk, made.job_id).tasks or []] == keys
    page = raw(sdk, "GET", "/api/2.2/jobs/get", job_id=made.job_id)
    assert len(page["settings"]["tasks"]) == 100
    last = raw(
        sdk, "GET", "/api/2.2/jobs/get", job_id=made.job_id, page_token=page["next_page_token"]
    )
    # An empty token would keep the client reading for ever.
    assert len(last["settings"]["tasks"]) == 50 and "next_page_token" not in last
    with pytest.raises(InvalidParameterValue, match=r"API 2\.2"):
        raw(sdk, "GET", "/api/2.1/jobs/get", job_id=made.job_id)
    sdk.jobs.delete(made.job_id)


def test_settings_that_break_a_rule_are_refused(sdk: WorkspaceClient) -> None:
    cycle = [compare("a", "1", "b"), compare("b", "1", "a")]
    wrong: list[dict[str, Any]] = [
        {"name": "cycle", "tasks": [each.as_dict() for each in cycle]},
        {"name": "twice", "tasks": [compare("a").as_dict()] * 2},
        {"name": "no kind", "tasks": [{"task_key": "a"}]},
        {"name": "unknown", "tasks": [compare("a").as_dict()], "no_such_field": 1},
        {"name": "cron", "tasks": [], "schedule": {"quartz_cron_expression": "x"}},
        {"name": 7, "tasks": []},
        {"name": "many", "tasks": [], "max_concurrent_runs": 10**30},
    ]
    for body in wrong:
        with pytest.raises(InvalidParameterValue):
            raw(sdk, "POST", "/api/2.2/jobs/create", **body)


@pytest.mark.parametrize("job_id", [987_654_321, 2**53, 2**63 - 1])
def test_a_job_that_is_not_there(sdk: WorkspaceClient, job_id: int) -> None:
    settings = jobs.JobSettings(name="x", tasks=[compare("a")])
    for ask in (
        lambda: sdk.jobs.get(job_id),
        lambda: sdk.jobs.delete(job_id),
        lambda: sdk.jobs.reset(job_id, settings),
        lambda: sdk.jobs.update(job_id, new_settings=settings),
        lambda: sdk.jobs.run_now(job_id),
    ):
        with pytest.raises(ResourceDoesNotExist):
            ask()


def test_another_workspace_sees_nothing(other_workspace: WorkspaceClient, job_id: int) -> None:
    with pytest.raises(ResourceDoesNotExist):
        other_workspace.jobs.get(job_id)
    with pytest.raises(ResourceDoesNotExist):
        other_workspace.jobs.run_now(job_id)
    assert job_id not in [job.job_id for job in other_workspace.jobs.list()]


def test_permissions_of_a_job(sdk: WorkspaceClient, as_user: AsUser, job_id: int) -> None:
    user = as_user("jobs")
    name = user.current_user.me().user_name
    with pytest.raises(PermissionDenied):
        user.jobs.get(job_id)
    levels = sdk.jobs.get_permission_levels(str(job_id)).permission_levels or []
    assert {level.permission_level for level in levels} == set(jobs.JobPermissionLevel)
    request = jobs.JobAccessControlRequest
    view, run = jobs.JobPermissionLevel.CAN_VIEW, jobs.JobPermissionLevel.CAN_MANAGE_RUN
    sdk.jobs.update_permissions(
        str(job_id), access_control_list=[request(user_name=name, permission_level=view)]
    )
    assert user.jobs.get(job_id).job_id == job_id
    with pytest.raises(PermissionDenied):
        user.jobs.run_now(job_id)
    owner = sdk.current_user.me().user_name
    sdk.jobs.set_permissions(
        str(job_id),
        access_control_list=[
            request(user_name=owner, permission_level=jobs.JobPermissionLevel.IS_OWNER),
            request(user_name=name, permission_level=run),
        ],
    )
    assert user.jobs.run_now(job_id).response.run_id
    with pytest.raises(PermissionDenied):
        user.jobs.delete(job_id)
    given = sdk.jobs.get_permissions(str(job_id))
    assert given.object_id == f"/jobs/{job_id}" and given.object_type == "job"
    direct = {
        entry.user_name: (entry.all_permissions or [])[0].permission_level
        for entry in given.access_control_list or []
        if entry.user_name
    }
    assert direct == {owner: jobs.JobPermissionLevel.IS_OWNER, name: run}
