"""Warehouses, statements, saved queries and the history, by the SDK."""

import base64
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    BadRequest,
    InvalidParameterValue,
    NotFound,
    NotImplemented,
    PermissionDenied,
    ResourceAlreadyExists,
)
from databricks.sdk.service import sql

from tests.conformance.conftest import AsUser
from tests.conformance.warehouse import shared_warehouse

pytestmark = pytest.mark.integration

OVER = (sql.StatementState.SUCCEEDED, sql.StatementState.FAILED, sql.StatementState.CANCELED)


@pytest.fixture
def warehouse_id(sdk: WorkspaceClient) -> str:
    return shared_warehouse(sdk)


def ended(sdk: WorkspaceClient, statement_id: str | None) -> sql.StatementResponse:
    assert statement_id
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = sdk.statement_execution.get_statement(statement_id)
        if found.status and found.status.state in OVER:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{statement_id} did not end")


def state_of(found: sql.StatementResponse) -> sql.StatementState | None:
    return found.status.state if found.status else None


# Statements ----------------------------------------------------------------------------------


def test_a_statement_answers_text_with_types(sdk: WorkspaceClient, warehouse_id: str) -> None:
    done = sdk.statement_execution.execute_statement(
        "SELECT :n + 1 AS n, true AS yes, CAST(NULL AS STRING) AS nothing, array(1, 2) AS list",
        warehouse_id,
        parameters=[sql.StatementParameterListItem(name="n", value="41", type="BIGINT")],
    )
    assert done.manifest and done.manifest.schema and done.result
    assert done.result.data_array == [["42", "true", None, "[1,2]"]]
    names = [(each.name, each.type_name) for each in done.manifest.schema.columns or []]
    assert names == [
        ("n", sql.ColumnInfoTypeName.LONG),
        ("yes", sql.ColumnInfoTypeName.BOOLEAN),
        ("nothing", sql.ColumnInfoTypeName.STRING),
        ("list", sql.ColumnInfoTypeName.ARRAY),
    ]


def test_sql_that_fails_is_a_state_and_a_bad_request_an_error(
    sdk: WorkspaceClient, warehouse_id: str
) -> None:
    failed = sdk.statement_execution.execute_statement("SELECT nope", warehouse_id)
    assert failed.status and failed.status.error
    assert state_of(failed) is sql.StatementState.FAILED
    assert failed.status.error.error_code is sql.ServiceErrorCode.BAD_REQUEST
    execute = sdk.statement_execution.execute_statement
    for wrong in (
        {"wait_timeout": "51s"},
        {"format": sql.Format.CSV},
        {"row_limit": 0},
        {"parameters": [sql.StatementParameterListItem(name="n", value="x", type="INT")]},
    ):
        given: dict[str, Any] = wrong
        with pytest.raises(BadRequest):
            execute("SELECT 1", warehouse_id, **given)
    with pytest.raises(NotFound):
        execute("SELECT 1", "0123456789abcdef")


def test_chunks_are_fetched_one_by_one(sdk: WorkspaceClient, warehouse_id: str) -> None:
    done = sdk.statement_execution.execute_statement(
        "SELECT id, repeat('x', 100) AS text FROM range(100000)", warehouse_id, wait_timeout="50s"
    )
    assert done.manifest and done.result and done.statement_id
    rows, chunk = len(done.result.data_array or []), done.result
    while chunk.next_chunk_index is not None:
        chunk = sdk.statement_execution.get_statement_result_chunk_n(
            done.statement_id, chunk.next_chunk_index
        )
        assert chunk.row_offset == rows
        rows += len(chunk.data_array or [])
    assert rows == done.manifest.total_row_count == 100_000
    assert (done.manifest.total_chunk_count or 0) > 1


