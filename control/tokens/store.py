"""Queries on tokens."""

from datetime import UTC, datetime

from sqlalchemy import ColumnElement
from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.tokens.tables import Token
from spec.errors import NotFound


def _good() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of tokens that are neither revoked nor expired."""
    expiry = col(Token.expires_at)
    return (
        col(Token.revoked_at).is_(None),
        or_(expiry.is_(None), expiry > datetime.now(UTC)),
    )


async def of_principal(session: AsyncSession, principal_id: int) -> list[Token]:
    """Return the good tokens of a principal, newest first."""
    query = select(Token).where(Token.principal_id == principal_id, *_good())
    return list((await session.exec(query.order_by(col(Token.created_at).desc()))).all())


async def of_workspace(
    session: AsyncSession, workspace_id: int, created_by_id: int | None = None
) -> list[Token]:
    """Return the good tokens of a workspace, newest first, perhaps of one maker alone."""
    query = select(Token).where(Token.workspace_id == workspace_id, *_good())
    if created_by_id is not None:
        query = query.where(Token.created_by_id == created_by_id)
    return list((await session.exec(query.order_by(col(Token.created_at).desc()))).all())


async def get(
    session: AsyncSession,
    workspace_id: int,
    token_id: str,
    *,
    principal_id: int | None = None,
    lock: bool = False,
) -> Token:
    """Return a good token of a workspace, perhaps of one principal alone.

    Raises:
        NotFound: there is none of this id.
    """
    query = select(Token).where(
        Token.token_id == token_id, Token.workspace_id == workspace_id, *_good()
    )
    if principal_id is not None:
        query = query.where(Token.principal_id == principal_id)
    found = (await session.exec(query.with_for_update() if lock else query)).first()
    if found is None:
        raise NotFound(f"Token with id {token_id} does not exist.", token_id=token_id)
    return found
