"""SQL alerts: the API by Databricks' own client, and what a task's rows do to an alert."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue
from databricks.sdk.errors.platform import ResourceDoesNotExist
from databricks.sdk.service import sql
from sqlmodel import col, select

from control.alerts.evaluation import body, filled, subject
from control.db import Database
from control.deps import Deps
from control.notifications.messages import message_of
from control.notifications.tables import Delivery
from spec.alerts import AlertCondition, AlertState, Verdict
from spec.api.alerts import PinnedAlert
from tests.control.conftest import Recorder
from tests.control.make import create_job, run_now
from tests.control.serving import serving
from tests.control.test_internal import open_attempt, ref
from tests.control.test_outputs import begin, leave, output
from tests.control.test_sdk import call

LATE = {
    "op": "GREATER_THAN",
    "operand": {"column": {"name": "late"}},
    "threshold": {"value": {"double_value": 10.0}},
}


@pytest.fixture
async def sdk(deps: Deps, token: str) -> AsyncIterator[WorkspaceClient]:
    async with serving(deps) as url:
        yield await call(WorkspaceClient, host=url, token=token)


async def make_query(api: httpx2.AsyncClient, text: str = "select 1 as late") -> str:
    query = {"display_name": "delays", "query_text": text}
    return (await api.post("/api/2.0/sql/queries", json={"query": query})).json()["id"]


async def make_alert(api: httpx2.AsyncClient, **fields: Any) -> str:
    alert = {"display_name": "late", "query_id": await make_query(api), "condition": LATE, **fields}
    answer = await api.post("/api/2.0/sql/alerts", json={"alert": alert})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def test_an_alert_lives_and_dies_by_the_sdk(sdk: WorkspaceClient) -> None:
    query = await call(
        sdk.queries.create, query=sql.CreateQueryRequestQuery(query_text="select 1 as late")
    )
    condition = sql.AlertCondition.from_dict(LATE)
    made = await call(
        sdk.alerts.create,
        alert=sql.CreateAlertRequestAlert(
            display_name="late", query_id=query.id, condition=condition, seconds_to_retrigger=60
        ),
    )
    assert made.id is not None and made.as_dict()["condition"] == LATE
    assert (made.state, made.lifecycle_state) == (sql.AlertState.UNKNOWN, sql.LifecycleState.ACTIVE)
    assert (made.owner_user_name, made.trigger_time) == ("admin@openlake.local", None)
    changed = await call(
        sdk.alerts.update,
        made.id,
        "display_name,notify_on_ok",
        alert=sql.UpdateAlertRequestAlert(
            display_name="very late", notify_on_ok=True, custom_body="ignored"
        ),
    )
    assert (changed.display_name, changed.notify_on_ok) == ("very late", True)
    assert (changed.custom_body, changed.seconds_to_retrigger) == (None, 60)
    other = await call(
        sdk.alerts.create,
        alert=sql.CreateAlertRequestAlert(query_id=query.id, condition=condition),
    )
    listed = await call(lambda: [alert.id for alert in sdk.alerts.list(page_size=1)])
    assert listed == [other.id, made.id]
    await call(sdk.alerts.delete, other.id)
    assert [alert.id for alert in await call(lambda: list(sdk.alerts.list()))] == [made.id]
    trashed = await call(sdk.alerts.get, other.id)
    assert trashed.lifecycle_state is sql.LifecycleState.TRASHED
    with pytest.raises(ResourceDoesNotExist):
        await call(sdk.alerts.get, "nope")


async def test_what_makes_no_sense_is_refused(sdk: WorkspaceClient, token: str) -> None:
    condition = sql.AlertCondition.from_dict(LATE)
    with pytest.raises(InvalidParameterValue, match="no saved query 'nope'"):
        await call(
            sdk.alerts.create,
            alert=sql.CreateAlertRequestAlert(query_id="nope", condition=condition),
        )
    query = await call(sdk.queries.create, query=sql.CreateQueryRequestQuery(query_text="x"))
    empty = sql.AlertCondition(
        op=sql.AlertOperator.EQUAL,
        operand=sql.AlertConditionOperand(column=sql.AlertOperandColumn(name="x")),
    )
    with pytest.raises(InvalidParameterValue, match="exactly one of"):
        await call(
            sdk.alerts.create, alert=sql.CreateAlertRequestAlert(query_id=query.id, condition=empty)
        )
    made = await call(
        sdk.alerts.create,
        alert=sql.CreateAlertRequestAlert(query_id=query.id, condition=condition),
    )
    for mask, says in (("nope", "no field nope"), ("display_name", "display_name a value")):
        with pytest.raises(InvalidParameterValue, match=says):
            await call(sdk.alerts.update, made.id, mask, alert=sql.UpdateAlertRequestAlert())


def alert_task(alert_id: str, **fields: Any) -> dict[str, Any]:
    alert = {"alert_id": alert_id, **fields}
    return {"task_key": "watch", "sql_task": {"warehouse_id": "duckdb", "alert": alert}}


class Watch:
    """Runs a job with one alert again and again."""

    def __init__(
        self, api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder, job_id: int
    ) -> None:
        self.api, self.worker, self.launcher, self.job_id = api, worker, launcher, job_id

    async def open(self) -> tuple[int, dict[str, Any]]:
        run_id = await run_now(self.api, self.job_id)
        answer = await open_attempt(self.worker, ref(self.launcher.plans[run_id], 1, "watch"))
        assert answer.status_code == 200, answer.text
        return run_id + 1, answer.json()

    async def see(self, late: str | None) -> int:
        """Let a run find this value; return its task run."""
        task_run_id, _ = await self.open()
        await leave(self.worker, task_run_id, sql={"columns": ["late"], "rows": [[late]]})
        return task_run_id

    async def alert(self, alert_id: str) -> dict[str, Any]:
        return (await self.api.get(f"/api/2.0/sql/alerts/{alert_id}")).json()


@pytest.fixture
async def watched(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder
) -> tuple[Watch, str]:
    alert_id = await make_alert(api, notify_on_ok=True)
    to = [{"user_name": "ada@example.com"}, {"destination_id": "d-1"}]
    job_id = await create_job(
        api, tasks=[alert_task(alert_id, subscriptions=to)], max_concurrent_runs=100
    )
    return Watch(api, worker, launcher, job_id), alert_id


async def deliveries(database: Database) -> list[Delivery]:
    async with database.read_session() as session:
        query = select(Delivery).order_by(col(Delivery.delivery_id))
        return list((await session.exec(query)).all())


async def test_the_alerts_query_is_pinned_and_run(
    api: httpx2.AsyncClient, watched: tuple[Watch, str]
) -> None:
    watch, alert_id = watched
    run_id = await run_now(api, watch.job_id)
    query_id = (await watch.alert(alert_id))["query_id"]
    changed = {"query": {"query_text": "select 2"}, "update_mask": "query_text"}
    await api.patch(f"/api/2.0/sql/queries/{query_id}", json=changed)
    named = ref(watch.launcher.plans[run_id], 1, "watch")
    program = (await open_attempt(watch.worker, named)).json()["program"]
    assert (program["type"], program["text"]) == ("sql", "select 1 as late")


async def test_rows_decide_the_state_and_get_output_tells_it(
    api: httpx2.AsyncClient, watched: tuple[Watch, str], database: Database
) -> None:
    watch, alert_id = watched
    task_run_id = 0
    for late, state in (("11", "TRIGGERED"), ("9", "OK"), ("many", "UNKNOWN")):
        task_run_id = await watch.see(late)
        await begin(database, watch.launcher, task_run_id)
        found = (await output(api, task_run_id))["sql_output"]["alert_output"]
        assert (found["alert_state"], found["query_text"]) == (state, "select 1 as late")
        assert found["warehouse_id"] == "duckdb"
        assert (await watch.alert(alert_id))["state"] == state
    left = await api.get(f"/api/openlake/1.0/task-runs/{task_run_id}/output")
    assert left.json()["alert"]["reason"] == "'many' is no number"


async def test_a_query_that_fails_leaves_the_state_unknown(watched: tuple[Watch, str]) -> None:
    watch, alert_id = watched
    await watch.see("11")
    task_run_id, _ = await watch.open()
    await leave(watch.worker, task_run_id, error="CatalogException: no table")
    alert = await watch.alert(alert_id)
    assert alert["state"] == "UNKNOWN"
    assert alert["trigger_time"]


async def test_subscribers_hear_of_changes_once(
    watched: tuple[Watch, str], database: Database
) -> None:
    watch, _ = watched
    first = await watch.see("11")
    await leave(watch.worker, first, sql={"columns": ["late"], "rows": [["11"]]})
    await watch.see("12")
    last = await watch.see("3")
    told = await deliveries(database)
    assert [(each.event, each.channel, each.destination) for each in told] == [
        ("alert_triggered", "email", "ada@example.com"),
        ("alert_triggered", "destination", "d-1"),
        ("alert_ok", "email", "ada@example.com"),
        ("alert_ok", "destination", "d-1"),
    ]
    assert [each.task_run_id for each in told] == [first, first, last, last]
    message = message_of(told[0], "http://here")
    assert message.title == "Alert late is triggered"
    assert "late > 10: the query 'delays' gave late = 11" in message.body


async def test_paused_subscriptions_are_silent(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder, database: Database
) -> None:
    alert_id = await make_alert(api)
    to = [{"user_name": "ada@example.com"}]
    task = alert_task(alert_id, subscriptions=to, pause_subscriptions=True)
    watch = Watch(api, worker, launcher, await create_job(api, tasks=[task]))
    await watch.see("11")
    assert (await watch.alert(alert_id))["state"] == "TRIGGERED"
    assert await deliveries(database) == []


async def test_a_run_is_refused_when_its_alert_is_gone(
    api: httpx2.AsyncClient, watched: tuple[Watch, str]
) -> None:
    watch, alert_id = watched
    await api.delete(f"/api/2.0/sql/alerts/{alert_id}")
    answer = await api.post("/api/2.2/jobs/run-now", json={"job_id": watch.job_id})
    assert answer.status_code == 400
    assert f"task 'watch': there is no alert '{alert_id}'" in answer.json()["message"]


def test_templates_are_filled_in_databricks_words() -> None:
    pinned = PinnedAlert(
        alert_id="a",
        display_name="late",
        query_name="delays",
        query_text="select 1",
        condition=AlertCondition.model_validate(LATE),
        custom_subject="{{ALERT_NAME}}: {{ ALERT_STATUS }}",
        custom_body="{{QUERY_NAME}}.{{ALERT_COLUMN}} {{QUERY_RESULT_VALUE}} > {{ALERT_THRESHOLD}}",
    )
    verdict = Verdict(AlertState.TRIGGERED, value="11")
    assert subject(pinned, verdict) == "late: TRIGGERED"
    assert body(pinned, verdict) == "delays.late 11 > 10"
    assert filled("{{NOPE}} {{ALERT_CONDITION}}", pinned, verdict) == "{{NOPE}} late > 10"
