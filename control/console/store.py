"""Queries on the console's sessions and sign-in codes."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from control.console.tables import ConsoleSession, SignInCode
from control.tokens.service import good
from control.tokens.tables import Token
from control.workspaces.tables import Principal, Workspace


@dataclass(frozen=True)
class SignedIn:
    """A session that is good, and whom it speaks for."""

    row: ConsoleSession
    principal: Principal
    token: Token
    workspace: Workspace


async def good_sessions(session: AsyncSession, sha256: str) -> list[SignedIn]:
    """Return the good sessions of a browser, oldest first."""
    query = (
        select(ConsoleSession, Principal, Token, Workspace)
        .join(Token, col(Token.token_id) == col(ConsoleSession.token_id))
        .join(Principal, col(Principal.principal_id) == col(Token.principal_id))
        .join(Workspace, col(Workspace.workspace_id) == col(ConsoleSession.workspace_id))
        .where(ConsoleSession.sha256 == sha256, *good())
        .where(col(ConsoleSession.expires_at) > datetime.now(UTC))
        .order_by(col(ConsoleSession.created_at), col(ConsoleSession.workspace_id))
    )
    return [SignedIn(*found) for found in (await session.exec(query)).all()]


async def put(session: AsyncSession, row: ConsoleSession) -> None:
    """Sign a browser in to a workspace; who was signed in there before gives way."""
    values = row.model_dump(exclude={"created_at"})
    begun = {"token_id": row.token_id, "expires_at": row.expires_at}
    statement = insert(ConsoleSession).values(values)
    await session.exec(
        statement.on_conflict_do_update(
            index_elements=["sha256", "workspace_id"],
            set_={**begun, "created_at": datetime.now(UTC)},
        )
    )


async def rename(session: AsyncSession, before: str, after: str) -> None:
    """Let a browser's sessions go on under another cookie."""
    mine = col(ConsoleSession.sha256) == before
    await session.exec(update(ConsoleSession).where(mine).values(sha256=after))


async def drop(
    session: AsyncSession, sha256: str, workspace_id: int
) -> tuple[str, Principal] | None:
    """End a session; return its token's id and whose it was, None when there was none."""
    deleted = (
        delete(ConsoleSession)
        .where(
            col(ConsoleSession.sha256) == sha256,
            col(ConsoleSession.workspace_id) == workspace_id,
        )
        .returning(col(ConsoleSession.token_id))
    )
    token_id = (await session.exec(deleted)).scalar_one_or_none()
    if token_id is None:
        return None
    query = (
        select(Principal)
        .join(Token, col(Token.principal_id) == col(Principal.principal_id))
        .where(Token.token_id == token_id)
    )
    return token_id, (await session.exec(query)).one()


async def take_code(session: AsyncSession, sha256: str) -> str | None:
    """Use a code up; return the id of the token it stands for, None when it is not good."""
    deleted = delete(SignInCode).where(col(SignInCode.sha256) == sha256)
    returned = deleted.returning(col(SignInCode.token_id), col(SignInCode.expires_at))
    found = (await session.exec(returned)).one_or_none()
    return found[0] if found is not None and found[1] > datetime.now(UTC) else None


async def drop_expired(session: AsyncSession) -> None:
    """Forget the sessions and codes whose time is over."""
    for table in (ConsoleSession, SignInCode):
        await session.exec(delete(table).where(col(table.expires_at) <= datetime.now(UTC)))
