"""Builds the worker that runs workflows; it belongs to the control plane."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from spec.ports import CARE_QUEUE, CHILD_QUEUE, WORKFLOW_QUEUE
from workflows.for_each import ForEach, ForEachPart
from workflows.job_run import JobRun
from workflows.statement import Statement
from workflows.trigger import Backfill, Trigger

WORKFLOWS: list[type] = [JobRun, ForEach, ForEachPart, Trigger, Backfill, Statement]

_POLLS = 10
"""Twice what the library has at first: the steps of many runs come at once."""

RUNNER = SandboxedWorkflowRunner(
    restrictions=SandboxRestrictions.default.with_passthrough_modules(
        "spec", "workflows", "pydantic_core"
    )
)


def build(client: Client, activities: Sequence[Callable[..., Any]]) -> Worker:
    """Return the workflow worker, not yet running.

    Args:
        client: Connected, with the pydantic data converter.
        activities: The control plane's own, all but `run_child` and `remove_files`.
    """
    return Worker(
        client,
        task_queue=WORKFLOW_QUEUE,
        workflows=WORKFLOWS,
        activities=activities,
        workflow_runner=RUNNER,
        max_concurrent_workflow_task_polls=_POLLS,
        max_concurrent_activity_task_polls=_POLLS,
    )


def build_child_follower(client: Client, run_child: Callable[..., Any]) -> Worker:
    """Return the worker that follows the runs of run_job tasks, not yet running.

    Args:
        client: Connected, with the pydantic data converter.
        run_child: The activity; each run under way takes one slot of 2,000.
    """
    return Worker(
        client,
        task_queue=CHILD_QUEUE,
        activities=[run_child],
        max_concurrent_activities=2_000,
        graceful_shutdown_timeout=timedelta(seconds=2),
    )


def build_file_remover(client: Client, remove_files: Callable[..., Any]) -> Worker:
    """Return the worker that deletes files for table_care tasks, not yet running.

    Args:
        client: Connected, with the pydantic data converter.
        remove_files: The activity; each one may need much memory, so few run at once.
    """
    return Worker(
        client,
        task_queue=CARE_QUEUE,
        activities=[remove_files],
        max_concurrent_activities=2,
        graceful_shutdown_timeout=timedelta(seconds=2),
    )
