"""What people use: the unmodified Databricks SDK, the CLI's own words, and a stop in between."""

import httpx2
import pytest
from databricks.sdk.errors import OperationFailed
from databricks.sdk.service.jobs import RunResultState

from tests.integration.stack import Stack, result_of, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(400)]

FAILING = "../../tests/integration/bundles/failing"


def test_the_databricks_sdk_runs_a_job_and_waits_for_it(stack: Stack) -> None:
    job_id = stack.deploy("hello")
    run = stack.client().jobs.run_now_and_wait(job_id)
    assert run.state is not None and run.state.result_state is RunResultState.SUCCESS
    assert {task.task_key for task in run.tasks or []} == {"greet", "count", "part"}


def test_the_databricks_sdk_raises_for_a_failed_run(stack: Stack) -> None:
    job_id = stack.deploy(FAILING)
    with pytest.raises(OperationFailed):
        stack.client().jobs.run_now_and_wait(job_id)
    [run] = stack.client().jobs.list_runs(job_id=job_id)
    details = stack.client().jobs.get_run(run.run_id or 0)
    attempts = [task for task in details.tasks or [] if task.task_key == "fail"]
    assert [task.attempt_number for task in attempts] == [0, 1]
    output = stack.client().jobs.get_run_output(attempts[-1].run_id or 0)
    assert output.error == "ValueError: no rows on attempt 1"
    assert "Traceback" in (output.error_trace or "")


def test_deploying_again_changes_nothing(stack: Stack) -> None:
    stack.deploy("hello")
    assert "unchanged" in stack.command("bundle", "deploy", "docs/examples/hello")


def test_a_stop_costs_no_retry(stack: Stack) -> None:
    """`down` ends what is under way as no fault of its own; after `up` the run goes on."""
    run_id = stack.start_run(stack.deploy(FAILING), pause="600")
    first = stack.await_running(run_id, "fail")
    wait_for(lambda: "waiting" in stack.command("runs", "logs", str(first)), 60, "the first line")
    stack.command("down")
    stack.up()
    run = stack.finished(run_id)
    made = sorted(task["attempt_number"] for task in run["tasks"] if task["task_key"] == "fail")
    # One lost to the stop, then the first try and its one retry.
    assert made == [0, 1, 2], result_of(run)


def test_user_code_sees_nothing_of_the_control_plane(stack: Stack) -> None:
    run_id = stack.start_run(stack.deploy(FAILING))
    run = stack.finished(run_id)
    log = stack.command("runs", "logs", str(run["tasks"][0]["run_id"]))
    names = log.split("environment: ")[1].splitlines()[0].split(",")
    foreign = {"OPENLAKE_DATA_DIR", "OPENLAKE_PORTS__POSTGRES", "DATABASE_URL"}
    assert not foreign & set(names)
    secret = stack.layout.secret("postgres-openlake")
    assert secret not in log


def test_another_token_is_refused(stack: Stack) -> None:
    answer = httpx2.get(
        f"{stack.layout.api_url}/api/2.2/jobs/list", headers={"Authorization": "Bearer dapi-no"}
    )
    assert answer.status_code == 401
    assert answer.json()["error_code"] == "UNAUTHENTICATED"
