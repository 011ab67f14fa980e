"""Queries on cluster policies, and on the jobs that name one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.jobs.tables import Job
from control.permissions.access import visible
from control.permissions.levels import Kind
from control.policies.tables import ClusterPolicy
from spec.errors import NotFound


async def get(
    session: AsyncSession, workspace_id: int, policy_id: str, *, lock: bool = False
) -> ClusterPolicy:
    """Return a policy.

    Raises:
        NotFound: there is no such policy in the workspace.
    """
    found = await find(session, workspace_id, policy_id, lock=lock)
    if found is None:
        raise NotFound(f"Cluster policy {policy_id} does not exist.", policy_id=policy_id)
    return found


async def find(
    session: AsyncSession, workspace_id: int, policy_id: str, *, lock: bool = False
) -> ClusterPolicy | None:
    """Return a policy; None when there is none."""
    if not policy_id.isalnum():
        return None
    query = select(ClusterPolicy).where(
        ClusterPolicy.policy_id == policy_id, ClusterPolicy.workspace_id == workspace_id
    )
    return (await session.exec(query.with_for_update() if lock else query)).first()


async def listed(
    session: AsyncSession, caller: Caller, *, by_name: bool, descending: bool
) -> Sequence[ClusterPolicy]:
    """Return the policies that the caller may use."""
    query = select(ClusterPolicy).where(
        ClusterPolicy.workspace_id == caller.workspace_id,
        visible(caller, Kind.CLUSTER_POLICY, ClusterPolicy.policy_id),
    )
    first = col(ClusterPolicy.name) if by_name else col(ClusterPolicy.created_at)
    last = col(ClusterPolicy.policy_id)
    order = (first.desc(), last.desc()) if descending else (first, last)
    return (await session.exec(query.order_by(*order))).all()


async def other_of_name(
    session: AsyncSession, workspace_id: int, name: str, policy_id: str
) -> str | None:
    """Return the id of another policy that has this name; nobody else takes it meanwhile."""
    lock = func.hashtext(f"policies/{workspace_id}")
    await session.exec(select(func.pg_advisory_xact_lock(lock)))
    query = select(ClusterPolicy.policy_id).where(
        ClusterPolicy.workspace_id == workspace_id,
        ClusterPolicy.name == name,
        ClusterPolicy.policy_id != policy_id,
    )
    return (await session.exec(query)).first()


async def jobs_of(
    session: AsyncSession, caller: Caller, policy_id: str, *, below: int | None, limit: int
) -> Sequence[Job]:
    """Return jobs that name a policy and that the caller may see, newest first."""
    query = select(Job).where(
        Job.workspace_id == caller.workspace_id,
        col(Job.deleted_at).is_(None),
        _names(policy_id),
        visible(caller, Kind.JOB, Job.job_id),
    )
    if below is not None:
        query = query.where(col(Job.job_id) < below)
    return (await session.exec(query.order_by(col(Job.job_id).desc()).limit(limit))).all()


def _names(policy_id: str) -> ColumnElement[bool]:
    cluster = {"new_cluster": {"policy_id": policy_id}}
    nested = {"for_each_task": {"task": cluster}}
    shapes: tuple[dict[str, Any], ...] = (
        {"job_clusters": [cluster]},
        {"tasks": [cluster]},
        {"tasks": [nested]},
    )
    return or_(*(col(Job.settings).contains(shape) for shape in shapes))
