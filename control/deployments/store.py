"""Queries on deployments."""

from collections.abc import Iterable

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.deployments.tables import Deployment, DeploymentResource
from control.ids import new_id
from control.permissions.access import visible
from control.permissions.levels import Kind
from spec.api.deployments import BeginDeployment, DeployedResource, ResourceKey
from spec.errors import NotFound


async def get(
    session: AsyncSession, workspace_id: int, deployment_id: str, *, lock: bool = False
) -> Deployment:
    """Return a deployment.

    Raises:
        NotFound: there is none of this id in the workspace.
    """
    query = select(Deployment).where(
        Deployment.deployment_id == deployment_id, Deployment.workspace_id == workspace_id
    )
    found = (await session.exec(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound(f"Deployment {deployment_id} does not exist.", deployment_id=deployment_id)
    return found


async def locked(
    session: AsyncSession, caller: Caller, wanted: BeginDeployment, root_path: str
) -> tuple[Deployment, bool]:
    """Return a bundle's deployment, under a row lock; the second value tells that it is new."""
    fresh = Deployment(
        deployment_id=new_id(),
        workspace_id=caller.workspace_id,
        bundle_name=wanted.bundle_name,
        target=wanted.target,
        root_path=root_path,
        created_by=caller.user_name,
    )
    row = fresh.model_dump(exclude={"created_at"})
    made = await session.exec(insert(Deployment).values(row).on_conflict_do_nothing())
    query = select(Deployment).where(
        Deployment.workspace_id == caller.workspace_id,
        Deployment.bundle_name == wanted.bundle_name,
        Deployment.target == wanted.target,
        Deployment.root_path == root_path,
    )
    return (await session.exec(query.with_for_update())).one(), made.rowcount == 1


async def page(
    session: AsyncSession,
    caller: Caller,
    *,
    below: str | None,
    limit: int,
    bundle_name: str | None,
    target: str | None,
    root_path: str | None,
) -> list[Deployment]:
    """Return deployments that the caller may see, newest first, with ids below a bound."""
    query = select(Deployment).where(
        Deployment.workspace_id == caller.workspace_id,
        visible(caller, Kind.DEPLOYMENT, Deployment.deployment_id),
    )
    wanted = {"bundle_name": bundle_name, "target": target, "root_path": root_path}
    for column, value in wanted.items():
        if value is not None:
            query = query.where(getattr(Deployment, column) == value)
    if below is not None:
        query = query.where(col(Deployment.deployment_id) < below)
    query = query.order_by(col(Deployment.deployment_id).desc()).limit(limit)
    return list((await session.exec(query)).all())


async def resources(session: AsyncSession, deployment_id: str) -> list[DeploymentResource]:
    """Return what a deployment has made, by kind and key."""
    query = (
        select(DeploymentResource)
        .where(DeploymentResource.deployment_id == deployment_id)
        .order_by(col(DeploymentResource.kind), col(DeploymentResource.key))
    )
    return list((await session.exec(query)).all())


async def put_resources(
    session: AsyncSession, deployment_id: str, given: Iterable[DeployedResource]
) -> None:
    """Note resources; those that were noted before are replaced."""
    for each in given:
        row = {"deployment_id": deployment_id, **each.model_dump()}
        kept = each.model_dump(include={"name", "object_id", "permissions"})
        statement = insert(DeploymentResource).values(row)
        await session.exec(
            statement.on_conflict_do_update(
                index_elements=["deployment_id", "kind", "key"], set_=kept
            )
        )


async def forget_resources(
    session: AsyncSession, deployment_id: str, given: Iterable[ResourceKey]
) -> None:
    """Drop what was noted of resources."""
    for each in given:
        await session.exec(
            delete(DeploymentResource).where(
                col(DeploymentResource.deployment_id) == deployment_id,
                col(DeploymentResource.kind) == each.kind,
                col(DeploymentResource.key) == each.key,
            )
        )
