import base64
import json
from typing import Any

import pytest
from pydantic import SecretStr

from control.gateway.oauth import CLIENT_CREDENTIALS, EXCHANGE, exchange
from control.gateway.tokens import PrincipalClaims, issue, verify
from spec.errors import Forbidden, Invalid, Unauthenticated
from tests.gateway.make import KEY, attempt_claims, expiry, principal_claims, service_claims

SIGNING = SecretStr(KEY)


def _unsigned(**claims: Any) -> str:
    """A JWT as Trino makes it for its user."""

    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part(claims)}."


def test_trino_gets_a_reading_token_for_its_user() -> None:
    trino = issue(KEY, service_claims())
    form = {"grant_type": EXCHANGE, "subject_token": _unsigned(sub="ada", user="ada")}
    answer = exchange(SIGNING, trino, form)
    claims = verify(KEY, answer["access_token"])
    assert isinstance(claims, PrincipalClaims)
    assert (claims.user, claims.access, claims.workspace_id) == ("ada", "read", 1)
    assert 0 < answer["expires_in"] <= 3600


def test_only_a_server_speaks_for_others() -> None:
    form = {"grant_type": EXCHANGE, "subject_token": _unsigned(user="root")}
    with pytest.raises(Forbidden):
        exchange(SIGNING, issue(KEY, principal_claims()), form)
    with pytest.raises(Unauthenticated):
        exchange(SIGNING, None, form)
    with pytest.raises(Unauthenticated):
        exchange(SIGNING, _unsigned(kind="service"), form)


def test_an_attempts_token_is_prolonged_and_stays_the_same_attempt() -> None:
    claims = attempt_claims(expires_at=expiry(0.1))
    form = {"grant_type": EXCHANGE, "subject_token": issue(KEY, claims)}
    renewed = verify(KEY, exchange(SIGNING, None, form)["access_token"])
    assert renewed.expires_at > claims.expires_at
    assert renewed.model_copy(update={"expires_at": claims.expires_at}) == claims


def test_a_persons_token_is_not_prolonged() -> None:
    claims = principal_claims(expires_at=expiry(0.1))
    form = {"grant_type": CLIENT_CREDENTIALS, "client_secret": issue(KEY, claims)}
    assert verify(KEY, exchange(SIGNING, None, form)["access_token"]) == claims


@pytest.mark.parametrize("subject", ["", "x", "a.b.c", _unsigned(), _unsigned(user=3)])
def test_a_subject_that_names_nobody_is_refused(subject: str) -> None:
    form = {"grant_type": EXCHANGE, "subject_token": subject}
    with pytest.raises(Unauthenticated):
        exchange(SIGNING, issue(KEY, service_claims()), form)


def test_other_grants_are_not_served() -> None:
    with pytest.raises(Invalid, match="password"):
        exchange(SIGNING, None, {"grant_type": "password"})
