"""Statements that go straight to a process of their warehouse: it is played over the internal API.

Whatever dies on that way, the statement comes to one end.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from sqlmodel import col, select, update

from control.db import Database
from control.deps import Deps
from control.metrics import Metrics
from control.runs.outbox import relay_once, start_now
from control.runs.tables import OutboxRow
from control.statements import closing, direct
from control.statements.desk import Desk
from control.statements.tables import Statement
from control.warehouses.tables import Warehouse
from tests.control.conftest import Recorder
from tests.control.test_statements import COLUMNS, PATH, end, opened, ref_of, send, state_of

TAKE = "/statements/at/duckdb-1/take"
ROWS = {"chunks": [{"rows": 1, "bytes": 9}], "inline": '[["1.50"]]', "columns": COLUMNS}


@pytest.fixture(autouse=True)
async def running(api: httpx2.AsyncClient, deps: Deps) -> None:
    """The warehouse takes statements."""
    await api.get("/api/2.0/sql/warehouses")
    async with deps.database.session() as session:
        await session.exec(update(Warehouse).values(wanted="RUNNING", state="RUNNING"))


@asynccontextmanager
async def waiting(worker: httpx2.AsyncClient, deps: Deps) -> AsyncIterator["asyncio.Task[Any]"]:
    """A process of the warehouse that waits for a statement."""

    async def take() -> Any:
        answer = await worker.post(TAKE)
        assert answer.status_code == 200, answer.text
        return answer.json()

    taking = asyncio.create_task(take())
    while (seat := deps.desk.reserve("duckdb-1")) is None:
        await asyncio.sleep(0.01)
    deps.desk.put_back(seat)
    yield taking
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)


async def taken(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps, **fields: Any
) -> dict[str, Any]:
    """Send a statement to a process that waits; return what that is given."""
    async with waiting(worker, deps) as taking:
        sent = await send(api, **fields)
        work = await taking
        assert work["statement_id"] == sent["statement_id"]
        return work


async def let_lease_run_out(database: Database) -> None:
    """Age what Temporal is still to be told, and let the relay look."""
    async with database.session() as session:
        await session.exec(update(OutboxRow).values(not_before=datetime.now(UTC)))


async def outbox(database: Database) -> list[OutboxRow]:
    async with database.read_session() as session:
        return list((await session.exec(select(OutboxRow))).all())


async def hold(worker: httpx2.AsyncClient, statement_id: str, attempt: int = 1) -> httpx2.Response:
    return await worker.put(f"/statements/{statement_id}/hold", json={"attempt": attempt})


async def test_a_process_that_waits_gets_the_statement_and_no_workflow_is_started(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    async with waiting(worker, deps) as taking:
        answer = asyncio.create_task(send(api, statement="SELECT 1.50", wait_timeout="10s"))
        work = await taking
        assert (work["body"]["text"], work["attempt"]) == ("SELECT 1.50", 1)
        assert await state_of(api, work["statement_id"]) == "RUNNING"
        assert await end(worker, work["statement_id"], **ROWS) == 200
        assert (await answer)["result"]["data_array"] == [["1.50"]]
    assert await outbox(deps.database) == []
    await relay_once(deps.database, launcher, Metrics())
    assert launcher.statements == []


async def test_a_statement_whose_process_died_is_taken_up_again_by_its_workflow(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    statement_id = (await taken(api, worker, deps))["statement_id"]
    await worker.put(
        f"/statements/{statement_id}/progress", json={"attempt": 1, "handle": {"sent": True}}
    )
    await relay_once(deps.database, launcher, Metrics())
    assert launcher.statements == []
    await let_lease_run_out(deps.database)
    await relay_once(deps.database, launcher, Metrics())
    assert launcher.statements == [ref_of(statement_id)]
    again = await opened(worker, statement_id)
    assert (again["attempt"], again["handle"]) == (2, {"sent": True})
    # The first one was only slow.
    assert (await hold(worker, statement_id)).status_code == 409
    assert await end(worker, statement_id, attempt=1, **ROWS) == 409
    assert await end(worker, statement_id, attempt=2, state="FAILED", message="why") == 200
    assert await state_of(api, statement_id) == "FAILED"


async def test_a_slow_process_may_end_what_its_workflow_has_not_taken_up_yet(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    statement_id = (await taken(api, worker, deps))["statement_id"]
    await let_lease_run_out(deps.database)
    await relay_once(deps.database, launcher, Metrics())
    assert await end(worker, statement_id, **ROWS) == 200
    body = ref_of(statement_id).model_dump(mode="json")
    assert (await worker.post(f"/statements/{statement_id}/open", json=body)).status_code == 409
    assert await state_of(api, statement_id) == "SUCCEEDED"


async def test_a_lease_that_is_renewed_keeps_the_workflow_away(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps
) -> None:
    statement_id = (await taken(api, worker, deps))["statement_id"]
    await let_lease_run_out(deps.database)
    renewing = asyncio.create_task(hold(worker, statement_id))
    while (await outbox(deps.database))[0].not_before < datetime.now(UTC):
        await asyncio.sleep(0.01)
    async with deps.database.session() as session:
        row = await session.get_one(Statement, statement_id)
        row.created_at = datetime(2020, 1, 1, tzinfo=UTC)
        session.add(row)
    assert await closing.close_forgotten(deps, deps.launcher) == 0
    assert await end(worker, statement_id, **ROWS) == 200
    assert (await renewing).status_code == 409


async def test_an_order_to_stop_comes_with_the_renewal(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    statement_id = (await taken(api, worker, deps))["statement_id"]
    renewing = asyncio.create_task(hold(worker, statement_id))
    assert (await api.post(f"{PATH}/{statement_id}/cancel", json={})).status_code == 200
    assert (await renewing).json() == {"cancel": True}
    assert launcher.statement_cancels == []
    assert await end(worker, statement_id, state="CANCELED") == 200
    assert await state_of(api, statement_id) == "CANCELED"


async def test_an_order_to_stop_outlives_the_process_that_was_to_hear_it(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    statement_id = (await taken(api, worker, deps))["statement_id"]
    await api.post(f"{PATH}/{statement_id}/cancel", json={})
    await let_lease_run_out(deps.database)
    await relay_once(deps.database, launcher, Metrics())
    assert launcher.statement_cancels == [statement_id]


async def test_a_process_that_shuts_down_hands_its_statement_on_at_once(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    statement_id = (await taken(api, worker, deps))["statement_id"]
    gone = await worker.delete(f"/statements/{statement_id}/hold/1")
    assert gone.status_code == 200
    await relay_once(deps.database, launcher, Metrics())
    assert launcher.statements == [ref_of(statement_id)]


async def test_a_statement_that_finds_nobody_free_waits_in_the_queue(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    statement_id = (await send(api))["statement_id"]
    assert await state_of(api, statement_id) == "PENDING"
    while not launcher.statements:
        await asyncio.sleep(0.01)
    # It is Temporal's now: who comes to have room does not get it as well.
    async with waiting(worker, deps) as taking:
        assert not taking.done()
    assert (await opened(worker, statement_id))["attempt"] == 1


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement waits long for a process that comes to have room."""
    monkeypatch.setattr(direct, "_OFFERED_S", 10.0)


