"""Reads: passed on as they are; what an attempt loads is noted before it is answered."""

import httpx2
from starlette.responses import Response

from control.db import Database
from control.gateway import store
from control.gateway.metrics import Metrics
from control.gateway.routes import Action, Route, dotted
from control.gateway.tables import NO_SNAPSHOT
from control.gateway.tokens import AttemptClaims, PrincipalClaims, ServiceClaims
from control.gateway.upstream import AnswerLost, Catalog, relay, table_answer
from spec.errors import Unavailable

_MAX_REMEMBERED = 50_000

_Load = tuple[int, str, int, str]
"""(task run, table, snapshot, branch)"""


class Reader:
    """Carries out reads."""

    def __init__(self, database: Database, catalog: Catalog, metrics: Metrics) -> None:
        """See class."""
        self._database = database
        self._catalog = catalog
        self._metrics = metrics
        self._noted: set[_Load] = set()

    async def read(
        self,
        method: str,
        branch: str,
        route: Route,
        query: str,
        claims: AttemptClaims | PrincipalClaims | ServiceClaims,
    ) -> Response:
        """Answer a read.

        Raises:
            Unavailable: the catalog does not answer.
        """
        with self._metrics.upstream.labels(route.action).time():
            answer = await self._ask(method, branch, route, query)
        if route.action is Action.VIEW_EXISTS and answer.status_code == 400:
            # Nessie 0.99 says so of a table of that name, where the specification wants 404.
            return Response(status_code=404)
        if route.action is not Action.LOAD_TABLE or answer.status_code >= 400:
            return relay(answer)
        content = answer.json()
        if isinstance(claims, AttemptClaims):
            snapshot_id = content["metadata"].get("current-snapshot-id")
            await self._note(claims, branch, dotted(route.key), snapshot_id)
        return table_answer(content)

    async def _ask(self, method: str, branch: str, route: Route, query: str) -> httpx2.Response:
        """Ask the catalog; once more if the answer was lost, for reading twice does no harm."""
        for last in (False, True):
            try:
                return await self._catalog.pass_on(method, branch, route.tail, query=query)
            except AnswerLost as error:
                if last:
                    raise Unavailable("the catalog did not answer") from error
        raise AssertionError("unreachable")

    async def _note(
        self, claims: AttemptClaims, branch: str, table: str, snapshot_id: int | None
    ) -> None:
        """Note a load, the first time this process sees it; loads are few, so this is quick."""
        snapshot = NO_SNAPSHOT if snapshot_id is None else snapshot_id
        load = (claims.task_run_id, table, snapshot, branch)
        if load in self._noted:
            return
        async with self._database.session() as session:
            await store.note_read(session, claims, table, snapshot, branch)
        if len(self._noted) >= _MAX_REMEMBERED:
            self._noted.clear()
        self._noted.add(load)
