"""The settings that a run works from."""

from control.auth import Caller
from control.deps import Deps
from control.jobs.wire import complete
from control.runs import store
from control.runs.access import permitted
from control.runs.tables import Run, RunExecution
from spec.api.evidence import RunSettings
from spec.errors import NotFound


async def used_by(
    deps: Deps, caller: Caller, run_id: int, execution: int | None = None
) -> RunSettings:
    """Return what an execution of a run was made from; the newest one's when none is named.

    Raises:
        NotFound: there is no such run or execution.
    """
    async with deps.database.read_session() as session:
        run = await permitted(session, caller, run_id)
        number = run.execution if execution is None else execution
        made_from: Run | RunExecution = run
        if number != run.execution:
            row = await session.get(RunExecution, (run_id, number))
            if row is None:
                raise NotFound(
                    f"Run {run_id} has no execution {number}; its newest one is {run.execution}.",
                    run_id=run_id,
                )
            made_from = row
        snapshot = await store.snapshot(session, made_from.settings_hash)
    return RunSettings(
        run_id=run_id,
        job_id=run.job_id,
        execution=number,
        job_version=made_from.job_version,
        settings_hash=snapshot.hash,
        settings=complete(snapshot.settings),
        files=snapshot.files,
    )
