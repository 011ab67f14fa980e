"""Starts replays and comparisons; both are runs like any other."""

from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.deps import Deps
from control.jobs.tables import SettingsSnapshot
from control.permissions.levels import Level
from control.replays.plan import replay_settings
from control.replays.written import Footprint, check_age, footprint
from control.runs import service as runs
from control.runs.access import permitted
from control.runs.tables import Run
from spec.attempts import CompareProgram, InputPair, TablePair
from spec.errors import Invalid
from spec.ids import is_task_run
from spec.jobs import JobSettings
from spec.replays import CompareTask, ReplayTask
from spec.states import RunLife
from spec.tasks import Task, TaskDependency


async def start(deps: Deps, caller: Caller, run_id: int, token: str | None = None) -> Run:
    """Start the run that runs a run again and compares what both wrote.

    Raises:
        NotFound: there is no such run.
        Invalid: it cannot be replayed.
    """
    async with deps.database.read_session() as session:
        run = await ended_run(session, caller, run_id, Level.CAN_MANAGE_RUN)
        check_age(run, deps.history)
        replay_settings(await session.get_one(SettingsSnapshot, run.settings_hash))
    replay = Task(task_key="replay", replay_task=ReplayTask(run_id=run_id))
    compare = Task(
        task_key="compare",
        depends_on=(TaskDependency(task_key="replay"),),
        compare_task=CompareTask(run_id=str(run_id), with_run_id="{{tasks.replay.values.run_id}}"),
    )
    settings = JobSettings(name=f"replay run {run_id}", tasks=(replay, compare))
    return await runs.submit_settings(deps, caller, settings, token)


async def ended_run(
    session: AsyncSession, caller: Caller, run_id: int, wanted: Level = Level.CAN_VIEW
) -> Run:
    """Return a run that has ended, and that the caller may do so much with.

    Raises:
        NotFound: there is no such run in the workspace.
        Forbidden: the caller lacks the level on its job.
        Invalid: it is a task run, has not ended, or never ran.
    """
    if is_task_run(run_id):
        raise Invalid(f"{run_id} is a task run; name the run that it belongs to")
    run = await permitted(session, caller, run_id, wanted)
    if not RunLife(run.life).is_over:
        raise Invalid(f"Run {run_id} has not ended; wait for its end.")
    if run.life == RunLife.SKIPPED or run.started_at is None:
        raise Invalid(f"Run {run_id} never began; it wrote nothing.")
    return run


async def ready(
    deps: Deps, session: AsyncSession, runner: Caller, program: CompareProgram
) -> CompareProgram:
    """Return a program that knows where the tables of both runs are; `runner` compares them.

    Raises:
        Invalid: one of the runs is none, or its tables are gone.
        Forbidden: whose rights the comparing run has may not see one of them.
    """
    before, after = [
        await footprint(session, deps.catalog, await ended_run(session, runner, _number(id_)))
        for id_ in (program.run_id, program.with_run_id)
    ]
    return program.model_copy(
        update={"outputs": _outputs(before, after), "inputs": _inputs(before, after)}
    )


def _number(text: str) -> int:
    if not text.strip().isdecimal():
        raise Invalid(f"a compare_task names runs by their ids, not by '{text[:60]}'")
    return int(text)


def _outputs(before: Footprint, after: Footprint) -> tuple[TablePair, ...]:
    names = sorted(before.outputs.keys() | after.outputs.keys())
    return tuple(
        TablePair(table=name, before=before.outputs.get(name), after=after.outputs.get(name))
        for name in names
    )


def _inputs(before: Footprint, after: Footprint) -> tuple[InputPair, ...]:
    """Return the inputs that were other snapshots the second time."""
    return tuple(
        InputPair(
            table=name,
            before=tuple(sorted(before.inputs[name])),
            after=tuple(sorted(after.inputs[name])),
        )
        for name in sorted(before.inputs.keys() & after.inputs.keys())
        if before.inputs[name] != after.inputs[name]
    )
