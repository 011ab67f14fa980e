"""From a bearer token, or a browser's cookie, to a principal in a workspace."""

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from control.console import store as console
from control.db import Database
from control.tokens import service as tokens
from control.workspaces.principals import ADMINS, USERS, find, groups_of
from control.workspaces.tables import Principal
from spec.errors import Forbidden, Invalid, Unauthenticated

_CACHE_S = 5.0
_CACHE_ENTRIES = 10_000


@dataclass(frozen=True)
class Caller:
    """Who asks, and in which workspace; everything a request may touch follows from it."""

    workspace_id: int
    principal_id: int
    user_name: str
    display_name: str
    request_id: str = ""
    groups: tuple[str, ...] = (USERS,)
    """Names of the groups it is in, directly or by another group."""
    group_ids: tuple[int, ...] = ()

    @property
    def is_admin(self) -> bool:
        """True for an admin of the workspace, and for the control plane itself."""
        return ADMINS in self.groups

    @property
    def principals(self) -> tuple[int, ...]:
        """Whose permissions it has: its own and those of its groups."""
        return (self.principal_id, *self.group_ids)

    @classmethod
    def acting_for(cls, workspace_id: int, user_name: str) -> "Caller":
        """Return the control plane itself, doing what this user has ordered before.

        It may do everything: whoever uses it has checked the user's permission when it was
        ordered. Where a user's permission is to be asked again, use `caller_named`.
        """
        return cls(workspace_id, 0, user_name, user_name, groups=(ADMINS, USERS))


async def caller_of(session: AsyncSession, principal: Principal) -> Caller:
    """Return a principal as a caller, with the groups it is in now."""
    groups = await groups_of(session, principal)
    return Caller(
        workspace_id=principal.workspace_id,
        principal_id=principal.principal_id or 0,
        user_name=principal.user_name,
        display_name=principal.display_name,
        groups=tuple(sorted(groups.values())),
        group_ids=tuple(sorted(groups)),
    )


async def caller_named(session: AsyncSession, workspace_id: int, user_name: str) -> Caller:
    """Return a user or service principal of a workspace as a caller, with its own rights.

    Raises:
        Forbidden: there is no such principal any more, or it may not act.
    """
    principal = await find(session, workspace_id, user_name)
    if principal is None or not principal.active:
        raise Forbidden(
            f"'{user_name}' is no active user or service principal of this workspace any more;"
            " let somebody else own it, or name another in run_as"
        )
    return await caller_of(session, principal)


class Authenticator:
    """Looks tokens and cookies up, and remembers the good ones for a few seconds.

    A revoked token works for at most that long, and so does a session that was begun with it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """See class."""
        self._clock = clock
        self._known: dict[str, tuple[float, Caller]] = {}

    async def caller(self, database: Database, token: str) -> Caller:
        """Return who the token speaks for.

        Raises:
            Unauthenticated: it is unknown, expired or revoked.
        """
        key = tokens.digest(token)
        known = self._known.get(key)
        if known is not None and known[0] > self._clock():
            return known[1]
        async with database.read_session() as session:
            found = await tokens.find(session, token)
            if found is None:
                self._known.pop(key, None)
                raise Unauthenticated("The access token is unknown, expired or revoked.")
            caller = await caller_of(session, found[0])
            used = found[1]
        await tokens.note_use(database, used)
        self._remember(key, caller)
        return caller

    async def browser(
        self, database: Database, cookie: str, workspace_id: int | None = None
    ) -> Caller:
        """Return who a browser is signed in as.

        Args:
            database: Of this process.
            cookie: Its value.
            workspace_id: Which of the workspaces that it is signed in to; not needed for one.

        Raises:
            Unauthenticated: it is not signed in, there or at all, or its session has ended.
            Invalid: it is signed in to several workspaces and none is named.
        """
        sha256 = tokens.digest(cookie)
        key = f"{sha256}/{workspace_id}"
        known = self._known.get(key)
        if known is not None and known[0] > self._clock():
            return known[1]
        async with database.read_session() as session:
            signed_in = _chosen(await console.good_sessions(session, sha256), workspace_id)
            caller = await caller_of(session, signed_in.principal)
        await tokens.note_use(database, signed_in.token)
        self._remember(key, caller)
        return caller

    def _remember(self, key: str, caller: Caller) -> None:
        if len(self._known) >= _CACHE_ENTRIES:
            self._known.clear()
        self._known[key] = (self._clock() + _CACHE_S, caller)

    def forget(self) -> None:
        """Look every token up again: rights or tokens have changed. Other processes need 5 s."""
        self._known.clear()


def _chosen(found: list[console.SignedIn], workspace_id: int | None) -> console.SignedIn:
    if not found:
        raise Unauthenticated("You are not signed in, or your session has ended; sign in again.")
    if workspace_id is None and len(found) > 1:
        raise Invalid(
            "you are signed in to several workspaces; name one in the header X-Databricks-Org-Id,"
            " or as '?o=<workspace_id>'"
        )
    for each in found:
        if workspace_id in (None, each.row.workspace_id):
            return each
    raise Unauthenticated(
        f"You are not signed in to workspace {workspace_id}, or your session there has ended; sign"
        " in with a token of that workspace."
    )


def bearer(header: str | None) -> str:
    """Return the token of an Authorization header.

    Raises:
        Unauthenticated: there is none.
    """
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated(
            "No access token was given; send the header 'Authorization: Bearer <token>'."
        )
    return token.strip()


def same_secret(given: str, expected: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())
