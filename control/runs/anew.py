"""What tasks of a run did for nothing, because its branch was cut anew without it."""

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.runs.plans import rerun_after
from control.transactions.tables import AttemptBranch, Transaction
from spec.jobs import JobSettings


async def void_until(session: AsyncSession, run_id: int, settings: JobSettings) -> dict[str, int]:
    """Return of each task that a conflict concerns the last attempt that does not count any more.

    After a conflict with another writer a run's branch is cut anew from main. What the writers of
    the conflicting tables did, and whatever followed from it, is not on the new branch, though the
    attempts succeeded. All attempts of later rounds have larger ids.

    Args:
        session: A read session will do.
        run_id: The run.
        settings: Those of its newest execution.

    Returns:
        Task key → task-run id; {} for runs that met no conflict, or are no transactions.
    """
    met = select(Transaction).where(
        Transaction.run_id == run_id, func.jsonb_array_length(col(Transaction.conflicts)) > 0
    )
    found: dict[str, int] = {}
    for row in (await session.exec(met.order_by(col(Transaction.number)))).all():
        writers: set[str] = {key for each in row.conflicts for key in each["task_keys"]}
        last = select(func.max(AttemptBranch.task_run_id)).where(
            AttemptBranch.run_id == run_id, AttemptBranch.number <= row.number
        )
        until = (await session.exec(last)).one() or 0
        found |= dict.fromkeys(rerun_after(settings, writers), until)
    return found
