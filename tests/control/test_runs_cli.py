"""`openlake jobs …` and `openlake runs …` about versions, repairs and evidence, on a real port."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from control.cli import evidence, jobs, runs, versions
from control.cli.client import Api
from control.db import Database
from control.deps import Deps
from control.projection import Projector
from spec.attempts import AttemptResult
from spec.errors import Invalid, InvalidFile, NotFound
from spec.events import Projection, RunStarted
from tests.control.conftest import Recorder
from tests.control.make import put_file, python_task, settings
from tests.control.serving import serving
from tests.control.test_projection import T0, Play

FAILED, SUCCESS = AttemptResult.FAILED, AttemptResult.SUCCESS


class Terminal:
    """Types commands, and plays what the run's workflow would do."""

    def __init__(self, api: Api, database: Database, launcher: Recorder) -> None:
        self.api = api
        self._projector = Projector(database)
        self._launcher = launcher

    async def type(self, app: Any, *words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, [str(word) for word in words])

    async def jobs(self, *words: object) -> str:
        return self._said(await self.type(jobs.app, *map(str, words)))

    async def runs(self, *words: object) -> str:
        return self._said(await self.type(runs.app, *map(str, words)))

    @staticmethod
    def _said(result: Result) -> str:
        if result.exception is not None:
            raise result.exception
        return result.stdout

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return await asyncio.to_thread(self.api.post, path, body)

    async def create(self, **fields: Any) -> int:
        return (await self.post("/api/2.2/jobs/create", settings(**fields)))["job_id"]

    async def play(self, run_id: int, **ends: AttemptResult) -> None:
        """Run a run's newest execution to its end."""
        plan = self._launcher.plans[run_id]
        play = Play(plan)
        play.record(RunStarted(at=T0))
        play.advance()
        while play.state.result is None:
            key = sorted(play.state.running)[0]
            play.end(key, ends.get(key, SUCCESS))
        events = tuple(play.recorded)
        await self._projector.project(
            Projection(run_id=run_id, execution=plan.execution, events=events)
        )


Typed = Callable[..., Awaitable[str]]


@pytest.fixture
async def terminal(
    deps: Deps, database: Database, token: str, launcher: Recorder, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Terminal]:
    await put_file(database, "/jobs/main.py")
    async with serving(deps) as url:
        api = Api(url, token)
        for module in (jobs, runs, versions, evidence):
            monkeypatch.setattr(module, "connect", lambda: api)
        yield Terminal(api, database, launcher)
        api._http.close()


async def test_a_jobs_versions_are_listed_compared_and_restored(terminal: Terminal) -> None:
    job_id = await terminal.create(tags={"team": "x"})
    change = {"timeout_seconds": 60, "tasks": [python_task("b")], "tags": {}}
    await terminal.post("/api/2.2/jobs/update", {"job_id": job_id, "new_settings": change})
    listed = await terminal.jobs("history", job_id)
    assert [line.split()[0] for line in listed.splitlines()] == ["version", "2", "1"]
    assert "admin@openlake.local" in listed and "updated" in listed

    said = await terminal.jobs("diff", job_id)
    assert f"job {job_id} version 1 → version 2" in said
    assert "~ timeout_seconds  0  →  60" in said
    assert '- tags.team  "x"' in said
    assert "+ tasks[b]" in said and "  + " in said and '"task_key": "b"' in said
    assert await terminal.jobs("diff", job_id, 2) == said
    back = await terminal.jobs("diff", job_id, 2, 1)
    assert "~ timeout_seconds  60  →  0" in back and "- tasks[b]" in back
    told = json.loads(await terminal.jobs("diff", job_id, 1, 2, "-o", "json"))
    assert (told["before"], told["after"]) == (1, 2)

    assert "has the settings of version 1, as 3" in await terminal.jobs("restore", job_id, 1)
    assert "has these settings already" in await terminal.jobs("restore", job_id, 1)
    newest = json.loads(await terminal.jobs("history", job_id, "-o", "json"))[0]
    assert (newest["version"], newest["cause"]) == (3, "restored from version 1")
    with pytest.raises(NotFound, match="versions 1 to 3"):
        await terminal.jobs("restore", job_id, 9)


async def test_some_tasks_of_a_job_are_run(terminal: Terminal, launcher: Recorder) -> None:
    tasks = [python_task("a"), python_task("b", "a"), python_task("c", "b"), python_task("d")]
    job_id = await terminal.create(tasks=tasks)
    words = ("run", job_id, "--only", "b+", "--only", "d", "--no-follow", "-o", "json")
    run_id = json.loads(await terminal.jobs(*words))["run_id"]
    assert [task.task_key for task in launcher.plans[run_id].tasks] == ["b", "c", "d"]


