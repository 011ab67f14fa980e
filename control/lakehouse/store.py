"""Which catalog branches a workspace may look at."""

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.gateway.tokens import MAIN
from control.transactions.tables import Transaction
from spec.errors import NotFound


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
