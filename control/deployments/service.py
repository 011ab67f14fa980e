"""What may be done to deployments: take the lock, note what was done, let go."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlmodel.ext.asyncio.session import AsyncSession

from control import paging
from control.audit import store as audit
from control.auth import Caller
from control.deployments import store
from control.deployments.tables import Deployment
from control.deps import Deps
from control.files.paths import normalise
from control.permissions import access
from control.permissions.levels import Kind, Level
from spec.api.deployments import (
    LEASE_S,
    MOST_RESOURCES,
    BeginDeployment,
    BegunDeployment,
    DeployedFile,
    DeployedResource,
    DeploymentDetails,
    DeploymentList,
    DeploymentLock,
    DeploymentView,
    FinishDeployment,
    RecordDeployment,
)
from spec.errors import Conflict, Invalid


async def begin(deps: Deps, caller: Caller, wanted: BeginDeployment) -> BegunDeployment:
    """Take the lock of a bundle's deployment, which is made if there is none.

    Raises:
        Conflict: somebody else holds the lock, or something was deployed since the plan was made.
        Forbidden: the caller may not manage the deployment.
    """
    async with deps.database.session() as session:
        root_path = normalise(wanted.root_path)
        row, is_new = await store.locked(session, caller, wanted, root_path)
        if is_new:
            await access.own(session, caller, Kind.DEPLOYMENT, row.deployment_id)
        await _require(session, caller, row, Level.CAN_MANAGE)
        held = _lock(row)
        if held is not None and not wanted.force:
            raise Conflict(
                f"{held.holder} has been deploying {row.bundle_name} to {row.target} since"
                f" {held.since:%H:%M:%S} UTC; wait for it, or take over with --force-lock",
                holder=held.holder,
            )
        if row.version != wanted.version:
            raise Conflict(
                f"{row.bundle_name} was deployed to {row.target} while this plan was made;"
                " deploy again to see what is left to do",
                version=row.version,
            )
        now = datetime.now(UTC)
        row.lock_id, row.lock_holder = uuid4().hex, f"{caller.user_name} ({wanted.holder})"
        row.locked_at, row.locked_until = now, now + timedelta(seconds=LEASE_S)
        facts = {"bundle": row.bundle_name, "target": row.target, "root_path": row.root_path}
        _note(session, caller, row, "begun", **facts, forced=held.holder if held else None)
        return BegunDeployment(lock_id=row.lock_id, deployment=await _details(session, row))


async def record(
    deps: Deps, caller: Caller, deployment_id: str, done: RecordDeployment
) -> DeploymentView:
    """Note what was done, and renew the lock.

    Raises:
        Conflict: the lock was taken over.
        Invalid: the deployment would hold too many resources.
    """
    async with deps.database.session() as session:
        row = await _held(session, caller, deployment_id, done.lock_id)
        await store.put_resources(session, deployment_id, done.resources)
        await store.forget_resources(session, deployment_id, done.forgotten)
        if len(await store.resources(session, deployment_id)) > MOST_RESOURCES:
            raise Invalid(f"a deployment holds at most {MOST_RESOURCES:,} resources")
        if done.files is not None:
            row.files = [each.model_dump() for each in done.files]
        if done.permissions is not None:
            row.permissions = dict(done.permissions)
        row.locked_until = datetime.now(UTC) + timedelta(seconds=LEASE_S)
        is_noted = done.files is not None or done.permissions is not None
        if done.resources or done.forgotten or is_noted:
            row.version += 1
            noted = {"resources", "forgotten", "permissions"}
            facts = done.model_dump(mode="json", include=noted, exclude_none=True)
            files = None if done.files is None else len(done.files)
            _note(session, caller, row, "recorded", **facts, files=files)
        return _view(row)


async def finish(deps: Deps, caller: Caller, deployment_id: str, end: FinishDeployment) -> None:
    """Let go of the lock; a destroyed deployment is forgotten.

    Raises:
        Conflict: the lock was taken over, or something is left of what was to be destroyed.
    """
    async with deps.database.session() as session:
        row = await _held(session, caller, deployment_id, end.lock_id)
        _note(session, caller, row, end.outcome)
        if end.outcome == "destroyed":
            if await store.resources(session, deployment_id):
                raise Conflict("resources of the deployment are left; delete them first")
            await access.forget(session, caller.workspace_id, Kind.DEPLOYMENT, deployment_id)
            await session.delete(row)
            return
        row.lock_id = row.lock_holder = row.locked_at = row.locked_until = None
        if end.outcome == "deployed":
            row.deployed_by, row.deployed_at = caller.user_name, datetime.now(UTC)


async def get(deps: Deps, caller: Caller, deployment_id: str) -> DeploymentDetails:
    """Return a deployment with all that it put into the workspace."""
    async with deps.database.read_session() as session:
        row = await store.get(session, caller.workspace_id, deployment_id)
        await _require(session, caller, row, Level.CAN_VIEW)
        return await _details(session, row)


async def list_deployments(
    deps: Deps,
    caller: Caller,
    *,
    limit: int,
    page_token: str | None,
    bundle_name: str | None,
    target: str | None,
    root_path: str | None,
) -> DeploymentList:
    """Return one page of deployments, newest first."""
    async with deps.database.read_session() as session:
        rows = await store.page(
            session,
            caller,
            below=paging.text_below(page_token),
            limit=limit + 1,
            bundle_name=bundle_name,
            target=target,
            root_path=None if root_path is None else normalise(root_path),
        )
    shown, token = paging.cut_below(rows, limit, lambda row: row.deployment_id)
    return DeploymentList(deployments=tuple(_view(row) for row in shown), next_page_token=token)


async def _held(
    session: AsyncSession, caller: Caller, deployment_id: str, lock_id: str
) -> Deployment:
    row = await store.get(session, caller.workspace_id, deployment_id, lock=True)
    await _require(session, caller, row, Level.CAN_MANAGE)
    if row.lock_id != lock_id:
        raise Conflict(
            f"the lock of {row.bundle_name} on {row.target} is not held any more; it was released,"
            " or somebody has taken it over; deploy again"
        )
    return row


async def _require(session: AsyncSession, caller: Caller, row: Deployment, level: Level) -> None:
    await access.require(session, caller, Kind.DEPLOYMENT, row.deployment_id, level)


def _note(
    session: AsyncSession, caller: Caller, row: Deployment, deed: str, **facts: object
) -> None:
    given = {name: value for name, value in facts.items() if value is not None}
    audit.record(session, caller, f"deployment.{deed}", "deployment", row.deployment_id, **given)


def _lock(row: Deployment) -> DeploymentLock | None:
    """Return who holds the lock; None when nobody does, or has for too long not renewed it."""
    if row.lock_holder is None or row.locked_at is None or row.locked_until is None:
        return None
    if row.locked_until < datetime.now(UTC):
        return None
    return DeploymentLock(holder=row.lock_holder, since=row.locked_at, until=row.locked_until)


def _view(row: Deployment) -> DeploymentView:
    return DeploymentView.model_validate({**row.model_dump(), "lock": _lock(row)})


async def _details(session: AsyncSession, row: Deployment) -> DeploymentDetails:
    await session.flush()
    await session.refresh(row)
    made = await store.resources(session, row.deployment_id)
    return DeploymentDetails(
        **_view(row).__dict__,
        resources=tuple(
            DeployedResource.model_validate(each.model_dump(exclude={"deployment_id"}))
            for each in made
        ),
        files=tuple(DeployedFile.model_validate(each) for each in row.files),
        permissions=row.permissions,
    )
