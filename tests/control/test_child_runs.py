"""A task that runs another job: with the rights of its run's user, asked when it begins."""

import asyncio

import httpx2
import pytest
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from control.deps import Deps
from control.projection import Projector
from control.runs.control_tasks import ControlTasks
from control.runs.tables import Run
from spec.attempts import AttemptResult, TaskRef
from spec.events import RunStarted
from tests.control.acting import Person, give, person
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, run_now
from tests.control.test_projection import T0, Play


@pytest.fixture
async def ann(api: httpx2.AsyncClient, deps: Deps) -> Person:
    return await person(api, deps, "ann@openlake")


async def children(deps: Deps, job_id: int) -> list[Run]:
    async with deps.database.read_session() as session:
        return list((await session.exec(select(Run).where(Run.job_id == job_id))).all())


async def calling(
    api: httpx2.AsyncClient, deps: Deps, launcher: Recorder, ann: Person
) -> tuple[TaskRef, int]:
    """Begin a run of ann's that runs the admin's job; return its task, and that job."""
    await put_file(deps.database, "/Shared/main.py")
    task = {"task_key": "a", "spark_python_task": {"python_file": "/Shared/main.py"}}
    wanted = await create_job(api, tasks=[task])
    call = {"task_key": "call", "run_job_task": {"job_id": wanted}}
    caller = await create_job(api, tasks=[call], run_as={"user_name": ann.name})
    plan = launcher.plans[await run_now(api, caller)]
    play = Play(plan)
    play.record(RunStarted(at=T0))
    play.advance()
    await Projector(deps.database).project(play.batch())
    ref = TaskRef(
        workspace_id=1,
        job_id=plan.job_id,
        run_id=plan.run_id,
        task_key="call",
        attempt=0,
        task_run_id=plan.run_id + 1,
    )
    return ref, wanted


async def test_it_fails_with_the_reason_when_its_user_may_not_run_the_other_job(
    api: httpx2.AsyncClient, deps: Deps, launcher: Recorder, ann: Person
) -> None:
    ref, wanted = await calling(api, deps, launcher, ann)
    await give(api, f"jobs/{wanted}", ann.name, "CAN_VIEW")
    outcome = await ControlTasks(deps).run_child(ref)
    assert outcome.result is AttemptResult.FAILED
    assert f"ann@openlake has CAN_VIEW on job {wanted}, and CAN_MANAGE_RUN" in outcome.message
    assert await children(deps, wanted) == []


async def test_it_runs_the_other_job_when_its_user_may(
    api: httpx2.AsyncClient, deps: Deps, launcher: Recorder, ann: Person
) -> None:
    ref, wanted = await calling(api, deps, launcher, ann)
    await give(api, f"jobs/{wanted}", ann.name, "CAN_MANAGE_RUN")
    running = asyncio.create_task(ActivityEnvironment().run(ControlTasks(deps).run_child, ref))
    try:
        async with asyncio.timeout(20):
            while not (made := await children(deps, wanted)):
                await asyncio.sleep(0.05)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert (made[0].creator, made[0].parent_task_run_id) == (ann.name, ref.task_run_id)
