"""Tells which jobs keep to their cluster policies as they are now."""

from collections.abc import Mapping

from sqlmodel.ext.asyncio.session import AsyncSession

from control import paging
from control.auth import Caller
from control.deps import Deps
from control.jobs import store as jobs
from control.jobs.compute import breaches
from control.jobs.tables import Job
from control.permissions.access import require
from control.permissions.levels import Kind, Level
from control.policies import store
from spec.api.compute import Compliance, JobCompliance, JobComplianceList
from spec.compute import ComputeProfile
from spec.jobs import JobSettings

_MOST_TOLD = 200
PAGE = 100


async def of_job(deps: Deps, caller: Caller, job_id: int) -> Compliance:
    """Tell whether a job keeps to its policies.

    Raises:
        NotFound: there is no such job.
        Forbidden: the caller may not see it.
    """
    async with deps.database.read_session() as session:
        job = await jobs.get(session, caller.workspace_id, job_id)
        await require(session, caller, Kind.JOB, job_id, Level.CAN_VIEW)
        told = await _told(session, job, deps.profiles)
    return Compliance(is_compliant=not told, violations=told or None)


async def of_policy(
    deps: Deps, caller: Caller, policy_id: str, page_size: int, page_token: str | None
) -> JobComplianceList:
    """Return one page of the jobs that name a policy, newest first.

    Raises:
        NotFound: there is no such policy.
        Forbidden: the caller may not use it.
    """
    below = paging.integer(paging.decode(page_token), "below")
    async with deps.database.read_session() as session:
        await store.get(session, caller.workspace_id, policy_id)
        await require(session, caller, Kind.CLUSTER_POLICY, policy_id, Level.CAN_USE)
        found = await store.jobs_of(session, caller, policy_id, below=below, limit=page_size + 1)
        shown = found[:page_size]
        told = {job.job_id: await _told(session, job, deps.profiles) for job in shown}
    more = len(found) > page_size
    return JobComplianceList(
        jobs=tuple(
            JobCompliance(job_id=job_id, is_compliant=not wrong, violations=wrong or None)
            for job_id, wrong in told.items()
        ),
        next_page_token=paging.encode(below=shown[-1].job_id) if more else None,
    )


async def _told(
    session: AsyncSession, job: Job, profiles: Mapping[str, ComputeProfile]
) -> dict[str, str]:
    settings = JobSettings.model_validate(job.settings)
    found = await breaches(session, job.workspace_id, settings, profiles)
    return {f"{each.place}.{each.path}": each.rule for each in found[:_MOST_TOLD]}
