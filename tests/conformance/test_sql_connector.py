"""The unmodified `databricks-sql-connector` on its statement backend, against a running stack."""

import datetime
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from databricks import sql
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.sql import QueryFilter

from tests.conformance.warehouse import shared_warehouse

pytestmark = [
    pytest.mark.integration,
    # The connector's own: threads and connections that it closes when it is collected.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def connect(sdk: WorkspaceClient, warehouse_id: str, **more: Any) -> Any:
    address = urlsplit(str(sdk.config.host))
    return sql.connect(
        server_hostname=f"{address.scheme}://{address.hostname}",
        _port=address.port,
        http_path=f"/sql/1.0/warehouses/{warehouse_id}",
        access_token=sdk.config.token,
        use_sea=True,
        enable_telemetry=False,
        **more,
    )


@pytest.fixture
def connection(sdk: WorkspaceClient) -> Iterator[Any]:
    place = {"catalog": "lakehouse", "schema": "default"}
    with connect(sdk, shared_warehouse(sdk), **place) as opened:
        yield opened


def test_rows_are_fetched_one_by_one_many_and_all(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, CAST(id AS STRING) AS text FROM range(10) ORDER BY id")
        assert [each[:2] for each in cursor.description] == [("id", "bigint"), ("text", "string")]
        assert tuple(cursor.fetchone()) == (0, "0")
        assert [row.id for row in cursor.fetchmany(3)] == [1, 2, 3]
        assert [row.id for row in cursor.fetchall()] == [4, 5, 6, 7, 8, 9]
        assert cursor.fetchone() is None


def test_named_parameters_keep_their_types(connection: Any) -> None:
    given = {
        "whole": 7,
        "text": "it's",
        "number": Decimal("12.50"),
        "real": 1.5,
        "yes": True,
        "day": datetime.date(2024, 2, 29),
        "nothing": None,
    }
    asked = ", ".join(f":{name} AS {name}" for name in given)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {asked}", given)
        assert cursor.fetchone().asDict() == given


def test_a_large_answer_comes_as_arrow_by_links(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, CAST(id AS STRING) AS text FROM range(600000)")
        table = cursor.fetchall_arrow()
    assert table.num_rows == 600_000
    assert sum(table.column("id").to_pylist()) == 600_000 * 599_999 // 2


def test_a_small_answer_comes_at_once_if_the_client_takes_both(sdk: WorkspaceClient) -> None:
    with (
        connect(sdk, shared_warehouse(sdk), use_hybrid_disposition=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT 1 AS one")
        assert [tuple(row) for row in cursor.fetchall()] == [(1,)]
        cursor.execute("SELECT id, CAST(id AS STRING) AS text FROM range(600000)")
        assert cursor.fetchall_arrow().num_rows == 600_000
        cursor.execute("SELECT 1 AS one WHERE 1 = 0")
        assert cursor.fetchall() == []


def test_json_answers_without_cloud_fetch(sdk: WorkspaceClient) -> None:
    with (
        connect(sdk, shared_warehouse(sdk), use_cloud_fetch=False) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT 1 AS one, CAST(2.5 AS DECIMAL(4,2)) AS two, NULL AS three")
        assert tuple(cursor.fetchone()) == (1, Decimal("2.50"), None)


def test_a_failing_statement_says_why(connection: Any) -> None:
    with connection.cursor() as cursor, pytest.raises(sql.ServerOperationError, match="nowhere"):
        cursor.execute("SELECT * FROM nowhere")


def test_the_catalog_is_listed(sdk: WorkspaceClient, connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS connector")
        cursor.execute("CREATE TABLE IF NOT EXISTS connector.books (id INT, title STRING)")
        try:
            cursor.catalogs()
            assert "lakehouse" in [row.catalog for row in cursor.fetchall()]
            cursor.schemas("lakehouse", "conn*")
            assert [row.databaseName for row in cursor.fetchall()] == ["connector"]
            cursor.tables("lakehouse", "connector")
            (table,) = cursor.fetchall()
            assert (table.tableName, table.tableType) == ("books", "TABLE")
            cursor.columns("lakehouse", "connector", "books")
            columns = [(row.col_name, row.columnType) for row in cursor.fetchall()]
            assert columns == [("id", "int"), ("title", "string")]
        finally:
            sdk.schemas.delete("lakehouse.connector", force=True)


def test_a_session_gives_place_and_tags(sdk: WorkspaceClient) -> None:
    warehouse_id = shared_warehouse(sdk)
    settings = {"QUERY_TAGS": "team:lake", "TIMEZONE": "UTC"}
    with (
        connect(sdk, warehouse_id, session_configuration=settings) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT 'tagged by its session'")
        statement_id = str(cursor.query_id)
    wanted = QueryFilter(statement_ids=[statement_id])
    (found,) = sdk.query_history.list(filter_by=wanted).res or []
    assert [(tag.key, tag.value) for tag in found.query_tags or []] == [("team", "lake")]


def test_a_setting_that_would_change_answers_is_refused(sdk: WorkspaceClient) -> None:
    with pytest.raises(sql.Error, match="400"):
        connect(sdk, shared_warehouse(sdk), session_configuration={"TIMEZONE": "Europe/Berlin"})


def test_cancelling_from_elsewhere_stops_a_statement(sdk: WorkspaceClient, connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute_async("SELECT count(*) FROM range(100000000000) a")
        cursor.cancel()
        deadline = time.monotonic() + 60
        while cursor.is_query_pending() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert cursor.get_query_state().name == "CANCELLED"


def test_the_thrift_default_is_refused_at_once_with_what_to_do(sdk: WorkspaceClient) -> None:
    address = urlsplit(str(sdk.config.host))
    path = "/sql/1.0/warehouses/duckdb"
    with pytest.raises(sql.Error, match="use_sea=True"):
        sql.connect(
            server_hostname=address.hostname,
            http_path=path,
            access_token=sdk.config.token,
            enable_telemetry=False,
            # Otherwise it takes HTTPS for granted.
            _connection_uri=f"{sdk.config.host}{path}",
        )
