"""Which catalog branches a workspace may look at, and which of them changed a table."""

from collections.abc import Sequence

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.gateway.tables import AttemptCommitRow, CommitState
from control.gateway.tokens import MAIN
from control.runs.access import visible_runs
from control.runs.tables import Run
from control.transactions.tables import AttemptBranch, AttemptBranchState, Transaction
from spec.errors import NotFound

_MOST_CHANGES = 10_000


async def check_branch(session: AsyncSession, workspace_id: int, branch: str) -> None:
    """Return when a branch is main, or that of a run of the workspace which is still there.

    Raises:
        NotFound: it is neither.
    """
    if branch == MAIN:
        return
    query = select(Transaction.run_id).where(
        Transaction.workspace_id == workspace_id,
        Transaction.branch == branch,
        col(Transaction.dropped_at).is_(None),
    )
    if (await session.exec(query.limit(1))).first() is None:
        raise NotFound(f"Branch '{branch}' does not exist, or has been dropped.", branch=branch)


async def changes_on_branches(
    session: AsyncSession, caller: Caller, table: str
) -> Sequence[tuple[Transaction, Run, AttemptBranch, AttemptCommitRow]]:
    """Return what runs that the caller may see changed in a table on branches still there.

    What attempts did that were given up is left out: it never was.
    """
    query = (
        select(Transaction, Run, AttemptBranch, AttemptCommitRow)
        .join(Run, col(Run.run_id) == col(Transaction.run_id))
        .join(
            AttemptBranch,
            (col(AttemptBranch.run_id) == col(Transaction.run_id))
            & (col(AttemptBranch.number) == col(Transaction.number)),
        )
        .join(
            AttemptCommitRow,
            col(AttemptCommitRow.task_run_id) == col(AttemptBranch.task_run_id),
        )
        .where(
            Transaction.workspace_id == caller.workspace_id,
            col(Transaction.dropped_at).is_(None),
            AttemptBranch.state != AttemptBranchState.ABANDONED,
            AttemptCommitRow.table_name == table,
            AttemptCommitRow.state == CommitState.COMMITTED,
            visible_runs(caller),
        )
        .order_by(col(Transaction.run_id).desc(), col(Transaction.number).desc())
        .limit(_MOST_CHANGES)
    )
    return (await session.exec(query)).all()
