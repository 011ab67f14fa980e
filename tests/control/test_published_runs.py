"""Runs that are transactions: their plan, how they read while they publish, and their repairs."""

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from control.db import Database
from control.metrics import Metrics
from control.projection import Projector
from control.runs.anew import void_until
from control.runs.for_each import done_before, keep_inputs
from control.runs.plans import rerun_after
from control.runs.tables import TaskRun
from control.transactions import store
from control.transactions.tables import (
    AttemptBranch,
    AttemptBranchState,
    Transaction,
    TransactionState,
)
from spec.attempts import AttemptResult, TaskRef
from spec.events import RunStarted
from spec.jobs import JobSettings
from spec.publish import ConflictPolicy, PublishOutcome
from tests.control.conftest import Recorder
from tests.control.make import create_job, get_run, put_file, python_task, run_now
from tests.control.test_projection import Play

REPAIR = "/api/2.2/jobs/runs/repair"
CHAIN = [python_task("a"), python_task("b", "a"), python_task("c", "b"), python_task("d", "a")]


@pytest.fixture
async def main_file(database: Database, token: str) -> str:
    return await put_file(database, "/jobs/main.py")


class Runs:
    """Lives runs through and projects them."""

    def __init__(self, api: httpx2.AsyncClient, launcher: Recorder, database: Database) -> None:
        self.api, self.launcher, self.database = api, launcher, database

    async def start(self, **publish: Any) -> int:
        """Make a run of the chain."""
        return await run_now(self.api, await create_job(self.api, tasks=CHAIN, publish=publish))

    def to_publishing(self, run_id: int, **ends: AttemptResult) -> Play:
        """Bring the newest execution to where it publishes, or to its end."""
        play = Play(self.launcher.plans[run_id])
        play.record(RunStarted(at=play.now))
        play.advance()
        while play.state.running:
            key = min(play.state.running)
            play.end(key, ends.get(key, AttemptResult.SUCCESS))
        return play

    async def project(self, play: Play) -> dict[str, Any]:
        """Project all that has been played; return the run as it reads then."""
        await Projector(self.database, Metrics()).project(play.batch())
        return await get_run(self.api, play.state.plan.run_id)

    async def transaction(self, run_id: int, state: TransactionState, *writers: str) -> None:
        """Write down what the catalog's part would have."""
        conflicts = [{"table": "s.t", "task_keys": list(writers), "by": {}}] if writers else []
        async with self.database.session() as session:
            session.add(
                Transaction(
                    run_id=run_id,
                    number=0,
                    workspace_id=1,
                    job_id=1,
                    branch="b",
                    base_hash="0",
                    state=state.value,
                    conflicts=conflicts,
                )
            )
            await session.flush()
            for number, key in enumerate("abcd", 1):
                session.add(
                    AttemptBranch(
                        task_run_id=run_id + number,
                        run_id=run_id,
                        number=0,
                        task_key=key,
                        branch=f"b{number}",
                        base_hash="0",
                        state=AttemptBranchState.LANDED.value,
                    )
                )

    async def repair(self, run_id: int, **fields: Any) -> httpx2.Response:
        """Ask for a repair of all that failed."""
        body = {"run_id": run_id, "rerun_all_failed_tasks": True, **fields}
        return await self.api.post(REPAIR, json=body)


@pytest.fixture
def runs(api: httpx2.AsyncClient, main_file: str, launcher: Recorder, database: Database) -> Runs:
    return Runs(api, launcher, database)


async def test_the_plan_says_that_the_run_is_a_transaction(runs: Runs) -> None:
    plan = runs.launcher.plans[await runs.start(audit=["c", "d"], conflict="retry_publish")]
    assert (plan.publish, plan.audit) == (True, ("c", "d"))
    assert plan.conflict is ConflictPolicy.RETRY_PUBLISH
    plain = await run_now(runs.api, await create_job(runs.api, tasks=CHAIN))
    assert not runs.launcher.plans[plain].publish


async def test_a_check_that_was_not_asked_for_is_not_waited_for(runs: Runs) -> None:
    job_id = await create_job(runs.api, tasks=CHAIN, publish={"audit": ["c", "d"]})
    run_id = await run_now(runs.api, job_id, only=["a", "d"])
    assert runs.launcher.plans[run_id].audit == ("d",)


async def test_a_run_says_that_it_publishes_and_what_it_has_published(runs: Runs) -> None:
    play = runs.to_publishing(await runs.start())
    run = await runs.project(play)
    assert run["state"]["life_cycle_state"] == "RUNNING"
    assert run["state"]["state_message"].startswith("Publishing")
    play.publish(PublishOutcome(published=True, tables=("s.t",)))
    run = await runs.project(play)
    assert run["state"]["result_state"] == "SUCCESS"
    assert run["state"]["state_message"] == "Published s.t."


