"""Queries on permissions."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, delete, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.permissions.levels import WORKSPACE_OBJECTS, Kind
from control.permissions.tables import Grant
from control.workspaces.tables import Principal, PrincipalKind

Named = tuple[PrincipalKind, str]
"""A principal as requests name it."""


def _kinds(kind: Kind) -> list[str]:
    # A file that is replaced by a notebook keeps its id, and what was given on it.
    kinds = WORKSPACE_OBJECTS if kind in WORKSPACE_OBJECTS else (kind,)
    return [each.value for each in kinds]


async def lock(session: AsyncSession, workspace_id: int, kind: Kind, object_id: str) -> None:
    """Let only one transaction at a time change the permissions of an object."""
    place = f"permissions/{workspace_id}/{kind}/{object_id}"
    await session.exec(select(func.pg_advisory_xact_lock(func.hashtextextended(place, 0))))


async def given(
    session: AsyncSession, workspace_id: int, kind: Kind, object_ids: Collection[str]
) -> Sequence[tuple[Grant, Principal]]:
    """Return what was given directly on objects, and to whom: users before groups, by name."""
    query = (
        select(Grant, Principal)
        .join(Principal, col(Principal.principal_id) == col(Grant.principal_id))
        .where(
            Grant.workspace_id == workspace_id,
            col(Grant.kind).in_(_kinds(kind)),
            col(Grant.object_id).in_(object_ids),
            col(Principal.deleted_at).is_(None),
        )
        .order_by(col(Principal.kind).desc(), col(Principal.user_name))
    )
    return (await session.exec(query)).all()


async def put(
    session: AsyncSession, workspace_id: int, kind: Kind, object_id: str, levels: Mapping[int, str]
) -> None:
    """Let these, {principal id: level}, be all that is given directly on an object."""
    await session.exec(
        delete(Grant).where(
            col(Grant.workspace_id) == workspace_id,
            col(Grant.kind).in_(_kinds(kind)),
            col(Grant.object_id) == object_id,
        )
    )
    rows = [
        {
            "workspace_id": workspace_id,
            "kind": kind.value,
            "object_id": object_id,
            "principal_id": principal_id,
            "level": level,
        }
        for principal_id, level in levels.items()
    ]
    if rows:
        await session.exec(insert(Grant).values(rows))


async def named(
    session: AsyncSession, workspace_id: int, wanted: Collection[Named]
) -> dict[Named, Principal]:
    """Return the principals of a workspace that are named so; unknown ones are missing."""
    if not wanted:
        return {}
    query = select(Principal).where(
        Principal.workspace_id == workspace_id,
        col(Principal.deleted_at).is_(None),
        or_(
            *(
                (col(Principal.kind) == kind.value) & (col(Principal.user_name) == name)
                for kind, name in wanted
            )
        ),
    )
    rows = (await session.exec(query)).all()
    return {(PrincipalKind(row.kind), row.user_name): row for row in rows}