async def test_a_run_is_repaired_again_and_again(terminal: Terminal, launcher: Recorder) -> None:
    tasks = [python_task("a"), python_task("b", "a"), python_task("c", "b")]
    parameters = [{"name": "month", "default": "1"}]
    job_id = await terminal.create(tasks=tasks, parameters=parameters)
    run_id = json.loads(await terminal.jobs("run", job_id, "--no-follow", "-o", "json"))["run_id"]
    await terminal.play(run_id, b=FAILED)

    assert "repair " in await terminal.runs("repair", run_id, "--no-follow", "-p", "month=2")
    plan = launcher.plans[run_id]
    assert (plan.execution, plan.prior["a"].phase) == (1, "SUCCESS")
    assert plan.prior["b"].phase is None and plan.prior["c"].phase is None
    await terminal.play(run_id, b=FAILED)
    # The latest repair's id is found by the command itself.
    words = ("repair", run_id, "--task", "a", "--dependents", "--original-settings")
    told = json.loads(await terminal.runs(*words, "--no-follow", "-o", "json"))
    assert told["run_id"] == run_id and told["repair_id"]
    assert {prior.phase for prior in launcher.plans[run_id].prior.values()} == {None}
    await terminal.play(run_id)

    shown = await terminal.runs("get", run_id)
    executions = [line for line in shown.splitlines() if " original " in line or " repair " in line]
    assert [line.split()[0] for line in executions] == ["✗", "✗", "✓"]
    kept = json.loads(await terminal.runs("settings", run_id, "-o", "json"))
    assert (kept["execution"], kept["job_version"]) == (2, 1)
    assert "of job" in await terminal.runs("settings", run_id, "--execution", 0)
    with pytest.raises(Invalid, match="not both"):
        await terminal.runs("repair", run_id, "--task", "a", "--all-failed")
    with pytest.raises(Invalid, match="nothing to repair"):
        await terminal.runs("repair", run_id)


async def test_a_followed_repair_fails_when_the_run_does(terminal: Terminal) -> None:
    job_id = await terminal.create()
    run_id = json.loads(await terminal.jobs("run", job_id, "--no-follow", "-o", "json"))["run_id"]
    await terminal.play(run_id, a=FAILED)
    following = asyncio.create_task(terminal.type(runs.app, "repair", str(run_id)))
    launcher_knows = terminal._launcher.plans
    async with asyncio.timeout(20):
        while launcher_knows[run_id].execution == 0:
            await asyncio.sleep(0.02)
    await terminal.play(run_id, a=FAILED)
    result = await following
    assert result.exit_code == 1
    assert "repair 1" in result.stdout and "attempt 2" in result.stdout


async def test_one_task_run_is_cancelled(terminal: Terminal, launcher: Recorder) -> None:
    job_id = await terminal.create()
    run_id = json.loads(await terminal.jobs("run", job_id, "--no-follow", "-o", "json"))["run_id"]
    play = Play(launcher.plans[run_id])
    play.record(RunStarted(at=T0))
    play.advance()
    await terminal._projector.project(play.batch())
    assert f"task run {run_id + 1} was asked to stop" in await terminal.runs("cancel", run_id + 1)
    assert launcher.task_cancels == [(f"run/{run_id}", run_id + 1)]
    assert f"✓ run {run_id} was asked" in await terminal.runs("cancel", run_id)


async def test_a_one_time_run_is_submitted_from_a_file(
    terminal: Terminal, launcher: Recorder, tmp_path: Path
) -> None:
    file = tmp_path / "once.yml"
    task = "tasks:\n  - task_key: a\n    spark_python_task: {python_file: /jobs/main.py}\n"
    file.write_text(f"run_name: once\n{task}")
    told = json.loads(await terminal.runs("submit", file, "--no-follow", "-o", "json"))
    assert launcher.plans[told["run_id"]].tasks[0].task_key == "a"
    as_json = tmp_path / "once.json"
    as_json.write_text(json.dumps({"run_name": "two", "tasks": [python_task("b")]}))
    assert (await terminal.runs("submit", as_json, "--no-follow")).startswith("run ")
    file.write_text(f"run_nam: once\n{task}    max_retries: many\n")
    with pytest.raises(InvalidFile) as wrong:
        await terminal.runs("submit", file)
    places = [(problem.line, problem.path) for problem in wrong.value.problems]
    assert places == [(1, "run_nam"), (5, "tasks[0].max_retries")]
    file.write_text("- task_key: a\n")
    with pytest.raises(InvalidFile, match="a run is a mapping"):
        await terminal.runs("submit", file)


async def test_evidence_is_written_and_checked(terminal: Terminal, tmp_path: Path) -> None:
    job_id = await terminal.create()
    run_id = json.loads(await terminal.jobs("run", job_id, "--no-follow", "-o", "json"))["run_id"]
    await terminal.play(run_id)
    file = tmp_path / "run.json"
    assert f"evidence of run {run_id}" in await terminal.runs("evidence", run_id, "--out", file)
    said = await terminal.runs("evidence", "--verify", file)
    assert f"unchanged: run {run_id} of 'flights'" in said and "SUCCESS" in said
    told = json.loads(await terminal.runs("evidence", "--verify", file, "-o", "json"))
    assert (told["run_id"], told["final"]) == (run_id, True)
    assert json.loads(await terminal.runs("evidence", run_id))["run"]["run_id"] == run_id
    document = json.loads(file.read_text())
    document["task_runs"][0]["result"] = "FAILED"
    file.write_text(json.dumps(document))
    with pytest.raises(Invalid, match="changed after it was made"):
        await terminal.runs("evidence", "--verify", file)
    file.write_text("{")
    with pytest.raises(Invalid, match="no JSON document"):
        await terminal.runs("evidence", "--verify", file)
    with pytest.raises(Invalid, match="give a run's id"):
        await terminal.runs("evidence")
