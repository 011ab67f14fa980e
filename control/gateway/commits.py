"""Mutations: stamped, checked under the fence's lock, noted, and passed on at most once.

A request of an attempt is noted as pending in one transaction. In a second one, which holds the
attempt's row lock until the catalog has answered, the attempt is found open, the request is
passed on, and its outcome is noted. Whoever declares the attempt over waits for that lock, and
whoever sends the same commit again is told what became of the first: the catalog is asked. A
commit is recognised by its snapshot, a table's creation by the UUID or the request that made it;
so an attempt that sends the very same create twice is given the table it made, not a conflict.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx2
import structlog
from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.responses import Response

from control.db import Database
from control.gateway import store
from control.gateway.errors import OutcomeUnknown, render
from control.gateway.evidence import landed, mark_of
from control.gateway.fence import refusal_of
from control.gateway.metrics import Metrics
from control.gateway.routes import Action, Route
from control.gateway.stamps import Prepared, prepare
from control.gateway.tables import AttemptCommitRow, AttemptState, CommitState
from control.gateway.tokens import AttemptClaims, PrincipalClaims
from control.gateway.upstream import AnswerLost, Catalog, NotSent, error_of, relay, table_answer
from spec.errors import Forbidden, OpenLakeError, Unavailable

log = structlog.get_logger(__name__)

AfterUpstream = Callable[[Action], Awaitable[None]]
"""Called between the catalog's answer and ours; tests die here."""

_TABLE_ANSWERS = {Action.COMMIT_TABLE, Action.CREATE_TABLE, Action.REGISTER_TABLE}
_EMPTY_ANSWERS = {Action.COMMIT_TRANSACTION, Action.RENAME_TABLE, Action.DROP_TABLE}


@dataclass(frozen=True)
class Mutation:
    """One request that changes the catalog."""

    route: Route
    method: str
    branch: str
    query: str
    body: bytes
    content_type: str
    idempotency_key: str | None


@dataclass(frozen=True)
class _Outcome:
    response: Response
    state: CommitState
    message: str = ""


