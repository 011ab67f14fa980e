"""Transactions that make runs, with what the runs take from outside fetched before they begin."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.deps import Deps
from control.jobs import store as jobs
from control.jobs.materials import Outside
from control.jobs.outside import gather
from control.jobs.snapshots import JobChanged
from control.runs.admission import Admitted, Ask, admit, find_by_key
from spec.jobs import JobSettings

T = TypeVar("T")
_TRIES = 3


async def admit_gathered(deps: Deps, caller: Caller, ask: Ask) -> Admitted:
    """Fetch what the ask's settings take from outside, then admit the run.

    Raises:
        CheckoutFailed: the job's repository cannot be read.
        OpenLakeError: see `admit`.
    """
    return await transact(
        deps,
        lambda session: settings_of(session, caller, ask),
        lambda session, outside: admit(session, caller, ask, outside),
    )


async def transact(
    deps: Deps,
    settings_of: Callable[[AsyncSession], Awaitable[JobSettings | None]],
    work: Callable[[AsyncSession, Outside], Awaitable[T]],
) -> T:
    """Do the work in one transaction, with what these settings take from outside.

    Git may take seconds, so nothing is locked meanwhile; when the job changes in between, all of
    it is done again.

    Args:
        deps: Of this process.
        settings_of: Returns what a run is to work from; None when nothing has to be fetched.
        work: The transaction.
    """
    for tries in range(_TRIES):
        async with deps.database.read_session() as session:
            settings = await settings_of(session)
        outside = Outside() if settings is None else await gather(deps, settings)
        try:
            async with deps.database.session() as session:
                return await work(session, outside)
        except JobChanged:
            if tries == _TRIES - 1:
                raise
    raise AssertionError("unreachable")


async def settings_of(session: AsyncSession, caller: Caller, ask: Ask) -> JobSettings | None:
    """Return what a run of this ask works from; None when the run is there already.

    Raises:
        NotFound: there is no such job.
    """
    if await find_by_key(session, caller, ask.key) is not None:
        return None
    if ask.job_id is None:
        return ask.settings
    job = await jobs.get(session, caller.workspace_id, ask.job_id)
    return JobSettings.model_validate(job.settings)
