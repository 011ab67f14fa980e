"""Lands an attempt: merges its branch into the run's, once, or says what stood in the way."""

import asyncio
from datetime import UTC, datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from control.gateway.attempts import close_attempt, is_settled, order_ending
from control.gateway.references import Key
from control.gateway.routes import dotted
from control.transactions import store
from control.transactions.context import Context
from control.transactions.merging import Merge, Merged, merge, tables_of
from control.transactions.names import LANDINGS, landed_by, landing_message, run_branch
from control.transactions.tables import AttemptBranch, AttemptBranchState
from spec.attempts import AttemptOutcome, AttemptResult, TaskRef
from spec.errors import Unavailable
from spec.publish import LandRequest

_PATIENCE_S = 40.0
_PAUSE_S = 0.2


async def land(context: Context, request: LandRequest) -> AttemptOutcome:
    """Close an attempt that succeeded and merge its branch; see `spec.ports.land`.

    Raises:
        Unavailable: the catalog does not answer, or a commit is still being settled; ask again.
    """
    ref, outcome = request.ref, request.outcome
    async with context.database.read_session() as session:
        branch = await store.branch_of(session, ref.task_run_id)
    if branch is None or outcome.result is not AttemptResult.SUCCESS:
        return outcome
    await _close(context, ref)
    await context.done("closed the attempt")
    async with context.turns.of(branch.run_id), context.database.session() as session:
        # Landings of one run take turns, so that each is checked against the one before; were
        # they not to, the catalog would still let only one of two in conflict pass.
        await store.get(session, branch.run_id, branch.number, lock=True)
        row = await store.branch_of(session, ref.task_run_id, lock=True)
        if row is None or row.state == AttemptBranchState.ABANDONED:
            return _given_up(outcome)
        if row.state != AttemptBranchState.LANDED:
            merged = await _merge(context, row)
            if merged.conflicts:
                return await _conflict(context, session, row, merged, outcome)
            await _note(context, session, row, merged)
            await context.done("noted the landing")
    return outcome


async def _close(context: Context, ref: TaskRef) -> None:
    """Let no commit come any more; those under way are waited for, and those left behind."""
    async with context.database.session() as session:
        await order_ending(session, ref.task_run_id)
        await close_attempt(session, ref.task_run_id, "it has ended, and what it did lands")
    waited = 0.0
    while waited < _PATIENCE_S:
        async with context.database.read_session() as session:
            if await is_settled(session, ref.task_run_id):
                return
        await asyncio.sleep(_PAUSE_S)
        waited += _PAUSE_S
    raise Unavailable(
        f"a commit of attempt {ref.task_run_id} is not settled yet; check that a catalog gateway"
        " and the catalog are running"
    )


async def _merge(context: Context, row: AttemptBranch) -> Merged:
    return await merge(
        context,
        Merge(
            source=row.branch,
            since=row.base_hash,
            target=run_branch(row.run_id, row.number),
            message=landing_message(row.task_run_id),
        ),
    )


async def _note(
    context: Context, session: AsyncSession, row: AttemptBranch, merged: Merged
) -> None:
    if merged.entry is not None:
        target = run_branch(row.run_id, row.number)
        changed = await tables_of(context.references, target, merged.entry)
        row.landed_hash = merged.entry.hash
        row.tables = [dotted(change.key) for change in changed]
    row.state, row.landed_at = AttemptBranchState.LANDED, datetime.now(UTC)
    session.add(row)


async def _conflict(
    context: Context,
    session: AsyncSession,
    row: AttemptBranch,
    merged: Merged,
    outcome: AttemptOutcome,
) -> AttemptOutcome:
    """Say which tables another task landed first.

    The branch is given up when the end of the attempt is projected; until then the same request
    comes to the same end.
    """
    tasks = await _who_landed(context, session, row, merged)
    parts = [f"{dotted(key)} (landed by {who})" for key, who in tasks.items()]
    message = (
        f"While it ran, another task of the run changed {'; '.join(parts)}. Nothing of this"
        " attempt counts; the task runs again on the new state."
    )
    return outcome.model_copy(
        update={
            "result": AttemptResult.CONFLICT,
            "code": "RUN_EXECUTION_ERROR",
            "message": message[:1000],
        }
    )


async def _who_landed(
    context: Context, session: AsyncSession, row: AttemptBranch, merged: Merged
) -> dict[Key, str]:
    known = await store.branches_of_run(session, row.run_id)
    names = {each.task_run_id: f"task '{each.task_key}'" for each in known}
    found = dict.fromkeys(merged.conflicts, "another task")
    history = context.references.history(
        run_branch(row.run_id, row.number), since=row.base_hash, where=LANDINGS, changes=True
    )
    newest_last = [entry async for entry in history][::-1]
    for entry in newest_last:
        who = names.get(landed_by(entry.message) or 0)
        for change in entry.changes:
            if who is not None and change.key in found:
                found[change.key] = who
    return found


def _given_up(outcome: AttemptOutcome) -> AttemptOutcome:
    return outcome.model_copy(
        update={
            "result": AttemptResult.CANCELED,
            "code": "CANCELED",
            "message": "The attempt was given up before what it did had landed.",
        }
    )
