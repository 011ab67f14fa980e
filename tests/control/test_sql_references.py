"""A sql task's rows and an alert's state, as later tasks' references read them."""

from typing import Any

import httpx2
import pytest
from temporalio.exceptions import ApplicationError

from control.db import Database
from control.deps import Deps
from control.projection import Projector
from control.runs.control_tasks import ControlTasks
from spec.attempts import AttemptResult, TaskRef
from spec.events import RunStarted
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, run_now
from tests.control.test_alerts import alert_task, make_alert
from tests.control.test_internal import open_attempt, ref
from tests.control.test_outputs import leave
from tests.control.test_projection import T0, Play


def sql_task(key: str, **fields: Any) -> dict[str, Any]:
    sql = {"warehouse_id": "duckdb", "file": {"path": "/jobs/q.sql"}, **fields}
    return {"task_key": key, "sql_task": sql}


def after(task: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {**task, "depends_on": [{"task_key": key} for key in keys]}


LOOP = {
    "task_key": "each",
    "for_each_task": {"inputs": "{{tasks.q.output.rows}}", "task": sql_task("one")},
}
DECIDE = {
    "task_key": "decide",
    "condition_task": {
        "op": "EQUAL_TO",
        "left": "{{tasks.watch.output.alert_state}}",
        "right": "TRIGGERED",
    },
}


class Line:
    """A run whose first task has left something, and whose second has begun."""

    def __init__(self, deps: Deps, worker: httpx2.AsyncClient, launcher: Recorder) -> None:
        self.deps, self.worker, self.launcher = deps, worker, launcher

    async def second(self, run_id: int, first: str, **left: Any) -> TaskRef:
        plan = self.launcher.plans[run_id]
        play = Play(plan)
        play.record(RunStarted(at=T0))
        play.advance()
        assert (await open_attempt(self.worker, ref(plan, 1, first))).status_code == 200
        await leave(self.worker, run_id + 1, **left)
        play.end(first, AttemptResult.SUCCESS)
        await Projector(self.deps.database).project(play.batch())
        (key,) = play.state.running
        return TaskRef(
            workspace_id=plan.workspace_id,
            job_id=plan.job_id,
            run_id=run_id,
            task_key=key,
            attempt=0,
            task_run_id=run_id + 2,
        )


@pytest.fixture
async def line(
    deps: Deps, worker: httpx2.AsyncClient, launcher: Recorder, database: Database, token: str
) -> Line:
    await put_file(database, "/jobs/q.sql", b"select 1")
    return Line(deps, worker, launcher)


def rows(*cells: str, **more: Any) -> dict[str, Any]:
    return {"columns": ["n"], "types": ["BIGINT"], "rows": [[cell] for cell in cells], **more}


async def test_a_for_each_runs_over_the_rows_of_a_query(
    api: httpx2.AsyncClient, line: Line
) -> None:
    run_id = await run_now(api, await create_job(api, tasks=[sql_task("q"), after(LOOP, "q")]))
    named = await line.second(run_id, "q", sql=rows("1", "2", "3"))
    assert (await ControlTasks(line.deps).expand(named)).total == 3


async def test_too_many_rows_are_refused_at_once_by_name(
    api: httpx2.AsyncClient, line: Line
) -> None:
    run_id = await run_now(api, await create_job(api, tasks=[sql_task("q"), after(LOOP, "q")]))
    named = await line.second(run_id, "q", sql=rows("1", truncated=True))
    with pytest.raises(ApplicationError, match="more than 1000 rows") as refused:
        await ControlTasks(line.deps).expand(named)
    assert refused.value.non_retryable


async def test_a_parameter_takes_one_column_of_the_first_row(
    api: httpx2.AsyncClient, line: Line
) -> None:
    taker = sql_task("taker", parameters={"n": "<{{tasks.q.output.first_row.n}}>"})
    run_id = await run_now(api, await create_job(api, tasks=[sql_task("q"), after(taker, "q")]))
    await line.second(run_id, "q", sql=rows("41", "42"))
    answer = await open_attempt(line.worker, ref(line.launcher.plans[run_id], 2, "taker"))
    assert answer.json()["program"]["parameters"] == {"n": "<41>"}


async def test_a_missing_column_stops_the_task_with_its_name(
    api: httpx2.AsyncClient, line: Line
) -> None:
    taker = sql_task("taker", parameters={"n": "{{tasks.q.output.first_row.m}}"})
    run_id = await run_now(api, await create_job(api, tasks=[sql_task("q"), after(taker, "q")]))
    await line.second(run_id, "q", sql=rows("41"))
    answer = await open_attempt(line.worker, ref(line.launcher.plans[run_id], 2, "taker"))
    assert answer.status_code == 400
    assert "first_row.m}}: there is no such column" in answer.json()["message"]


async def test_a_condition_reads_an_alerts_state(api: httpx2.AsyncClient, line: Line) -> None:
    alert_id = await make_alert(api)
    tasks = [alert_task(alert_id), after(DECIDE, "watch")]
    job_id = await create_job(api, tasks=tasks, max_concurrent_runs=2)
    for late, outcome in (("11", "true"), ("9", "false")):
        run_id = await run_now(api, job_id)
        left = {"columns": ["late"], "rows": [[late]]}
        named = await line.second(run_id, "watch", sql=left)
        assert (await ControlTasks(line.deps).judge(named)).condition == outcome