@pytest.mark.usefixtures("patient")
async def test_who_comes_to_have_room_gets_what_was_just_offered(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder
) -> None:
    sent = await send(api)
    work = (await worker.post(TAKE)).json()
    assert (work["statement_id"], work["attempt"]) == (sent["statement_id"], 1)
    assert await end(worker, sent["statement_id"], **ROWS) == 200
    assert await state_of(api, sent["statement_id"]) == "SUCCEEDED"
    assert launcher.statements == []


@pytest.mark.usefixtures("patient")
async def test_what_was_taken_up_gets_no_workflow_when_the_offer_is_over(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    statement_id = (await send(api))["statement_id"]
    async with deps.database.read_session() as session:
        mine = select(OutboxRow).where(col(OutboxRow.statement_id) == statement_id)
        start = (await session.exec(mine)).one()
    assert (await worker.post(TAKE)).json()["statement_id"] == statement_id
    await start_now(deps.database, launcher, start)
    assert launcher.statements == []


@pytest.mark.usefixtures("patient")
async def test_a_process_that_waits_at_another_api_hears_of_a_statement(
    api: httpx2.AsyncClient, deps: Deps
) -> None:
    elsewhere = replace(deps, desk=Desk())
    gone = asyncio.get_running_loop().create_future()
    taking = asyncio.create_task(direct.take(elsewhere, "duckdb-1", gone))
    while (seat := elsewhere.desk.reserve("duckdb-1")) is None:
        await asyncio.sleep(0.01)
    elsewhere.desk.put_back(seat)
    statement_id = (await send(api))["statement_id"]
    work = await taking
    assert work is not None
    assert (work.statement_id, work.attempt) == (statement_id, 1)


async def test_who_has_gone_is_given_nothing(api: httpx2.AsyncClient, deps: Deps) -> None:
    gone = asyncio.get_running_loop().create_future()
    taking = asyncio.create_task(direct.take(deps, "duckdb-1", gone))
    while (seat := deps.desk.reserve("duckdb-1")) is None:
        await asyncio.sleep(0.01)
    gone.set_result(None)
    assert await taking is None
    deps.desk.put_back(seat)
    assert deps.desk.reserve("duckdb-1") is None


async def test_requests_of_one_token_take_up_one_statement(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps
) -> None:
    async with waiting(worker, deps) as taking:
        both = await asyncio.gather(*(send(api, idempotency_token="y") for _ in range(2)))
        assert len({each["statement_id"] for each in both}) == 1
        assert (await taking)["statement_id"] == both[0]["statement_id"]


async def test_another_warehouse_gets_nothing(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    async with waiting(worker, deps) as taking:
        statement_id = (await send(api, warehouse_id="trino"))["statement_id"]
        while not launcher.statements:
            await asyncio.sleep(0.01)
        assert launcher.statements[0].statement_id == statement_id
        assert not taking.done()
