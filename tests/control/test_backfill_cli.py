"""`openlake jobs backfill` against the API on a real port."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine

import httpx2
import pytest
import typer
from sqlmodel import select
from typer.testing import CliRunner, Result

from control.cli import backfill
from control.cli.client import Api
from control.deps import Deps
from control.triggers.backfills import Backfills
from control.triggers.tables import Backfill
from spec.triggers import BackfillRef
from tests.control.make import create_job, put_file
from tests.control.serving import serving
from tests.control.test_backfills import PARAMETERS, runs
from tests.control.test_triggers import end

Run = Callable[..., Coroutine[None, None, Result]]
RANGE = ("--from", "2026-01-01", "--to", "2026-01-03")


@pytest.fixture
async def job_id(api: httpx2.AsyncClient, deps: Deps) -> int:
    await put_file(deps.database, "/jobs/main.py")
    return await create_job(api, max_concurrent_runs=10, parameters=PARAMETERS)


@pytest.fixture
async def run(
    deps: Deps, token: str, job_id: int, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Run]:
    app = typer.Typer()
    app.command()(backfill.backfill)
    async with serving(deps) as url:
        api = Api(url, token)
        monkeypatch.setattr(backfill, "connect", lambda: api)
        monkeypatch.setattr(backfill, "_PAUSE_S", 0.05)

        async def invoke(*words: str) -> Result:
            return await asyncio.to_thread(CliRunner().invoke, app, [str(job_id), *words])

        yield invoke
        api._http.close()


async def test_a_dry_run_says_what_would_run(run: Run, deps: Deps, job_id: int) -> None:
    shown = (await run(*RANGE, "-p", "day={{backfill.iso_date}}", "--dry-run")).stdout
    assert "day=2026-01-03" in shown
    assert "3 runs, 1 at a time; nothing was started" in shown
    assert await runs(deps, job_id) == []


async def test_progress_until_the_end(run: Run, deps: Deps, job_id: int) -> None:
    following = asyncio.create_task(run(*RANGE, "--max-concurrent", "2"))

    async def advance() -> bool:
        for made in await runs(deps, job_id):
            if made.result is None:
                assert made.triggered_at is not None
                await end(deps, made, "FAILED" if made.triggered_at.day == 2 else "SUCCESS")
        step = await Backfills(deps).advance_backfill(BackfillRef(workspace_id=1, backfill_id=1))
        return step.is_over

    async with asyncio.timeout(20):
        while not await _started(deps) or not await advance():
            await asyncio.sleep(0.1)
    ended = await following
    assert ended.exit_code == 1
    assert "3/3 done, 1 failed, 0 active" in ended.stdout
    assert "2 of 3 succeeded, 1 failed" in ended.stdout
    assert "--rerun 1" in ended.stdout
    again = json.loads((await run("--rerun", "1", "--no-follow", "-o", "json")).stdout)
    assert again["total"] == 1
    assert "asked to stop" in (await run("--cancel", str(again["backfill_id"]))).stdout


async def _started(deps: Deps) -> bool:
    async with deps.database.read_session() as session:
        return (await session.exec(select(Backfill))).first() is not None


async def test_dates_are_wanted(run: Run) -> None:
    answer = await run("--from", "2026-01-01")
    assert "--to 2026-01-31" in str(answer.exception)
