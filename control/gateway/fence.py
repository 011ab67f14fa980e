"""May this caller use the catalog? Reads ask a short cache, commits never do."""

import time

from sqlmodel.ext.asyncio.session import AsyncSession

from control.db import Database
from control.gateway import store
from control.gateway.tables import AttemptRow, AttemptState
from control.gateway.tokens import AttemptClaims
from spec.errors import Forbidden

_MAX_CACHED = 10_000


class OpenAttempts:
    """Remembers for a short time which attempts were open; refusals are not remembered."""

    def __init__(self, database: Database, ttl_s: float) -> None:
        """See class."""
        self._database = database
        self._ttl_s = ttl_s
        self._good_until: dict[int, float] = {}

    async def check(self, claims: AttemptClaims, *, cached: bool = True) -> None:
        """Let an open attempt pass, as it was known a short time ago or, not cached, as it is now.

        Raises:
            Forbidden: it is over, or was never opened.
        """
        now = time.monotonic()
        if cached and self._good_until.get(claims.task_run_id, 0.0) > now:
            return
        async with self._database.read_session() as session:
            attempt = await store.attempt_row(session, claims.task_run_id)
            if attempt is None or attempt.state != AttemptState.OPEN:
                self._good_until.pop(claims.task_run_id, None)
                raise await refusal_of(session, attempt, claims)
        if len(self._good_until) >= _MAX_CACHED:
            self._good_until.clear()
        self._good_until[claims.task_run_id] = now + self._ttl_s


async def refusal_of(
    session: AsyncSession, attempt: AttemptRow | None, claims: AttemptClaims
) -> Forbidden:
    """Say why an attempt is refused, and which attempt replaced it."""
    who = f"attempt {claims.attempt} (task run {claims.task_run_id}) of task '{claims.task_key}'"
    if attempt is None:
        return Forbidden(f"{who} has not been opened", task_run_id=claims.task_run_id)
    successor = await store.successor_of(session, attempt)
    replaced = (
        f"; it was replaced by attempt {successor.attempt} (task run {successor.task_run_id})"
        if successor is not None
        else ""
    )
    return Forbidden(
        f"{who} is over: {attempt.over_reason}{replaced}", task_run_id=claims.task_run_id
    )