class Committer:
    """Carries out mutations."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        metrics: Metrics,
        after_upstream: AfterUpstream | None = None,
    ) -> None:
        """See class."""
        self._database = database
        self._catalog = catalog
        self._metrics = metrics
        self._after_upstream = after_upstream

    async def carry_out(
        self, mutation: Mutation, claims: AttemptClaims | PrincipalClaims
    ) -> Response:
        """Answer a mutation.

        Raises:
            Forbidden: the attempt is over.
            Invalid: the body is not Iceberg's.
            Unavailable: the catalog did not see it.
        """
        prepared = prepare(
            mutation.route, mutation.query, mutation.body, claims, mutation.idempotency_key
        )
        if isinstance(claims, PrincipalClaims):
            outcome = await self._pass_on(mutation, prepared, noted_at=None)
        else:
            outcome = await self._for_attempt(mutation, prepared, claims)
        self._metrics.commits.labels(mutation.route.action, outcome.state).inc()
        return outcome.response

    async def _for_attempt(
        self, mutation: Mutation, prepared: Prepared, claims: AttemptClaims
    ) -> _Outcome:
        async with self._database.session() as session:
            noted = await store.note_commit(session, claims, mutation.branch, prepared)
        outcome: _Outcome | None = None
        try:
            async with self._database.session() as session:
                outcome = await self._fenced(session, mutation, prepared, claims, noted)
                await store.settle(session, noted.ids, outcome.state, outcome.message)
        except (DBAPIError, OSError) as error:
            # The rows stay pending and are settled later; the outcome itself is known.
            if outcome is None:
                raise
            log.warning("gateway.outcome_not_noted", error=str(error), state=outcome.state)
        return outcome

    async def _fenced(
        self,
        session: AsyncSession,
        mutation: Mutation,
        prepared: Prepared,
        claims: AttemptClaims,
        noted: store.Noted,
    ) -> _Outcome:
        """Carry the request out if the attempt is open; its row stays locked with the session."""
        try:
            await self._check_open(session, claims)
        except Forbidden as error:
            self._metrics.refused.labels("attempt_over").inc()
            return _Outcome(render(error), CommitState.REFUSED, error.message)
        rows = await store.commit_rows(session, noted.ids)
        return await self._once(mutation, prepared, rows, noted.fresh)

    async def _check_open(self, session: AsyncSession, claims: AttemptClaims) -> None:
        attempt = await store.lock_attempt(session, claims.task_run_id)
        if attempt is None or attempt.state != AttemptState.OPEN:
            raise await refusal_of(session, attempt, claims)

    async def _once(
        self,
        mutation: Mutation,
        prepared: Prepared,
        rows: Sequence[AttemptCommitRow],
        fresh: bool,
    ) -> _Outcome:
        """Pass the request on, unless it has been carried out already; holds the attempt's lock."""
        noted_at = min((row.at for row in rows), default=None)
        if not fresh:
            done = all(row.state == CommitState.COMMITTED for row in rows)
            if done or await self._landed(mutation, prepared, noted_at):
                replay = await self._replay(mutation, prepared)
                if replay is not None:
                    return replay
        return await self._pass_on(mutation, prepared, noted_at)

    async def _pass_on(
        self, mutation: Mutation, prepared: Prepared, noted_at: datetime | None
    ) -> _Outcome:
        route = mutation.route
        try:
            with self._metrics.upstream.labels(route.action).time():
                answer = await self._catalog.pass_on(
                    mutation.method,
                    mutation.branch,
                    route.tail,
                    query=mutation.query,
                    body=prepared.body,
                    headers={"Content-Type": mutation.content_type} if prepared.body else None,
                )
        except NotSent as error:
            return _Outcome(render(error), CommitState.REFUSED, error.message)
        except AnswerLost as error:
            return await self._after_loss(mutation, prepared, noted_at, error)
        if self._after_upstream is not None:
            await self._after_upstream(route.action)
        return await self._judge(mutation, prepared, noted_at, answer)

    async def _judge(
        self,
        mutation: Mutation,
        prepared: Prepared,
        noted_at: datetime | None,
        answer: httpx2.Response,
    ) -> _Outcome:
        """Read the catalog's answer; what it calls a conflict may be our own commit, sent twice."""
        if answer.status_code < 400:
            return _Outcome(relay(answer), CommitState.COMMITTED)
        if answer.status_code == 409 or answer.status_code >= 500:
            try:
                if await self._landed(mutation, prepared, noted_at):
                    return await self._replay(mutation, prepared) or _Outcome(
                        relay(answer), CommitState.COMMITTED
                    )
            except Unavailable as error:
                return _unknown(error)
        kind, message = error_of(answer)
        return _Outcome(relay(answer), CommitState.REFUSED, f"{kind}: {message}")

    async def _after_loss(
        self,
        mutation: Mutation,
        prepared: Prepared,
        noted_at: datetime | None,
        loss: AnswerLost,
    ) -> _Outcome:
        log.warning("gateway.answer_lost", action=mutation.route.action, error=str(loss))
        try:
            if await self._landed(mutation, prepared, noted_at):
                return await self._replay(mutation, prepared) or _unknown(loss)
        except Unavailable as error:
            return _unknown(error)
        return _unknown(loss)

    async def _landed(
        self, mutation: Mutation, prepared: Prepared, noted_at: datetime | None
    ) -> bool:
        marks = [mark_of(change, prepared.digest) for change in prepared.changes]
        return await landed(self._catalog, mutation.branch, marks, noted_at)

    async def _replay(self, mutation: Mutation, prepared: Prepared) -> _Outcome | None:
        """Answer as the catalog did the first time; None where only a repetition can answer."""
        route = mutation.route
        if route.action in _EMPTY_ANSWERS:
            response = Response(status_code=204)
        elif route.action in _TABLE_ANSWERS:
            table = await self._catalog.load_table(mutation.branch, prepared.changes[0].key)
            if table is None:
                return None
            response = table_answer(table)
        else:
            return None
        self._metrics.replayed.labels(route.action).inc()
        log.info("gateway.commit_sent_again", action=route.action, target=route.tail)
        return _Outcome(response, CommitState.COMMITTED)


def _unknown(reason: Exception) -> _Outcome:
    detail = reason.message if isinstance(reason, OpenLakeError) else str(reason)
    error = OutcomeUnknown(
        f"the commit was passed on and its outcome is not known ({detail}); send the same commit "
        "again or look at the table"
    )
    return _Outcome(render(error), CommitState.PENDING, error.message)
