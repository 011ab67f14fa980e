"""The activity that deletes files for table_care tasks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.dialects.postgresql import insert
from temporalio import activity

from control.auth import caller_named
from control.deps import Deps
from control.heartbeats import beating
from control.logs import service as logs
from control.permissions.access import require_admin
from control.runs.context import read_task
from control.runs.tables import Run, TaskOutput, TaskRun
from control.table_care.sweep import Order, Report, Sweeper
from spec.attempts import AttemptOutcome, AttemptOutput, AttemptResult, TaskRef
from spec.errors import Forbidden, Invalid
from spec.references import resolve
from spec.table_care import TableCareTask, resolved_patterns
from spec.table_care_figures import Step, log_line, removal_values, result_of

log = structlog.get_logger(__name__)


class FileRemover:
    """The activity `remove_files` of `spec.ports`.

    Args:
        deps: The collaborators.
        sweeper: Deletes.
        history: How long states of tables are kept at least.
    """

    def __init__(self, deps: Deps, sweeper: Sweeper, history: timedelta) -> None:
        """See class."""
        self._deps = deps
        self._sweeper = sweeper
        self._history = history

    @activity.defn(name="remove_files")
    async def remove_files(self, ref: TaskRef) -> AttemptOutcome:
        """See `spec.ports.remove_files`."""
        began = datetime.now(UTC)
        try:
            async with beating():
                return _outcome(AttemptResult.SUCCESS, began, await self._remove(ref))
        except (Invalid, Forbidden) as error:
            return _outcome(AttemptResult.FAILED, began, error.message)
        except asyncio.CancelledError:
            details = activity.cancellation_details()
            if details is None or not details.cancel_requested:
                raise
            message = "The attempt was cancelled; what it had deleted by then stays deleted."
            return _outcome(AttemptResult.CANCELED, began, message)

    async def _remove(self, ref: TaskRef) -> str:
        """Sweep, keep the figures, and return what the run's page says.

        Raises:
            Invalid: the task cannot be carried out, or a table had to be left alone.
        """
        run, task, context = await read_task(self._deps, ref)
        care = task.table_care_task
        if care is None:
            raise Invalid(f"task '{ref.task_key}' is no table_care_task")
        async with self._deps.database.read_session() as session:
            runner = await caller_named(session, run.workspace_id, run.run_as or run.creator)
        require_admin(runner, "delete files of tables")
        patterns = resolved_patterns([resolve(text, context) for text in care.tables])
        async with self._deps.database.read_session() as session:
            attempt = await session.get_one(TaskRun, ref.task_run_id)
        order = order_of(care, patterns, attempt, self._history)
        lines = _Lines(self._deps, ref.task_run_id)
        lines.say(f"the history since {order.cutoff:%Y-%m-%d %H:%M} UTC is kept")
        report = await self._sweeper.sweep(order, lines.say)
        for row in report.rows:
            lines.say(log_line(row, dry_run=order.dry_run))
        for table, why in report.left_alone.items():
            lines.say(f"{table}: left alone: a file that it needs cannot be read: {why}")
        await lines.append()
        await self._keep(ref, run, report, dry_run=order.dry_run)
        log.info("table_care.swept", task_run_id=ref.task_run_id, rows=len(report.rows))
        if report.left_alone:
            names = ", ".join(report.left_alone)
            raise Invalid(
                f"left alone, because files that they need cannot be read: {names}; the log names"
                " the files"
            )
        return _summary(report, dry_run=order.dry_run)

    async def _keep(self, ref: TaskRef, run: Run, report: Report, *, dry_run: bool) -> None:
        """Add the figures to what the engine's part left, once: a repeat begins from that again."""
        async with self._deps.database.session() as session:
            row = await session.get(TaskOutput, ref.task_run_id, with_for_update=True)
            output = AttemptOutput.model_validate(row.output if row else {})
            values = removal_values(report.rows, dry_run=dry_run)
            kept = output.model_copy(
                update={
                    "sql": result_of(report.rows, earlier=output.sql),
                    "values": {**output.values, **values},
                }
            ).model_dump(mode="json")
            new = insert(TaskOutput).values(
                task_run_id=ref.task_run_id,
                run_id=run.run_id,
                task_key=ref.task_key,
                output=kept,
            )
            await session.exec(
                new.on_conflict_do_update(index_elements=["task_run_id"], set_={"output": kept})
            )


def order_of(
    care: TableCareTask, patterns: Sequence[str], attempt: TaskRun, history: timedelta
) -> Order:
    """Return what is to be swept for a task.

    Raises:
        Invalid: the task wants to keep less than the lakehouse's history.
    """
    kept, steps = history, set[Step]()
    if (expire := care.expire_snapshots) is not None:
        steps.add(Step.EXPIRE_SNAPSHOTS)
        if expire.older_than_hours is not None:
            kept = timedelta(hours=expire.older_than_hours)
        if kept < history:
            hours = history.total_seconds() / 3600
            raise Invalid(
                f"'expire_snapshots.older_than_hours' is {expire.older_than_hours}, but replays and"
                f" repairs may need the last {hours:g} hours; give at least that, leave it out, or"
                " lower OPENLAKE_LAKEHOUSE__HISTORY_DAYS"
            )
    grace = timedelta(days=1)
    if (orphans := care.remove_orphan_files) is not None:
        steps.add(Step.REMOVE_ORPHAN_FILES)
        grace = timedelta(hours=orphans.older_than_hours)
    return Order(
        task_run_id=attempt.task_run_id,
        # Of the attempt, not of this call: a repeated one judges every file alike.
        began_at=attempt.scheduled_at,
        patterns=tuple(patterns),
        history=kept,
        grace=grace,
        steps=frozenset(steps),
        dry_run=care.dry_run,
    )


@dataclass
class _Lines:
    """Lines for the task's log, which they reach together, behind what the engine wrote."""

    deps: Deps
    task_run_id: int
    text: str = ""

    def say(self, line: str) -> None:
        self.text += f"{line}\n"

    async def append(self) -> None:
        held = await logs.tail_of(self.deps, self.task_run_id)
        content = self.text.encode()
        await logs.append(self.deps, self.task_run_id, held.size, content, final=True, opened=False)


def _summary(report: Report, *, dry_run: bool) -> str:
    values = removal_values(report.rows, dry_run=dry_run)
    would = "Would delete" if dry_run else "Deleted"
    return f"{would} {values['deleted_files']:,} files ({values['deleted_bytes']:,} bytes)."


def _outcome(result: AttemptResult, began: datetime, message: str) -> AttemptOutcome:
    codes = {AttemptResult.SUCCESS: "SUCCESS", AttemptResult.CANCELED: "CANCELED"}
    return AttemptOutcome(
        result=result,
        code=codes.get(result, "RUN_EXECUTION_ERROR"),
        message=message[:1000],
        started_at=began,
        ended_at=datetime.now(UTC),
    )
