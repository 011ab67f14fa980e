"""What may be done to workspaces and their members.

An admin of the first workspace is the stack's operator: it makes workspaces, sees all of them,
sets their quotas and deletes them. Everybody else sees the own one, and its admins may change it.
"""

import secrets
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub, paging
from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.identity import service as identity
from control.identity import store as people
from control.permissions.access import require_admin
from control.runs import admission
from control.runs.views import millis
from control.tokens import managing
from control.tokens.service import FIRST_WORKSPACE
from control.triggers import service as triggers
from control.warehouses import service as warehouse_service
from control.warehouses import store as warehouses
from control.workspaces import principals, store
from control.workspaces.making import join, make_workspace
from control.workspaces.principals import ADMINS
from control.workspaces.tables import Principal, PrincipalKind, Workspace
from spec.api.tokens import CreatedToken, NewToken
from spec.api.workspaces import (
    AddedMember,
    AddMember,
    CreatedWorkspace,
    CreateWorkspace,
    MemberList,
    MemberView,
    UpdateWorkspace,
    WorkspaceList,
    WorkspaceSettings,
    WorkspaceView,
)
from spec.errors import Conflict, Forbidden, Invalid, NotFound

_LEAST_ID, _IDS = 10**15, 8 * 10**15
"""Sixteen digits, as Databricks' ids, that JavaScript's numbers still hold."""


class NameTaken(Conflict):
    """Another workspace has this name."""

    code = "RESOURCE_ALREADY_EXISTS"


def is_operator(caller: Caller) -> bool:
    """Tell whether the caller may act on every workspace."""
    return caller.workspace_id == FIRST_WORKSPACE and caller.is_admin


# Workspaces --------------------------------------------------------------------------------


async def create(deps: Deps, caller: Caller, order: CreateWorkspace) -> CreatedWorkspace:
    """Make a workspace with a first admin, whose token is shown here and never again.

    Raises:
        Forbidden: the caller is not the operator.
        NameTaken: another workspace has the name.
        NotFound, Invalid: see `_check`.
    """
    _require_operator(caller, "make workspaces")
    row = Workspace(workspace_id=_LEAST_ID + secrets.randbelow(_IDS), name=order.name)
    inside = replace(caller, workspace_id=row.workspace_id)
    try:
        async with deps.database.session() as session:
            await _require_free(session, order.name)
            await make_workspace(session, row)
            await warehouses.make_built_in(session, row.workspace_id)
            await _check(deps, session, row.workspace_id, order)
            _set(row, order)
            admin = await _add_user(session, inside, order.admin or caller.user_name, "", True)
            first = NewToken(comment="first token")
            value, _ = await managing.issue(session, inside, admin, first)
            _note(session, caller, inside, "workspace.created", row)
            await session.flush()
            await session.refresh(row)
    except IntegrityError:
        raise _taken(order.name) from None
    return CreatedWorkspace(**_view(row).model_dump(), admin=admin.user_name, token_value=value)


async def list_workspaces(
    deps: Deps, caller: Caller, limit: int, page_token: str | None
) -> WorkspaceList:
    """Return one page of workspaces, oldest first: all for the operator, else the own one."""
    async with deps.database.read_session() as session:
        if not is_operator(caller):
            own = await store.get(session, caller.workspace_id)
            return WorkspaceList(workspaces=(_view(own),))
        rows = await store.page(session, after=_after(page_token), limit=limit + 1)
    shown, token = rows[:limit], None
    if len(rows) > limit and (last := shown[-1]).created_at is not None:
        token = paging.encode(at=last.created_at.isoformat(), id=last.workspace_id)
    return WorkspaceList(workspaces=tuple(map(_view, shown)), next_page_token=token)


def _after(page_token: str | None) -> tuple[datetime, int] | None:
    place = paging.decode(page_token)
    number = paging.integer(place, "id")
    if number is None:
        return None
    try:
        return datetime.fromisoformat(str(place.get("at"))), number
    except ValueError:
        raise Invalid("'page_token' is not one that this server gave out.") from None


async def get(deps: Deps, caller: Caller, workspace_id: int) -> WorkspaceView:
    """Return a workspace.

    Raises:
        NotFound: there is none that the caller sees.
    """
    async with deps.database.read_session() as session:
        return _view(await _seen(session, caller, workspace_id))