def test_links_lead_to_csv_without_a_token(sdk: WorkspaceClient, warehouse_id: str) -> None:
    done = sdk.statement_execution.execute_statement(
        "SELECT 1 AS one, NULL AS nothing",
        warehouse_id,
        disposition=sql.Disposition.EXTERNAL_LINKS,
        format=sql.Format.CSV,
    )
    assert done.result and done.result.external_links
    link = done.result.external_links[0].external_link
    assert link
    with urllib.request.urlopen(link) as answer:
        assert answer.read() == b"one,nothing\n1,null\n"


def test_a_statement_is_polled_and_cancelled(sdk: WorkspaceClient, warehouse_id: str) -> None:
    begun = sdk.statement_execution.execute_statement(
        "SELECT count(*) FROM range(100000000000)", warehouse_id, wait_timeout="0s"
    )
    assert state_of(begun) in (sql.StatementState.PENDING, sql.StatementState.RUNNING)
    assert begun.statement_id
    sdk.statement_execution.cancel_execution(begun.statement_id)
    assert state_of(ended(sdk, begun.statement_id)) is sql.StatementState.CANCELED


def test_statements_are_their_senders(
    sdk: WorkspaceClient, as_user: AsUser, other_workspace: WorkspaceClient, warehouse_id: str
) -> None:
    done = sdk.statement_execution.execute_statement("SELECT 1", warehouse_id)
    assert done.statement_id
    with pytest.raises(NotFound):
        other_workspace.statement_execution.get_statement(done.statement_id)
    with pytest.raises(PermissionDenied):
        as_user("stranger").statement_execution.execute_statement("SELECT 1", warehouse_id)


def test_a_small_arrow_answer_comes_with_the_request(
    sdk: WorkspaceClient, warehouse_id: str
) -> None:
    # The SDK has no word for this disposition of the SQL connector's.
    answer = sdk.api_client.do(
        "POST",
        "/api/2.0/sql/statements",
        body={
            "statement": "SELECT 1 AS one",
            "warehouse_id": warehouse_id,
            "disposition": "INLINE_OR_EXTERNAL_LINKS",
            "format": "ARROW_STREAM",
            "result_compression": "LZ4_FRAME",
        },
    )
    assert isinstance(answer, dict)
    assert "result_compression" not in answer["manifest"]
    assert base64.b64decode(answer["result"]["attachment"]).startswith(b"\xff\xff\xff\xff")


def test_a_session_belongs_to_its_maker(
    sdk: WorkspaceClient, as_user: AsUser, warehouse_id: str
) -> None:
    path = "/api/2.0/sql/sessions"
    opened = sdk.api_client.do("POST", path, body={"warehouse_id": warehouse_id})
    assert isinstance(opened, dict)
    mine = f"{path}/{opened['session_id']}"
    with pytest.raises(NotFound):
        as_user("stranger").api_client.do("DELETE", mine)
    sdk.api_client.do("DELETE", mine)
    with pytest.raises(NotFound):
        sdk.api_client.do("DELETE", mine)


# Warehouses ----------------------------------------------------------------------------------


def test_a_warehouse_lives_and_dies(sdk: WorkspaceClient) -> None:
    made = sdk.warehouses.create(
        name="short-lived",
        cluster_size="2X-Small",
        max_num_clusters=1,
        auto_stop_mins=10,
        tags=sql.EndpointTags(custom_tags=[sql.EndpointTagPair(key="team", value="lake")]),
    )
    # Its waiter gives up on a warehouse that says STOPPED.
    assert made.id and sdk.warehouses.get(made.id).state in (
        sql.State.STARTING,
        sql.State.RUNNING,
    )
    running = sdk.warehouses.wait_get_warehouse_running(made.id)
    assert running.odbc_params and running.odbc_params.path == f"/sql/1.0/warehouses/{made.id}"
    with pytest.raises(ResourceAlreadyExists):
        sdk.warehouses.create(name="short-lived", cluster_size="Small")
    edited = sdk.warehouses.edit_and_wait(made.id, name="renamed", auto_stop_mins=0)
    assert (edited.name, edited.auto_stop_mins) == ("renamed", 0)
    assert sdk.warehouses.stop_and_wait(made.id).state is sql.State.STOPPED
    sdk.warehouses.delete(made.id)
    at_once = sdk.warehouses.create_and_wait(name="short-lived", cluster_size="2X-Small")
    assert at_once.id and at_once.state is sql.State.RUNNING
    sdk.warehouses.delete(at_once.id)
    with pytest.raises(NotFound):
        sdk.warehouses.get(made.id)


