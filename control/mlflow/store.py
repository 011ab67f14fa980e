"""Queries on what MLflow keeps for a workspace."""

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.mlflow.tables import Tracked
from control.permissions.access import visible
from control.permissions.levels import Kind


async def exists(session: AsyncSession, workspace_id: int, kind: Kind, object_id: str) -> bool:
    """Tell whether an experiment or a registered model, by its id, is the workspace's.

    An experiment that was made past the proxy counts from its first use through it.
    """
    found = await session.get(Tracked, (kind, object_id))
    return found is not None and found.workspace_id == workspace_id


async def model_id(session: AsyncSession, workspace_id: int, name: str) -> str | None:
    """Return the id of a registered model; None if it is not known here."""
    query = select(Tracked.object_id).where(
        Tracked.workspace_id == workspace_id,
        Tracked.kind == Kind.REGISTERED_MODEL,
        Tracked.name == name,
    )
    return (await session.exec(query)).first()


async def add(
    session: AsyncSession, workspace_id: int, kind: Kind, object_id: str, name: str
) -> bool:
    """Note an object; False if it is known already."""
    row = Tracked(kind=kind, object_id=object_id, workspace_id=workspace_id, name=name)
    added = insert(Tracked).values(row.model_dump()).on_conflict_do_nothing()
    return bool((await session.exec(added)).rowcount)


async def rename_model(session: AsyncSession, workspace_id: int, name: str, new: str) -> None:
    """Keep a model's id under its new name."""
    await session.exec(
        update(Tracked)
        .where(
            col(Tracked.workspace_id) == workspace_id,
            col(Tracked.kind) == Kind.REGISTERED_MODEL,
            col(Tracked.name) == name,
        )
        .values(name=new)
    )


async def remove(session: AsyncSession, kind: Kind, object_id: str) -> None:
    """Forget an object that is gone for good."""
    await session.exec(
        delete(Tracked).where(col(Tracked.kind) == kind, col(Tracked.object_id) == object_id)
    )


async def readable(session: AsyncSession, caller: Caller, kind: Kind) -> set[str]:
    """Return what the caller may read: ids of experiments, names of registered models."""
    column = Tracked.name if kind is Kind.REGISTERED_MODEL else Tracked.object_id
    query = select(column).where(
        Tracked.workspace_id == caller.workspace_id,
        Tracked.kind == kind,
        visible(caller, kind, Tracked.object_id),
    )
    return set((await session.exec(query)).all())
