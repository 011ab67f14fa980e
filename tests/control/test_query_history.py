"""The history of statements as the unmodified SDK reads it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue
from databricks.sdk.service import sql

from control.auth import Caller
from control.db import Database
from control.deps import Deps
from control.runs.views import millis
from control.statements.history import first_id
from control.statements.tables import Statement
from control.workspaces.tables import Workspace
from spec.api.query_history import statement_type
from tests.control.serving import serving
from tests.control.test_sdk import call

T0 = datetime(2024, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def sdk(deps: Deps, token: str) -> AsyncIterator[WorkspaceClient]:
    async with serving(deps) as url:
        yield await call(WorkspaceClient, host=url, token=token)


def statement(number: int, **fields: Any) -> Statement:
    """A statement of the `number`-th minute after T0."""
    at = T0 + timedelta(minutes=number)
    facts: dict[str, Any] = {
        "workspace_id": 1,
        "warehouse_id": "duckdb",
        "user_name": "admin@openlake.local",
        "client": "test/1.0",
        "text": f"SELECT {number}",
        "disposition": "INLINE",
        "format": "JSON_ARRAY",
        "state": "SUCCEEDED",
        "kind": "SELECT",
        "row_count": number,
        "byte_count": 10 * number,
        "created_at": at,
        "started_at": at + timedelta(milliseconds=100),
        "ended_at": at + timedelta(milliseconds=1500),
    }
    return Statement(statement_id=first_id(millis(at)), **(facts | fields))


async def keep(database: Database, *rows: Statement) -> None:
    async with database.session() as session:
        session.add_all(rows)


async def test_a_statement_is_told_whole(sdk: WorkspaceClient, database: Database) -> None:
    tags = [{"key": "openlake.query_id", "value": "q1"}, {"key": "team", "value": "x"}]
    await keep(database, statement(7, query_tags=tags))
    found = await call(sdk.query_history.list, include_metrics=True)
    assert (found.has_next_page, found.next_page_token) == (False, None)
    assert found.res is not None
    (item,) = found.res
    start = millis(T0 + timedelta(minutes=7))
    assert (item.query_text, item.status) == ("SELECT 7", sql.QueryStatus.FINISHED)
    assert item.statement_type is sql.QueryStatementType.SELECT
    assert (item.warehouse_id, item.endpoint_id) == ("duckdb", "duckdb")
    assert (item.user_name, item.executed_as_user_name) == ("admin@openlake.local",) * 2
    assert item.user_id == item.executed_as_user_id and item.user_id is not None
    assert (item.query_start_time_ms, item.query_end_time_ms) == (start, start + 1500)
    assert (item.duration, item.rows_produced, item.is_final) == (1500, 7, True)
    assert item.client_application == "test/1.0"
    assert [each.key for each in item.query_tags or []] == ["team"]
    assert item.query_source is not None and item.query_source.sql_query_id == "q1"
    assert item.metrics is not None
    assert (item.metrics.total_time_ms, item.metrics.execution_time_ms) == (1500, 1400)
    assert item.metrics.rows_produced_count == 7
    plain = await call(sdk.query_history.list)
    assert plain.res is not None and plain.res[0].metrics is None


async def test_pages_go_on_without_gap_or_repetition(
    sdk: WorkspaceClient, database: Database
) -> None:
    await keep(database, *(statement(number) for number in range(5)))
    found: list[str | None] = []
    token: str | None = None
    while True:
        page = await call(sdk.query_history.list, max_results=2, page_token=token)
        found += [item.query_text for item in page.res or []]
        # One that comes meanwhile is newer than every page to come.
        if token is None:
            await keep(database, statement(9))
        token = page.next_page_token
        assert page.has_next_page == (token is not None)
        if token is None:
            break
    assert found == [f"SELECT {number}" for number in (4, 3, 2, 1, 0)]


async def test_filters(sdk: WorkspaceClient, database: Database, caller: Caller) -> None:
    await keep(
        database,
        statement(1, state="FAILED", error_code="BAD_REQUEST", message="no such table"),
        statement(2, warehouse_id="trino"),
        statement(3, state="RUNNING", ended_at=None, row_count=None),
        statement(4, state="PENDING", ended_at=None, started_at=None, kind=None),
        statement(5, user_name="bob@example.com", state="CANCELED"),
    )

    async def numbers(**fields: Any) -> list[str]:
        page = await call(sdk.query_history.list, filter_by=sql.QueryFilter(**fields))
        return [str(item.query_text).removeprefix("SELECT ") for item in page.res or []]

    status = sql.QueryStatus
    assert await numbers(statuses=[status.FAILED]) == ["1"]
    assert await numbers(statuses=[status.QUEUED, status.RUNNING]) == ["4", "3"]
    assert await numbers(statuses=[status.COMPILING]) == []
    assert await numbers(warehouse_ids=["trino"]) == ["2"]
    assert await numbers(user_ids=[caller.principal_id]) == ["4", "3", "2", "1"]
    assert await numbers(user_ids=[999]) == []
    ids = [statement(number).statement_id for number in (2, 5)]
    assert await numbers(statement_ids=ids) == ["5", "2"]
    at = [millis(T0 + timedelta(minutes=number)) for number in range(6)]
    assert await numbers(query_start_time_range=sql.TimeRange(at[4], at[2])) == ["4", "3", "2"]
    assert await numbers(query_start_time_range=sql.TimeRange(None, at[5])) == ["5"]
    assert await numbers(query_start_time_range=sql.TimeRange(at[1] - 1)) == []
    failed = await call(sdk.query_history.list, filter_by=sql.QueryFilter(statuses=[status.FAILED]))
    assert failed.res is not None and failed.res[0].error_message == "no such table"
    running = await call(
        sdk.query_history.list, filter_by=sql.QueryFilter(statuses=[status.RUNNING])
    )
    assert running.res is not None
    assert (running.res[0].is_final, running.res[0].query_end_time_ms) == (False, None)
    assert (running.res[0].duration or 0) > 1000


async def test_the_statements_of_one_saved_query(
    api: httpx2.AsyncClient, database: Database
) -> None:
    tags = [[{"key": "openlake.query_id", "value": value}] for value in ("q1", "q2")]
    await keep(database, statement(1, query_tags=tags[0]), statement(2, query_tags=tags[1]))
    path = "/api/2.0/sql/history/queries"
    found = await api.get(path, params={"filter_by.sql_query_id": "q1"})
    assert [item["query_text"] for item in found.json()["res"]] == ["SELECT 1"]


async def test_bad_questions_are_refused(sdk: WorkspaceClient, api: httpx2.AsyncClient) -> None:
    at = millis(T0)
    for bad, message in (
        (sql.TimeRange(at - 1, at), "ends before it starts"),
        (sql.TimeRange(at + 31 * 24 * 3600_000, at), "30 days long at most"),
    ):
        with pytest.raises(InvalidParameterValue, match=message):
            await call(
                sdk.query_history.list, filter_by=sql.QueryFilter(query_start_time_range=bad)
            )
    for query in ("max_results=1000", "page_token=x", "filter_by.statuses=LOST"):
        answer = await api.get(f"/api/2.0/sql/history/queries?{query}")
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


async def test_other_workspaces_are_not_seen(sdk: WorkspaceClient, database: Database) -> None:
    async with database.session() as session:
        session.add(Workspace(workspace_id=2, name="other"))
        await session.flush()
        session.add(statement(1, workspace_id=2))
    assert (await call(sdk.query_history.list)).res == []


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("CREATE TABLE", "CREATE"),
        ("WITH", "SELECT"),
        ("select", "SELECT"),
        ("CALL", "OTHER"),
        (None, None),
    ],
)
def test_statement_types_are_databricks_words(kind: str | None, word: str | None) -> None:
    assert statement_type(kind) == word
    assert word is None or word in sql.QueryStatementType.__members__
