"""How long Temporal's histories of a run are, by its tasks; OpenLake only."""

import asyncio

from control.temporal import connect
from tests.bench.measures import Values
from tests.bench.subject import Subject, Work, wait_until
from tests.bench.subjects.openlake import OpenLake


def _works(size: int) -> dict[str, Work]:
    return {"chain": Work("chain", size), "wide": Work("wide", size)}


def prepare(subject: Subject, size: int) -> None:
    """Make the jobs known."""
    for work in _works(size).values():
        subject.prepare(work)


def take(subject: Subject, size: int) -> Values:
    """Run a chain and a fan-out, and count the events of all their workflows."""
    assert isinstance(subject, OpenLake)
    values: Values = {}
    for name, work in _works(size).items():
        (run_id,) = subject.call(work)
        wait_until(lambda run_id=run_id: subject.finished([run_id]), 300, f"run {run_id}")
        values[name] = asyncio.run(_events(subject, run_id)) / size
    return values


async def _events(stack: OpenLake, run_id: int) -> int:
    """Return the events of a run's workflows, as Temporal describes them."""
    layout = stack.layout
    client = await connect(layout.temporal_address, layout.settings.temporal.namespace, lazy=False)
    total = 0
    # Visibility lists a workflow a moment after its end.
    while not total:
        async for workflow in client.list_workflows(f"WorkflowId STARTS_WITH 'run/{run_id}'"):
            described = await client.get_workflow_handle(
                workflow.id, run_id=workflow.run_id
            ).describe()
            total += described.history_length
    return total
