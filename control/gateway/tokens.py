"""Bearer tokens of the catalog gateway: compact JWS, HS256, one shared key.

Three kinds: an *attempt* may read and write while it is open; a *principal* is a person's own
client, on main; a *service* (Trino's own connection) may only read the configuration and list
namespaces. A token is proof of who asks; whether an attempt is still open stands in the database.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from spec.errors import Unauthenticated

AUDIENCE = "openlake-catalog"
API_AUDIENCE = "openlake-api"
"""Of the token with which an attempt's user code asks the REST API for secrets; no catalog takes it
and it opens no catalog."""
MIN_KEY_BYTES = 32
MAIN = "main"


class _Claims(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    workspace_id: int
    expires_at: datetime
    """UTC; whole seconds survive in the token."""


class AttemptClaims(_Claims):
    """One attempt of one task of one run."""

    kind: Literal["attempt"] = "attempt"
    job_id: int
    run_id: int
    task_run_id: int
    task_key: str
    attempt: int
    branch: str = MAIN
    """The catalog branch that it reads and writes."""


class PrincipalClaims(_Claims):
    """A person (or service principal) with a client of their own."""

    kind: Literal["principal"] = "principal"
    user: str
    access: Literal["read", "write"] = "write"
    branch: str = MAIN
    """The catalog branch that it sees; any but main is for reading."""
    statement_id: str | None = None
    """Of a SQL statement on a warehouse: stamped into what it commits."""


class ServiceClaims(_Claims):
    """A server of the stack itself; `name` is e.g. `trino`."""

    kind: Literal["service"] = "service"
    name: str


Claims = Annotated[AttemptClaims | PrincipalClaims | ServiceClaims, Field(discriminator="kind")]

_CLAIMS: TypeAdapter[AttemptClaims | PrincipalClaims | ServiceClaims] = TypeAdapter(Claims)


def _key(signing_key: str) -> OctKey:
    raw = signing_key.encode()
    if len(raw) < MIN_KEY_BYTES:
        raise ValueError(f"the gateway's signing key needs {MIN_KEY_BYTES} bytes, has {len(raw)}")
    return OctKey.import_key(raw)


def issue(
    signing_key: str,
    claims: AttemptClaims | PrincipalClaims | ServiceClaims,
    audience: str = AUDIENCE,
) -> str:
    """Sign a token.

    Raises:
        ValueError: the key is shorter than 32 bytes.
    """
    payload: dict[str, Any] = claims.model_dump(mode="json", exclude={"expires_at"})
    payload |= {
        "aud": audience,
        "iat": int(datetime.now(UTC).timestamp()),
        "exp": int(claims.expires_at.timestamp()),
    }
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, payload, _key(signing_key))


def verify(
    signing_key: str, token: str, audience: str = AUDIENCE
) -> AttemptClaims | PrincipalClaims | ServiceClaims:
    """Check signature, audience and expiry, and return what the token says.

    Raises:
        Unauthenticated: it is not our token, was changed, or has expired.
    """
    try:
        payload = jwt.decode(token, _key(signing_key), algorithms=["HS256"]).claims
    except (JoseError, ValueError) as error:
        raise Unauthenticated("the token is not valid; ask for a new one") from error
    if payload.get("aud") != audience or not isinstance(payload.get("exp"), int):
        raise Unauthenticated(f"the token was not made for {audience}")
    expires_at = datetime.fromtimestamp(payload["exp"], UTC)
    if expires_at <= datetime.now(UTC):
        raise Unauthenticated(f"the token expired at {expires_at.isoformat()}")
    try:
        return _CLAIMS.validate_python(payload | {"expires_at": expires_at})
    except ValidationError as error:
        raise Unauthenticated("the token lacks claims; ask for a new one") from error
