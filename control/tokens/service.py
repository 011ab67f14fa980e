"""Makes and checks access tokens."""

import hashlib
import secrets
import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import col, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from control.db import Database
from control.tokens.tables import Token
from control.workspaces import principals
from control.workspaces.making import make_admin, make_workspace
from control.workspaces.tables import Principal, Workspace

FIRST_WORKSPACE = 1
FIRST_USER = "admin@openlake.local"
_PREFIX = "dapi"
"""As Databricks' personal access tokens begin, so that secret scanners know them."""
_NOTE_EVERY = timedelta(days=1)


def digest(value: str) -> str:
    """Return what is stored of a token. It is random and long, so a plain hash is enough."""
    return hashlib.sha256(value.encode()).hexdigest()


async def issue(session: AsyncSession, principal: Principal, comment: str) -> str:
    """Make a token for a principal; the value is shown here and never again."""
    return (await make(session, principal, comment))[0]


async def make(
    session: AsyncSession,
    principal: Principal,
    comment: str,
    *,
    life: timedelta | None = None,
    created_by_id: int | None = None,
) -> tuple[str, Token]:
    """Make a token for a principal; return its value, shown never again, and its row.

    Args:
        session: Of the transaction.
        principal: For whom it speaks.
        comment: What it is for.
        life: How long it is good; for ever if not given.
        created_by_id: The principal that makes it, if that is another one.
    """
    value = _PREFIX + secrets.token_hex(20)
    now = datetime.now(UTC)
    row = Token(
        token_id=uuid.uuid4().hex,
        workspace_id=principal.workspace_id,
        principal_id=principal.principal_id or 0,
        sha256=digest(value),
        comment=comment,
        created_by_id=created_by_id or principal.principal_id,
        created_at=now,
        expires_at=now + life if life is not None else None,
    )
    session.add(row)
    await session.flush()
    return value, row


def good() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a token of a principal of a workspace lets anybody in."""
    expiry = col(Token.expires_at)
    return (
        col(Token.revoked_at).is_(None),
        or_(expiry.is_(None), expiry > datetime.now(UTC)),
        col(Principal.active).is_(True),
        col(Principal.deleted_at).is_(None),
        col(Workspace.deleted_at).is_(None),
    )


async def find(session: AsyncSession, value: str) -> tuple[Principal, Token] | None:
    """Return the principal a token speaks for; None when it is unknown, expired or revoked."""
    return await _find(session, Token.sha256 == digest(value))


async def find_by_id(session: AsyncSession, token_id: str) -> tuple[Principal, Token] | None:
    """Return the same by the token's id."""
    return await _find(session, Token.token_id == token_id)


async def _find(session: AsyncSession, which: bool) -> tuple[Principal, Token] | None:
    query = (
        select(Principal, Token)
        .join(Token, col(Token.principal_id) == col(Principal.principal_id))
        .join(Workspace, col(Workspace.workspace_id) == col(Token.workspace_id))
        .where(which, *good())
    )
    return (await session.exec(query)).first()


async def note_use(database: Database, token: Token) -> None:
    """Write down that a token was used, once a day: a request costs no write."""
    now = datetime.now(UTC)
    if token.last_used_at is not None and token.last_used_at > now - _NOTE_EVERY:
        return
    async with database.session() as session:
        mine = col(Token.token_id) == token.token_id
        await session.exec(update(Token).where(mine).values(last_used_at=now))


async def bootstrap(session: AsyncSession, value: str | None = None) -> str:
    """Make the first workspace, its user and a token, as far as they are missing.

    Args:
        session: Committed by the caller.
        value: The token an earlier call returned, if it was kept; it is returned again when it is
            still good, else a new one takes its place.
    """
    workspace = await session.get(Workspace, FIRST_WORKSPACE, with_for_update=True)
    if workspace is None:
        await make_workspace(session, Workspace(workspace_id=FIRST_WORKSPACE, name="main"))
    principal = await principals.find(session, FIRST_WORKSPACE, FIRST_USER)
    if principal is None:
        principal = await make_admin(session, FIRST_WORKSPACE, FIRST_USER)
    if value is not None and await find(session, value) is not None:
        return value
    return await issue(session, principal, "first token")