async def update(
    deps: Deps, caller: Caller, workspace_id: int, change: UpdateWorkspace
) -> WorkspaceView:
    """Change what is given; a greater quota lets waiting runs go at once.

    Raises:
        NotFound: there is none that the caller sees, or no such catalog or warehouse.
        Forbidden: the caller is no admin, or wants another quota and is not the operator.
        NameTaken: another workspace has the name.
    """
    given = change.model_fields_set
    async with deps.database.session() as session:
        await _seen(session, caller, workspace_id)
        require_admin(caller, "change a workspace and its members")
        if "max_concurrent_runs" in given:
            _require_operator(caller, "set quotas")
        row = await store.get(session, workspace_id, lock=True)
        if change.name is not None and change.name != row.name:
            if change.name.lower() != row.name.lower():
                await _require_free(session, change.name)
            row.name = change.name
        await _check(deps, session, workspace_id, change)
        _set(row, change)
        inside = replace(caller, workspace_id=workspace_id)
        _note(session, caller, inside, "workspace.updated", row, fields=sorted(given))
        await session.flush()
        if "max_concurrent_runs" in given:
            await admission.release_queued(session, workspace_id)
    return _view(row)


async def delete(deps: Deps, caller: Caller, workspace_id: int) -> None:
    """Delete a workspace in which nothing runs: its jobs and warehouses end, its tokens too.

    Its rows stay, for the audit trail; its name is free again.

    Raises:
        NotFound: there is none that the caller sees.
        Forbidden: the caller is not the operator.
        Invalid: it is the first one.
        Conflict: runs or statements are under way; says how many.
    """
    async with deps.database.session() as session:
        await _seen(session, caller, workspace_id)
        _require_operator(caller, "delete workspaces")
        if workspace_id == FIRST_WORKSPACE:
            raise Invalid("the first workspace is the operator's own; it cannot be deleted")
        row = await store.get(session, workspace_id, lock=True)
        busy = await store.under_way(session, workspace_id)
        if any(busy.values()):
            raise Conflict(
                f"workspace '{row.name}' has {busy['runs']} runs and {busy['statements']}"
                " statements under way; cancel them, or wait until they have ended",
                **busy,
            )
        now = datetime.now(UTC)
        for job in await store.jobs(session, workspace_id):
            job.deleted_at = now
            session.add(job)
            await triggers.settle(session, job)
        await store.end_warehouses(session, workspace_id)
        await store.end_tokens(session, workspace_id)
        row.deleted_at = now
        session.add(row)
        inside = replace(caller, workspace_id=workspace_id)
        _note(session, caller, inside, "workspace.deleted", row)
        await hub.notify(session, warehouse_service.CHANGED)
    deps.authenticator.forget()


# Members -----------------------------------------------------------------------------------


async def members(deps: Deps, caller: Caller, workspace_id: int) -> MemberList:
    """Return the users and service principals of a workspace, by name.

    Raises:
        NotFound: there is no workspace that the caller sees.
    """
    async with deps.database.read_session() as session:
        await _seen(session, caller, workspace_id)
        users = await principals.find_group(session, workspace_id, principals.USERS)
        rows = (await people.members(session, [users] if users else [])).popitem()[1]
        groups = await people.memberships(session, workspace_id, rows)
    found = [_member(row, groups[row.principal_id or 0]) for row in rows]
    return MemberList(members=tuple(sorted(found, key=lambda each: each.user_name)))


async def add_member(
    deps: Deps, caller: Caller, workspace_id: int, order: AddMember
) -> AddedMember:
    """Make a user in a workspace, with a first token that is shown here and never again.

    Raises:
        NotFound: there is no workspace that the caller sees.
        Forbidden: the caller is no admin.
        NameTaken: the workspace has a principal of this name.
    """
    async with deps.database.session() as session:
        inside = await _managed(session, caller, workspace_id)
        await people.lock_admins(session, workspace_id)
        user = await _add_user(
            session, inside, order.user_name, order.display_name or "", order.admin
        )
        value = None
        if order.with_token:
            value, _ = await managing.issue(session, inside, user, NewToken(comment="first token"))
        await session.flush()
        groups = await people.memberships(session, workspace_id, [user])
        view = _member(user, groups[user.principal_id or 0])
    return AddedMember(**view.model_dump(), token_value=value)


