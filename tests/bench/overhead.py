"""What a small SQL statement costs over its engine's own client, in turns; OpenLake only."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import trino
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.sql import StatementState

from activities.sql.duckdb_catalog import Lakehouse
from control.gateway.tokens import PrincipalClaims, issue
from control.stack.layout import Layout
from tests.bench.measures import Measure, Values
from tests.bench.subject import Subject
from tests.bench.subjects.openlake import OpenLake

TABLE = "lakehouse.default.bench_statements"
TEXT = f"SELECT count(*), max(a) FROM {TABLE}"


def statement(client: WorkspaceClient, warehouse: str, text: str, **fields: Any) -> Any:
    """Carry a statement out and return its answer.

    Raises:
        AssertionError: It did not succeed.
    """
    answer = client.statement_execution.execute_statement(
        text, warehouse, wait_timeout="50s", **fields
    )
    status = answer.status
    while status and status.state in (StatementState.PENDING, StatementState.RUNNING):
        time.sleep(0.2)
        answer = client.statement_execution.get_statement(answer.statement_id or "")
        status = answer.status
    assert status and status.state is StatementState.SUCCEEDED, status
    return answer


def _token(layout: Layout) -> str:
    claims = PrincipalClaims(
        workspace_id=1, expires_at=datetime.now(UTC) + timedelta(hours=1), user="bench"
    )
    return issue(layout.secret("signing-key"), claims)


def _trino(layout: Layout) -> Callable[[str], Any]:
    connection = trino.dbapi.connect(
        host="127.0.0.1",
        port=layout.settings.ports.trino,
        user="bench",
        catalog="lakehouse",
        schema="default",
        source="bench",
        extra_credential=[("token", _token(layout))],
    )

    def run(text: str) -> Any:
        cursor = connection.cursor()
        cursor.execute(text)
        return cursor.fetchall()

    return run


def _duckdb(layout: Layout) -> Callable[[str], Any]:
    keys = layout.s3("lakehouse")
    lakehouse = Lakehouse(
        {
            "name": "lakehouse",
            "uri": layout.gateway_iceberg_url,
            "warehouse": "lakehouse",
            "token": _token(layout),
        },
        {
            "endpoint": keys.endpoint,
            "region": keys.region,
            "access_key": keys.access_key,
            "secret_key": keys.secret_key,
        },
    )
    return lambda text: lakehouse.execute(text, {}).fetchall()


def _timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


_RAW: dict[str, Callable[..., Callable[[str], Any]]] = {"duckdb": _duckdb, "trino": _trino}


def overhead(engine: str) -> Measure:
    """Return the measure of one engine's warehouse."""
    raw: dict[int, Callable[[str], Any]] = {}
    clients: dict[int, WorkspaceClient] = {}

    def prepare(subject: Subject, size: int) -> None:
        stack = _openlake(subject)
        client = stack.stack.client()
        fill = f"CREATE OR REPLACE TABLE {TABLE} AS SELECT i AS a FROM range(1000) t(i)"
        statement(client, "duckdb", fill)
        clients[id(subject)] = client
        raw[id(subject)] = _RAW[engine](stack.layout)
        for _ in range(5):
            take(subject, size)

    def take(subject: Subject, size: int) -> Values:
        raw_ms = _timed(lambda: raw[id(subject)](TEXT))
        whole_ms = _timed(lambda: statement(clients[id(subject)], engine, TEXT))
        return {"raw_ms": raw_ms, "statement_ms": whole_ms, "overhead_ms": whole_ms - raw_ms}

    return Measure(take, prepare, 1)


def _openlake(subject: Subject) -> OpenLake:
    assert isinstance(subject, OpenLake)
    return subject
