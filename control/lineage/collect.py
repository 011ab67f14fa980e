"""Takes OpenLineage events in: raw, once each, and as edges between jobs and datasets."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from control.gateway.tables import AttemptRow
from control.lineage import store
from control.lineage.tables import LineageColumn, LineageEdge
from control.runs.access import SUBMITTED
from control.runs.tables import Run
from control.transactions.tables import AttemptBranch, AttemptBranchState
from spec.datasets import Facts, read_event
from spec.errors import Invalid
from spec.ids import is_task_run, run_of

MOST_EVENT_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Owner:
    """Whom an event speaks of."""

    workspace_id: int
    source_run: str
    job: str
    job_id: int | None = None
    run_id: int | None = None
    task_run_id: int | None = None


async def collect(
    session: AsyncSession,
    workspace_id: int,
    events: Sequence[Mapping[str, Any]],
    attempt: AttemptRow | None = None,
) -> int:
    """Store events and draw what they say; return how many were new.

    Args:
        session: Committed by the caller.
        workspace_id: Whose events they are.
        events: As they came.
        attempt: Who sent them, if an engine worker did; else the events' own run ids count, as far
            as they name runs of this workspace.

    Raises:
        Invalid: something is not an OpenLineage event.
    """
    new = 0
    for number, event in enumerate(events):
        at = _check(event, number)
        facts = read_event(event)
        owner = await _owner(session, workspace_id, facts, attempt)
        row = {
            "workspace_id": workspace_id,
            "hash": _digest(event),
            "run_id": owner.run_id,
            "task_run_id": owner.task_run_id,
            "event": dict(event),
            "event_at": at,
        }
        if await store.keep_event(session, row):
            new += 1
            says = facts.has_happened and (facts.inputs or facts.outputs or facts.columns)
            if says and await _counts(session, owner.task_run_id):
                await _draw(session, owner, facts, at)
    return new


async def _counts(session: AsyncSession, task_run_id: int | None) -> bool:
    """Tell whether what an attempt did is, or may become, true: not once it was given up."""
    if task_run_id is None:
        return True
    branch = await session.get(AttemptBranch, task_run_id)
    return branch is None or branch.state != AttemptBranchState.ABANDONED


def _check(event: Mapping[str, Any], number: int) -> datetime:
    known = any(isinstance(event.get(what), dict) for what in ("job", "dataset"))
    try:
        at = datetime.fromisoformat(str(event["eventTime"]))
    except (KeyError, ValueError):
        known, at = False, datetime.now(UTC)
    if not known:
        raise Invalid(
            f"event {number} is not an OpenLineage event: it needs 'eventTime' (ISO 8601) and"
            " 'job' or 'dataset'"
        )
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _digest(event: Mapping[str, Any]) -> str:
    text = json.dumps(event, sort_keys=True, separators=(",", ":"))
    if len(text) > MOST_EVENT_BYTES:
        raise Invalid(f"an event has at most {MOST_EVENT_BYTES} bytes, not {len(text)}")
    return hashlib.sha256(text.encode()).hexdigest()


async def _owner(
    session: AsyncSession, workspace_id: int, facts: Facts, attempt: AttemptRow | None
) -> Owner:
    task_run_id = next((i for i in facts.own_ids if is_task_run(i)), None)
    if attempt is None and task_run_id is not None:
        attempt = await session.get(AttemptRow, task_run_id)
    if attempt is not None and attempt.workspace_id == workspace_id:
        run = await session.get_one(Run, attempt.run_id)
        return Owner(
            workspace_id,
            source_run=str(attempt.task_run_id),
            job=f"{run.run_name}.{attempt.task_key}",
            job_id=_job_of(run),
            run_id=attempt.run_id,
            task_run_id=attempt.task_run_id,
        )
    run_id = await _own_run(session, workspace_id, facts)
    return Owner(workspace_id, source_run=str(facts.run or ""), job=facts.job, run_id=run_id)


def _job_of(run: Run) -> int | None:
    return None if run.run_type == SUBMITTED else run.job_id


async def _own_run(session: AsyncSession, workspace_id: int, facts: Facts) -> int | None:
    for own in facts.own_ids:
        run = await session.get(Run, run_of(own))
        if run is not None and run.workspace_id == workspace_id:
            return run.run_id
    return None


async def _draw(session: AsyncSession, owner: Owner, facts: Facts, at: datetime) -> None:
    for name in sorted(facts.inputs | facts.outputs):
        columns = facts.schemas.get(name, ())
        await store.keep_schema(session, owner.workspace_id, name, columns, at)
    edges = [(name, store.INPUT) for name in sorted(facts.inputs)]
    edges += [(name, store.OUTPUT) for name in sorted(facts.outputs)]
    await keep_edges(session, owner, edges, at)
    await store.keep(
        session,
        LineageColumn,
        [
            {
                "workspace_id": owner.workspace_id,
                "source_run": owner.source_run,
                "output": edge.output,
                "output_column": edge.output_column,
                "input": edge.input,
                "input_column": edge.input_column,
                "run_id": owner.run_id,
                "at": at,
            }
            for edge in sorted(facts.columns, key=str)
        ],
    )


async def keep_edges(
    session: AsyncSession, owner: Owner, edges: Sequence[tuple[str, str]], at: datetime
) -> None:
    """Note that somebody read or wrote datasets; edges are (dataset, direction)."""
    rows = [
        {
            "workspace_id": owner.workspace_id,
            "source_run": owner.source_run,
            "dataset": dataset,
            "direction": direction,
            "job": owner.job,
            "job_id": owner.job_id,
            "run_id": owner.run_id,
            "task_run_id": owner.task_run_id,
            "at": at,
        }
        for dataset, direction in edges
    ]
    await store.keep(session, LineageEdge, rows)


async def collect_from_catalog(
    session: AsyncSession, run: Run, task_run_id: int, task_key: str, at: datetime
) -> None:
    """Note what an attempt read and wrote by the gateway's index, whatever engines told.

    A writer loads its table before it commits; so a table that the attempt wrote counts as read
    only when an event says so. What an attempt did on a branch that has not landed never was: what
    its engine told of it is taken back.
    """
    if not await _counts(session, task_run_id):
        await store.forget(session, run.workspace_id, str(task_run_id))
        return
    seen = await store.snapshots(session, [task_run_id])
    written = {dataset for _, dataset, direction in seen if direction == store.OUTPUT}
    edges = [
        (dataset, direction)
        for _, dataset, direction in sorted(seen)
        if direction == store.OUTPUT or dataset not in written
    ]
    owner = Owner(
        run.workspace_id,
        source_run=str(task_run_id),
        job=f"{run.run_name}.{task_key}",
        job_id=_job_of(run),
        run_id=run.run_id,
        task_run_id=task_run_id,
    )
    for dataset, _ in edges:
        await store.keep_schema(session, run.workspace_id, dataset, (), at)
    await keep_edges(session, owner, edges, at)
