"""Finds out what became of commits whose gateway died, or whose answer was lost.

Runs in every gateway from its start. A commit under way holds its attempt's lock, so one whose
lock is free has been left behind. The catalog tells at once that it landed; that it did not is
certain only after a while, because the catalog may go on with a request whose sender is gone.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

import structlog
from sqlalchemy.exc import SQLAlchemyError

from control.db import Database
from control.gateway import store
from control.gateway.evidence import landed, mark_of_row
from control.gateway.metrics import Metrics
from control.gateway.tables import AttemptCommitRow, CommitState
from control.gateway.upstream import Catalog
from spec.errors import OpenLakeError

log = structlog.get_logger(__name__)

GRACE = timedelta(seconds=1)
"""A commit is left alone for so long: it may be between its note and its lock."""


class Settler:
    """Settles pending commits again and again."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        metrics: Metrics,
        *,
        settle_after_s: float,
        interval_s: float,
    ) -> None:
        """See class and `GatewayConfig`."""
        self._database = database
        self._catalog = catalog
        self._metrics = metrics
        self._settle_after = timedelta(seconds=settle_after_s)
        self._interval_s = interval_s

    async def run(self) -> None:
        """Go on until cancelled; the database or the catalog being away is only logged."""
        while True:
            try:
                await self.settle_pending()
            except (OpenLakeError, SQLAlchemyError, OSError) as error:
                log.warning("gateway.settle_failed", error=str(error))
            await asyncio.sleep(self._interval_s)

    async def settle_pending(self) -> int:
        """Look at every commit that was left behind once; returns how many are settled now.

        Raises:
            Unavailable: the catalog does not answer.
        """
        async with self._database.read_session() as session:
            rows = await store.pending_commits(session, datetime.now(UTC) - GRACE)
        settled = 0
        for task_run_id, group in groupby(
            sorted(rows, key=_request_of), key=lambda row: row.task_run_id
        ):
            settled += await self._settle_attempt(task_run_id, [row.id for row in group if row.id])
        return settled

    async def _settle_attempt(self, task_run_id: int, ids: Sequence[int]) -> int:
        settled = 0
        async with self._database.session() as session:
            if await store.lock_attempt(session, task_run_id, skip_locked=True) is None:
                return 0
            rows = [
                row
                for row in await store.commit_rows(session, ids)
                if row.state == CommitState.PENDING
            ]
            for _, group in groupby(sorted(rows, key=_request_of), key=_request_of):
                request = list(group)
                state = await self._fate(request)
                if state is CommitState.PENDING:
                    continue
                await store.settle(session, [row.id for row in request], state, "found out later")
                self._metrics.settled.labels(state).inc(len(request))
                settled += len(request)
        return settled

    async def _fate(self, request: list[AttemptCommitRow]) -> CommitState:
        noted_at = min(row.at for row in request)
        marks = [mark_of_row(row) for row in request]
        if await landed(self._catalog, request[0].branch, marks, noted_at):
            return CommitState.COMMITTED
        if datetime.now(UTC) - noted_at < self._settle_after:
            return CommitState.PENDING
        certain = any(mark.snapshot_id is not None for mark in marks)
        return CommitState.REFUSED if certain else CommitState.UNKNOWN


def _request_of(row: AttemptCommitRow) -> tuple[int, str]:
    return row.task_run_id, row.request_digest
