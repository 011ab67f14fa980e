"""Records histories for `test_replay.py`: `python -m tests.workflows.record` (needs the tools).

Record anew only under new names: the old files prove that runs which began with older code go on.
"""

import asyncio
from pathlib import Path

from spec.attempts import AttemptResult
from spec.events import CancelRequest
from spec.plans import RunPlan
from tests.workflows.script import Script, plan, running, start, task
from tests.workflows.server import time_skipping_server

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
    "cancel": (plan(task("a"), task("b", "a")), Script(steps={"a": ["hang"]})),
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
                await run.result()
            (HISTORIES / f"{name}.json").write_text((await run.fetch_history()).to_json())
            print(name)


if __name__ == "__main__":
    asyncio.run(record())
