"""From a bearer token to a principal in a workspace."""

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass

from control.db import Database
from control.tokens import service as tokens
from spec.errors import Unauthenticated

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
    groups: tuple[str, ...] = ("admins",)
    """Of the workspace. There are no narrower roles yet: whoever has a token is an admin."""

    @property
    def is_admin(self) -> bool:
        """True for an admin of the workspace."""
        return "admins" in self.groups

    @classmethod
    def acting_for(cls, workspace_id: int, user_name: str) -> "Caller":
        """Return the control plane itself, doing what this user has ordered before."""
        return cls(workspace_id, 0, user_name, user_name)


class Authenticator:
    """Looks tokens up, and remembers the good ones for a few seconds.

    A revoked token works for at most that long.
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
        principal = found[0]
        caller = Caller(
            workspace_id=principal.workspace_id,
            principal_id=principal.principal_id or 0,
            user_name=principal.user_name,
            display_name=principal.display_name,
        )
        if len(self._known) >= _CACHE_ENTRIES:
            self._known.clear()
        self._known[key] = (self._clock() + _CACHE_S, caller)
        return caller


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
