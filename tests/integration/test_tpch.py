"""TPC-H at scale factor 1: loaded by a job, and the same rows from DuckDB and from Trino.

Read with `-rP` it shows what every query took on each engine.
"""

import time
from collections.abc import Iterator, Sequence
from decimal import Decimal

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.sql import StatementState

from tests.integration.stack import ROOT, Stack, catalog, result_of, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(900)]

EXAMPLE = ROOT / "docs" / "examples" / "tpch"
ROWS = {
    "region": 5,
    "nation": 25,
    "supplier": 10_000,
    "customer": 150_000,
    "part": 200_000,
    "partsupp": 800_000,
    "orders": 1_500_000,
    "lineitem": 6_001_215,
}
KNOWN = {
    "q01": ("A", "F", "37734107.00", "56586554400.73", "53758257134.87", "55909065222.83"),
    "q06": ("123141078.23",),
    "q14": ("16.38",),
    "q17": ("348406.05",),
}
"""The first columns of the first row, as the specification's answers have them."""

CENT = Decimal("0.01")
Row = tuple[str | Decimal | None, ...]


class Warehouses:
    """Runs queries by the statement API.

    Args:
        client: The unmodified SDK.
    """

    def __init__(self, client: WorkspaceClient) -> None:
        self._api = client.statement_execution
        self.took: list[str] = []

    def rows(self, warehouse: str, query: str) -> list[Row]:
        began = time.perf_counter()
        text = (EXAMPLE / "queries" / f"{query}.sql").read_text().strip().rstrip(";")
        answer = self._api.execute_statement(
            text, warehouse, catalog="lakehouse", schema="tpch", wait_timeout="50s"
        )
        statement_id = str(answer.statement_id)
        running = (StatementState.PENDING, StatementState.RUNNING)

        def ended() -> bool:
            nonlocal answer
            answer = self._api.get_statement(statement_id)
            return answer.status is not None and answer.status.state not in running

        if answer.status is None or answer.status.state in running:
            wait_for(ended, 300, f"{query} on {warehouse}")
        assert answer.status is not None
        assert answer.status.state is StatementState.SUCCEEDED, answer.status.error
        assert answer.manifest is not None and answer.manifest.schema is not None
        kinds = [str(each.type_text) for each in answer.manifest.schema.columns or []]
        chunk, found = answer.result, list[Row]()
        while chunk is not None:
            found += [_row(row, kinds) for row in chunk.data_array or []]
            after = chunk.next_chunk_index
            api = self._api
            chunk = api.get_statement_result_chunk_n(statement_id, after) if after else None
        assert len(found) == answer.manifest.total_row_count
        self.took.append(f"{query} {warehouse:7} {time.perf_counter() - began:6.2f} s")
        return found


@pytest.fixture(scope="module")
def loaded(whole_stack: Stack) -> Stack:
    began = time.perf_counter()
    run_id = whole_stack.start_run(whole_stack.deploy("tpch"))
    run = whole_stack.finished(run_id, within_s=600)
    assert run["state"]["result_state"] == "SUCCESS", result_of(run)
    print(f"loaded in {time.perf_counter() - began:.1f} s")
    return whole_stack


@pytest.fixture(scope="module")
def warehouses(loaded: Stack) -> Iterator[Warehouses]:
    made = Warehouses(loaded.client())
    yield made
    print("\n".join(made.took))


def test_the_job_loads_every_row(loaded: Stack) -> None:
    found = {
        table: int(
            catalog(loaded)
            .load_table(f"tpch.{table}")
            .current_snapshot()
            .summary.additional_properties["total-records"]
        )
        for table in ROWS
    }
    assert found == ROWS


@pytest.mark.parametrize("query", [f"q{number:02}" for number in range(1, 23)])
def test_both_engines_give_the_same_rows(warehouses: Warehouses, query: str) -> None:
    duckdb, trino = (warehouses.rows(name, query) for name in ("duckdb", "trino"))
    assert duckdb, "no rows"
    assert len(duckdb) == len(trino)
    for left, right in zip(duckdb, trino, strict=True):
        assert _agree(left, right), f"{left} is not {right}"
    if query in KNOWN:
        first = trino[0][: len(KNOWN[query])]
        assert _agree(first, tuple(map(_value, KNOWN[query]))), first


def _row(row: Sequence[str | None], kinds: Sequence[str]) -> Row:
    texts = ("STRING", "VARCHAR", "DATE")
    return tuple(
        cell if cell is None or kind.upper().startswith(texts) else Decimal(cell)
        for cell, kind in zip(row, kinds, strict=True)
    )


def _value(text: str) -> str | Decimal:
    return Decimal(text) if text[-1].isdigit() else text


def _agree(left: Row, right: Row) -> bool:
    """Sums are exact; averages and shares differ in what an engine rounds to."""
    return len(left) == len(right) and all(
        abs(one - other) < CENT
        if isinstance(one, Decimal) and isinstance(other, Decimal)
        else one == other
        for one, other in zip(left, right, strict=True)
    )
