"""Publishes a run: merges its branch into main, once, for all of its tables or for none."""

from sqlmodel.ext.asyncio.session import AsyncSession

from control.gateway.tokens import MAIN
from control.transactions import store
from control.transactions.context import Context
from control.transactions.merging import Merge, merge
from control.transactions.names import publish_message
from control.transactions.opening import ensure_transaction
from control.transactions.outcomes import note_conflict, note_published, refusal
from control.transactions.tables import Transaction, TransactionState
from spec.errors import Conflict
from spec.publish import ConflictPolicy, PublishOutcome, PublishRequest


async def publish(context: Context, request: PublishRequest) -> PublishOutcome:
    """Publish a run; see `spec.ports.publish`. The same request gets the same answer.

    Raises:
        Conflict: the run is no transaction, or its branch has been dropped.
        Unavailable: the catalog does not answer; ask again.
    """
    while True:
        known = await _answered(context, request)
        if known is not None:
            return known
        row = await _declared(context, request)
        if row is not None:
            await context.done("declared the publication")
            await _publish(context, request, row)
            await context.done("noted the publication")
        else:
            # It is to be made or cut anew first.
            await _ensure(context, request.run_id)


async def _answered(context: Context, request: PublishRequest) -> PublishOutcome | None:
    async with context.database.read_session() as session:
        answer = await store.answered(session, request.run_id, request.execution, request.round)
    return None if answer is None else PublishOutcome.model_validate(answer)


async def _ensure(context: Context, run_id: int) -> None:
    if await ensure_transaction(context, run_id) is None:
        raise Conflict(f"run {run_id} is no transaction: its tasks have written to main")


async def _declared(context: Context, request: PublishRequest) -> Transaction | None:
    """Note that the merge is about to begin; None when the transaction is not open for that."""
    async with context.database.session() as session:
        row = await store.newest(session, request.run_id, lock=True)
        mine = (request.execution, request.round)
        if row is not None and row.answer and (row.execution, row.round) == mine:
            # Another process that has the same request was faster.
            return row
        if row is None or row.state not in (TransactionState.OPEN, TransactionState.PUBLISHING):
            return None
        row.state = TransactionState.PUBLISHING
        row.execution, row.round = request.execution, request.round
        session.add(row)
    return row


async def _publish(context: Context, request: PublishRequest, row: Transaction) -> None:
    async with context.database.session() as session:
        # Another process that has the same request waits here, and finds it done.
        mine = await store.get(session, row.run_id, row.number, lock=True)
        if mine.state != TransactionState.PUBLISHING:
            return
        await _conclude(context, session, request, mine)
        session.add(mine)


async def _conclude(
    context: Context, session: AsyncSession, request: PublishRequest, row: Transaction
) -> None:
    """Merge and note the answer, unless that has to wait for the branch to be cut anew."""
    if row.replay_of is not None:
        # What a replay writes is only compared.
        row.state = TransactionState.OPEN
        row.answer = PublishOutcome(published=True).model_dump(mode="json")
        return
    message = publish_message(row.run_id, row.number)
    merged = await merge(context, Merge(row.branch, row.base_hash, MAIN, message))
    if not merged.conflicts:
        await note_published(context, session, row, merged.entry)
        return
    await note_conflict(context, session, row, merged.conflicts, merged.onto)
    answer = refusal(row, cut_anew=False)
    if request.conflict is not ConflictPolicy.RETRY_PUBLISH or not answer.writers:
        row.answer = answer.model_dump(mode="json")
