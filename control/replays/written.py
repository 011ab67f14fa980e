"""What a run wrote and read, by table, as the catalog still knows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.gateway.references import References
from control.gateway.tables import AttemptCommitRow, AttemptReadRow, CommitState
from control.gateway.tokens import MAIN
from control.gateway.upstream import Catalog
from control.runs.tables import Run, TaskRun
from control.transactions import store as transactions
from control.transactions.tables import Transaction, TransactionState
from spec.errors import Invalid
from spec.states import TaskResult


@dataclass(frozen=True)
class Footprint:
    """A run's tables; names are dotted, without the catalog."""

    outputs: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    """Table → the address of its metadata after the run; None when it was gone by then."""
    inputs: Mapping[str, frozenset[int]] = field(default_factory=dict[str, frozenset[int]])
    """Table that the run did not write → the snapshots of it that it loaded."""


def check_age(run: Run, history: timedelta) -> datetime:
    """Return when a run began, if the files of its tables are surely there still.

    Raises:
        Invalid: the run never began, or so long ago that table care may have deleted them.
    """
    if run.started_at is None:
        raise Invalid(f"Run {run.run_id} never began; there is nothing to replay.")
    if run.started_at < datetime.now(UTC) - history:
        raise Invalid(
            f"Run {run.run_id} began on {run.started_at:%Y-%m-%d}; the lakehouse keeps the files of"
            f" the last {history.days} days (OPENLAKE_LAKEHOUSE__HISTORY_DAYS), so it cannot be"
            " replayed."
        )
    return run.started_at


async def base_of(session: AsyncSession, catalog: Catalog, run: Run, history: timedelta) -> str:
    """Return the commit of main whose tables a run saw.

    Raises:
        Invalid: the run never began, or the catalog does not go back so far.
    """
    started_at = check_age(run, history)
    row = await transactions.newest(session, run.run_id)
    if row is not None:
        return row.base_hash
    found = await References(catalog).commit_at(started_at)
    if found is None:
        raise Invalid(f"The catalog does not go back to when run {run.run_id} began.")
    return found


async def footprint(session: AsyncSession, catalog: Catalog, run: Run) -> Footprint:
    """Return what a run that has ended wrote and read.

    Raises:
        Invalid: the branch that it wrote on is gone.
    """
    snapshots = await _snapshots(session, run.run_id)
    row = await transactions.newest(session, run.run_id)
    if row is not None:
        outputs = await _of_transaction(session, catalog, row)
    else:
        outputs = await _of_main(catalog, run, snapshots)
    inputs = await _inputs(session, run.run_id, outputs.keys() | snapshots.keys())
    return Footprint(outputs, inputs)


async def _snapshots(session: AsyncSession, run_id: int) -> dict[str, int]:
    """Return the last snapshot of each table that a successful attempt committed."""
    query = (
        select(AttemptCommitRow.table_name, AttemptCommitRow.snapshot_id)
        .join(TaskRun, col(TaskRun.task_run_id) == col(AttemptCommitRow.task_run_id))
        .where(
            AttemptCommitRow.run_id == run_id,
            AttemptCommitRow.state == CommitState.COMMITTED,
            col(AttemptCommitRow.snapshot_id).is_not(None),
            TaskRun.result == TaskResult.SUCCESS.value,
        )
        .order_by(col(AttemptCommitRow.id))
    )
    rows = (await session.exec(query)).all()
    return {table: snapshot for table, snapshot in rows if snapshot is not None}


async def _of_transaction(
    session: AsyncSession, catalog: Catalog, row: Transaction
) -> dict[str, str | None]:
    if row.state == TransactionState.PUBLISHED and row.published_hash is not None:
        ref = f"{MAIN}@{row.published_hash}"
    elif row.dropped_at is None:
        ref = row.branch
    else:
        raise Invalid(
            f"The catalog branch of run {row.run_id} has been dropped, and with it what the run"
            " wrote; there is nothing to compare."
        )
    landings = await transactions.landings(session, row)
    names = {str(table) for landing in landings for table in landing.tables}
    return {name: await _location(catalog, ref, tuple(name.split("."))) for name in sorted(names)}


async def _of_main(
    catalog: Catalog, run: Run, snapshots: Mapping[str, int]
) -> dict[str, str | None]:
    wanted = {(name, snapshot) for name, snapshot in snapshots.items()}
    found: dict[str, str | None] = {}
    async for commit in catalog.log(MAIN, run.started_at):
        name = ".".join(commit.key)
        if (name, commit.snapshot_id) in wanted and name not in found:
            found[name] = await _location(catalog, f"{MAIN}@{commit.commit_hash}", commit.key)
        if len(found) == len(wanted):
            break
    return dict.fromkeys(snapshots) | found


async def _location(catalog: Catalog, ref: str, key: tuple[str, ...]) -> str | None:
    table = await catalog.load_table(ref, key)
    return None if table is None else str(table["metadata-location"])


async def _inputs(
    session: AsyncSession, run_id: int, written: set[str]
) -> dict[str, frozenset[int]]:
    query = (
        select(AttemptReadRow.table_name, AttemptReadRow.snapshot_id)
        .join(TaskRun, col(TaskRun.task_run_id) == col(AttemptReadRow.task_run_id))
        .where(TaskRun.run_id == run_id)
    )
    found: dict[str, set[int]] = {}
    for table, snapshot in (await session.exec(query)).all():
        if table not in written:
            found.setdefault(table, set()).add(snapshot)
    return {table: frozenset(snapshots) for table, snapshots in found.items()}
