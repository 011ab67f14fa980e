"""What a large answer takes: `python -m tests.bench.large_results` on a running stack.

The full profile must be up (`openlake up --profile full`). 10,000,000 rows leave a warehouse as
chunks while the memory of its worker and of the API is watched. Prints a table.
"""

import argparse
import threading
import time
from typing import NamedTuple

import psutil
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.sql import Disposition, Format

from control.config import Settings
from tests.bench.overhead import statement
from tests.integration.stack import Stack

ROWS = 10_000_000
WANTED = (
    ("duckdb", Format.ARROW_STREAM),
    ("duckdb", Format.JSON_ARRAY),
    ("trino", Format.CSV),
)


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
    """Print what large answers took."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    settings = Settings()
    stack = Stack(settings.data_dir, "full", settings.ports.model_dump())
    client = stack.client()
    print("| engine | format | rows | time | size | worker before → most | API before → most |")
    print("|---|---|---|---|---|---|---|")
    for engine, form in WANTED:
        one = stream(client, stack, engine, form)
        memory = [f"{before:.0f} → {most:.0f} MiB" for before, most in one[5:]]
        print(
            f"| {one.engine} | {one.format} | {one.rows:,} | {one.seconds} s | {one.mib} MiB |"
            f" {memory[0]} | {memory[1]} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
