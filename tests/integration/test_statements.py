"""SQL statements on real warehouses of both engines, by the unmodified SDK."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import psutil
import pyarrow as pa
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.sql import (
    Disposition,
    ExecuteStatementRequestOnWaitTimeout,
    Format,
    ServiceErrorCode,
    StatementParameterListItem,
    StatementResponse,
    StatementState,
)

from activities.faults import Point
from tests.integration.stack import ROOT, Stack, catalog, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ENGINES = ("duckdb", "trino")
OPEN = (StatementState.PENDING, StatementState.RUNNING)
HUGE = {
    "duckdb": "SELECT sum(hash(a.i * b.i)) FROM range(1000000) a(i), range(1000000) b(i)",
    "trino": "SELECT count(*) FROM tpch.sf100.lineitem a JOIN tpch.sf100.lineitem b"
    " ON a.partkey = b.partkey",
}


class Warehouse:
    """One warehouse, by the SDK."""

    def __init__(self, stack: Stack, client: WorkspaceClient, name: str) -> None:
        self.stack, self.name = stack, name
        self._api = client.statement_execution

    def send(self, text: str, **fields: Any) -> StatementResponse:
        parameters = [
            StatementParameterListItem(name=name, value=value, type=kind)
            for name, (value, kind) in fields.pop("values", {}).items()
        ]
        return self._api.execute_statement(
            text, self.name, parameters=parameters or None, **{"wait_timeout": "50s", **fields}
        )

    def start(self, text: str) -> str:
        return self.send(text, wait_timeout="0s").statement_id or ""

    def state(self, statement_id: str) -> StatementState | None:
        return state_of(self._api.get_statement(statement_id))

    def await_running(self, statement_id: str) -> None:
        running = StatementState.RUNNING
        wait_for(lambda: self.state(statement_id) is running, 60, "the statement to run")

    def ended(self, statement_id: str, within_s: float = 120) -> StatementResponse:
        wait_for(lambda: self.state(statement_id) not in OPEN, within_s, "the statement's end")
        return self._api.get_statement(statement_id)

    def cancel(self, statement_id: str) -> None:
        self._api.cancel_execution(statement_id)

    def chunk(self, statement_id: str | None, index: int) -> Any:
        return self._api.get_statement_result_chunk_n(statement_id or "", index)

    def rows(self, text: str, **fields: Any) -> list[list[str]]:
        answer = self.send(text, **fields)
        assert state_of(answer) is StatementState.SUCCEEDED, answer.status
        return (answer.result and answer.result.data_array) or []

    def process(self) -> psutil.Process:
        """The process that runs its statements."""
        ready = self.stack.layout.run_dir / f"warehouse-{self.name}-1-1.ready"
        return psutil.Process(int(wait_for(ready.exists, 60, self.name) and ready.read_text()))


def state_of(answer: StatementResponse) -> StatementState | None:
    return answer.status.state if answer.status else None


def message_of(answer: StatementResponse) -> str:
    error = answer.status.error if answer.status else None
    return (error.message if error else "") or ""


@pytest.fixture(scope="module")
def warehouses(whole_stack: Stack) -> dict[str, Warehouse]:
    client = whole_stack.client()
    made = {name: Warehouse(whole_stack, client, name) for name in ENGINES}
    for warehouse in made.values():
        warehouse.ended(warehouse.start("SELECT 1"))
    return made


@pytest.fixture(params=ENGINES)
def warehouse(warehouses: dict[str, Warehouse], request: pytest.FixtureRequest) -> Warehouse:
    return warehouses[request.param]


@pytest.fixture
def table(warehouses: dict[str, Warehouse]) -> Iterator[str]:
    name = "lakehouse.default.of_statements"
    warehouses["duckdb"].rows(f"CREATE OR REPLACE TABLE {name} AS SELECT 1 AS a")
    yield name
    warehouses["duckdb"].rows(f"DROP TABLE IF EXISTS {name}")


def test_values_keep_their_types(warehouse: Warehouse) -> None:
    made = {
        "duckdb": "[1, 2] AS l, MAP {'k': 1} AS m, {'x': 1, 'y': 'z'} AS s",
        "trino": "ARRAY[1, 2] AS l, MAP(ARRAY['k'], ARRAY[1]) AS m,"
        " CAST(ROW(1, 'z') AS ROW(x INTEGER, y VARCHAR)) AS s",
    }
    answer = warehouse.send(
        f"SELECT :i AS i, :d AS d, :t AS t, :b AS b, :n AS n, :w AS w, {made[warehouse.name]}",
        values={
            "i": ("5", "BIGINT"),
            "d": ("1.5", "DECIMAL(10,2)"),
            "t": ("2024-02-29T01:02:03Z", "TIMESTAMP"),
            "b": ("true", "BOOLEAN"),
            "n": (None, "INT"),
            "w": ("it's :i \"", None),
        },
    )
    assert state_of(answer) is StatementState.SUCCEEDED, answer.status
    assert answer.manifest and answer.manifest.schema and answer.result
    (row,) = answer.result.data_array or []
    assert row[:6] == ["5", "1.50", "2024-02-29T01:02:03.000Z", "true", None, "it's :i \""]
    assert [json.loads(cell) for cell in row[6:]] == [[1, 2], {"k": 1}, {"x": 1, "y": "z"}]
    columns = answer.manifest.schema.columns or []
    assert [column.type_text for column in columns] == [
        *("BIGINT", "DECIMAL(10,2)", "TIMESTAMP", "BOOLEAN", "INT", "STRING"),
        *("ARRAY<INT>", "MAP<STRING, INT>", "STRUCT<x: INT, y: STRING>"),
    ]


def test_what_one_engine_writes_the_other_reads(
    warehouses: dict[str, Warehouse], table: str, whole_stack: Stack
) -> None:
    duckdb, trino = warehouses["duckdb"], warehouses["trino"]
    assert trino.rows(f"INSERT INTO {table} VALUES (:a)", values={"a": ("2", "INT")}) == [["1"]]
    assert duckdb.rows(f"SELECT a FROM {table} ORDER BY a") == [["1"], ["2"]]
    sent = duckdb.send("INSERT INTO of_statements VALUES (3)", schema="default")
    assert trino.rows(f"SELECT max(a) FROM {table}") == [["3"]]
    newest = catalog(whole_stack).load_table("default.of_statements").current_snapshot()
    assert newest.summary.additional_properties["openlake.statement-id"] == sent.statement_id


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("SELECT * FROM no_such_table", "no_such_table"),
        ("SELECT 1; SELECT 2", "2 SQL statements"),
        ("SELECT :a", ":a"),
    ],
)
def test_sql_that_fails_says_why(warehouse: Warehouse, text: str, part: str) -> None:
    answer = warehouse.send(text)
    assert state_of(answer) is StatementState.FAILED
    assert answer.status and answer.status.error
    assert answer.status.error.error_code is ServiceErrorCode.BAD_REQUEST
    assert part in message_of(answer)


def test_a_slip_of_the_pen_is_shown_where_it_is(warehouses: dict[str, Warehouse]) -> None:
    message = message_of(warehouses["duckdb"].send("SELECT 1\nFORM bar baz"))
    assert "syntax error" in message
    assert "LINE 2: FORM bar baz" in message


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/of_statements.csv'",
        "SELECT * FROM read_text('http://127.0.0.1:1/')",
        "COPY (SELECT 1) TO 's3://openlake/of_statements.csv'",
        "ATTACH '/tmp/of_statements.db'",
        "SET threads = 1",
        "CREATE TEMP TABLE t AS SELECT 1",
    ],
)
def test_duckdb_reaches_nothing_but_the_lakehouse(
    warehouses: dict[str, Warehouse], text: str
) -> None:
    assert state_of(warehouses["duckdb"].send(text)) is StatementState.FAILED


def test_large_answers_leave_by_links_in_chunks(warehouse: Warehouse) -> None:
    source = {
        "duckdb": "range(400000) t(i)",
        "trino": "tpch.tiny.lineitem CROSS JOIN UNNEST(sequence(1, 7)) t(i)",
    }
    text = f"SELECT i, 'row number ' || CAST(i AS VARCHAR) AS words FROM {source[warehouse.name]}"
    answer = warehouse.send(
        text,
        disposition=Disposition.EXTERNAL_LINKS,
        format=Format.ARROW_STREAM,
        row_limit=390_000,
    )
    assert state_of(answer) is StatementState.SUCCEEDED, answer.status
    assert answer.manifest and answer.manifest.truncated
    count = answer.manifest.total_chunk_count or 0
    assert count > 1
    rows = 0
    with httpx2.Client(trust_env=False) as http:
        for index in range(count):
            (link,) = warehouse.chunk(answer.statement_id, index).external_links or []
            content = http.get(link.external_link or "").content
            assert len(content) <= 16 * 2**20
            rows += pa.ipc.open_stream(content).read_all().num_rows
    assert rows == answer.manifest.total_row_count == 390_000


def test_inline_answers_come_in_chunks_and_have_an_end(warehouses: dict[str, Warehouse]) -> None:
    duckdb = warehouses["duckdb"]
    answer = duckdb.send("SELECT repeat('x', 100) AS w FROM range(100000)")
    assert answer.result and answer.result.next_chunk_index == 1
    rows = len(answer.result.data_array or [])
    following = duckdb.chunk(answer.statement_id, 1)
    assert (following.row_offset, following.data_array[0]) == (rows, ["x" * 100])
    too_large = duckdb.send("SELECT repeat('x', 1000) AS w FROM range(100000)")
    assert "EXTERNAL_LINKS" in message_of(too_large)


def test_a_cancelled_statement_leaves_nothing_running(warehouse: Warehouse) -> None:
    statement_id = warehouse.start(HUGE[warehouse.name])
    warehouse.await_running(statement_id)
    warehouse.cancel(statement_id)
    assert state_of(warehouse.ended(statement_id)) is StatementState.CANCELED
    assert warehouse.rows("SELECT 1") == [["1"]]
    if warehouse.name == "trino":
        running = (
            "SELECT count(*) FROM system.runtime.queries WHERE state NOT IN ('FINISHED', 'FAILED')"
            " AND query LIKE '%tpch.sf' || '100.lineitem%'"
        )
        assert warehouse.rows(running) == [["0"]]


def test_a_statement_may_be_given_up_by_time(warehouses: dict[str, Warehouse]) -> None:
    answer = warehouses["duckdb"].send(
        HUGE["duckdb"],
        wait_timeout="5s",
        on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CANCEL,
    )
    assert state_of(answer) is StatementState.CANCELED


@pytest.mark.timeout(300)
def test_a_query_outlives_its_process_and_the_api(warehouse: Warehouse, stack: Stack) -> None:
    """DuckDB's runs again, Trino's goes on."""
    text = {
        "duckdb": "SELECT count(*) FROM range(35000) a(i), range(35000) b(i) WHERE a.i * b.i < 0",
        "trino": "SELECT count(*) FROM tpch.sf1.lineitem a, tpch.sf1.nation b"
        " WHERE a.orderkey * b.nationkey < 0",
    }[warehouse.name]
    statement_id = warehouse.start(text)
    warehouse.await_running(statement_id)
    begun = None
    if warehouse.name == "trino":
        begun = wait_for(lambda: row_of(stack, statement_id)["engine_query_id"], 60, "its place")
    warehouse.process().kill()
    stack.kill("api")
    stack.up()
    answer = warehouse.ended(statement_id)
    assert state_of(answer) is StatementState.SUCCEEDED, answer.status
    assert answer.result and answer.result.data_array == [["0"]]
    row = row_of(stack, statement_id)
    assert (row["attempt"], row["engine_query_id"]) == (2, begun)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("is_committed", [True, False], ids=["after-commit", "before-commit"])
def test_what_became_of_a_killed_insert_is_found_in_the_catalog(
    warehouses: dict[str, Warehouse], table: str, stack: Stack, is_committed: bool
) -> None:
    duckdb, size = warehouses["duckdb"], 30_000 if is_committed else 10_000_000
    counted = f"SELECT count(*) FROM range({size}) a(i), range({size}) b(i) WHERE a.i * b.i < 0"
    statement_id = duckdb.start(f"INSERT INTO {table} {counted}")
    wait_for(lambda: row_of(stack, statement_id)["handle"], 60, "the insert to be sent")
    process, api = duckdb.process(), stack.process("api")
    # The worker can commit, but not report it.
    api.suspend()
    try:
        if is_committed:
            wait_for(lambda: statement_id in stamps(stack, table), 60, "the commit")
        process.kill()
    finally:
        api.resume()
    answer = duckdb.ended(statement_id)
    if is_committed:
        assert state_of(answer) is StatementState.SUCCEEDED, answer.status
        # What the process sent before it died may have been waiting for the API; the catalog alone
        # does not know how many rows DuckDB has written.
        assert answer.result and answer.result.data_array in ([["1"]], [[None]])
        assert duckdb.rows(f"SELECT a FROM {table} ORDER BY a") == [["0"], ["1"]]
    else:
        assert state_of(answer) is StatementState.FAILED
        assert "cannot be known" in message_of(answer)
        assert duckdb.rows(f"SELECT a FROM {table}") == [["1"]]


@pytest.mark.timeout(300)
def test_an_insert_lands_once_wherever_its_process_dies(
    warehouses: dict[str, Warehouse], table: str, stack: Stack, tmp_path: Path
) -> None:
    """A second process of the warehouse dies: with nothing done, then with all but its report."""
    duckdb, sent = warehouses["duckdb"], 0
    for point in (Point.AFTER_TAKE, Point.BEFORE_FINISH):
        fault = tmp_path / f"{point}@duckdb"
        fault.touch()
        with warehouse_process(stack, tmp_path) as process:
            answer = None
            # The process that has waited for the shortest time gets the next statement.
            while fault.exists():
                answer = duckdb.send(f"INSERT INTO {table} VALUES (2)")
                assert state_of(answer) is StatementState.SUCCEEDED, answer.status
                sent += 1
            assert process.wait(10) == -signal.SIGKILL
            assert answer and row_of(stack, answer.statement_id or "")["attempt"] == 2
    assert duckdb.rows(f"SELECT count(*) FROM {table}") == [[str(1 + sent)]]


@contextmanager
def warehouse_process(stack: Stack, faults: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process of the DuckDB warehouse, which dies where it is asked to."""
    words = [sys.executable, "-m", "control.cli", "worker", "warehouse", "duckdb-1"]
    environment = {**stack.environment, "OPENLAKE_FAULTS": str(faults)}
    log, ready = faults / "warehouse.log", faults / "ready"
    with log.open("ab") as file:
        process = subprocess.Popen(
            [*words, "--ready", str(ready)],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        wait_for(ready.exists, 60, "the process to take statements")
        yield process
    finally:
        process.kill()
        process.wait(10)
        ready.unlink(missing_ok=True)


def row_of(stack: Stack, statement_id: str) -> dict[str, Any]:
    """Read what only the database tells: how often it was taken up, and by which handle."""

    async def read() -> dict[str, Any]:
        connection = await asyncpg.connect(stack.layout.postgres_url(driver=""))
        try:
            row = await connection.fetchrow(
                "SELECT attempt, engine_query_id, (SELECT handle->>'sent' FROM statement_results r"
                " WHERE r.statement_id = s.statement_id) AS handle FROM statements s"
                " WHERE statement_id = $1",
                statement_id,
            )
        finally:
            await connection.close()
        return dict(row)

    return asyncio.run(read())


def stamps(stack: Stack, table: str) -> set[str]:
    """Return the statements whose snapshots the table has."""
    found = catalog(stack).load_table(table.removeprefix("lakehouse."))
    summaries = [snapshot.summary for snapshot in found.metadata.snapshots]
    return {
        summary.additional_properties.get("openlake.statement-id", "")
        for summary in summaries
        if summary is not None
    }
