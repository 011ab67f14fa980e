"""What people are told of transactions, over the API and the CLI."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlmodel import select
from typer.testing import CliRunner

from control.audit.tables import AuditEntry
from control.cli import runs, transactions
from control.cli.client import Api
from control.db import Database
from control.deps import Deps
from control.runs.tables import Run
from control.transactions.tables import (
    AttemptBranch,
    AttemptBranchState,
    Transaction,
    TransactionState,
)
from tests.control.make import create_job, put_file, run_now
from tests.control.serving import serving

PATH = "/api/openlake/1.0"


@pytest.fixture(autouse=True)
async def main_file(database: Database, token: str) -> str:
    return await put_file(database, "/jobs/main.py")


async def _run(api: httpx2.AsyncClient) -> int:
    return await run_now(api, await create_job(api, name="orders"))


async def _keep(database: Database, run_id: int, **fields: Any) -> None:
    """Store a run that has ended in conflict, with one landing."""
    kept: dict[str, Any] = {
        "state": TransactionState.CONFLICT,
        "message": "Nothing was published.",
        "conflicts": [
            {"table": "shop.t", "task_keys": ["a"], "by": {"text": "ada", "principal": "ada"}}
        ],
        "drop_after": datetime.now(UTC) + timedelta(hours=1),
    }
    async with database.session() as session:
        run = await session.get_one(Run, run_id)
        run.life = "ENDED"
        session.add(run)
        facts: dict[str, Any] = {"workspace_id": 1, "job_id": run.job_id, "base_hash": "00"}
        facts |= {"run_id": run_id, "number": 0, "branch": f"run_{run_id}"}
        session.add(Transaction(**facts | kept | fields))
        session.add(
            AttemptBranch(
                task_run_id=run_id + 1,
                run_id=run_id,
                number=0,
                task_key="a",
                branch=f"attempt_{run_id + 1}",
                base_hash="00",
                state=AttemptBranchState.LANDED,
                tables=["shop.t"],
            )
        )


async def test_a_transaction_is_shown_with_attempts_and_conflicts(
    api: httpx2.AsyncClient, database: Database
) -> None:
    run_id = await _run(api)
    await _keep(database, run_id)
    answer = await api.get(f"{PATH}/runs/{run_id}/transaction")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["state"] == "CONFLICT"
    assert found["branch"] == f"run_{run_id}"
    assert found["conflicts"] == [
        {"table": "shop.t", "task_keys": ["a"], "by": {"text": "ada", "principal": "ada"}}
    ]
    assert found["attempts"][0]["tables"] == ["shop.t"]
    assert "drop_after" in found


async def test_runs_without_one_and_runs_of_others_are_not_found(
    api: httpx2.AsyncClient, database: Database
) -> None:
    run_id = await _run(api)
    for method, path in (("GET", ""), ("POST", "/drop")):
        plain = await api.request(method, f"{PATH}/runs/{run_id}/transaction{path}")
        assert (plain.status_code, "is no transaction" in plain.text) == (404, True)
        unknown = await api.request(method, f"{PATH}/runs/{9 << 20}/transaction{path}")
        assert unknown.status_code == 404


async def test_transactions_are_listed_in_pages(
    api: httpx2.AsyncClient, database: Database
) -> None:
    ids = [await _run(api) for _ in range(3)]
    for run_id in ids:
        await _keep(database, run_id)
    first = (await api.get(f"{PATH}/transactions?limit=2")).json()
    assert [each["run_id"] for each in first["transactions"]] == ids[:0:-1]
    token = first["next_page_token"]
    second = (await api.get(f"{PATH}/transactions?limit=2&page_token={token}")).json()
    assert [each["run_id"] for each in second["transactions"]] == ids[:1]
    assert "next_page_token" not in second
    kept = (await api.get(f"{PATH}/transactions?state=KEPT&state=OPEN")).json()
    assert kept["transactions"] == []
    for bad in ("state=LOST", "page_token=x", "limit=0"):
        answer = await api.get(f"{PATH}/transactions?{bad}")
        assert answer.status_code == 400, answer.text


async def test_a_kept_branch_is_given_up_once(api: httpx2.AsyncClient, database: Database) -> None:
    run_id = await _run(api)
    await _keep(database, run_id)
    for _ in range(2):
        answer = await api.post(f"{PATH}/runs/{run_id}/transaction/drop")
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == "DROPPED"
    async with database.read_session() as session:
        query = select(AuditEntry).where(AuditEntry.action == "transaction.dropped")
        assert len((await session.exec(query)).all()) == 1


@pytest.mark.parametrize("state", ["PUBLISHED", "PUBLISHING"])
async def test_what_is_not_kept_is_not_dropped(
    api: httpx2.AsyncClient, database: Database, state: str
) -> None:
    run_id = await _run(api)
    await _keep(database, run_id, state=state)
    answer = await api.post(f"{PATH}/runs/{run_id}/transaction/drop")
    assert answer.status_code == 409, answer.text


async def test_the_cli_shows_and_drops(
    api: httpx2.AsyncClient,
    deps: Deps,
    token: str,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_id = await _run(api)
    await _keep(database, run_id)
    async with serving(deps) as url:
        client = Api(url, token)
        monkeypatch.setattr(transactions, "connect", lambda: client)

        async def say(*words: object) -> str:
            done = await asyncio.to_thread(CliRunner().invoke, runs.app, [*map(str, words)])
            if done.exception is not None:
                raise done.exception
            return done.stdout

        shown = await say("transaction", run_id)
        assert "CONFLICT" in shown
        assert "shop.t" in shown
        assert json.loads(await say("transaction", run_id, "--output", "json"))["run_id"] == run_id
        assert "is dropped" in await say("drop-branch", run_id, "--yes")
        client.close()
