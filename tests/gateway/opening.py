"""Opens attempts as the control API does, and does nothing else with them."""

from control.db import Database
from control.gateway.attempts import Opening, beginning
from control.gateway.tokens import AttemptClaims


async def begin_attempt(
    database: Database, claims: AttemptClaims, *, patience_s: float = 75.0
) -> Opening:
    """Open an attempt and do nothing else; see `beginning`."""
    async with beginning(database, claims, patience_s=patience_s) as (_, _, opening):
        return opening
