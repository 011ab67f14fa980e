"""Who calls, and may they?"""

from datetime import UTC, datetime

from pydantic import SecretStr

from control.db import Database
from control.gateway.fence import OpenAttempts
from control.gateway.routes import SERVICE_ACTIONS, Action
from control.gateway.tokens import AttemptClaims, PrincipalClaims, ServiceClaims, verify
from spec.errors import Forbidden, Unauthenticated

_MAX_CACHED = 4096


class Access:
    """Verifies tokens, remembering good ones, and asks the fence for reads."""

    def __init__(self, signing_key: SecretStr, database: Database, *, state_cache_s: float) -> None:
        """See class."""
        self._key = signing_key.get_secret_value()
        self._open_attempts = OpenAttempts(database, state_cache_s)
        self._verified: dict[str, AttemptClaims | PrincipalClaims | ServiceClaims] = {}

    async def authenticate(
        self, authorization: str | None
    ) -> AttemptClaims | PrincipalClaims | ServiceClaims:
        """Return the claims of the bearer token in an Authorization header.

        Raises:
            Unauthenticated: there is none, or it is not valid (any more).
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("the catalog needs a bearer token; set the property `token`")
        token = token.strip()
        claims = self._verified.get(token)
        if claims is None or claims.expires_at <= datetime.now(UTC):
            claims = verify(self._key, token)
            if len(self._verified) >= _MAX_CACHED:
                self._verified.clear()
            self._verified[token] = claims
        return claims

    async def check_read(
        self, claims: AttemptClaims | PrincipalClaims | ServiceClaims, action: Action
    ) -> None:
        """Let a read pass; whether an attempt is open is known to within seconds.

        Raises:
            Forbidden: the attempt is over, or the token is not for this.
        """
        if isinstance(claims, ServiceClaims) and action not in SERVICE_ACTIONS:
            raise Forbidden(
                f"the token of {claims.name} may only list namespaces; send a token of your own "
                "(in Trino: the extra credential `token`)"
            )
        if isinstance(claims, AttemptClaims):
            await self._open_attempts.check(claims)

    async def check_open(self, claims: AttemptClaims) -> None:
        """Let an attempt pass that is open at this moment.

        Raises:
            Forbidden: it is over.
        """
        await self._open_attempts.check(claims, cached=False)
