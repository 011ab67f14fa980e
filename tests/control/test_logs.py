"""Logs are read whole, in part and live; every byte once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.db import Database
from control.deps import Deps
from control.logs.text import whole_characters
from control.projection import Projector
from spec.attempts import AttemptResult
from spec.events import RunStarted
from tests.control.conftest import WORKER_TOKEN, Recorder
from tests.control.make import create_job, put_file, run_now
from tests.control.serving import serving
from tests.control.test_internal import open_attempt, ref
from tests.control.test_projection import T0, Play


@given(st.text(), st.integers(min_value=0, max_value=400))
def test_text_is_cut_between_characters(text: str, at: int) -> None:
    content = text.encode()
    first, rest = whole_characters(content[:at])
    second, nothing = whole_characters(rest + content[at:])
    assert first + second == text
    assert nothing == b""


@given(st.binary())
def test_any_bytes_can_be_read(content: bytes) -> None:
    _, rest = whole_characters(content)
    assert len(rest) < 4


@pytest.fixture
async def running(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    database: Database,
    launcher: Recorder,
) -> Play:
    """A run whose only attempt is open and projected."""
    await put_file(database, "/jobs/main.py")
    run_id = await run_now(api, await create_job(api))
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    await Projector(database).project(play.batch())
    assert (await open_attempt(worker, ref(play.state.plan))).status_code == 200
    return play


async def write(worker: httpx2.AsyncClient, attempt: int, offset: int, content: bytes) -> None:
    path = f"/attempts/{attempt}/logs"
    answer = await worker.put(path, params={"offset": offset}, content=content)
    assert answer.json() == {"size": offset + len(content)}


async def test_logs_are_read_whole_and_in_part(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, running: Play
) -> None:
    attempt = running.state.plan.run_id + 1
    await write(worker, attempt, 0, b"0123456789")
    await write(worker, attempt, 10, b"abcdefghij")
    path = f"/api/openlake/1.0/task-runs/{attempt}/logs"
    whole = await api.get(path)
    assert whole.text == "0123456789abcdefghij"
    assert whole.headers["content-type"].startswith("text/plain")
    assert (await api.get(path, params={"offset": 8, "limit": 4})).text == "89ab"
    assert (await api.get(path, params={"offset": 15})).text == "fghij"
    assert (await api.get(path, params={"offset": 99})).text == ""


async def test_the_log_of_another_is_not_found(api: httpx2.AsyncClient, running: Play) -> None:
    answer = await api.get(f"/api/openlake/1.0/task-runs/{1 << 30}/logs")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


async def events(answer: httpx2.Response) -> AsyncIterator[dict[str, Any]]:
    """Read server-sent events as browsers do."""
    current: dict[str, Any] = {"data": []}
    async for line in answer.aiter_lines():
        if not line:
            if current["data"]:
                yield {**current, "data": "\n".join(current["data"])}
            current = {"data": []}
        elif not line.startswith(":"):
            field, _, value = line.partition(": ")
            if field.rstrip(":") == "data":
                current["data"].append(value)
            else:
                current[field] = value


async def test_a_log_is_followed_to_its_end_and_resumed(
    api: httpx2.AsyncClient, deps: Deps, token: str, running: Play, database: Database
) -> None:
    attempt = running.state.plan.run_id + 1
    path = f"/api/openlake/1.0/task-runs/{attempt}/logs/stream"
    heard: list[dict[str, Any]] = []
    async with (
        serving(deps) as url,
        httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client,
        httpx2.AsyncClient(
            base_url=f"{url}/internal/1.0", headers={"Authorization": f"Bearer {WORKER_TOKEN}"}
        ) as worker,
    ):
        euro = "€\n".encode()

        async def act() -> None:
            await write(worker, attempt, 0, b"one\n" + euro[:1])
            await asyncio.sleep(0.2)
            await write(worker, attempt, 5, euro[1:] + b"last\n")
            running.end("a", AttemptResult.SUCCESS)
            await Projector(database).project(running.batch())

        async with asyncio.timeout(20), client.stream("GET", path) as answer:
            acting = asyncio.create_task(act())
            async for event in events(answer):
                heard.append(event)
            await acting
        assert "".join(e["data"] for e in heard if e["event"] == "log") == "one\n€\nlast\n"
        assert heard[0] == {"event": "log", "id": "4", "data": "one\n"}
        assert heard[-1]["event"] == "end"
        resumed = await client.get(path, headers={"Last-Event-ID": "4"})
        assert "data: €\r\ndata: last\r\n" in resumed.text


async def test_a_run_is_followed_to_its_end(
    api: httpx2.AsyncClient, deps: Deps, token: str, running: Play, database: Database
) -> None:
    run_id = running.state.plan.run_id
    headers = {"Authorization": f"Bearer {token}"}
    words: list[tuple[str, str]] = []
    import json

    async with (
        serving(deps) as url,
        httpx2.AsyncClient(base_url=url, headers=headers) as client,
        asyncio.timeout(20),
        client.stream("GET", f"/api/openlake/1.0/runs/{run_id}/events") as answer,
    ):
        async for event in events(answer):
            if event["event"] == "end":
                break
            run = json.loads(event["data"])
            words.append(
                (run["state"]["life_cycle_state"], run["tasks"][0]["state"]["life_cycle_state"])
            )
            if running.state.result is None:
                running.end("a", AttemptResult.FAILED)
                await Projector(database).project(running.batch())
    assert words == [("RUNNING", "RUNNING"), ("INTERNAL_ERROR", "TERMINATED")]
