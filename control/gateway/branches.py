"""Which catalog branch a token works on."""

from control.gateway.tokens import MAIN, AttemptClaims, PrincipalClaims, ServiceClaims


def branch_of(claims: AttemptClaims | PrincipalClaims | ServiceClaims) -> str:
    """Return the catalog branch of this caller: the one its token names."""
    return MAIN if isinstance(claims, ServiceClaims) else claims.branch
