import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from control.gateway.tokens import (
    AttemptClaims,
    PrincipalClaims,
    ServiceClaims,
    issue,
    verify,
)
from spec.errors import Unauthenticated
from tests.gateway.make import KEY, attempt_claims, expiry, principal_claims, service_claims


@pytest.mark.parametrize("claims", [attempt_claims(), principal_claims(), service_claims()])
def test_a_token_says_what_was_put_in(
    claims: AttemptClaims | PrincipalClaims | ServiceClaims,
) -> None:
    assert verify(KEY, issue(KEY, claims)) == claims


def test_an_attempt_token_is_small_enough_for_a_header() -> None:
    assert len(issue(KEY, attempt_claims(task_key="k" * 100))) < 1000


def test_an_expired_token_is_refused() -> None:
    token = issue(KEY, attempt_claims(expires_at=expiry(hours=-1)))
    with pytest.raises(Unauthenticated, match="expired"):
        verify(KEY, token)


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        verify(KEY, issue("another-key-that-is-also-long-enough", attempt_claims()))


def test_a_changed_token_is_refused() -> None:
    header, payload, signature = issue(KEY, attempt_claims()).split(".")
    other = issue(KEY, attempt_claims(2)).split(".")[1]
    assert payload != other
    with pytest.raises(Unauthenticated):
        verify(KEY, f"{header}.{other}.{signature}")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "dapi0123456789", "é.é.é"])
def test_rubbish_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(KEY, token)


def test_an_unsigned_token_is_refused() -> None:
    # {"alg":"none"}
    with pytest.raises(Unauthenticated):
        verify(KEY, "eyJhbGciOiJub25lIn0.e30.")


@pytest.mark.parametrize(
    "changes", [{"aud": "elsewhere"}, {"exp": None}, {"kind": "king"}, {"task_run_id": None}]
)
def test_a_token_made_for_something_else_is_refused(changes: dict[str, object]) -> None:
    key = OctKey.import_key(KEY)
    claims = jwt.decode(issue(KEY, attempt_claims()), key, algorithms=["HS256"]).claims
    token = jwt.encode({"alg": "HS256"}, claims | changes, key)
    with pytest.raises(Unauthenticated):
        verify(KEY, token)


def test_a_short_key_is_not_taken() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        issue("short", attempt_claims())
