"""What a statement costs over its engine: `python -m tests.bench.statements` on a running stack.

The full profile must be up (`openlake up --profile full`). For small queries the raw engine and the
warehouse take turns, so that both meet the same machine: Trino over its own Python client on the
same catalog with the same person's token, and DuckDB in this process with the lakehouse attached.
Then 10,000,000 rows leave a warehouse as chunks while the memory of its worker and of the API is
watched. Prints a table, and JSON with `--json FILE`.
"""

import argparse
import json
import statistics
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import trino
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.sql import Disposition, Format, StatementState

from activities.sql.duckdb_catalog import Lakehouse
from control.config import Settings
from control.gateway.tokens import PrincipalClaims, issue
from control.stack.layout import Layout
from tests.integration.stack import Stack

TABLE = "lakehouse.default.bench_statements"
QUERIES = {
    "SELECT 1": "SELECT 1",
    "a small table": f"SELECT count(*), max(a) FROM {TABLE}",
}
ROWS = 10_000_000


class Pair(NamedTuple):
    """Medians of one query, in milliseconds."""

    engine: str
    query: str
    raw_ms: float
    statement_ms: float

    @property
    def overhead_ms(self) -> float:
        return self.statement_ms - self.raw_ms


class Streamed(NamedTuple):
    """What one large answer took."""

    engine: str
    format: str
    rows: int
    seconds: float
    mib: float
    worker_mib: tuple[float, float]
    """Of the warehouse's process: before, and at most."""
    api_mib: tuple[float, float]


def token(layout: Layout) -> str:
    claims = PrincipalClaims(
        workspace_id=1, expires_at=datetime.now(UTC) + timedelta(hours=1), user="bench"
    )
    return issue(layout.secret("signing-key"), claims)


def raw_trino(layout: Layout) -> Callable[[str], Any]:
    connection = trino.dbapi.connect(
        host="127.0.0.1",
        port=layout.settings.ports.trino,
        user="bench",
        catalog="lakehouse",
        schema="default",
        source="bench",
        extra_credential=[("token", token(layout))],
    )

    def run(text: str) -> Any:
        cursor = connection.cursor()
        cursor.execute(text)
        return cursor.fetchall()

    return run


def raw_duckdb(layout: Layout) -> Callable[[str], Any]:
    keys = layout.s3("lakehouse")
    lakehouse = Lakehouse(
        {
            "name": "lakehouse",
            "uri": layout.gateway_iceberg_url,
            "warehouse": "lakehouse",
            "token": token(layout),
        },
        {
            "endpoint": keys.endpoint,
            "region": keys.region,
            "access_key": keys.access_key,
            "secret_key": keys.secret_key,
        },
    )
    return lambda text: lakehouse.execute(text, {}).fetchall()


def statement(client: WorkspaceClient, warehouse: str, text: str, **fields: Any) -> Any:
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


def timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def compare(client: WorkspaceClient, layout: Layout, turns: int) -> list[Pair]:
    pairs: list[Pair] = []
    for engine, raw in (("trino", raw_trino(layout)), ("duckdb", raw_duckdb(layout))):
        for name, text in QUERIES.items():
            for _ in range(5):
                raw(text)
                statement(client, engine, text)
            took: list[tuple[float, float]] = [
                (timed(lambda: raw(text)), timed(lambda: statement(client, engine, text)))  # noqa: B023
                for _ in range(turns)
            ]
            medians = [statistics.median(each) for each in zip(*took, strict=True)]
            pairs.append(Pair(engine, name, *medians))
    return pairs


class Watch(threading.Thread):
    """Remembers the most memory that a process has had."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self._process, self._over = process, threading.Event()
        self.before = self.most = process.memory_info().rss / 2**20

    def run(self) -> None:
        while not self._over.wait(0.05):
            self.most = max(self.most, self._process.memory_info().rss / 2**20)

    def end(self) -> tuple[float, float]:
        self._over.set()
        self.join()
        return round(self.before), round(self.most)


def worker_of(warehouse: str) -> psutil.Process:
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "warehouse" in words and f"{warehouse}-1" in words:
            return process
    raise AssertionError(f"warehouse {warehouse} has no process on this machine")


def stream(client: WorkspaceClient, stack: Stack, engine: str, form: Format) -> Streamed:
    sources = {
        "duckdb": f"range({ROWS}) t(i)",
        "trino": "tpch.sf10.orders" if ROWS > 15_000_000 else f"tpch.sf10.orders LIMIT {ROWS}",
    }
    columns = {
        "duckdb": "i, i * 1.5::DOUBLE AS x, 'row number ' || i AS words",
        "trino": "orderkey AS i, totalprice AS x, clerk AS words",
    }
    text = f"SELECT {columns[engine]} FROM {sources[engine]}"
    watches = [Watch(worker_of(engine)), Watch(stack.process("api"))]
    for watch in watches:
        watch.start()
    began = time.perf_counter()
    answer = statement(client, engine, text, disposition=Disposition.EXTERNAL_LINKS, format=form)
    seconds = time.perf_counter() - began
    worker, api = (watch.end() for watch in watches)
    manifest = answer.manifest
    assert manifest.total_row_count == ROWS
    mib = manifest.total_byte_count / 2**20
    return Streamed(engine, form.value, ROWS, round(seconds, 1), round(mib), worker, api)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--skip-stream", action="store_true")
    given = parser.parse_args()
    settings = Settings()
    stack = Stack(settings.data_dir, "full", settings.ports.model_dump())
    client, layout = stack.client(), stack.layout
    fill = f"CREATE OR REPLACE TABLE {TABLE} AS SELECT i AS a FROM range(1000) t(i)"
    statement(client, "duckdb", fill)
    pairs = compare(client, layout, given.turns)
    print("| engine | query | raw, median | statement, median | overhead |")
    print("|---|---|---|---|---|")
    for each in pairs:
        row = (each.raw_ms, each.statement_ms, each.overhead_ms)
        print(
            f"| {each.engine} | {each.query} | " + " | ".join(f"{ms:.0f} ms" for ms in row) + " |"
        )
    streams: list[Streamed] = []
    if not given.skip_stream:
        wanted = (("duckdb", Format.ARROW_STREAM), ("duckdb", Format.JSON_ARRAY))
        streams = [stream(client, stack, *each) for each in (*wanted, ("trino", Format.CSV))]
        print("| engine | format | rows | time | size | worker before → most | API before → most |")
        print("|---|---|---|---|---|---|---|")
        for one in streams:
            memory = [f"{before:.0f} → {most:.0f} MiB" for before, most in one[5:]]
            print(
                f"| {one.engine} | {one.format} | {one.rows:,} | {one.seconds} s | {one.mib} MiB |"
                f" {memory[0]} | {memory[1]} |"
            )
    if given.json:
        content = {
            "small": [each._asdict() | {"overhead_ms": each.overhead_ms} for each in pairs],
            "streams": [each._asdict() for each in streams],
        }
        given.json.write_text(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
