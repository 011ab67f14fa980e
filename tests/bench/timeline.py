"""What a hand-over is made of: the steps between two tasks' code, by Temporal's own history."""

import statistics
from collections.abc import Sequence

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from tests.bench.measures import Values
from tests.bench.subject import Subject, Work
from tests.bench.traced import traced

STEPS = {
    "ended_ms": "the code has ended → Temporal knows it",
    "decided_ms": "→ the workflow has decided on the next task",
    "taken_ms": "→ a worker has it",
    "begun_ms": "→ its code begins",
}
"""In their order; together they are the hand-over."""

USER_CODE = ("run_attempt", "do")
"""The activities that run it: OpenLake's, and that of `tests.bench.programs.temporal_worker`."""


def prepare(subject: Subject, size: int) -> None:
    """Make the chain known."""
    subject.prepare(Work("chain", size))


def take(subject: Subject, size: int) -> Values:
    """Run a chain, and return the median of each step over its hand-overs."""
    found = traced(subject)
    ran = found.run(Work("chain", size))
    in_order = sorted(ran.steps.items(), key=lambda item: item[1].begins[0])
    (run,) = {run for (run, _), _ in in_order}
    steps = [step for _, step in in_order]
    own = _activities(found.history(run))
    assert len(own) == len(steps), f"{len(own)} activities did {len(steps)} steps"
    values: dict[str, list[float]] = {name: [] for name in STEPS}
    for i in range(1, len(steps)):
        scheduled, started, _ = own[i]
        ended = own[i - 1][2]
        places = (steps[i - 1].ends[0], ended, scheduled, started, steps[i].begins[0])
        for name, before, after in zip(STEPS, places, places[1:], strict=False):
            values[name].append((after - before) / 1e6)
    return {name: statistics.median(each) for name, each in values.items()}


def _activities(events: Sequence[HistoryEvent]) -> list[tuple[int, int, int]]:
    """Return (scheduled, started, completed) of the activities that ran code, in nanoseconds."""
    at: dict[int, int] = {event.event_id: event.event_time.ToNanoseconds() for event in events}
    ours = {
        event.event_id
        for event in events
        if event.activity_task_scheduled_event_attributes.activity_type.name in USER_CODE
    }
    return [
        (at[done.scheduled_event_id], at[done.started_event_id], at[event.event_id])
        for event in events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
        for done in (event.activity_task_completed_event_attributes,)
        if done.scheduled_event_id in ours
    ]
