"""Queries on secrets."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.secrets.tables import AttemptSecret, Secret, SecretAcl, SecretScope
from control.workspaces.tables import Principal, Workspace
from spec.errors import NotFound


async def scope(
    session: AsyncSession, workspace_id: int, name: str, *, lock: bool = False
) -> SecretScope:
    """Return a scope.

    Raises:
        NotFound: there is no such scope in the workspace.
    """
    query = select(SecretScope).where(
        SecretScope.workspace_id == workspace_id, SecretScope.name == name
    )
    found = (await session.exec(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound(f"Scope {name} does not exist.", scope=name)
    return found


async def scopes(session: AsyncSession, workspace_id: int) -> Sequence[SecretScope]:
    """Return all scopes of a workspace, by name."""
    query = select(SecretScope).where(SecretScope.workspace_id == workspace_id)
    return (await session.exec(query.order_by(col(SecretScope.name)))).all()


async def secret(session: AsyncSession, scope: SecretScope, key: str) -> Secret:
    """Return a secret.

    Raises:
        NotFound: the scope has no such key.
    """
    found = await session.get(Secret, (scope.scope_id, key))
    if found is None:
        message = f"Secret does not exist with scope: {scope.name} and key: {key}"
        raise NotFound(message, scope=scope.name, key=key)
    return found


async def secrets(session: AsyncSession, scope_id: int | None) -> Sequence[Secret]:
    """Return a scope's secrets, by key."""
    query = select(Secret).where(Secret.scope_id == scope_id).order_by(col(Secret.key))
    return (await session.exec(query)).all()


async def secrets_of(session: AsyncSession, scope_ids: Collection[int | None]) -> Sequence[Secret]:
    """Return the secrets of several scopes."""
    query = select(Secret).where(col(Secret.scope_id).in_(scope_ids))
    return (await session.exec(query)).all()


async def count_secrets(session: AsyncSession, scope_id: int | None) -> int:
    """Return how many secrets a scope has."""
    query = select(func.count()).select_from(Secret).where(Secret.scope_id == scope_id)
    return (await session.exec(query)).one()


async def acls(session: AsyncSession, scope_ids: Collection[int | None]) -> Sequence[SecretAcl]:
    """Return the permissions on scopes, by principal."""
    query = select(SecretAcl).where(col(SecretAcl.scope_id).in_(scope_ids))
    return (await session.exec(query.order_by(col(SecretAcl.principal)))).all()


async def is_principal(session: AsyncSession, workspace_id: int, name: str) -> bool:
    """Tell whether the workspace has a user, service principal or group of this name."""
    query = select(Principal.principal_id).where(
        Principal.workspace_id == workspace_id,
        Principal.user_name == name,
        col(Principal.deleted_at).is_(None),
    )
    return (await session.exec(query)).first() is not None


async def given(session: AsyncSession, task_run_id: int) -> Sequence[AttemptSecret]:
    """Return the values that an attempt was given, the newest of a key last."""
    query = select(AttemptSecret).where(AttemptSecret.task_run_id == task_run_id)
    query = query.order_by(col(AttemptSecret.version))
    return (await session.exec(query)).all()


async def note_given(session: AsyncSession, row: AttemptSecret) -> bool:
    """Note that an attempt was given a value; True when it was not noted before."""
    statement = insert(AttemptSecret).values(row.model_dump(exclude={"given_at"}))
    statement = statement.on_conflict_do_nothing().returning(col(AttemptSecret.version))
    return (await session.exec(statement)).first() is not None


async def forget_scope(session: AsyncSession, scope: SecretScope) -> None:
    """Delete a scope with all that belongs to it."""
    await session.exec(delete(SecretScope).where(col(SecretScope.scope_id) == scope.scope_id))


async def lock_workspace(session: AsyncSession, workspace_id: int) -> None:
    """Let only one transaction at a time make scopes in a workspace."""
    await session.get(Workspace, workspace_id, with_for_update=True)
