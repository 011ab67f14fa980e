"""Logs of attempts: whole, in part, and as they are written."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from sse_starlette import EventSourceResponse, ServerSentEvent

from control import hub, sse
from control.auth import Caller
from control.deps import Deps
from control.http import CallerArg, DepsArg
from control.logs import service
from control.logs.text import whole_characters
from control.runs.access import permitted_task
from control.runs.tables import Run, TaskRun
from spec.errors import Invalid
from spec.ids import run_of
from spec.states import RunLife

router = APIRouter(prefix="/api/openlake/1.0/task-runs", tags=["logs"])

_TEXT = {"content": {"text/plain": {"schema": {"type": "string"}}}}
_EVENTS = {"content": {"text/event-stream": {"schema": {"type": "string"}}}}


@router.get("/{task_run_id}/logs", responses={200: _TEXT}, response_class=StreamingResponse)
async def get_log(
    task_run_id: int,
    caller: CallerArg,
    deps: DepsArg,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int | None, Query(ge=1)] = None,
) -> StreamingResponse:
    """Return the log, or some of its bytes, as text."""
    await _check(deps, caller, task_run_id)
    stop = None if limit is None else offset + limit
    wanted = await service.spans(deps, task_run_id, offset, stop)
    return StreamingResponse(service.read(deps, wanted), media_type="text/plain; charset=utf-8")


@router.get("/{task_run_id}/logs/stream", responses={200: _EVENTS})
async def follow_log(
    task_run_id: int,
    caller: CallerArg,
    deps: DepsArg,
    offset: Annotated[int, Query(ge=0)] = 0,
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventSourceResponse:
    """Follow the log: events `log` whose data is its text, then one `end`.

    An event's id is the byte offset behind it: sent back as Last-Event-ID it resumes there.
    """
    await _check(deps, caller, task_run_id)
    if last_event_id:
        if not last_event_id.isdigit():
            raise Invalid("Last-Event-ID must be a byte offset that this stream gave out")
        offset = int(last_event_id)
    return sse.stream(_follow(deps, task_run_id, offset))


async def _check(deps: Deps, caller: Caller, task_run_id: int) -> None:
    async with deps.database.read_session() as session:
        await permitted_task(session, caller, task_run_id)


async def _follow(deps: Deps, task_run_id: int, offset: int) -> AsyncIterator[ServerSentEvent]:
    topics = (hub.log_topic(task_run_id), hub.run_topic(run_of(task_run_id)))
    async with deps.hub.follow(*topics) as wake:
        while True:
            wake.clear()
            # Asked before the bytes are read: what was written until the end is then read too.
            ended = await _has_ended(deps, task_run_id)
            rest = b""
            wanted = await service.spans(deps, task_run_id, offset, None)
            async for content in service.read(deps, wanted):
                text, rest = whole_characters(rest + content)
                offset += len(content)
                if text:
                    yield sse.text("log", text, str(offset - len(rest)))
            if ended:
                if rest:
                    yield sse.text("log", rest.decode("utf-8", "replace"), str(offset))
                yield sse.event("end", {}, str(offset))
                return
            offset -= len(rest)
            await sse.pause(wake)


async def _has_ended(deps: Deps, task_run_id: int) -> bool:
    async with deps.database.read_session() as session:
        task_run = await session.get(TaskRun, task_run_id)
        run = await session.get(Run, run_of(task_run_id))
    if task_run is not None and task_run.ended_at is not None:
        return True
    return run is None or RunLife(run.life).is_over
