"""Which catalog branch a token works on."""

from control.gateway.tokens import AttemptClaims, PrincipalClaims, ServiceClaims

MAIN = "main"


def branch_of(claims: AttemptClaims | PrincipalClaims | ServiceClaims) -> str:
    """Return the catalog branch of this caller: main, until runs get branches of their own."""
    return MAIN
