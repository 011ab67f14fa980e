"""The direct way of statements in a warehouse's process: taking, holding, stopping, handing on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, cast

import pyarrow as pa
import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.control_client import ControlClient
from activities.warehouses import direct
from activities.warehouses.base import Answer, Batch, StatementFailed, WarehouseEngine
from activities.warehouses.direct import DirectStatements
from activities.warehouses.run_statement import LEFT, StatementActivities
from activities.warehouses.types import column_of
from spec.attempts import CatalogAccess, SqlDialect, StorageAccess
from spec.errors import AttemptOver, EngineUnavailable
from spec.statements import (
    Access,
    ServiceError,
    StatementBody,
    StatementEnd,
    StatementHold,
    StatementOrders,
    StatementRef,
    StatementState,
    StatementWork,
)
from spec.tasks import Engine
from spec.warehouses import WarehouseConfig

PLACE = "duckdb-1"
CONFIG = WarehouseConfig(
    workspace_id=1,
    warehouse_id="duckdb",
    name="duckdb",
    engine=Engine.DUCKDB,
    dialect=SqlDialect.ENGINE,
    memory_mib=100,
    threads=1,
    slots=2,
)
ACCESS = Access(
    catalog=CatalogAccess(uri="http://catalog", warehouse="lakehouse", token="t"),
    storage=StorageAccess(endpoint="http://s3", region="r", access_key="a", secret_key="s"),
)


def work(number: int, text: str = "SELECT 1") -> StatementWork:
    return StatementWork(
        statement_id=f"s{number}",
        workspace_id=1,
        user_name="ann",
        attempt=1,
        body=StatementBody(text=text),
        reader=ACCESS,
        writer=ACCESS,
    )


class Plane:
    """Plays the internal API."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[StatementWork] = asyncio.Queue()
        self.asking = 0
        self.orders: asyncio.Queue[StatementOrders | Exception] = asyncio.Queue()
        self.renewed: list[str] = []
        self.ended: dict[str, StatementEnd] = {}
        self.let_go: list[str] = []

    async def take_statement(self, place: str) -> StatementWork | None:
        assert place == PLACE
        self.asking += 1
        try:
            return await self.waiting.get()
        finally:
            self.asking -= 1

    async def renew_statement(self, statement_id: str, hold: StatementHold) -> StatementOrders:
        self.renewed.append(statement_id)
        order = await self.orders.get()
        if isinstance(order, Exception):
            raise order
        return order

    async def let_statement_go(self, statement_id: str, hold: StatementHold) -> None:
        self.let_go.append(statement_id)

    async def end_statement(self, statement_id: str, end: StatementEnd) -> None:
        self.ended[statement_id] = end


class Query:
    """Plays a statement at the engine: it answers when it is let."""

    engine_query_id = None

    def __init__(self, go: asyncio.Event, error: Exception | None) -> None:
        self.go, self.error = go, error
        self.is_stopped = self.is_closed = self.is_left = False
        self.troubles: list[Exception] = []

    async def answer(self) -> Answer:
        if self.error is not None:
            raise self.error
        await self.go.wait()
        if self.is_stopped:
            raise StatementFailed("stopped", ServiceError.CANCELLED)

        async def batches() -> AsyncIterator[Batch]:
            yield cast(Any, pa).record_batch([cast(Any, pa).array([1])], names=["a"])

        return Answer((column_of("a", cast(Any, pa).int64()),), batches())

    async def stop(self) -> None:
        if self.troubles:
            raise self.troubles.pop()
        self.is_stopped = True
        self.go.set()

    async def leave(self) -> None:
        self.is_left = True
        await self.stop()

    async def close(self) -> None:
        self.is_closed = True


class Queries:
    """Plays the engine."""

    dialect = "duckdb"

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.error: Exception | None = None
        self.begun: dict[str, Query] = {}

    def execution(self, work: StatementWork, *_: object) -> Query:
        return self.begun.setdefault(work.statement_id, Query(self.go, self.error))


class Process:
    """A warehouse's process between the two."""

    def __init__(self) -> None:
        self.plane, self.engine = Plane(), Queries()
        control = cast(ControlClient, self.plane)
        self.activities = StatementActivities(
            CONFIG, control, cast(WarehouseEngine, self.engine), ThreadPoolExecutor(2)
        )
        self.direct = DirectStatements(CONFIG, control, self.activities)


