"""The gateway's own identity towards Nessie, which takes tokens of this key and of no other.

Nessie is told the public key by `quarkus.oidc.public-key` (see `nessie_properties`) and refuses
with 401 whoever comes without a token that the private key signed, so nobody gets past the
gateway.
"""

import time

from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr

_LIFETIME_S = 600
_ISSUER = "openlake-gateway"


def make_key() -> str:
    """Return a new private key as PEM; keep it secret."""
    return RSAKey.generate_key(2048).as_pem(private=True).decode()


def nessie_properties(private_key: str) -> dict[str, str]:
    """Return the settings with which Nessie (0.99, Quarkus OIDC) admits this key alone."""
    pem = RSAKey.import_key(private_key).as_pem(private=False).decode()
    body = "".join(line for line in pem.splitlines() if not line.startswith("-----"))
    return {
        "nessie.server.authentication.enabled": "true",
        "quarkus.oidc.tenant-enabled": "true",
        "quarkus.oidc.public-key": body,
    }


class Identity:
    """Signs short-lived tokens and uses each for half of its life."""

    def __init__(self, private_key: SecretStr) -> None:
        """See class; the key is PEM."""
        self._key = RSAKey.import_key(private_key.get_secret_value())
        self._token = ""
        self._fresh_until = 0.0

    def headers(self) -> dict[str, str]:
        """Return the Authorization header for a call to Nessie."""
        now = time.time()
        if now >= self._fresh_until:
            claims = {"iss": _ISSUER, "sub": _ISSUER, "upn": _ISSUER}
            claims |= {"iat": int(now), "exp": int(now) + _LIFETIME_S}
            header = {"alg": "RS256", "typ": "JWT"}
            self._token = jwt.encode(header, claims, self._key, algorithms=["RS256"])
            self._fresh_until = now + _LIFETIME_S / 2
        return {"Authorization": f"Bearer {self._token}"}
