"""Asks whether a caller may do something, and keeps what a creator is given.

Services call these in their own transactions: `require` before a deed or a read, `visible` in a
list's query, `own` where an object is made, `forget` where one is deleted for good. An admin of
the workspace may do everything; so may the control plane when it does what a user has ordered.
"""

from typing import Any

from sqlalchemy import ColumnElement, String, cast, delete, true
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.permissions.levels import LEVELS, Kind, Level, at_least, top
from control.permissions.tables import Grant
from spec.errors import Forbidden


async def level(
    session: AsyncSession, caller: Caller, kind: Kind, object_id: object
) -> Level | None:
    """Return the highest level that the caller holds directly or by a group; None for none.

    What an object inherits from its folder is the caller's to ask for with the folder's id.
    """
    if caller.is_admin:
        return top(kind)
    query = select(Grant.level).where(
        Grant.workspace_id == caller.workspace_id,
        Grant.kind == kind,
        Grant.object_id == str(object_id),
        col(Grant.principal_id).in_(caller.principals),
    )
    held = [Level(each) for each in (await session.exec(query)).all()]
    return max(held, key=LEVELS[kind].index, default=None)


async def require(
    session: AsyncSession, caller: Caller, kind: Kind, object_id: object, wanted: Level
) -> None:
    """Let only those pass who hold a level, or one that includes it.

    The object's existence in the caller's workspace is checked before, by whoever calls.

    Raises:
        Forbidden: naming the object, the level needed and the one held.
    """
    held = await level(session, caller, kind, object_id)
    if held in at_least(kind, wanted):
        return
    has = f"has {held}" if held else "has no permission"
    raise Forbidden(
        f"User {caller.user_name} {has} on {kind} {object_id}, and {wanted} is needed; ask its"
        " owner or an admin of the workspace",
        object_type=kind.value,
        object_id=str(object_id),
        needed=wanted.value,
    )


def visible(
    caller: Caller, kind: Kind, object_id: Any, wanted: Level | None = None
) -> ColumnElement[bool]:
    """Return the condition of a list's query that keeps what the caller holds a level on.

    Args:
        caller: Who lists.
        kind: What is listed.
        object_id: The column of its id.
        wanted: The least level; the kind's weakest by default.
    """
    if caller.is_admin:
        return true()
    levels = at_least(kind, wanted or LEVELS[kind][0])
    granted = select(Grant.object_id).where(
        Grant.workspace_id == caller.workspace_id,
        Grant.kind == kind,
        col(Grant.principal_id).in_(caller.principals),
        col(Grant.level).in_([each.value for each in levels]),
    )
    return cast(object_id, String).in_(granted)


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
