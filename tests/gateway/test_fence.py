"""A zombie's commit is refused, and a commit under way ends before the next attempt begins."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from pyiceberg.exceptions import ForbiddenError
from sqlmodel import select

from control.db import Database
from control.gateway.attempts import close_attempt
from control.gateway.tables import AttemptCommitRow, CommitState
from control.gateway.tokens import AttemptClaims
from tests.gateway.conftest import ROWS, Gateway, Opener
from tests.gateway.make import attempt_claims
from tests.gateway.opening import begin_attempt

pytestmark = pytest.mark.integration


async def test_pyiceberg_of_a_superseded_attempt_is_refused_with_403(
    gateway: Gateway, database: Database, opened: Opener, run_id: int
) -> None:
    first = await opened(attempt_claims(1, run_id=run_id))
    lake = gateway.pyiceberg(first)
    lake.create_namespace("zombie")
    table = lake.create_table("zombie.t", ROWS.schema)
    second = await opened(attempt_claims(2, run_id=run_id))
    with pytest.raises(ForbiddenError, match=rf"replaced by attempt 1 \(task run {run_id + 2}\)"):
        table.append(ROWS)
    successor = gateway.pyiceberg(second).load_table("zombie.t")
    assert successor.current_snapshot() is None
    successor.append(ROWS)
    assert successor.scan().to_arrow().num_rows == 3
    async with database.read_session() as session:
        query = select(AttemptCommitRow).where(
            AttemptCommitRow.task_run_id == first.task_run_id,
            AttemptCommitRow.state == CommitState.REFUSED,
        )
        [row] = (await session.exec(query)).all()
    assert row.operation == "append"
    assert "is over" in row.message


async def test_duckdb_of_a_superseded_attempt_is_refused(
    gateway: Gateway,
    opened: Opener,
    run_id: int,
    duckdb_lake: Callable[[AttemptClaims], Any],
) -> None:
    first = await opened(attempt_claims(1, run_id=run_id))
    lake = duckdb_lake(first)
    lake.execute("CREATE SCHEMA lakehouse.zombie_duck")
    lake.execute("CREATE TABLE lakehouse.zombie_duck.t (x BIGINT)")
    lake.execute("INSERT INTO lakehouse.zombie_duck.t VALUES (1)")
    lake.execute("BEGIN; INSERT INTO lakehouse.zombie_duck.t VALUES (2)")
    second = await opened(attempt_claims(2, run_id=run_id))
    with pytest.raises(duckdb.Error, match="is over"):
        lake.execute("COMMIT")
    table = gateway.pyiceberg(second).load_table("zombie_duck.t")
    assert table.scan().to_arrow()["x"].to_pylist() == [1]


async def test_every_kind_of_change_is_refused_after_the_end(
    gateway: Gateway, database: Database, opened: Opener, run_id: int
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    async with database.session() as session:
        await close_attempt(session, claims.task_run_id, "succeeded")
    name = {"namespace": ["z"], "name": "t"}
    with gateway.client(claims) as client:
        answers = [
            client.post("/namespaces", json={"namespace": ["z"]}),
            client.post("/namespaces/z/properties", json={"updates": {}}),
            client.delete("/namespaces/z"),
            client.post("/namespaces/z/tables", json={"name": "t", "schema": {}}),
            client.post(
                "/namespaces/z/tables", json={"name": "t", "schema": {}, "stage-create": True}
            ),
            client.post("/namespaces/z/tables/t", json={"updates": [], "requirements": []}),
            client.delete("/namespaces/z/tables/t"),
            client.post("/namespaces/z/register", json={"name": "t", "metadata-location": "x"}),
            client.post("/tables/rename", json={"source": name, "destination": name}),
            client.post("/transactions/commit", json={"table-changes": []}),
            client.post("/namespaces/z/views", json={"name": "v"}),
            client.post("/namespaces/z/views/v", json={"updates": []}),
            client.delete("/namespaces/z/views/v"),
            client.post("/views/rename", json={"source": name, "destination": name}),
        ]
    for answer in answers:
        assert answer.status_code == 403
        assert "is over: succeeded" in answer.json()["error"]["message"]


async def test_reads_of_an_ended_attempt_stop_within_seconds(
    gateway: Gateway, database: Database, opened: Opener, run_id: int
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    with gateway.client(claims) as client:
        assert client.get("/namespaces").status_code == 200
        async with database.session() as session:
            await close_attempt(session, claims.task_run_id, "succeeded")
        await asyncio.sleep(2.2)
        assert client.get("/namespaces").status_code == 403


async def test_the_next_attempt_begins_after_the_commit_under_way(
    gateway: Gateway, database: Database, opened: Opener, run_id: int
) -> None:
    first = await opened(attempt_claims(1, run_id=run_id))
    lake = gateway.pyiceberg(first)
    lake.create_namespace("drain")
    table = lake.create_table("drain.t", ROWS.schema)
    gateway.fault.write_text("hold commit-table")
    commit = threading.Thread(target=table.append, args=(ROWS,))
    commit.start()
    try:
        while not gateway.held.exists():
            await asyncio.sleep(0.02)
        beginning = asyncio.create_task(
            begin_attempt(database, attempt_claims(2, run_id=run_id), patience_s=20)
        )
        await asyncio.sleep(0.5)
        assert not beginning.done()
    finally:
        gateway.fault.unlink()
        await asyncio.to_thread(commit.join)
    assert (await beginning).superseded == (first.task_run_id,)
    successor = gateway.pyiceberg(attempt_claims(2, run_id=run_id)).load_table("drain.t")
    assert successor.scan().to_arrow().num_rows == 3
