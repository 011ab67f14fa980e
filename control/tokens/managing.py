"""What people do with tokens: everybody with their own, admins with those of the workspace."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.permissions import access
from control.permissions.levels import EVERY_TOKEN, Kind, Level
from control.runs.views import millis
from control.tokens import service, store
from control.tokens.tables import Token
from control.workspaces import principals
from control.workspaces.tables import Principal, PrincipalKind
from spec.api.tokens import (
    NEVER,
    CreatedOboToken,
    CreatedToken,
    CreateOboToken,
    NewToken,
    PublicTokenInfo,
    PublicTokenList,
    TokenInfo,
    TokenInfoList,
    UpdateToken,
)
from spec.errors import NotFound


async def create(deps: Deps, caller: Caller, order: NewToken) -> CreatedToken:
    """Make a token of the caller; its value is shown here and never again.

    Raises:
        Forbidden: an admin has taken the right to have tokens from the caller.
    """
    async with deps.database.session() as session:
        await access.require(session, caller, Kind.TOKENS, EVERY_TOKEN, Level.CAN_USE)
        owner = await session.get_one(Principal, caller.principal_id)
        value, row = await issue(session, caller, owner, order)
    return CreatedToken(token_value=value, token_info=public(row))


async def issue(
    session: AsyncSession, caller: Caller, owner: Principal, order: NewToken
) -> tuple[str, Token]:
    """Make a token for a principal, with its audit entry; rights were checked before."""
    life = order.lifetime_seconds
    value, row = await service.make(
        session,
        owner,
        order.comment or "",
        life=timedelta(seconds=life) if life is not None else None,
        created_by_id=caller.principal_id,
    )
    facts = {"owner": owner.user_name, "comment": row.comment, "lifetime_seconds": life}
    audit.record(session, caller, "token.created", "token", row.token_id, **facts)
    return value, row


async def list_own(deps: Deps, caller: Caller) -> PublicTokenList:
    """Return the caller's good tokens, newest first."""
    async with deps.database.read_session() as session:
        rows = await store.of_principal(session, caller.principal_id)
    return PublicTokenList(token_infos=tuple(public(row) for row in rows))


async def update_own(deps: Deps, caller: Caller, token_id: str, change: UpdateToken) -> None:
    """Change the comment of one of the caller's tokens.

    Raises:
        NotFound: the caller has no such token.
    """
    async with deps.database.session() as session:
        mine = caller.principal_id
        row = await store.get(session, caller.workspace_id, token_id, principal_id=mine, lock=True)
        _comment(session, caller, row, change)


async def delete_own(deps: Deps, caller: Caller, token_id: str) -> None:
    """Revoke one of the caller's tokens.

    Raises:
        NotFound: the caller has no such token.
    """
    async with deps.database.session() as session:
        mine = caller.principal_id
        row = await store.get(session, caller.workspace_id, token_id, principal_id=mine, lock=True)
        _revoke(session, caller, row)
    deps.authenticator.forget()


async def create_for_program(deps: Deps, caller: Caller, order: CreateOboToken) -> CreatedOboToken:
    """Make a token of a service principal; only admins may.

    Raises:
        NotFound: the workspace has no such service principal.
    """
    access.require_admin(caller, "manage tokens of others")
    async with deps.database.session() as session:
        owner = await principals.find(session, caller.workspace_id, order.application_id)
        if owner is None or owner.kind != PrincipalKind.SERVICE_PRINCIPAL:
            raise NotFound(
                f"Service principal with application id {order.application_id} does not exist."
            )
        value, row = await issue(session, caller, owner, order)
    return CreatedOboToken(token_value=value, token_info=_info(row, {row.created_by_id: caller}))


async def list_all(
    deps: Deps, caller: Caller, created_by_id: int | None, created_by_username: str | None
) -> TokenInfoList:
    """Return the good tokens of the workspace, newest first; only admins may.

    Args:
        deps: The collaborators.
        caller: Who asks.
        created_by_id: Of this maker alone; an unknown one has made none.
        created_by_username: The same by name.
    """
    access.require_admin(caller, "manage tokens of others")
    async with deps.database.read_session() as session:
        if created_by_username:
            maker = await principals.find(session, caller.workspace_id, created_by_username)
            number = maker.principal_id if maker is not None else None
            if number is None or created_by_id not in (None, number):
                return TokenInfoList()
            created_by_id = number
        rows = await store.of_workspace(session, caller.workspace_id, created_by_id)
        makers = await _makers(session, rows)
    return TokenInfoList(token_infos=tuple(_info(row, makers) for row in rows))


async def get(deps: Deps, caller: Caller, token_id: str) -> TokenInfo:
    """Return a token of the workspace; only admins may.

    Raises:
        NotFound: there is none of this id.
    """
    access.require_admin(caller, "manage tokens of others")
    async with deps.database.read_session() as session:
        row = await store.get(session, caller.workspace_id, token_id)
        return _info(row, await _makers(session, [row]))


async def update(deps: Deps, caller: Caller, token_id: str, change: UpdateToken) -> TokenInfo:
    """Change the comment of a token of the workspace; only admins may.

    Raises:
        NotFound: there is none of this id.
    """
    access.require_admin(caller, "manage tokens of others")
    async with deps.database.session() as session:
        row = await store.get(session, caller.workspace_id, token_id, lock=True)
        _comment(session, caller, row, change)
        return _info(row, await _makers(session, [row]))


async def delete(deps: Deps, caller: Caller, token_id: str) -> None:
    """Revoke a token of the workspace; only admins may.

    Raises:
        NotFound: there is none of this id.
    """
    access.require_admin(caller, "manage tokens of others")
    async with deps.database.session() as session:
        row = await store.get(session, caller.workspace_id, token_id, lock=True)
        _revoke(session, caller, row)
    deps.authenticator.forget()


# Parts -------------------------------------------------------------------------------------


def _comment(session: AsyncSession, caller: Caller, row: Token, change: UpdateToken) -> None:
    row.comment = change.token.comment or ""
    session.add(row)
    audit.record(session, caller, "token.updated", "token", row.token_id, comment=row.comment)


def _revoke(session: AsyncSession, caller: Caller, row: Token) -> None:
    row.revoked_at = datetime.now(UTC)
    session.add(row)
    audit.record(session, caller, "token.deleted", "token", row.token_id, comment=row.comment)


def public(row: Token) -> PublicTokenInfo:
    """Return a token as its owner sees it."""
    return PublicTokenInfo(
        token_id=row.token_id,
        creation_time=millis(row.created_at),
        expiry_time=millis(row.expires_at) if row.expires_at is not None else NEVER,
        comment=row.comment,
    )


def _info(row: Token, makers: dict[int | None, Principal] | dict[int | None, Caller]) -> TokenInfo:
    maker = makers.get(row.created_by_id)
    return TokenInfo(
        **public(row).model_dump(),
        created_by_id=row.created_by_id,
        created_by_username=maker.user_name if maker is not None else None,
        owner_id=row.principal_id,
        workspace_id=row.workspace_id,
        last_used_day=millis(row.last_used_at) if row.last_used_at is not None else None,
    )


async def _makers(session: AsyncSession, rows: Collection[Token]) -> dict[int | None, Principal]:
    ids = {row.created_by_id for row in rows if row.created_by_id is not None}
    query = select(Principal).where(col(Principal.principal_id).in_(ids))
    return {each.principal_id: each for each in (await session.exec(query)).all()}
