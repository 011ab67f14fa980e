"""Makes the branches of runs and attempts; called again, it goes on where it was stopped.

A branch is noted as OPENING, with the commit it is cut from, before it is made. A branch that
follows another (after a conflict, or when work landed that must not count) takes over the landings
that are kept, one by one, each recognised by its message.
"""

from collections.abc import Collection, Iterable

from sqlmodel.ext.asyncio.session import AsyncSession

from control.gateway.attempts import order_ending
from control.gateway.references import MergeConflict
from control.gateway.tables import AttemptRow, AttemptState
from control.gateway.tokens import MAIN, AttemptClaims
from control.runs.plans import rerun_after
from control.runs.tables import Run
from control.transactions import store
from control.transactions.context import Context
from control.transactions.merging import shared_namespaces
from control.transactions.names import (
    LANDINGS,
    attempt_branch,
    landed_by,
    landing_message,
    publish_message,
    run_branch,
)
from control.transactions.outcomes import note_published, refusal
from control.transactions.tables import (
    AttemptBranch,
    AttemptBranchState,
    Transaction,
    TransactionState,
)
from spec.errors import AttemptOver, Conflict, Unavailable
from spec.ids import split_iteration


async def ensure_transaction(context: Context, run_id: int) -> Transaction | None:
    """Return the open transaction of a run; it is begun, or brought to an open state, first.

    Returns:
        None for a run whose tasks write to main.

    Raises:
        Conflict: its branch has been dropped, or what it keeps does not fit together any more.
        Unavailable: the catalog does not answer.
    """
    while True:
        async with context.database.read_session() as session:
            row = await store.newest(session, run_id)
            wanted = row is not None or await store.policy_of(session, run_id) is not None
            if not wanted or (row is not None and row.state == TransactionState.OPEN):
                return row
            run = await session.get_one(Run, run_id)
        if row is None:
            await _begin(context, run, 0, await _head_of_main(context))
        else:
            await _advance(context, run, row)


async def _advance(context: Context, run: Run, row: Transaction) -> None:
    """Bring a transaction one step nearer to being open, or begin the one that follows it."""
    match TransactionState(row.state):
        case TransactionState.OPENING:
            await _fill(context, run, row)
        case TransactionState.PUBLISHING:
            await settle_publishing(context, row, otherwise=TransactionState.OPENING)
        case TransactionState.PUBLISHED:
            await _begin(context, run, row.number + 1, await _head_of_main(context))
        case TransactionState.CONFLICT:
            kept = await _kept(context, run, row)
            await _begin(context, run, row.number + 1, await _head_of_main(context), kept)
        case _:
            raise Conflict(
                f"the catalog branch of run {run.run_id} is {row.state}; start a new run of the job"
            )
    await context.done(f"left {row.state} of {row.branch}")


async def _head_of_main(context: Context) -> str:
    head = await context.references.head(MAIN)
    if head is None:
        raise Unavailable("the catalog has no main branch; is it starting?")
    return head


async def _begin(
    context: Context, run: Run, number: int, base: str, carried: Iterable[int] = ()
) -> None:
    row = Transaction(
        run_id=run.run_id,
        number=number,
        workspace_id=run.workspace_id,
        job_id=run.job_id,
        branch=run_branch(run.run_id, number),
        base_hash=base,
        carried=list(carried),
    )
    async with context.database.session() as session:
        await store.begin(session, row)


async def _kept(context: Context, run: Run, row: Transaction) -> list[int]:
    """Return the landings that stay when the tasks in conflict, and what follows, run again."""
    writers = {key for each in row.conflicts for key in each["task_keys"]}
    async with context.database.read_session() as session:
        settings = await store.settings_of(session, run.run_id)
        landings = await store.landings(session, row)
    again = rerun_after(settings, writers)
    return [
        landing.task_run_id
        for landing in landings
        if landing.landed_hash and split_iteration(landing.task_key)[0] not in again
    ]


async def _fill(context: Context, run: Run, row: Transaction) -> None:
    """Make the branch, with all that it takes over, and open it; one process at a time."""
    async with context.database.session() as session:
        mine = await store.get(session, row.run_id, row.number, lock=True)
        if mine.state != TransactionState.OPENING:
            return
        session.add(mine)
        await context.references.create(mine.branch, MAIN, mine.base_hash)
        await context.done(f"made {mine.branch}")
        landings = await store.landings(session, mine)
        counted = [landing.task_run_id for landing in landings if landing.landed_hash]
        present = await _present(context, mine)
        if present - set(counted):
            # Merged by an attempt that was given up at that very moment: it must not count.
            await _begin(context, run, mine.number + 1, mine.base_hash, counted)
            return
        before = await store.get(session, mine.run_id, mine.number - 1) if mine.number else None
        if before is not None and not await _carry_all(context, before, mine, present):
            # What is kept does not fit main as it is now: it does fit main as it was.
            await context.references.delete(mine.branch)
            await context.done(f"took back {mine.branch}")
            mine.base_hash = before.conflict_hash or before.base_hash
            return
        await _replace(session, mine)
        mine.state = TransactionState.OPEN


