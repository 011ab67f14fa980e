"""What people ask of transactions: how they stand, and to drop a branch that is kept."""

from collections.abc import Sequence
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub
from control.audit import store as audit
from control.auth import Caller
from control.paging import decode, encode, integer
from control.permissions.levels import Level
from control.runs.access import permitted, visible_runs
from control.transactions import store
from control.transactions.lifecycle import SWEEP
from control.transactions.tables import AttemptBranch, Transaction, TransactionState
from spec.api.transactions import (
    AttemptBranchView,
    PublishedTable,
    RunTransaction,
    TransactionList,
    TransactionView,
)
from spec.errors import Conflict, Invalid, NotFound
from spec.states import RunLife

_MOST_ATTEMPTS = 1_000

_DROPPABLE = (TransactionState.OPENING, TransactionState.KEPT, TransactionState.CONFLICT)


async def of_run(session: AsyncSession, caller: Caller, run_id: int) -> RunTransaction:
    """Return a run's transaction.

    Raises:
        NotFound: there is no such run, or it is no transaction.
        Forbidden: the caller may not see the run.
    """
    await permitted(session, caller, run_id)
    found = await store.all_of(session, run_id)
    if not found:
        raise NotFound(
            f"Run {run_id} is no transaction: its job has no 'publish', or no task has begun yet.",
            run_id=run_id,
        )
    attempts = await store.newest_branches(session, run_id, _MOST_ATTEMPTS)
    return RunTransaction(
        **_facts(found[-1]),
        attempts=tuple(_branch(each) for each in attempts),
        earlier=tuple(_view(each) for each in found[:-1]),
    )


async def views_of_run(session: AsyncSession, run_id: int) -> list[TransactionView]:
    """Return all transactions of a run, oldest first; a run whose tasks write to main has none."""
    return [_view(each) for each in await store.all_of(session, run_id)]


async def page(
    session: AsyncSession,
    caller: Caller,
    states: Sequence[str],
    limit: int,
    page_token: str | None,
) -> TransactionList:
    """Return a page of the transactions of runs that the caller may see.

    Raises:
        Invalid: a state is unknown, or the token is not ours.
    """
    unknown = [each for each in states if each not in TransactionState.__members__]
    if unknown:
        raise Invalid(f"state: '{unknown[0]}' is none of {', '.join(TransactionState.__members__)}")
    place = decode(page_token)
    run_id, number = integer(place, "run_id"), integer(place, "number")
    below = None if run_id is None or number is None else (run_id, number)
    found = await store.page(
        session,
        caller.workspace_id,
        limit=limit + 1,
        below=below,
        states=states,
        visible=visible_runs(caller),
    )
    shown = found[:limit]
    more = len(found) > limit
    return TransactionList(
        transactions=tuple(_view(each) for each in shown),
        next_page_token=encode(run_id=shown[-1].run_id, number=shown[-1].number) if more else None,
    )


async def drop(session: AsyncSession, caller: Caller, run_id: int) -> None:
    """Give up the branch of a run that has ended; a second time changes nothing.

    Raises:
        NotFound: there is no such run, or it is no transaction.
        Forbidden: the caller may not run its job.
        Conflict: the run is active, or its branch is not kept.
    """
    run = await permitted(session, caller, run_id, Level.CAN_MANAGE_RUN)
    row = await store.newest(session, run_id, lock=True)
    if row is None:
        raise NotFound(f"Run {run_id} is no transaction; it has no branch.", run_id=run_id)
    if row.state == TransactionState.DROPPED:
        return
    if not RunLife(run.life).is_over:
        raise Conflict(f"Run {run_id} is active and needs its branch; cancel it first.")
    if row.state not in _DROPPABLE:
        raise Conflict(
            f"The branch of run {run_id} is {row.state}: there is nothing kept that could be"
            " dropped."
        )
    store.conclude(row, TransactionState.DROPPED, drop=True)
    session.add(row)
    audit.record(session, caller, "transaction.dropped", "run", run_id, branch=row.branch)
    await hub.notify(session, SWEEP)


def _view(row: Transaction) -> TransactionView:
    return TransactionView(**_facts(row))


def _facts(row: Transaction) -> dict[str, Any]:
    facts = row.model_dump(include=set(TransactionView.model_fields))
    tables = [each | {"snapshot_id": _text(each["snapshot_id"])} for each in row.tables]
    return facts | {"tables": tuple(PublishedTable.model_validate(each) for each in tables)}


def _text(snapshot_id: int | None) -> str | None:
    return None if snapshot_id is None else str(snapshot_id)


def _branch(row: AttemptBranch) -> AttemptBranchView:
    return AttemptBranchView(**row.model_dump(include=set(AttemptBranchView.model_fields)))
