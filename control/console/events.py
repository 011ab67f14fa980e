"""`/api/openlake/1.0/events`: what changes in a workspace, for as long as one is signed in."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

from fastapi import APIRouter, Request
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select
from sse_starlette import EventSourceResponse, ServerSentEvent

from control import sse
from control.auth import Caller
from control.deps import Deps
from control.http import CallerArg, DepsArg, get_caller
from control.runs.access import visible_runs
from control.runs.feed import Change
from control.runs.tables import Run
from spec.errors import OpenLakeError

router = APIRouter(prefix="/api/openlake/1.0", tags=["console"])

_EVENTS = {"content": {"text/event-stream": {"schema": {"type": "string"}}}}
_RIGHTS_HOLD_S = 10.0
_AGAIN_S = 1.0


@router.get("/events", responses={200: _EVENTS})
async def follow_workspace(
    request: Request, caller: CallerArg, deps: DepsArg
) -> EventSourceResponse:
    """Follow the runs of a workspace: an event `run` for each that changes and that one may see.

    An event `hello` comes first, and again whenever changes may have been missed: what was read
    before it is to be read again. The stream ends with the session or token that asks.
    """
    return sse.stream(_follow(request, deps, caller))


async def _follow(request: Request, deps: Deps, caller: Caller) -> AsyncIterator[ServerSentEvent]:
    rights = _Rights()
    async with deps.run_feed.follow(caller.workspace_id) as follower:
        yield sse.event("hello", {"workspace_id": caller.workspace_id})
        while True:
            changes, missed = await follower.take(sse.LOOK_AGAIN_S)
            try:
                caller = await get_caller(request, deps)
                seen = await rights.visible(deps, caller, changes)
            except OpenLakeError:
                return
            except (SQLAlchemyError, OSError):
                # The database is away: look at everything once it is back.
                follower.tell((), missed=True)
                await asyncio.sleep(_AGAIN_S)
                continue
            if missed:
                yield sse.event("hello", {"workspace_id": caller.workspace_id})
            for change in seen:
                yield sse.event("run", change._asdict())


class _Rights:
    """Which jobs' runs a follower may see; asked anew every few seconds."""

    def __init__(self) -> None:
        self._known: dict[int, bool] = {}
        self._asked_at = time.monotonic()

    async def visible(
        self, deps: Deps, caller: Caller, changes: Sequence[Change]
    ) -> Sequence[Change]:
        """Return the changes of runs that the caller may see."""
        if caller.is_admin or not changes:
            return changes
        if time.monotonic() - self._asked_at > _RIGHTS_HOLD_S:
            self._known, self._asked_at = {}, time.monotonic()
        unknown = {each.job_id for each in changes} - self._known.keys()
        if unknown:
            run_ids = [each.run_id for each in changes if each.job_id in unknown]
            query = select(Run.job_id).where(
                Run.workspace_id == caller.workspace_id,
                col(Run.run_id).in_(run_ids),
                visible_runs(caller),
            )
            async with deps.database.read_session() as session:
                seen = set((await session.exec(query)).all())
            self._known |= {job_id: job_id in seen for job_id in unknown}
        return [each for each in changes if self._known[each.job_id]]
