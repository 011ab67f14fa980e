"""The tables that a run's attempts read and changed, as the catalog gateway saw it."""

from collections.abc import Sequence

from control import paging
from control.auth import Caller
from control.deps import Deps
from control.evidence import store
from control.evidence.parts import spell_snapshot
from control.gateway.tables import AttemptCommitRow, AttemptReadRow
from control.lakehouse import views
from control.runs.access import permitted
from control.runs.tables import TaskRun
from spec.api.run_tables import AttemptTables, RunTables, TableRead, TableWrite


async def of_run(
    deps: Deps, caller: Caller, run_id: int, task_run_id: int | None, limit: int, token: str | None
) -> RunTables:
    """Return a page of the attempts that met tables; only one attempt when it is named.

    Raises:
        NotFound: there is no such run.
    """
    after = paging.integer(paging.decode(token), "after") or 0
    async with deps.database.read_session() as session:
        run = await permitted(session, caller, run_id)
        found = await store.attempts_with_tables(session, run.run_id, task_run_id, after, limit + 1)
    shown = found[:limit]
    more = len(found) > limit
    return RunTables(
        attempts=tuple(_attempt(*each) for each in shown),
        next_page_token=paging.encode(after=shown[-1][0].task_run_id) if more else None,
    )


def _attempt(
    row: TaskRun, reads: Sequence[AttemptReadRow], commits: Sequence[AttemptCommitRow]
) -> AttemptTables:
    own = {each.snapshot_id for each in commits}
    return AttemptTables(
        task_run_id=row.task_run_id,
        task_key=row.task_key,
        attempt=row.attempt,
        reads=tuple(
            TableRead(
                table=each.table_name,
                branch=each.branch,
                snapshot_id=spell_snapshot(each.snapshot_id),
            )
            for each in reads
            if each.snapshot_id not in own
        ),
        writes=tuple(_write(each) for each in commits),
    )


def _write(row: AttemptCommitRow) -> TableWrite:
    return TableWrite(
        table=row.table_name,
        branch=row.branch,
        operation=row.operation,
        snapshot_id=spell_snapshot(row.snapshot_id),
        state=row.state,
        added_rows=views.changed(row.summary, "added-records"),
        deleted_rows=views.deleted_rows(row.summary),
        total_rows=views.rows(row.summary),
    )
