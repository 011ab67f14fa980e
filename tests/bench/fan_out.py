"""How the cost of wide and long runs grows: `python -m tests.bench.fan_out` on a running stack.

Everything is real but the work itself: in place of the stack's engine worker, which has to be
stopped (it is, and started again in the end), a worker answers every attempt at
once. So what is measured is API, Temporal, workflows, projection and PostgreSQL.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.workspace import ImportFormat
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from control.config import Settings
from control.stack.layout import Layout
from control.temporal import connect
from spec.attempts import AttemptOutcome, AttemptRef, AttemptResult
from spec.ports import engine_queue
from spec.tasks import Engine
from tests.integration.stack import Stack


class Measured(NamedTuple):
    """What one run cost."""

    rate: float
    """Tasks or iterations a second."""
    longest_history: int
    """In events; Temporal warns at 10,240."""


ENVIRONMENT = [{"environment_key": "py", "spec": {"environment_version": "2"}}]
CODE = {"environment_key": "py", "spark_python_task": {"python_file": "/Shared/bench/noop.py"}}


@activity.defn(name="run_attempt")
async def at_once(ref: AttemptRef) -> AttemptOutcome:
    """End an attempt that does nothing."""
    return AttemptOutcome(result=AttemptResult.SUCCESS, ended_at=datetime.now(UTC))


@asynccontextmanager
async def instant_engine(layout: Layout) -> AsyncIterator[Client]:
    """Answer every attempt of the Python engine at once."""
    namespace = layout.settings.temporal.namespace
    client = await connect(layout.temporal_address, namespace, lazy=False)
    queue = engine_queue(Engine.PYTHON)
    async with Worker(client, task_queue=queue, activities=[at_once]):
        yield client


def for_each(n: int, concurrency: int = 50) -> list[dict[str, Any]]:
    """Return the tasks of a job with one for-each over `n` inputs."""
    each = {
        "inputs": json.dumps(list(range(n))),
        "concurrency": concurrency,
        "task": {"task_key": "inner", **CODE},
    }
    return [{"task_key": "each", "for_each_task": each}]


def wide(n: int) -> list[dict[str, Any]]:
    """Return the tasks of a job with `n` tasks side by side."""
    return [{"task_key": f"t{i}", **CODE} for i in range(n)]


def chain(n: int) -> list[dict[str, Any]]:
    """Return the tasks of a job with `n` tasks one after the other."""
    tasks = wide(n)
    for before, task in pairwise(tasks):
        task["depends_on"] = [{"task_key": before["task_key"]}]
    return tasks


SHAPES = {"for_each": for_each, "wide": wide, "chain": chain}


async def measure(client: WorkspaceClient, tasks: list[dict[str, Any]]) -> tuple[int, float]:
    """Return the run, and the seconds from the call to the run reported finished."""
    settings = {"name": "bench", "tasks": tasks, "environments": ENVIRONMENT}
    job = client.api_client.do("POST", "/api/2.2/jobs/create", body=settings)
    began = time.monotonic()
    run_id = client.jobs.run_now(job["job_id"]).run_id  # pyright: ignore[reportArgumentType, reportCallIssue, reportIndexIssue]
    while True:
        run = client.api_client.do("GET", "/api/2.2/jobs/runs/list", query={"limit": 1})
        newest = run["runs"][0]  # pyright: ignore[reportArgumentType, reportCallIssue, reportIndexIssue]
        if newest["run_id"] == run_id and newest["end_time"]:
            break
        await asyncio.sleep(0.05)
    if newest["state"]["result_state"] != "SUCCESS":
        raise RuntimeError(f"run {run_id} ended as {newest['state']}")
    return run_id, time.monotonic() - began


async def compare(stack: Stack, shape: str, sizes: list[int]) -> dict[int, Measured]:
    """Measure a shape at each size; the stack's engine worker must be away."""
    client = stack.client()
    client.workspace.mkdirs("/Shared/bench")
    path = "/Shared/bench/noop.py"
    client.workspace.import_(path, content="", format=ImportFormat.RAW, overwrite=True)
    found: dict[int, Measured] = {}
    async with instant_engine(stack.layout) as temporal:
        await measure(client, SHAPES[shape](10))
        for size in sizes:
            run_id, seconds = await measure(client, SHAPES[shape](size))
            found[size] = Measured(size / seconds, await longest_history(temporal, run_id))
    return found


async def longest_history(temporal: Client, run_id: int) -> int:
    """Return the events of the longest history among a run's workflows, its parts included."""
    longest = 0
    async for workflow in temporal.list_workflows(f"WorkflowId STARTS_WITH 'run/{run_id}'"):
        longest = max(longest, workflow.history_length)
    return longest


def main() -> None:
    """Print the rates of each shape at each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1_000])
    asked = parser.parse_args()
    settings = Settings()
    stack = Stack(settings.data_dir, "embedded", settings.ports.model_dump())
    stack.command("down", "--only", "engine-worker")
    try:
        for shape in asked.shapes:
            for size, cost in asyncio.run(compare(stack, shape, asked.sizes)).items():
                longest = f"longest history {cost.longest_history:6}"
                print(f"{shape:10} {size:7} {cost.rate:8.1f} tasks/s  {longest}", flush=True)
    finally:
        stack.command("up")


if __name__ == "__main__":
    main()
