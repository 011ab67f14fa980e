"""A statement on DuckDB while the catalog is away, and one that is stopped too late."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from activities.warehouses import duckdb as warehouse
from activities.warehouses.base import StatementFailed
from activities.warehouses.duckdb import DuckdbEngine, DuckdbExecution, _Instance  # pyright: ignore[reportPrivateUsage]
from spec.attempts import SqlDialect
from spec.statements import Access, ServiceError
from spec.tasks import Engine
from spec.warehouses import WarehouseConfig
from tests.activities.test_warehouse_answers import reading, work

pytestmark = pytest.mark.asyncio


WAREHOUSE = WarehouseConfig(
    workspace_id=1,
    warehouse_id="duckdb",
    name="duckdb",
    engine=Engine.DUCKDB,
    dialect=SqlDialect.ENGINE,
    memory_mib=1024,
    threads=1,
)


class CatalogAway(DuckdbEngine):
    """An engine whose catalog comes back after so many attempts."""

    def __init__(self, folder: Path, attempts: int) -> None:
        """See class."""
        super().__init__(WAREHOUSE, folder, ThreadPoolExecutor(1))
        self.left = attempts

    def _open(self, access: Access) -> Any:
        """See base class: what is opened reads no table, so it needs no catalog."""
        self.left -= 1
        if self.left >= 0:
            raise duckdb.IOException("Failed to read connection error")
        return _Instance(cast(Any, InMemory()), self._folder)


class InMemory:
    """DuckDB itself, without a lakehouse."""

    catalog, schema = "memory", "main"

    def __init__(self) -> None:
        """See class."""
        self._connection = duckdb.connect()

    def session(self) -> "InMemory":
        return self

    def enter(self, catalog: str, schema: str) -> None:
        assert (catalog, schema) == ("memory", "main")

    def execute(self, text: str, values: dict[str, Any]) -> Any:
        return self._connection.execute(text, values)

    def close(self) -> None:
        self._connection.close()

    def interrupt(self) -> None:
        self._connection.interrupt()


async def execution(engine: CatalogAway, text: str = "SELECT 1") -> DuckdbExecution:
    async def note(_handle: dict[str, Any], _query_id: str | None) -> None: ...

    mine = work()
    mine = mine.model_copy(update={"writer": mine.reader})
    return engine.execution(mine, await reading(text), note)


async def test_it_waits_until_the_catalog_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse, "_ATTACH_AGAIN_S", 0.0)
    engine = CatalogAway(tmp_path, attempts=3)
    answer = await (await execution(engine)).answer()
    rows = [row for batch in [each async for each in answer.batches] for row in batch.to_pylist()]
    assert [list(row.values()) for row in rows] == [[1]]
    assert engine.left == -1


async def test_it_fails_when_the_catalog_stays_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse, "_CATALOG_PATIENCE_S", -1.0)
    engine = CatalogAway(tmp_path, attempts=3)
    with pytest.raises(StatementFailed, match="connection error") as failed:
        await (await execution(engine)).answer()
    assert failed.value.error is ServiceError.IO_ERROR
    assert engine.left == 2


async def test_what_was_written_before_the_order_to_stop_is_told_as_it_is(tmp_path: Path) -> None:
    running = await execution(CatalogAway(tmp_path, attempts=0), "CREATE TABLE t AS SELECT 41 AS n")
    answer = await running.answer()
    await running.stop()
    rows = [row for batch in [each async for each in answer.batches] for row in batch.to_pylist()]
    assert [list(row.values()) for row in rows] == [[1]]