async def test_a_refused_run_says_why_and_what_runs_again(runs: Runs) -> None:
    play = runs.to_publishing(await runs.start(conflict="retry_publish"))
    outcome = PublishOutcome(
        published=False, message="s.t has changed.", writers=("b",), cut_anew=True
    )
    play.publish(outcome)
    run = await runs.project(play)
    assert run["state"]["life_cycle_state"] == "RUNNING"
    said = run["state"]["state_message"]
    assert said == "s.t has changed. These tasks run again: b, c."
    attempts = [t["attempt_number"] for t in run["tasks"] if t["task_key"] == "b"]
    assert attempts == [0, 1]


async def test_a_conflict_between_tasks_reads_as_a_failed_attempt_that_is_made_again(
    runs: Runs,
) -> None:
    play = Play(runs.launcher.plans[await runs.start()])
    play.record(RunStarted(at=play.now))
    play.advance()
    play.end("a", AttemptResult.CONFLICT)
    run = await runs.project(play)
    first, second = [task for task in run["tasks"] if task["task_key"] == "a"]
    assert first["state"]["result_state"] == "FAILED"
    assert "runs again" in first["state"]["state_message"]
    assert second["state"]["life_cycle_state"] == "PENDING"


async def test_after_a_conflict_a_repair_runs_writers_checks_and_what_follows(runs: Runs) -> None:
    run_id = await runs.start(audit=["d"])
    play = runs.to_publishing(run_id)
    play.publish(PublishOutcome(published=False, message="s.t has changed.", writers=("b",)))
    assert (await runs.project(play))["state"]["result_state"] == "FAILED"
    await runs.transaction(run_id, TransactionState.CONFLICT, "b")
    assert (await runs.repair(run_id)).status_code == 200
    prior = runs.launcher.plans[run_id].prior
    assert {key for key, each in prior.items() if each.phase is None} == {"b", "c", "d"}


async def test_a_run_that_only_failed_to_publish_is_repaired_without_a_task(runs: Runs) -> None:
    run_id = await runs.start()
    play = runs.to_publishing(run_id)
    play.publish(PublishOutcome(published=False, message="no"))
    await runs.project(play)
    await runs.transaction(run_id, TransactionState.KEPT)
    assert (await runs.repair(run_id)).status_code == 200
    again = runs.to_publishing(run_id)
    assert again.state.publishing, "all that is left to do"
    async with runs.database.read_session() as session:
        row = await store.newest(session, run_id)
    assert row is not None and row.state == TransactionState.OPENING


async def test_a_run_whose_branch_is_gone_is_not_repaired(runs: Runs) -> None:
    run_id = await runs.start()
    await runs.project(runs.to_publishing(run_id, c=AttemptResult.FAILED))
    await runs.transaction(run_id, TransactionState.DROPPED)
    answer = await runs.repair(run_id)
    assert answer.status_code == 400 and "has been dropped" in answer.json()["message"]


async def test_a_repair_does_not_write_to_main_what_began_as_a_transaction(runs: Runs) -> None:
    run_id = await runs.start()
    run = await runs.project(runs.to_publishing(run_id, c=AttemptResult.FAILED))
    await runs.transaction(run_id, TransactionState.KEPT)
    body = {"job_id": run["job_id"], "fields_to_remove": ["publish"]}
    assert (await runs.api.post("/api/2.2/jobs/update", json=body)).status_code == 200
    answer = await runs.repair(run_id)
    assert answer.status_code == 400 and "ORIGINAL" in answer.json()["message"]
    answer = await runs.repair(run_id, openlake_settings="ORIGINAL")
    assert answer.status_code == 200, answer.text
    assert runs.launcher.plans[run_id].publish


async def test_iterations_on_a_branch_that_was_cut_anew_are_all_to_do(runs: Runs) -> None:
    run_id = await runs.start()
    await runs.transaction(run_id, TransactionState.REPLACED, "b[0]")
    ref = TaskRef(
        workspace_id=1, job_id=1, run_id=run_id, task_key="b", attempt=1, task_run_id=run_id + 50
    )
    async with runs.database.session() as session:
        void = await void_until(session, run_id, JobSettings.model_validate({"tasks": CHAIN}))
        assert void == {"b": run_id + 4, "c": run_id + 4}
        first = ref.model_copy(update={"task_run_id": run_id + 1})
        await keep_inputs(session, first, ["x", "y"], ((0, 2),))
        for index, task_run_id in enumerate((run_id + 3, run_id + 5)):
            session.add(
                TaskRun(
                    task_run_id=task_run_id,
                    run_id=run_id,
                    for_each_run_id=first.task_run_id,
                    task_key=f"b[{index}]",
                    result="SUCCESS",
                    scheduled_at=datetime.now(UTC),
                )
            )
        await session.flush()
        assert await done_before(session, ref, ["x", "y"], void["b"]) == {1}


def test_what_runs_again_is_what_the_state_machine_says() -> None:
    settings = JobSettings.model_validate({"tasks": CHAIN, "publish": {"audit": ["d"]}})
    assert rerun_after(settings, ["b[7]", "gone"]) == {"b", "c", "d"}
    assert rerun_after(settings, []) == set()
