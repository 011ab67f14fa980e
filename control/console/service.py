"""Signing browsers in and out."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from control.audit import store as audit
from control.auth import Caller, caller_of
from control.console import store
from control.console.tables import ConsoleSession, SignInCode
from control.deps import Deps
from control.runs.views import millis
from control.tokens import service as tokens
from control.tokens.tables import Token
from control.workspaces.store import get as get_workspace
from control.workspaces.tables import Principal
from spec.api.sessions import CreatedSignInCode, SessionList, SessionView, SignIn
from spec.errors import Exhausted, NotFound, Unauthenticated

LIFE = timedelta(days=14)
"""Of a session; then people sign in again."""
CODE_LIFE = timedelta(seconds=60)

log = structlog.get_logger(__name__)


class Begun(NamedTuple):
    """What signing in came to."""

    cookie: str
    expires_at: datetime
    """Of the cookie: the browser's other sessions may last longer than this one."""
    view: SessionView


async def sign_in(
    deps: Deps, order: SignIn, *, cookie: str | None, address: str, request_id: str
) -> Begun:
    """Begin a session with a token or a code; a browser's other sessions go on beside it.

    The cookie gets another value each time, so that nobody can have planted it.

    Raises:
        Unauthenticated: the token or code is not good.
        Exhausted: too many of this address were not good lately.
    """
    if deps.sign_ins.take(address) < 0:
        raise Exhausted(
            "Too many sign-ins from your address have failed; wait a minute, then try again."
        )
    async with deps.database.session() as session:
        principal, token = await _find(session, order)
        caller = replace(await caller_of(session, principal), request_id=request_id)
        workspace = await get_workspace(session, caller.workspace_id)
        value = secrets.token_urlsafe(32)
        await store.drop_expired(session)
        if cookie is not None:
            await store.rename(session, tokens.digest(cookie), tokens.digest(value))
        now = datetime.now(UTC)
        row = ConsoleSession(
            sha256=tokens.digest(value),
            workspace_id=caller.workspace_id,
            token_id=token.token_id,
            expires_at=min(now + LIFE, token.expires_at or now + LIFE),
        )
        await store.put(session, row)
        audit.record(session, caller, "session.created", "session", token.token_id)
    deps.sign_ins.put_back(address)
    deps.authenticator.forget()
    return Begun(value, now + LIFE, _view(caller, workspace.name, row.expires_at))


async def _find(session: AsyncSession, order: SignIn) -> tuple[Principal, Token]:
    if order.code is not None:
        token_id = await store.take_code(session, tokens.digest(order.code))
        found = await tokens.find_by_id(session, token_id) if token_id is not None else None
        wrong = (
            "This sign-in link has been used, or is more than a minute old; `openlake console`"
            " makes another one."
        )
    else:
        found = await tokens.find(session, order.token or "")
        wrong = "The access token is unknown, expired or revoked."
    if found is None:
        log.warning("session.refused")
        raise Unauthenticated(wrong)
    return found


async def list_sessions(deps: Deps, cookie: str | None) -> SessionList:
    """Return the workspaces that a browser is signed in to."""
    if cookie is None:
        return SessionList()
    async with deps.database.read_session() as session:
        found = await store.good_sessions(session, tokens.digest(cookie))
        views = [
            _view(
                await caller_of(session, each.principal), each.workspace.name, each.row.expires_at
            )
            for each in found
        ]
    return SessionList(sessions=tuple(views))


def _view(caller: Caller, workspace_name: str, expires_at: datetime) -> SessionView:
    return SessionView(
        workspace_id=caller.workspace_id,
        workspace_name=workspace_name,
        user_name=caller.user_name,
        display_name=caller.display_name,
        is_admin=caller.is_admin,
        expires_at=millis(expires_at),
    )


async def sign_out(deps: Deps, cookie: str | None, workspace_id: int, request_id: str) -> None:
    """End a browser's session in a workspace, at once.

    Raises:
        NotFound: it is not signed in there.
    """
    async with deps.database.session() as session:
        sha256 = tokens.digest(cookie or "")
        ended = await store.drop(session, sha256, workspace_id)
        if ended is None:
            raise NotFound(f"You are not signed in to workspace {workspace_id}.")
        token_id, principal = ended
        caller = replace(await caller_of(session, principal), request_id=request_id)
        audit.record(session, caller, "session.deleted", "session", token_id)
    deps.authenticator.forget()


async def make_code(deps: Deps, caller: Caller, token: str) -> CreatedSignInCode:
    """Make a code that signs a browser in once, as the token that asks for it.

    Raises:
        Unauthenticated: the token was revoked a moment ago.
    """
    value = secrets.token_urlsafe(32)
    expires_at = datetime.now(UTC) + CODE_LIFE
    async with deps.database.session() as session:
        found = await tokens.find(session, token)
        if found is None:
            raise Unauthenticated("The access token is unknown, expired or revoked.")
        await store.drop_expired(session)
        session.add(
            SignInCode(
                sha256=tokens.digest(value),
                workspace_id=caller.workspace_id,
                token_id=found[1].token_id,
                expires_at=expires_at,
            )
        )
        audit.record(session, caller, "session.code_created", "session", found[1].token_id)
    return CreatedSignInCode(code=value, expires_at=millis(expires_at))