def test_warehouses_are_listed_page_by_page(sdk: WorkspaceClient, warehouse_id: str) -> None:
    ids = [each.id for each in sdk.warehouses.list(page_size=1)]
    assert {"duckdb", "trino", warehouse_id} <= set(ids)
    assert len(ids) == len(set(ids))
    sources = {each.warehouse_id: each for each in sdk.data_sources.list()}
    assert set(sources) == set(ids)
    assert sources[warehouse_id].name == "conformance"


@pytest.mark.partly("warehouses.set_workspace_warehouse_config", "what is given must be so already")
def test_what_warehouses_have_in_common(sdk: WorkspaceClient) -> None:
    config = sdk.warehouses.get_workspace_warehouse_config()
    types = {each.warehouse_type for each in config.enabled_warehouse_types or []}
    assert types == {
        sql.WarehouseTypePairWarehouseType.CLASSIC,
        sql.WarehouseTypePairWarehouseType.PRO,
    }
    sdk.warehouses.set_workspace_warehouse_config(enable_serverless_compute=False)
    with pytest.raises(InvalidParameterValue):
        sdk.warehouses.set_workspace_warehouse_config(enable_serverless_compute=True)


# Queries and history -------------------------------------------------------------------------


def saved(name: str, text: str = "SELECT 1") -> sql.CreateQueryRequestQuery:
    return sql.CreateQueryRequestQuery(
        display_name=name, query_text=text, warehouse_id="duckdb", tags=["a"]
    )


@pytest.fixture
def query(sdk: WorkspaceClient) -> Iterator[sql.Query]:
    made = sdk.queries.create(query=saved("Conformance"))
    assert made.id
    yield made
    sdk.queries.delete(made.id)


def test_only_what_the_mask_names_changes(sdk: WorkspaceClient, query: sql.Query) -> None:
    assert query.id
    change = sql.UpdateQueryRequestQuery(query_text="SELECT 2", description="not in the mask")
    changed = sdk.queries.update(query.id, "query_text", query=change)
    assert (changed.query_text, changed.description, changed.tags) == ("SELECT 2", "", ["a"])
    changed = sdk.queries.update(query.id, "*", query=change)
    assert changed.description == "not in the mask"
    with pytest.raises(InvalidParameterValue):
        sdk.queries.update(query.id, "nothing", query=change)


def test_queries_are_listed_and_trashed(sdk: WorkspaceClient, query: sql.Query) -> None:
    another = sdk.queries.create(query=saved("Another"), auto_resolve_display_name=True)
    assert another.id and query.id
    found = [each.id for each in sdk.queries.list(page_size=1)]
    assert found.index(another.id) < found.index(query.id)
    with pytest.raises(ResourceAlreadyExists):
        sdk.queries.create(query=saved("Conformance"))
    sdk.queries.delete(another.id)
    assert another.id not in [each.id for each in sdk.queries.list()]
    assert sdk.queries.get(another.id).lifecycle_state is sql.LifecycleState.TRASHED


@pytest.mark.partly("queries_legacy.create", "markers are `:name`; texts and numbers as parameters")
def test_older_clients_see_the_same_queries(sdk: WorkspaceClient) -> None:
    options = {"parameters": [{"name": "n", "type": "number", "value": 7}]}
    made = sdk.queries_legacy.create(
        name="Old style", query="SELECT :n", data_source_id="duckdb", options=options, tags=["x"]
    )
    assert made.id and sdk.queries.get(made.id).display_name == "Old style"
    changed = sdk.queries_legacy.update(made.id, description="now told")
    assert (changed.description, changed.query, changed.tags) == ("now told", "SELECT :n", ["x"])
    assert changed.options and [p.value for p in changed.options.parameters or []] == [7]
    assert made.id in [each.id for each in sdk.queries_legacy.list(page_size=1, q="old")]
    sdk.queries_legacy.delete(made.id)
    assert sdk.queries_legacy.get(made.id).is_archived
    sdk.queries_legacy.restore(made.id)
    assert not sdk.queries_legacy.get(made.id).is_archived
    with pytest.raises(BadRequest, match=":name"):
        sdk.queries_legacy.update(made.id, query="SELECT {{ n }}")
    sdk.queries.delete(made.id)