@asynccontextmanager
async def process() -> AsyncIterator[Process]:
    made = Process()
    running = asyncio.create_task(made.direct.run())
    try:
        yield made
    finally:
        made.engine.go.set()
        await made.direct.shutdown()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases are renewed at once."""
    monkeypatch.setattr(direct, "_RENEW_AFTER_S", 0.0)


async def test_a_statement_is_run_and_its_end_reported() -> None:
    async with process() as here:
        here.engine.go.set()
        await here.plane.waiting.put(work(1))
        await until(lambda: here.plane.ended)
        end = here.plane.ended["s1"]
        assert (end.state, end.inline) == (StatementState.SUCCEEDED, '[["1"]]')
        await until(lambda: not here.activities.held)
        assert here.plane.let_go == []


async def test_no_more_are_taken_than_there_are_slots_on_both_ways() -> None:
    async with process() as here:
        await until(lambda: here.plane.asking == 2)
        async with here.activities.slots:
            for number in range(3):
                await here.plane.waiting.put(work(number))
            # Another process may have room for what this one has not.
            await until(lambda: here.plane.let_go == ["s1"])
            await until(lambda: here.engine.begun)
            assert (list(here.engine.begun), here.plane.asking) == (["s0"], 0)
        await until(lambda: len(here.engine.begun) == 2)
        here.engine.go.set()
        await until(lambda: set(here.plane.ended) == {"s0", "s2"})


async def test_an_order_to_stop_ends_the_statement_as_cancelled() -> None:
    async with process() as here:
        await here.plane.waiting.put(work(1))
        await until(lambda: here.engine.begun)
        await here.plane.orders.put(StatementOrders())
        await until(lambda: len(here.plane.renewed) == 2)
        assert not here.plane.ended
        await here.plane.orders.put(StatementOrders(cancel=True))
        await until(lambda: here.plane.ended)
        assert here.plane.ended["s1"].state is StatementState.CANCELED


async def test_what_another_worker_has_taken_up_is_left_to_it_and_not_reported() -> None:
    async with process() as here:
        await here.plane.waiting.put(work(1))
        await until(lambda: here.engine.begun)
        await here.plane.orders.put(AttemptOver("another worker has it"))
        await until(lambda: here.engine.begun["s1"].is_closed)
        assert here.engine.begun["s1"].is_left
        await until(lambda: not here.activities.held)
        assert (here.plane.ended, here.plane.let_go) == ({}, [])


async def test_what_the_engine_cannot_do_now_is_handed_on() -> None:
    async with process() as here:
        here.engine.error = EngineUnavailable("away")
        await here.plane.waiting.put(work(1))
        await until(lambda: here.plane.let_go)
        assert (here.plane.ended, here.plane.let_go) == ({}, ["s1"])


async def test_a_process_that_shuts_down_hands_its_queries_on_and_takes_no_more() -> None:
    async with process() as here:
        await here.plane.waiting.put(work(1))
        await until(lambda: here.engine.begun)
        await here.direct.shutdown()
        await until(lambda: here.plane.let_go)
        assert (here.plane.ended, here.plane.asking) == ({}, 0)


async def test_the_workflow_of_a_statement_that_is_held_attends_to_it() -> None:
    """Its lease has run out, though this very process goes on with it."""
    async with process() as here:
        await here.plane.waiting.put(work(1))
        await until(lambda: here.engine.begun)
        ref = StatementRef(workspace_id=1, warehouse_id="duckdb", statement_id="s1")
        attending = asyncio.create_task(
            ActivityEnvironment().run(here.activities.run_statement, ref)
        )
        here.engine.go.set()
        await attending
        assert here.plane.ended["s1"].state is StatementState.SUCCEEDED
        assert len(here.engine.begun) == 1


async def test_what_this_process_lets_go_is_taken_up_again_by_its_workflow() -> None:
    async with process() as here:
        await here.plane.waiting.put(work(1))
        await until(lambda: here.engine.begun)
        ref = StatementRef(workspace_id=1, warehouse_id="duckdb", statement_id="s1")
        attending = asyncio.create_task(
            ActivityEnvironment().run(here.activities.run_statement, ref)
        )
        await here.plane.orders.put(AttemptOver("another worker has it"))
        with pytest.raises(ApplicationError, match="has let go") as failed:
            await attending
        assert (failed.value.type, failed.value.non_retryable) == (LEFT, False)


async def test_an_order_to_stop_is_followed_though_the_engine_is_away_for_a_moment() -> None:
    async with process() as here:
        await here.plane.waiting.put(work(1))
        await until(lambda: here.engine.begun)
        here.engine.begun["s1"].troubles = [EngineUnavailable("away")]
        for _ in range(2):
            await here.plane.orders.put(StatementOrders(cancel=True))
        await until(lambda: here.plane.ended)
        assert here.plane.ended["s1"].state is StatementState.CANCELED


async def test_a_workflow_that_is_to_stop_a_statement_stops_it_where_it_is_held() -> None:
    async with process() as here:
        await here.plane.waiting.put(work(1))
        await until(lambda: here.engine.begun)
        ref = StatementRef(workspace_id=1, warehouse_id="duckdb", statement_id="s1", stop=True)
        await ActivityEnvironment().run(here.activities.run_statement, ref)
        assert here.plane.ended["s1"].state is StatementState.CANCELED


async def test_what_has_not_begun_when_the_process_shuts_down_is_handed_on() -> None:
    """Also a write: the engine has not heard of it."""
    here = Process()
    taking = here.activities.taking()
    await taking.leave()
    with pytest.raises(ApplicationError, match="shuts down"):
        await taking.bring_to_end(work(1, "DELETE FROM t"))
    assert here.plane.ended == {}
    assert here.engine.begun["s1"].is_closed
