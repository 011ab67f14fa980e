"""Reads all rows that runs are drawn from, with a fixed number of queries."""

from collections import defaultdict

from sqlmodel.ext.asyncio.session import AsyncSession

from control.runs import store
from control.runs.tables import Run, RunExecution
from control.runs.views import IterationStats, Picture


async def pictures(session: AsyncSession, runs: list[Run]) -> list[Picture]:
    """Return the rows behind some runs, in the same order."""
    ids = [run.run_id for run in runs]
    snapshots = await store.snapshots(session, {run.settings_hash for run in runs})
    made: dict[int, list[store.OpenedTaskRun]] = defaultdict(list)
    for task_run in await store.task_runs(session, ids):
        made[task_run.row.run_id].append(task_run)
    repaired = [run.run_id for run in runs if run.execution]
    executions: dict[int, list[RunExecution]] = defaultdict(list)
    for row in await store.executions(session, repaired) if repaired else []:
        executions[row.run_id].append(row)
    drawn: list[Picture] = []
    for run in runs:
        snapshot = snapshots[run.settings_hash]
        loops = {task["task_key"] for task in snapshot.settings.get("tasks", []) if _is_loop(task)}
        attempts = [t.row.task_run_id for t in made[run.run_id] if t.row.task_key in loops]
        stats = await _stats(session, attempts) if attempts else {}
        drawn.append(Picture(run, snapshot, made[run.run_id], executions[run.run_id], stats))
    return drawn


async def picture(session: AsyncSession, run: Run) -> Picture:
    """Return the rows behind one run."""
    return (await pictures(session, [run]))[0]


def _is_loop(task: dict[str, object]) -> bool:
    return "for_each_task" in task


async def _stats(session: AsyncSession, attempts: list[int]) -> dict[int, IterationStats]:
    found = await store.iteration_stats(session, attempts)
    return {task_run_id: iteration_stats(*numbers) for task_run_id, numbers in found.items()}


def iteration_stats(
    total: int, begun: int, active: int, succeeded: int, todo: int
) -> IterationStats:
    """Return the statistics that are shown; what earlier attempts did counts as done."""
    kept = total - todo
    return IterationStats(
        total=total,
        scheduled=kept + begun,
        active=active,
        completed=kept + begun - active,
        succeeded=kept + succeeded,
        failed=begun - active - succeeded,
    )