def test_queries_are_seen_by_those_who_may(
    as_user: AsUser, other_workspace: WorkspaceClient, query: sql.Query
) -> None:
    assert query.id
    with pytest.raises(NotFound):
        other_workspace.queries.get(query.id)
    with pytest.raises(PermissionDenied):
        as_user("stranger").queries.get(query.id)
    assert query.id not in [each.id for each in as_user("stranger").queries.list()]


def test_the_history_is_filtered_and_paged(sdk: WorkspaceClient, warehouse_id: str) -> None:
    ids = [
        sdk.statement_execution.execute_statement(f"SELECT {number}", warehouse_id).statement_id
        for number in range(2)
    ]
    wanted = sql.QueryFilter(
        warehouse_ids=[warehouse_id], statement_ids=[each for each in ids if each]
    )
    first = sdk.query_history.list(filter_by=wanted, max_results=1, include_metrics=True)
    (newest,) = first.res or []
    assert (newest.query_id, newest.status) == (ids[1], sql.QueryStatus.FINISHED)
    assert first.has_next_page
    second = sdk.query_history.list(
        filter_by=wanted, max_results=1, page_token=first.next_page_token
    )
    assert [each.query_id for each in second.res or []] == [ids[0]]
    assert not second.has_next_page


# What is left out ----------------------------------------------------------------------------


@pytest.mark.refused("dashboards.list", "there are no dashboards")
@pytest.mark.refused("dashboards.get", "there are no dashboards")
@pytest.mark.refused("dashboards.delete", "there are no dashboards")
@pytest.mark.refused("dashboards.restore", "there are no dashboards")
@pytest.mark.refused("dashboards.update", "there are no dashboards")
@pytest.mark.refused("dashboard_widgets.delete", "there are no dashboards")
@pytest.mark.refused("lakeview.list", "there are no dashboards")
@pytest.mark.refused("lakeview.get", "there are no dashboards")
@pytest.mark.refused("lakeview.trash", "there are no dashboards")
@pytest.mark.refused("genie.list_spaces", "there is no assistant")
@pytest.mark.refused("query_visualizations.delete", "queries have no visualizations")
@pytest.mark.refused("query_visualizations_legacy.delete", "queries have no visualizations")
@pytest.mark.refused("redash_config.get_config", "there are no dashboards")
@pytest.mark.refused("warehouses.list_default_warehouse_overrides", "no defaults of users")
def test_what_is_left_out_is_refused_with_a_reason(sdk: WorkspaceClient) -> None:
    for call in (
        lambda: list(sdk.dashboards.list()),
        lambda: sdk.dashboards.get("any"),
        lambda: sdk.dashboards.delete("any"),
        lambda: sdk.dashboards.restore("any"),
        lambda: sdk.dashboards.update("any", name="x"),
        lambda: sdk.dashboard_widgets.delete("any"),
        lambda: list(sdk.lakeview.list()),
        lambda: sdk.lakeview.get("any"),
        lambda: sdk.lakeview.trash("any"),
        lambda: sdk.genie.list_spaces(),
        lambda: sdk.query_visualizations.delete("any"),
        lambda: sdk.query_visualizations_legacy.delete("any"),
        lambda: sdk.redash_config.get_config(),
        lambda: list(sdk.warehouses.list_default_warehouse_overrides()),
    ):
        with pytest.raises(NotImplemented, match="OpenLake does not serve this"):
            call()
