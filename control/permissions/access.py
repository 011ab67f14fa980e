"""Asks whether a caller may do something, and keeps what a creator is given.

Services call these in their own transactions: `require` before a deed or a read, `visible` in a
list's query, `own` where an object is made, `forget` where one is deleted for good. An admin of
the workspace may do everything; so may the control plane when it does what a user has ordered.
What lies in folders is asked for in `control.permissions.folders`, runs in `control.runs.access`.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, case, cast, delete, true
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.permissions.levels import LEVELS, Kind, Level, at_least, managing, top
from control.permissions.tables import Grant
from control.workspaces.principals import find
from control.workspaces.tables import Principal
from spec.errors import Forbidden, Invalid


async def level(
    session: AsyncSession, caller: Caller, kind: Kind, object_id: object
) -> Level | None:
    """Return the highest level that the caller holds directly or by a group; None for none.

    What lies in folders inherits from them: see `control.permissions.folders`.
    """
    if caller.is_admin:
        return top(kind)
    query = select(Grant.level).where(
        Grant.workspace_id == caller.workspace_id,
        Grant.kind == kind,
        Grant.object_id == str(object_id),
        col(Grant.principal_id).in_(caller.principals),
    )
    return highest(kind, (await session.exec(query)).all())


async def levels(
    session: AsyncSession, caller: Caller, kind: Kind, object_ids: Collection[object]
) -> dict[str, Level]:
    """Return object id → the highest level that the caller holds; what has none is missing."""
    query = select(Grant.object_id, Grant.level).where(
        Grant.workspace_id == caller.workspace_id,
        Grant.kind == kind,
        col(Grant.object_id).in_([str(each) for each in object_ids]),
        col(Grant.principal_id).in_(caller.principals),
    )
    held: dict[str, list[str]] = {}
    if caller.is_admin:
        held = {str(each): [managing(kind).value] for each in object_ids}
    for object_id, found in (await session.exec(query)).all():
        held.setdefault(object_id, []).append(found)
    return {object_id: highest(kind, each) or LEVELS[kind][0] for object_id, each in held.items()}


def highest(kind: Kind, held: Collection[str]) -> Level | None:
    """Return the strongest of some levels of a kind; None for none."""
    return max(map(Level, held), key=LEVELS[kind].index, default=None)


async def require(
    session: AsyncSession, caller: Caller, kind: Kind, object_id: object, wanted: Level
) -> None:
    """Let only those pass who hold a level, or one that includes it.

    The object's existence in the caller's workspace is checked before, by whoever calls.

    Raises:
        Forbidden: naming the object, the level needed and the one held.
    """
    held = await level(session, caller, kind, object_id)
    if held not in at_least(kind, wanted):
        raise refusal(caller, kind, object_id, held, wanted)


def refusal(
    caller: Caller, kind: Kind, object_id: object, held: Level | None, wanted: Level
) -> Forbidden:
    """Return the error that says what is held and what is needed."""
    has = f"has {held}" if held else "has no permission"
    return Forbidden(
        f"User {caller.user_name} {has} on {kind} {object_id}, and {wanted} is needed; ask its"
        " owner or an admin of the workspace",
        object_type=kind.value,
        object_id=str(object_id),
        needed=wanted.value,
    )


def require_admin(caller: Caller, deed: str) -> None:
    """Let only admins of the workspace pass.

    Raises:
        Forbidden: naming the deed, e.g. "change notification destinations".
    """
    if not caller.is_admin:
        raise Forbidden(
            f"User {caller.user_name} is no admin of the workspace, and only admins may {deed}"
        )


def visible(
    caller: Caller, kind: Kind, object_id: Any, wanted: Level | None = None
) -> ColumnElement[bool]:
    """Return the condition of a list's query that keeps what the caller holds a level on.

    Args:
        caller: Who lists.
        kind: What is listed.
        object_id: The column of its id, a number or text.
        wanted: The least level; the kind's weakest by default.
    """
    if caller.is_admin:
        return true()
    levels = at_least(kind, wanted or LEVELS[kind][0])
    # The column is left as it is, so that its own indexes serve. CASE, because PostgreSQL may
    # otherwise read the ids of other kinds as numbers before it looks at the kind.
    is_number = isinstance(object_id.type, Integer)
    granted = case((col(Grant.kind) == kind, cast(Grant.object_id, BigInteger)))
    return object_id.in_(
        select(granted if is_number else col(Grant.object_id)).where(
            Grant.workspace_id == caller.workspace_id,
            Grant.kind == kind,
            col(Grant.principal_id).in_(caller.principals),
            col(Grant.level).in_([each.value for each in levels]),
        )
    )


async def own(session: AsyncSession, caller: Caller, kind: Kind, object_id: object) -> None:
    """Make the caller the owner of what it has just made; a second time it does nothing."""
    if not caller.principal_id:
        return
    row = Grant(
        workspace_id=caller.workspace_id,
        kind=kind,
        object_id=str(object_id),
        principal_id=caller.principal_id,
        level=top(kind),
    )
    await session.exec(insert(Grant).values(row.model_dump()).on_conflict_do_nothing())


async def forget(session: AsyncSession, workspace_id: int, kind: Kind, object_id: object) -> None:
    """Drop all permissions on an object that is deleted for good."""
    await session.exec(
        delete(Grant).where(
            col(Grant.workspace_id) == workspace_id,
            col(Grant.kind) == kind,
            col(Grant.object_id) == str(object_id),
        )
    )


async def owners(
    session: AsyncSession, workspace_id: int, kind: Kind, object_ids: Collection[object]
) -> dict[str, str]:
    """Return object id → name of its owner; what has none any more is missing."""
    query = (
        select(Grant.object_id, Principal.user_name)
        .join(Principal, col(Principal.principal_id) == col(Grant.principal_id))
        .where(
            Grant.workspace_id == workspace_id,
            Grant.kind == kind,
            col(Grant.object_id).in_([str(each) for each in object_ids]),
            Grant.level == Level.IS_OWNER,
        )
    )
    return dict((await session.exec(query)).all())


async def hand_over(
    session: AsyncSession, workspace_id: int, kind: Kind, object_id: object, user_name: str
) -> str:
    """Make somebody else the owner of an object; the one before may still manage it.

    Returns:
        The new owner's name.

    Raises:
        Invalid: there is no such user or service principal in the workspace.
    """
    owner = await find(session, workspace_id, user_name)
    if owner is None or not owner.active:
        raise Invalid(f"there is no user '{user_name}' in the workspace")
    at = (
        Grant.workspace_id == workspace_id,
        Grant.kind == kind,
        Grant.object_id == str(object_id),
    )
    for row in (await session.exec(select(Grant).where(*at, Grant.level == Level.IS_OWNER))).all():
        row.level = managing(kind).value
        session.add(row)
    await session.flush()
    values = {
        "workspace_id": workspace_id,
        "kind": kind.value,
        "object_id": str(object_id),
        "principal_id": owner.principal_id,
        "level": Level.IS_OWNER.value,
    }
    statement = insert(Grant).values(values)
    await session.exec(
        statement.on_conflict_do_update(
            index_elements=["workspace_id", "kind", "object_id", "principal_id"],
            set_={"level": Level.IS_OWNER.value},
        )
    )
    return owner.user_name
