"""`POST /v1/oauth/tokens`: what Iceberg clients ask on their own account (RFC 8693, RFC 6749).

- Iceberg's Java client renews the token it was given by exchanging it for a new one.
- Trino, for a session without the extra credential `token`, exchanges a JWT of its own making
  that names the Trino user. Trino has authenticated that user and proves itself by its service
  token, so the answer is a token of that user, for reading only: who wants to write sends a token.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from pydantic import BaseModel, SecretStr

from control.gateway.tokens import (
    AttemptClaims,
    PrincipalClaims,
    ServiceClaims,
    issue,
    verify,
)
from spec.errors import Forbidden, Invalid, Unauthenticated

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
CLIENT_CREDENTIALS = "client_credentials"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a type's name
USER_LIFETIME = timedelta(hours=1)
RENEWED_LIFETIME = timedelta(hours=12)


class _Subject(BaseModel):
    """What Trino writes about a user."""

    user: str = ""
    sub: str = ""


def exchange(signing_key: SecretStr, bearer: str | None, form: dict[str, str]) -> dict[str, Any]:
    """Answer a token request.

    Args:
        signing_key: The gateway's.
        bearer: The token in the Authorization header, if any.
        form: The request's fields.

    Raises:
        Invalid: a grant that is not served.
        Unauthenticated: no valid token was presented.
        Forbidden: the caller may not speak for others.
    """
    key = signing_key.get_secret_value()
    grant = form.get("grant_type", "")
    if grant == CLIENT_CREDENTIALS:
        # Iceberg's `credential` property is `id:secret`; our tokens serve as the secret.
        token = form.get("client_secret") or ""
        return _answer(key, verify(key, token))
    if grant != EXCHANGE:
        raise Invalid(f"grant type {grant!r} is not served; use {EXCHANGE} or a token directly")
    subject = form.get("subject_token") or ""
    try:
        return _answer(key, verify(key, subject))
    except Unauthenticated:
        actor = verify(key, form.get("actor_token") or bearer or "")
    if not isinstance(actor, ServiceClaims):
        raise Forbidden("only a server of the stack may exchange a token for another user's")
    claims = PrincipalClaims(
        workspace_id=actor.workspace_id,
        expires_at=min(datetime.now(UTC) + USER_LIFETIME, actor.expires_at),
        user=_user_of(subject),
        access="read",
    )
    return _answer(key, claims)


def _answer(key: str, claims: AttemptClaims | PrincipalClaims | ServiceClaims) -> dict[str, Any]:
    """Answer with a token of the same claims; only an attempt's life is prolonged.

    An attempt ends by being declared over, whatever its token says; a person's token ends when
    it was issued to end.
    """
    if isinstance(claims, AttemptClaims):
        until = max(claims.expires_at, datetime.now(UTC) + RENEWED_LIFETIME)
        claims = claims.model_copy(update={"expires_at": until})
    lifetime = claims.expires_at - datetime.now(UTC)
    return {
        "access_token": issue(key, claims),
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "bearer",
        "expires_in": max(1, int(lifetime.total_seconds())),
    }


def _user_of(subject: str) -> str:
    """Read the user out of Trino's own JWT, which is not signed (the actor's token is)."""
    try:
        payload = jws.extract_compact(subject.encode()).payload
        claims = _Subject.model_validate_json(payload)
    except (JoseError, ValueError) as error:
        raise Unauthenticated("the subject token is not a JWT of a user") from error
    user = claims.user or claims.sub
    if not user:
        raise Unauthenticated("the subject token names no user")
    return user
