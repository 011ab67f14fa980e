"""Records histories for `test_replay.py`: `python -m tests.workflows.record` (needs the tools).

A history that is there is never recorded anew: the old files prove that runs which began with older
code go on. New behaviour gets a scenario of its own.
"""

import asyncio
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle

from spec.attempts import AttemptResult
from spec.events import CancelRequest, ForEachExpanded
from spec.ids import for_each_workflow_id, reserved_ids
from spec.plans import RunPlan, TaskKind
from spec.ports import WORKFLOW_QUEUE
from spec.publish import ConflictPolicy, PublishOutcome
from spec.triggers import BackfillRef, BackfillStep, TriggerRef
from tests.workflows.script import Script, for_each, plan, running, start, task
from tests.workflows.server import time_skipping_server
from tests.workflows.test_trigger import Plane, cron
from tests.workflows.test_trigger import running as triggers_running

HISTORIES = Path(__file__).parent / "histories"

FAILED, LOST = AttemptResult.FAILED, AttemptResult.LOST

SCENARIOS: dict[str, tuple[RunPlan, Script]] = {
    "diamond": (plan(task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c")), Script()),
    "retries": (
        plan(task("a", max_retries=2, min_retry_interval_ms=60_000), task("b", "a")),
        Script(steps={"a": [FAILED, LOST, FAILED]}),
    ),
    "failure": (plan(task("a"), task("b", "a"), task("c")), Script(steps={"a": [FAILED]})),
    "timeout": (plan(task("a"), timeout_s=1), Script(steps={"a": ["hang"]})),
    "for_each": (
        plan(task("a"), for_each("each", "a", concurrency=2, max_retries=1), task("b", "each")),
        Script(steps={"each[1]": [FAILED]}, inputs={"each": (5, ((0, 5),))}),
    ),
    "condition": (
        plan(
            task("is", engine=None, kind=TaskKind.CONDITION),
            task("yes", "is", outcomes={"is": "true"}),
            task("no", "is", outcomes={"is": "false"}),
        ),
        Script(conditions={"is": "true"}),
    ),
    "run_job": (plan(task("call", engine=None, kind=TaskKind.RUN_JOB, timeout_s=60)), Script()),
    "warning": (
        plan(task("a", warn_after_s=1, max_retries=1, min_retry_interval_ms=5_000)),
        Script(steps={"a": [FAILED]}),
    ),
    "publish": (
        plan(task("a"), task("b", "a"), publish=True, conflict=ConflictPolicy.RETRY_PUBLISH),
        Script(
            landings={"a": [AttemptResult.CONFLICT]},
            publishing=[PublishOutcome(published=False, writers=("b",), cut_anew=True)],
        ),
    ),
    "cancel": (plan(task("a"), task("b", "a")), Script(steps={"a": ["hang"]})),
    "reserved": (
        plan(task("b", "a"), task("a", max_retries=1), task("c", "b"), reserved_from=0),
        Script(steps={"a": [FAILED, "wait"]}),
    ),
}


async def record() -> None:
    """Run every scenario on a time-skipping server and write down what happened."""
    async with time_skipping_server() as env:
        for name, (run_plan, script) in SCENARIOS.items():
            async with running(env.client, script):
                run = await start(env.client, run_plan)
                if name == "cancel":
                    await script.started["a"].wait()
                    await run.signal("cancel", CancelRequest(by="ann"))
                if name == "reserved":
                    await script.started["a"].wait()
                    identity = reserved_ids(run_plan.run_id, 0, ["b"])["b"]
                    await run.signal("cancel", CancelRequest(by="ann", task_run_id=identity))
                    script.release.set()
                await run.result()
            await write(name, run)
            if name == "for_each":
                [each] = [e for e in script.events.values() if isinstance(e, ForEachExpanded)]
                whole = for_each_workflow_id(run_plan.run_id, 0, each.task_run_id)
                await write("for_each-whole", env.client.get_workflow_handle(whole))
                part = f"{whole}/{each.first_ordinal + 1}"
                await write("for_each-part", env.client.get_workflow_handle(part))
        await record_triggers(env.client)


async def record_triggers(client: Client) -> None:
    """Record a trigger that fires thrice and a backfill of two dates."""
    steps = [BackfillStep(done=n, total=2, is_over=n == 2) for n in range(3)]
    plane = Plane(cron("0 0 6 L * ?"), most=3, backfill=steps)
    async with triggers_running(client, plane):
        for kind, ref in (
            ("Trigger", TriggerRef(workspace_id=1, job_id=9)),
            ("Backfill", BackfillRef(workspace_id=1, backfill_id=9)),
        ):
            name = kind.lower()
            run = await client.start_workflow(
                kind, ref, id=f"{name}/9", task_queue=WORKFLOW_QUEUE, start_signal="changed"
            )
            await run.result()
            await write(name, run)


async def write(name: str, run: WorkflowHandle[Any, Any]) -> None:
    """Write one history down, unless there is one of that name."""
    file = HISTORIES / f"{name}.json"
    if not file.exists():
        file.write_text((await run.fetch_history()).to_json())
        print(name)


if __name__ == "__main__":
    asyncio.run(record())
