"""`/api/openlake/1.0/runs/{run_id}/events`: a run's state as it changes."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter
from sse_starlette import EventSourceResponse, ServerSentEvent

from control import hub, sse
from control.auth import Caller
from control.deps import Deps
from control.http import CallerArg, DepsArg
from control.runs.access import permitted
from control.runs.pictures import picture
from control.runs.views import show_tasks, state_of
from spec.states import RunLife

router = APIRouter(prefix="/api/openlake/1.0/runs", tags=["runs"])

_EVENTS = {"content": {"text/event-stream": {"schema": {"type": "string"}}}}
_SHOWN = (
    "task_key",
    "run_id",
    "attempt_number",
    "state",
    "start_time",
    "end_time",
    "execution_duration",
    "condition_task",
    "for_each_task",
)


@router.get("/{run_id}/events", responses={200: _EVENTS})
async def follow_run(run_id: int, caller: CallerArg, deps: DepsArg) -> EventSourceResponse:
    """Follow a run: events `run` with its whole compact state at each change, then one `end`."""
    async with deps.database.read_session() as session:
        await permitted(session, caller, run_id)
    return sse.stream(_follow(deps, caller, run_id))


async def _follow(deps: Deps, caller: Caller, run_id: int) -> AsyncIterator[ServerSentEvent]:
    last: dict[str, Any] | None = None
    async with deps.hub.follow(hub.run_topic(run_id)) as wake:
        while True:
            wake.clear()
            state, over = await compact_state(deps, caller, run_id)
            if state != last:
                yield sse.event("run", state)
                last = state
            if over:
                yield sse.event("end", {"run_id": run_id})
                return
            await sse.pause(wake)


async def compact_state(deps: Deps, caller: Caller, run_id: int) -> tuple[dict[str, Any], bool]:
    """Return what a follower sees of a run, and whether it is over."""
    async with deps.database.read_session() as session:
        run = await permitted(session, caller, run_id)
        drawn = await picture(session, run)
    tasks = show_tasks(drawn, deps.public_url)
    view = state_of(run)
    return {
        "run_id": run_id,
        "job_id": run.job_id,
        "run_name": run.run_name,
        "state": view.state.model_dump(mode="json", exclude_none=True),
        "status": view.status.model_dump(mode="json", exclude_none=True),
        "tasks": [_compact(task) for task in tasks],
    }, RunLife(run.life).is_over


def _compact(task: dict[str, Any]) -> dict[str, Any]:
    shown = {name: task[name] for name in _SHOWN if name in task}
    if "for_each_task" in shown:
        # What it runs can be long; a follower wants to know how far it is.
        shown["for_each_task"] = {"stats": task["for_each_task"].get("stats")}
    return shown