async def _present(context: Context, row: Transaction) -> set[int]:
    """Return the attempts whose landings are on a branch."""
    history = context.references.history(row.branch, since=row.base_hash, where=LANDINGS)
    found = {landed_by(entry.message) async for entry in history}
    return {task_run_id for task_run_id in found if task_run_id is not None}


async def _carry_all(
    context: Context, before: Transaction, row: Transaction, present: Collection[int]
) -> bool:
    """Repeat the landings that are kept; False when they need an older commit to stand on.

    Raises:
        Conflict: they do not fit together without what was left out.
    """
    for task_run_id in row.carried:
        if task_run_id in present:
            continue
        try:
            await _carry(context, before, row, task_run_id)
        except MergeConflict as error:
            if row.base_hash != (before.conflict_hash or before.base_hash):
                return False
            raise Conflict(
                f"what attempt {task_run_id} landed rests on work that has to run again"
                f" ({error.message}); start a new run of the job"
            ) from error
        await context.done(f"carried {task_run_id}")
    return True


async def _carry(context: Context, before: Transaction, row: Transaction, task_run_id: int) -> None:
    """Repeat a landing of the branch before on this one."""
    references = context.references
    landing = await references.find(before.branch, before.base_hash, landing_message(task_run_id))
    onto = await references.head(row.branch)
    if landing is None or onto is None:
        raise Conflict(f"the landing of attempt {task_run_id} is not on {before.branch} any more")
    was, target = (before.branch, landing.parent), (row.branch, onto)
    leave = await shared_namespaces(references, landing.changes, was, target)
    await references.transplant(before.branch, landing.hash, row.branch, onto, leave)


async def _replace(session: AsyncSession, row: Transaction) -> None:
    """Close the transaction whose place this one takes, with the answer that waited for it."""
    if not row.number:
        return
    before = await store.get(session, row.run_id, row.number - 1, lock=True)
    if before.state not in (TransactionState.CONFLICT, TransactionState.OPENING):
        return
    if before.conflicts and not before.answer:
        before.answer = refusal(before, cut_anew=True).model_dump(mode="json")
    store.conclude(before, TransactionState.REPLACED, drop=True)
    session.add(before)


async def settle_publishing(
    context: Context, row: Transaction, *, otherwise: TransactionState
) -> None:
    """Find out whether a transaction whose publication was cut off is on main."""
    message = publish_message(row.run_id, row.number)
    entry = await context.references.find(MAIN, row.base_hash, message)
    async with context.database.session() as session:
        mine = await store.get(session, row.run_id, row.number, lock=True)
        if mine.state != TransactionState.PUBLISHING:
            return
        if entry is not None:
            await note_published(context, session, mine, entry)
        else:
            mine.state = otherwise
        session.add(mine)


async def ensure_attempt_branch(context: Context, claims: AttemptClaims) -> AttemptClaims:
    """Return an attempt's claims with the branch that it works on, which is made if need be.

    The attempt has been opened before. The branch is cut from what the run's branch holds then;
    earlier attempts' branches of the task are given up.

    Raises:
        AttemptOver: the attempt has ended meanwhile.
        Conflict: see `ensure_transaction`.
        Unavailable: the catalog does not answer.
    """
    transaction = await ensure_transaction(context, claims.run_id)
    if transaction is None:
        return claims
    row = await _noted_branch(context, claims, transaction)
    await context.done(f"noted {row.branch}")
    async with context.database.session() as session:
        mine = await store.branch_of(session, claims.task_run_id, lock=True)
        if mine is None or mine.state not in (AttemptBranchState.OPENING, AttemptBranchState.OPEN):
            raise _over(claims)
        if mine.state == AttemptBranchState.OPENING:
            # Under the lock: who gives the attempt up waits, so that the branch is dropped later.
            source = run_branch(mine.run_id, mine.number)
            await context.references.create(mine.branch, source, mine.base_hash)
            await context.done(f"made {mine.branch}")
            mine.state = AttemptBranchState.OPEN
            session.add(mine)
    return claims.model_copy(update={"branch": row.branch})


async def _noted_branch(
    context: Context, claims: AttemptClaims, transaction: Transaction
) -> AttemptBranch:
    async with context.database.read_session() as session:
        known = await store.branch_of(session, claims.task_run_id)
    if known is not None:
        return known
    head = await context.references.head(transaction.branch)
    if head is None:
        raise Conflict(f"the catalog has no branch {transaction.branch} any more")
    row = AttemptBranch(
        task_run_id=claims.task_run_id,
        run_id=claims.run_id,
        number=transaction.number,
        task_key=claims.task_key,
        branch=attempt_branch(claims.task_run_id),
        base_hash=head,
    )
    async with context.database.session() as session:
        await order_ending(session, claims.task_run_id)
        attempt = await session.get(AttemptRow, claims.task_run_id)
        if attempt is None or attempt.state != AttemptState.OPEN:
            raise _over(claims)
        await store.begin_branch(session, row)
        for earlier in await store.branches_of_task(
            session, claims.run_id, claims.task_key, claims.task_run_id
        ):
            store.abandon(earlier)
            session.add(earlier)
    return row


def _over(claims: AttemptClaims) -> AttemptOver:
    return AttemptOver(f"attempt {claims.task_run_id} has ended", task_run_id=claims.task_run_id)
