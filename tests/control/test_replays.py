"""What a replay works from, and which runs cannot be replayed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from control.jobs.tables import SettingsSnapshot
from control.replays.plan import replay_settings
from control.replays.written import check_age
from control.runs.tables import Run
from spec.errors import Invalid
from tests.control.make import create_job, put_file, python_task, run_now

NESTED = {"task_key": "x", "run_job_task": {"job_id": 1}}


def snapshot(**fields: Any) -> SettingsSnapshot:
    settings = {"name": "flights", "tasks": [python_task("a"), python_task("b", "a")], **fields}
    return SettingsSnapshot(hash="h", settings=settings, files={})


def test_a_replay_tells_nobody_starts_by_nothing_and_is_not_on_main() -> None:
    heard = {"on_failure": ["ann@example.com"]}
    schedule = {"quartz_cron_expression": "0 0 6 * * ?", "timezone_id": "UTC"}
    tasks = [python_task("a", email_notifications=heard), python_task("b", "a")]
    whole = snapshot(email_notifications=heard, schedule=schedule, tasks=tasks, tags={"k": "v"})
    again = replay_settings(whole)
    assert again.name == "replay of flights" and again.tags == {"k": "v"}
    assert (again.email_notifications, again.schedule) == (None, None)
    assert [task.email_notifications for task in again.tasks] == [None, None]
    assert again.publish is not None and again.publish.on_failure == "keep_branch"


def test_a_replay_is_audited_as_the_run_was() -> None:
    check = {
        "task_key": "check",
        "depends_on": [{"task_key": "b"}],
        "check_task": {"warehouse_id": "duckdb", "table": "s.t", "min_rows": 1},
    }
    tasks = [python_task("a"), python_task("b", "a"), check]
    again = replay_settings(snapshot(tasks=tasks, publish={"audit": ["check"]}))
    assert again.publish is not None and again.publish.audit == ("check",)


@pytest.mark.parametrize(
    "task",
    [
        {"run_job_task": {"job_id": 7}},
        {"airflow_task": {"dag_id": "d"}},
        {
            "for_each_task": {
                "inputs": "[1]",
                "task": {"task_key": "x", "run_job_task": {"job_id": 1}},
            }
        },
    ],
)
def test_what_reaches_the_outside_is_not_done_again(task: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="cannot be replayed"):
        replay_settings(snapshot(tasks=[{"task_key": "out", **task}]))


async def test_only_a_run_that_has_ended_is_replayed(
    api: httpx2.AsyncClient, database: Any
) -> None:
    await put_file(database, "/jobs/main.py")
    run_id = await run_now(api, await create_job(api))
    answer = await api.post(f"/api/openlake/1.0/runs/{run_id}/replay")
    assert answer.status_code == 400 and "has not ended" in answer.json()["message"]
    answer = await api.post(f"/api/openlake/1.0/runs/{run_id + 1}/replay")
    assert answer.status_code == 400 and "is a task run" in answer.json()["message"]
    answer = await api.post("/api/openlake/1.0/runs/1048576000/replay")
    assert answer.status_code == 404


def test_a_run_whose_files_may_be_gone_is_refused() -> None:
    now = datetime.now(UTC)
    run = Run(run_id=1 << 20, started_at=now - timedelta(days=8))  # pyright: ignore[reportCallIssue]
    assert check_age(run, timedelta(days=9)) == run.started_at
    with pytest.raises(Invalid, match="HISTORY_DAYS"):
        check_age(run, timedelta(days=7))
