"""Transactions that make runs, with what the runs take from outside fetched before they begin."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.deps import Deps
from control.jobs import store as jobs
from control.jobs.materials import Outside
from control.jobs.outside import fetch, gather
from control.jobs.snapshots import MAX_FILES, JobChanged, VolumeFilesWanted
from control.runs.admission import Admitted, Ask, admit, find_by_key
from spec.errors import Invalid
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

    Git and the object store may take seconds, so nothing is locked meanwhile; when the job changes
    in between, all of it is done again. Which files of volumes are needed comes out on the way: a
    requirements file may name more of them.

    Args:
        deps: Of this process.
        settings_of: Returns what a run is to work from; None when nothing has to be fetched.
        work: The transaction.
    """
    tries, volumes = 0, dict[str, str | Invalid]()
    while True:
        async with deps.database.read_session() as session:
            settings = await settings_of(session)
        outside = Outside() if settings is None else await gather(deps, settings)
        try:
            async with deps.database.session() as session:
                return await work(session, replace(outside, volumes=volumes))
        except VolumeFilesWanted as wanted:
            volumes = volumes | await fetch(deps, wanted.workspace_id, wanted.keys)
            if len(volumes) > MAX_FILES:
                raise Invalid(
                    f"the run names more than {MAX_FILES} files of volumes; pack them"
                ) from None
        except JobChanged:
            tries += 1
            if tries == _TRIES:
                raise


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