async def remove_member(deps: Deps, caller: Caller, workspace_id: int, name: str) -> None:
    """Delete a user or service principal of a workspace; its tokens end at once.

    Raises:
        NotFound: there is no such workspace that the caller sees, or nobody of this name in it.
        Forbidden: the caller is no admin.
        Invalid: nobody would be an admin any more.
    """
    async with deps.database.session() as session:
        inside = await _managed(session, caller, workspace_id)
        await people.lock_admins(session, workspace_id)
        await identity.remove(session, inside, await _named(session, workspace_id, name))
    deps.authenticator.forget()


async def create_member_token(
    deps: Deps, caller: Caller, workspace_id: int, name: str, order: NewToken
) -> CreatedToken:
    """Make a token for a user or service principal that has lost its own; only admins may.

    Raises:
        NotFound: there is no such workspace that the caller sees, or nobody of this name in it.
        Forbidden: the caller is no admin.
    """
    async with deps.database.session() as session:
        inside = await _managed(session, caller, workspace_id)
        owner = await _named(session, workspace_id, name)
        value, row = await managing.issue(session, inside, owner, order)
    return CreatedToken(token_value=value, token_info=managing.public(row))


# Parts -------------------------------------------------------------------------------------


async def _seen(session: AsyncSession, caller: Caller, workspace_id: int) -> Workspace:
    if workspace_id != caller.workspace_id and not is_operator(caller):
        raise NotFound(f"Workspace {workspace_id} does not exist.", workspace_id=workspace_id)
    return await store.get(session, workspace_id)


async def _managed(session: AsyncSession, caller: Caller, workspace_id: int) -> Caller:
    """Return the caller as one who acts in a workspace that it may manage."""
    await _seen(session, caller, workspace_id)
    require_admin(caller, "change a workspace and its members")
    return replace(caller, workspace_id=workspace_id)


def _require_operator(caller: Caller, what: str) -> None:
    if not is_operator(caller):
        raise Forbidden(f"only the operator, an admin of the first workspace, may {what}")


async def _require_free(session: AsyncSession, name: str) -> None:
    if await store.named(session, name) is not None:
        raise _taken(name)


def _taken(name: str) -> NameTaken:
    return NameTaken(f"Workspace '{name}' already exists.", name=name)


async def _named(session: AsyncSession, workspace_id: int, name: str) -> Principal:
    found = await principals.find(session, workspace_id, name)
    if found is None:
        raise NotFound(f"Workspace {workspace_id} has no user '{name}'.", user_name=name)
    return found


async def _check(
    deps: Deps, session: AsyncSession, workspace_id: int, settings: WorkspaceSettings
) -> None:
    """Raise when settings name what there is not.

    Raises:
        NotFound: there is no such catalog or warehouse.
        Invalid: the text is no id of a warehouse.
    """
    if settings.default_catalog is not None:
        deps.lakehouse.catalog(settings.default_catalog)
    if settings.default_warehouse_id is not None:
        await warehouses.get(session, workspace_id, settings.default_warehouse_id)


def _set(row: Workspace, settings: WorkspaceSettings) -> None:
    for name in WorkspaceSettings.model_fields:
        if name in settings.model_fields_set:
            setattr(row, name, getattr(settings, name))


async def _add_user(
    session: AsyncSession, inside: Caller, name: str, display_name: str, admin: bool
) -> Principal:
    user = await identity.add(session, inside, PrincipalKind.USER, name, display_name or name)
    if admin:
        await join(session, inside.workspace_id, ADMINS, user)
    return user


def _note(
    session: AsyncSession,
    caller: Caller,
    inside: Caller,
    action: str,
    row: Workspace,
    **facts: object,
) -> None:
    """Write a deed down in the workspace it is about, and in the one of who did it."""
    for who in {caller.workspace_id: caller, inside.workspace_id: inside}.values():
        audit.record(session, who, action, "workspace", row.workspace_id, name=row.name, **facts)


def _view(row: Workspace) -> WorkspaceView:
    return WorkspaceView(
        workspace_id=row.workspace_id,
        name=row.name,
        default_catalog=row.default_catalog,
        default_warehouse_id=row.default_warehouse_id,
        max_concurrent_runs=row.max_concurrent_runs,
        created_at=millis(row.created_at),
    )


def _member(row: Principal, groups: list[people.Membership]) -> MemberView:
    return MemberView(
        id=str(row.principal_id),
        user_name=row.user_name,
        display_name=row.display_name or row.user_name,
        kind=row.kind,
        admin=any(each.name == ADMINS for each in groups),
        active=row.active,
    )
