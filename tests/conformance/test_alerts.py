"""Alerts by the SDK; what judges them is in tests/integration."""

from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, NotImplemented, PermissionDenied
from databricks.sdk.service import sql

from tests.conformance.conftest import AsUser

pytestmark = pytest.mark.integration


@pytest.fixture
def query_id(sdk: WorkspaceClient) -> Iterator[str]:
    made = sdk.queries.create(
        query=sql.CreateQueryRequestQuery(query_text="SELECT 1 AS n", warehouse_id="duckdb")
    )
    assert made.id
    yield made.id
    sdk.queries.delete(made.id)


def condition(threshold: float) -> sql.AlertCondition:
    return sql.AlertCondition(
        op=sql.AlertOperator.GREATER_THAN,
        operand=sql.AlertConditionOperand(column=sql.AlertOperandColumn(name="n")),
        threshold=sql.AlertConditionThreshold(value=sql.AlertOperandValue(double_value=threshold)),
    )


def alert_on(query_id: str) -> sql.CreateAlertRequestAlert:
    return sql.CreateAlertRequestAlert(
        display_name="Too many", query_id=query_id, condition=condition(10)
    )


def test_an_alert_lives_and_dies(sdk: WorkspaceClient, query_id: str) -> None:
    made = sdk.alerts.create(alert=alert_on(query_id))
    assert made.id and made.state is sql.AlertState.UNKNOWN
    assert sdk.alerts.get(made.id).display_name == "Too many"
    assert made.id in [each.id for each in sdk.alerts.list(page_size=1)]
    changed = sdk.alerts.update(
        made.id,
        "condition,notify_on_ok",
        alert=sql.UpdateAlertRequestAlert(
            condition=condition(20), notify_on_ok=True, display_name="not in the mask"
        ),
    )
    assert (changed.display_name, changed.notify_on_ok) == ("Too many", True)
    assert changed.condition and changed.condition.threshold
    assert changed.condition.threshold.value == sql.AlertOperandValue(double_value=20)
    sdk.alerts.delete(made.id)
    assert sdk.alerts.get(made.id).lifecycle_state is sql.LifecycleState.TRASHED
    assert made.id not in [each.id for each in sdk.alerts.list()]


def test_an_alert_needs_a_query_and_a_right(
    sdk: WorkspaceClient, as_user: AsUser, other_workspace: WorkspaceClient, query_id: str
) -> None:
    with pytest.raises(InvalidParameterValue):
        sdk.alerts.create(alert=alert_on("nothing"))
    made = sdk.alerts.create(alert=alert_on(query_id))
    assert made.id
    with pytest.raises(NotFound):
        other_workspace.alerts.get(made.id)
    with pytest.raises(PermissionDenied):
        as_user("stranger").alerts.get(made.id)
    sdk.alerts.delete(made.id)


@pytest.mark.refused("alerts_v2.create_alert", "queries and schedules are saved apart from alerts")
@pytest.mark.refused("alerts_v2.get_alert", "queries and schedules are saved apart from alerts")
@pytest.mark.refused("alerts_v2.list_alerts", "queries and schedules are saved apart from alerts")
@pytest.mark.refused("alerts_v2.update_alert", "queries and schedules are saved apart from alerts")
@pytest.mark.refused("alerts_v2.trash_alert", "queries and schedules are saved apart from alerts")
def test_alerts_with_a_schedule_of_their_own_are_refused(sdk: WorkspaceClient) -> None:
    evaluation = sql.AlertV2Evaluation(
        source=sql.AlertV2OperandColumn(name="n"), comparison_operator=sql.ComparisonOperator.EQUAL
    )
    schedule = sql.CronSchedule(quartz_cron_schedule="0 0 6 * * ?", timezone_id="UTC")
    alert = sql.AlertV2(
        display_name="v2",
        query_text="SELECT 1 AS n",
        warehouse_id="duckdb",
        evaluation=evaluation,
        schedule=schedule,
    )
    for call in (
        lambda: sdk.alerts_v2.create_alert(alert),
        lambda: sdk.alerts_v2.get_alert("any"),
        lambda: list(sdk.alerts_v2.list_alerts()),
        lambda: sdk.alerts_v2.update_alert("any", alert, "display_name"),
        lambda: sdk.alerts_v2.trash_alert("any"),
    ):
        with pytest.raises(NotImplemented, match="sql_task"):
            call()


_BY_ID = "the query of an alert is named by its id alone"


@pytest.mark.partly("alerts_legacy.create", _BY_ID)
@pytest.mark.partly("alerts_legacy.get", _BY_ID)
@pytest.mark.partly("alerts_legacy.list", _BY_ID)
def test_older_clients_see_the_same_alerts(sdk: WorkspaceClient, query_id: str) -> None:
    options = sql.AlertOptions(column="n", op=">", value=1, custom_subject="hot")
    made = sdk.alerts_legacy.create("old", options, query_id, rearm=60)
    assert made.id and made.query and made.query.id == query_id
    assert (made.state, made.rearm) == (sql.LegacyAlertState.UNKNOWN, 60)
    newer = sdk.alerts.get(made.id)
    assert newer.condition and newer.condition.op is sql.AlertOperator.GREATER_THAN
    changed = sql.AlertOptions(column="n", op="==", value="cold")
    sdk.alerts_legacy.update(made.id, "older", changed, query_id)
    found = sdk.alerts_legacy.get(made.id)
    assert found.options and (found.name, found.rearm) == ("older", None)
    assert (found.options.op, found.options.value, found.options.custom_subject) == (
        "==",
        "cold",
        None,
    )
    assert made.id in [each.id for each in sdk.alerts_legacy.list()]
    with pytest.raises(InvalidParameterValue, match="muted"):
        sdk.alerts_legacy.create("m", sql.AlertOptions("n", ">", 1, muted=True), query_id)
    sdk.alerts_legacy.delete(made.id)
    with pytest.raises(NotFound):
        sdk.alerts_legacy.get(made.id)
