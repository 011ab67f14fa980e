"""Whoever follows a workspace hears of its runs, as far as they may see them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from sqlmodel import col, update

from control import sse
from control.deps import Deps
from control.projection import Projector
from control.runs.feed import Change, Follower
from control.tokens.tables import Token
from spec.attempts import AttemptResult
from spec.events import RunStarted
from tests.control.acting import give, person
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, run_now
from tests.control.serving import serving
from tests.control.test_identity_tokens import bearer
from tests.control.test_projection import Play
from tests.control.test_workspaces import create

EVENTS = "/api/openlake/1.0/events"


class Heard:
    """The events of one stream as they come."""

    def __init__(self, answer: httpx2.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> tuple[str, dict[str, Any]] | None:
        """Return the next event; None at the end of the stream."""
        event = ""
        async for line in self._lines:
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: "):
                return event, json.loads(line.removeprefix("data: "))
        return None


@asynccontextmanager
async def following(deps: Deps, token: str) -> AsyncIterator[Heard]:
    """Follow the token's workspace; `hello` has been heard."""
    async with (
        serving(deps) as url,
        httpx2.AsyncClient(base_url=url, headers=bearer(token), timeout=20) as client,
        asyncio.timeout(20),
        client.stream("GET", EVENTS) as answer,
    ):
        assert answer.status_code == 200
        heard = Heard(answer)
        first = await heard.next()
        assert first is not None and first[0] == "hello"
        yield heard


async def test_every_change_of_a_run_is_told(
    api: httpx2.AsyncClient, deps: Deps, token: str, launcher: Recorder
) -> None:
    await put_file(deps.database, "/jobs/main.py")
    job_id = await create_job(api)
    async with following(deps, token) as heard:
        run_id = await run_now(api, job_id)
        told = {"run_id": run_id, "job_id": job_id}
        assert await heard.next() == ("run", {**told, "state": "PENDING"})
        play = Play(launcher.plans[run_id])
        play.record(RunStarted(at=play.now))
        play.advance()
        await Projector(deps.database).project(play.batch())
        assert await heard.next() == ("run", {**told, "state": "RUNNING"})
        play.end("a", AttemptResult.FAILED)
        await Projector(deps.database).project(play.batch())
        assert await heard.next() == ("run", {**told, "state": "FAILED"})
        repair = {"run_id": run_id, "rerun_all_failed_tasks": True}
        assert (await api.post("/api/2.2/jobs/runs/repair", json=repair)).status_code == 200
        assert await heard.next() == ("run", {**told, "state": "PENDING"})


async def test_nobody_hears_of_runs_they_may_not_see(api: httpx2.AsyncClient, deps: Deps) -> None:
    await put_file(deps.database, "/jobs/main.py")
    hidden, seen = await create_job(api), await create_job(api)
    user = await person(api, deps, "user@x")
    await give(api, f"jobs/{seen}", "user@x", "CAN_VIEW")
    async with following(deps, user.token) as heard:
        await run_now(api, hidden)
        run_id = await run_now(api, seen)
        told = await heard.next()
    assert told is not None and told[1]["run_id"] == run_id


async def test_nobody_hears_of_another_workspace(
    api: httpx2.AsyncClient, deps: Deps, token: str
) -> None:
    await put_file(deps.database, "/jobs/main.py")
    other = await create(api, name="other")
    job_id = await create_job(api)
    async with deps.run_feed.follow(other["workspace_id"]) as theirs:
        async with following(deps, token) as heard:
            await run_now(api, job_id)
            assert await heard.next() is not None
        assert theirs.changes == {}


async def test_the_stream_ends_with_the_token(
    api: httpx2.AsyncClient, deps: Deps, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "LOOK_AGAIN_S", 0.05)
    async with following(deps, token) as heard:
        async with deps.database.session() as session:
            now = datetime.now(UTC)
            await session.exec(
                update(Token).where(col(Token.revoked_at).is_(None)).values(revoked_at=now)
            )
        deps.authenticator.forget()
        assert await heard.next() is None


async def test_who_takes_nothing_is_told_to_look_at_everything(deps: Deps, token: str) -> None:
    follower = Follower()
    follower.tell([Change(n, 1, "RUNNING") for n in range(10_001)], missed=False)
    changes, missed = await follower.take(1)
    assert (changes, missed) == ([], True)
    follower.tell([Change(1, 1, "RUNNING")], missed=False)
    follower.tell([Change(1, 1, "SUCCESS")], missed=False)
    assert await follower.take(1) == ([Change(1, 1, "SUCCESS")], False)


async def test_a_lost_connection_to_the_database_is_told(deps: Deps, token: str) -> None:
    async with deps.run_feed.follow(1) as follower:
        await follower.take(1)
        await deps.hub.stop()
        _, missed = await follower.take(5)
        assert missed
