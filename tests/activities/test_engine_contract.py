"""One suite over all engines: what the driver may rely on behind the port."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from activities.config import WorkerConfig
from activities.engines import registry
from activities.engines.base import EngineAdapter, Handle
from activities.engines.fake import FakeEngine
from activities.files import materialise
from activities.folder import AttemptFolder
from spec.attempts import (
    AttemptOutcome,
    AttemptOutput,
    AttemptResult,
    AttemptWork,
    Program,
    PythonProgram,
    SqlProgram,
)
from spec.tasks import Engine
from tests.activities.fakes import FakeControl, make_ref, make_work
from tests.activities.lake import Lake

_FILE = PythonProgram(path="main.py")
_SPARK = "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\n"
_SLOW_DUCKDB = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 1"
_SLOW_TRINO = (
    "SELECT count(*) FROM tpch.sf1000.lineitem a, tpch.sf1000.lineitem b "
    "WHERE a.orderkey + b.orderkey = 1"
)


@dataclass(frozen=True)
class Case:
    """How one engine is asked for a success, a failure, and something that takes for ever."""

    name: str
    engine: Engine | None
    good: tuple[Program, str]
    bad: tuple[Program, str]
    slow: tuple[Program, str]
    error: str


CASES = [
    Case(
        "fake",
        None,
        (PythonProgram(path="succeed"), ""),
        (PythonProgram(path="fail"), ""),
        (PythonProgram(path="hang"), ""),
        "it failed",
    ),
    Case(
        "python",
        Engine.PYTHON,
        (_FILE, "print('ran')"),
        (_FILE, "raise ValueError('wrong')"),
        (_FILE, "import time; time.sleep(600)"),
        "ValueError: wrong",
    ),
    Case(
        "duckdb",
        Engine.DUCKDB,
        (SqlProgram(text="SELECT :a AS ran", parameters={"a": "b"}), ""),
        (SqlProgram(text="SELECT * FROM no.such"), ""),
        (SqlProgram(text=_SLOW_DUCKDB), ""),
        "CatalogException",
    ),
    Case(
        "spark",
        Engine.SPARK,
        (_FILE, f"{_SPARK}print('ran', spark.range(5).count())"),
        (_FILE, f"{_SPARK}spark.sql('SELECT * FROM no.such').show()"),
        (_FILE, f"{_SPARK}import time; print('up'); time.sleep(600)"),
        "TABLE_OR_VIEW_NOT_FOUND",
    ),
    Case(
        "trino",
        Engine.TRINO,
        (SqlProgram(text="SELECT :a AS ran", parameters={"a": "b"}), ""),
        (SqlProgram(text="SELECT * FROM no.such"), ""),
        (SqlProgram(text=_SLOW_TRINO), ""),
        "SCHEMA_NOT_FOUND",
    ),
]


class Scene:
    """One engine, and workers that drive it."""

    def __init__(self, case: Case, config: WorkerConfig, lake: Lake | None) -> None:
        self.case = case
        self.config = config
        self.lake = lake
        self.fakes: dict[str, str] = {}
        self.workers: list[EngineAdapter] = []
        self.control = FakeControl()

    def worker(self) -> EngineAdapter:
        """Another worker on the same host."""
        if self.case.engine is None:
            return FakeEngine(self.fakes)
        self.workers.append(registry.load(self.case.engine, self.config))
        return self.workers[-1]

    async def close(self) -> None:
        for worker in self.workers:
            await worker.close()

    async def work(self, which: tuple[Program, str]) -> AttemptWork:
        program, source = which
        engine = self.case.engine or Engine.PYTHON
        if self.lake is None:
            work = make_work(make_ref(engine=engine), program)
        else:
            work = await self.lake.open(engine, program)
        work = self.control.add(work, **({"main": source} if source else {}))
        folder = AttemptFolder(self.config.folder / work.key, work.key)
        folder.make()
        cache = self.config.folder / ".blobs"
        await materialise(work.files, folder.work, cache, self.control)
        return work

    async def finish(
        self, adapter: EngineAdapter, handle: Handle, work: AttemptWork
    ) -> tuple[AttemptOutcome, AttemptOutput]:
        async with asyncio.timeout(90):
            while not (progress := await adapter.poll(handle, work)).done:
                handle = progress.handle or handle
        return await adapter.collect(progress.handle or handle, work)


@pytest.fixture(
    params=[
        pytest.param(case, id=case.name, marks=[pytest.mark.integration] * (n > 1))
        for n, case in enumerate(CASES)
    ]
)
def case(request: pytest.FixtureRequest) -> Case:
    case: Case = request.param
    return case


@pytest.fixture
def place(case: Case, request: pytest.FixtureRequest) -> Lake | None:
    needed = {"duckdb": "lake", "spark": "lake", "trino": "trino"}.get(case.name)
    return request.getfixturevalue(needed) if needed else None


@pytest.fixture
async def scene(case: Case, place: Lake | None, config: WorkerConfig) -> AsyncIterator[Scene]:
    scene = Scene(case, config if place is None else place.worker(config), place)
    yield scene
    await scene.close()


async def test_work_is_submitted_once_and_ends_the_same_for_everyone(scene: Scene) -> None:
    work = await scene.work(scene.case.good)
    first = scene.worker()
    assert await first.find(work.key) is None
    handle = await first.submit(work, work.key)
    second = scene.worker()
    again = await second.submit(work, work.key)
    assert (again.key, again.host) == (handle.key, handle.host)
    outcome, output = await scene.finish(second, again, work)
    assert outcome.result is AttemptResult.SUCCESS
    assert outcome.started_at is not None and outcome.ended_at is not None
    found = await scene.worker().find(work.key)
    assert found is not None
    assert await scene.finish(scene.worker(), found, work) == (outcome, output)
    log = first.feeds(handle).log.read(0, 100_000).decode()
    assert log.count("ran") == 1


async def test_a_failure_says_why(scene: Scene) -> None:
    work = await scene.work(scene.case.bad)
    adapter = scene.worker()
    outcome, output = await scene.finish(adapter, await adapter.submit(work, work.key), work)
    assert (outcome.result, outcome.code) == (AttemptResult.FAILED, "RUN_EXECUTION_ERROR")
    assert output.error is not None and scene.case.error in output.error
    assert outcome.message == output.error[:1000]


async def test_cancelled_work_is_over_when_cancel_returns(scene: Scene) -> None:
    work = await scene.work(scene.case.slow)
    adapter = scene.worker()
    handle = await adapter.submit(work, work.key)
    progress = await adapter.poll(handle, work)
    assert not progress.done
    handle = progress.handle or handle
    other = scene.worker()
    await other.cancel(handle)
    assert (await other.poll(handle, work)).done
    outcome, _ = await other.collect(handle, work)
    assert outcome.result is AttemptResult.CANCELED
    await adapter.cancel(handle)
    assert (await adapter.collect(handle, work))[0] == outcome
