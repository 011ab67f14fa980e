"""The Airflow engine on a real Airflow 3."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from activities.airflow.diary import label
from activities.config import AirflowServer, WorkerConfig
from activities.engines.airflow import AirflowEngine
from activities.engines.base import Handle
from activities.folder import AttemptFolder
from spec.attempts import (
    AirflowProgram,
    AttemptOutcome,
    AttemptOutput,
    AttemptResult,
    AttemptWork,
)
from spec.errors import EngineRejected, EngineUnavailable
from spec.tasks import Engine
from tests.activities.fakes import make_ref, make_work
from tests.integration.airflow.server import Airflow

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


_attempts = itertools.count(1)


class Scene:
    """Workers that drive attempts against the Airflow; each host has a folder of its own."""

    def __init__(self, airflow: Airflow, folder: Path) -> None:
        self.airflow = airflow
        self.folder = folder
        self.workers: list[AirflowEngine] = []

    def worker(self, host: str = "here", server: AirflowServer | None = None) -> AirflowEngine:
        """Start another worker."""
        config = WorkerConfig(
            control_url="http://127.0.0.1:1",
            worker_token="t",
            host=host,
            folder=self.folder / host,
            airflow={"airflow": server or self.airflow.server},
        )
        self.workers.append(AirflowEngine(config))
        return self.workers[-1]

    def work(self, dag_id: str, connection: str = "airflow", **conf: Any) -> AttemptWork:
        """Make an attempt that triggers this DAG."""
        ref = make_ref(next(_attempts), engine=Engine.AIRFLOW)
        return make_work(ref, AirflowProgram(dag_id=dag_id, conf=conf, connection=connection))

    def log(self, work: AttemptWork, host: str = "here") -> str:
        """Return what the driver would ship; nothing, where nothing was left to say."""
        log = AttemptFolder(self.folder / host / work.key, work.key).log
        return log.read_text() if log.exists() else ""

    async def finish(
        self, worker: AirflowEngine, handle: Handle, work: AttemptWork
    ) -> tuple[AttemptOutcome, AttemptOutput]:
        """Follow to the end."""
        async with asyncio.timeout(120):
            while not (progress := await worker.poll(handle, work)).done:
                handle = progress.handle or handle
        return await worker.collect(progress.handle or handle, work)

    async def until_logged(
        self, worker: AirflowEngine, handle: Handle, work: AttemptWork, text: str
    ) -> Handle:
        """Follow until the log says this."""
        async with asyncio.timeout(120):
            while True:
                progress = await worker.poll(handle, work)
                handle = progress.handle or handle
                if text in self.log(work):
                    return handle

    def runs(self, work: AttemptWork, dag_id: str) -> list[dict[str, Any]]:
        """Return the DAG runs of an attempt."""
        found = self.airflow.get(f"/dags/{dag_id}/dagRuns", limit=100)["dag_runs"]
        return [run for run in found if run["dag_run_id"] == work.key]


@pytest.fixture
async def scene(airflow: Airflow, tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(airflow, tmp_path)
    yield scene
    for worker in scene.workers:
        await worker.close()


# The engine --------------------------------------------------------------------------------


async def test_a_dag_run_is_triggered_once_and_followed_by_whoever_comes(scene: Scene) -> None:
    work = scene.work("good", number=4)
    first = scene.worker()
    assert await first.find(work.key, work) is None
    handle = await first.submit(work, work.key)
    assert await scene.worker("other").submit(work, work.key) == handle
    assert len(scene.runs(work, "good")) == 1

    handle = await scene.until_logged(first, handle, work, "first, try 1: success")
    before = scene.log(work)
    second = scene.worker()
    found = await second.find(work.key)
    assert found is not None and found.state["dag_id"] == "good"
    outcome, output = await scene.finish(second, found, work)
    assert outcome.result is AttemptResult.SUCCESS
    assert outcome.started_at is not None and outcome.ended_at is not None
    assert output.values["return_value"] == {"sum": 18, "date": str(work.started_at.date())}
    assert output.values["tasks"] == {
        **dict.fromkeys(("first", "numbers", "double[0]", "double[1]", "total"), "success")
    }

    log = scene.log(work)
    assert log.startswith(before)
    assert len(set(log.splitlines())) == len(log.splitlines())
    page = f"{scene.airflow.url}/dags/good/runs/{work.key}"
    assert output.values["dag_run_url"] == page
    assert f"double[1], try 1: started  {page}/tasks/double/mapped/1?try_number=1\n" in log
    whats = [line.split("  ")[1] for line in log.splitlines()]
    assert whats[0] == "DAG run: queued" and whats[-1] == "DAG run: success"
    # What the first worker had said is not said again on another host.
    elsewhere = scene.worker("elsewhere")
    assert await scene.finish(elsewhere, handle, work) == (outcome, output)
    assert before + scene.log(work, "elsewhere") == log


async def test_a_failed_run_names_its_tasks_and_their_logs(scene: Scene) -> None:
    work = scene.work("bad")
    worker = scene.worker()
    outcome, output = await scene.finish(worker, await worker.submit(work, work.key), work)
    assert (outcome.result, outcome.code) == (AttemptResult.FAILED, "RUN_EXECUTION_ERROR")
    assert "'bad' failed in 'breaks'; see http" in outcome.message
    assert output.error == outcome.message
    page = f"{scene.airflow.url}/dags/bad/runs/{work.key}"
    assert output.error_trace == f"breaks: {page}/tasks/breaks?try_number=1"
    assert "after: upstream_failed" in scene.log(work)


async def test_a_cancelled_run_is_over_in_airflow_too(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    work = scene.work("slow", pid_file=str(file))
    worker = scene.worker()
    handle = await worker.submit(work, work.key)
    async with asyncio.timeout(120):
        while not file.exists() or not file.read_text():
            assert not (await worker.poll(handle, work)).done
    process = psutil.Process(int(file.read_text()))
    other = scene.worker("other")
    async with asyncio.timeout(20):
        await other.cancel(handle)
    with suppress(psutil.NoSuchProcess):
        # It was killed before cancel came back; its parent may have yet to take note.
        assert process.wait(1) is not None or not process.is_running()
    (run,) = scene.runs(work, "slow")
    assert run["state"] == "failed"
    instances = scene.airflow.get(f"/dags/slow/dagRuns/{work.key}/taskInstances")
    states = {label(each): each["state"] for each in instances["task_instances"]}
    assert states == {"sleeps": "failed", "after": "skipped"}
    assert (await worker.poll(handle, work)).done
    outcome, _ = await worker.collect(handle, work)
    assert outcome.result is AttemptResult.CANCELED
    await worker.cancel(handle)
    assert (await other.collect(handle, work))[0] == outcome


async def test_a_run_that_waits_is_cancelled_before_it_begins(scene: Scene) -> None:
    work = scene.work("slow", pid_file="/nonexistent")
    worker = scene.worker()
    handle = await worker.submit(work, work.key)
    await worker.cancel(handle)
    outcome = (await scene.finish(worker, handle, work))[0]
    assert outcome.result is AttemptResult.CANCELED


async def test_every_try_of_a_task_is_in_the_log(scene: Scene) -> None:
    work = scene.work("flaky")
    worker = scene.worker()
    handle = await worker.submit(work, work.key)
    outcome, _ = await scene.finish(worker, handle, work)
    assert outcome.result is AttemptResult.SUCCESS
    whats = [line.split("  ")[1] for line in scene.log(work).splitlines()]
    assert [what for what in whats if what.startswith("second")] == [
        "second_time, try 1: started",
        "second_time, try 1: failed",
        "second_time, try 2: started",
        "second_time, try 2: success",
    ]
    # Even one who looks at it only at the end sees the first try.
    late = scene.worker("late")
    await scene.finish(late, handle, work)
    assert scene.log(work, "late") == scene.log(work)


async def test_what_cannot_work_is_refused_with_what_to_do(scene: Scene) -> None:
    worker = scene.worker()
    for work, why in (
        (scene.work("none"), "has no DAG 'none'; check its id"),
        (scene.work("paused"), "'paused' is paused.*unpause it in Airflow"),
        (scene.work("good", "prod"), "knows no Airflow 'prod'; there are 'airflow'"),
    ):
        assert await worker.find(work.key, work) is None
        with pytest.raises(EngineRejected, match=why):
            await worker.submit(work, work.key)
    wrong = scene.worker(server=replace(scene.airflow.server, password="wrong"))
    with pytest.raises(EngineRejected, match=r"gives no token to 'admin'.*password"):
        await wrong.submit(scene.work("good"), "openlake-0")


async def test_who_is_away_or_refuses_later_is_asked_again(scene: Scene) -> None:
    work = scene.work("good", number=1)
    worker = scene.worker()
    handle = await worker.submit(work, work.key)
    away = scene.worker(server=replace(scene.airflow.server, url="http://127.0.0.1:1"))
    refused = scene.worker(server=AirflowServer(scene.airflow.url, token="outdated"))
    for other in (away, refused):
        with pytest.raises(EngineUnavailable):
            await other.poll(handle, work)
    with pytest.raises(EngineUnavailable, match="does not answer"):
        await away.find(work.key)
    await worker.cancel(handle)
