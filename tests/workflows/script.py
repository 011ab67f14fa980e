"""A worker whose activities follow a script, in place of engines and database."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from spec.attempts import AttemptOutcome, AttemptRef, AttemptResult, TaskRef
from spec.events import Event, Projection, Result
from spec.ids import run_id_at, workflow_id
from spec.plans import Expansion, RunPlan, Span, TaskKind, TaskPlan
from spec.ports import WORKFLOW_QUEUE, engine_queue, host_queue
from spec.publish import LandRequest, PublishOutcome, PublishRequest
from spec.run_state import RunState, new_state
from spec.runs import apply
from spec.tasks import Engine
from workflows import worker as workflow_worker

_run_numbers = itertools.count(1)

Step = AttemptResult | Exception | str
"""What a scripted attempt does: end so, raise, `hang` until cancelled, `break` when it is, or
`wait` for `release`."""


@dataclass
class Script:
    """Plays engine worker and projection; remembers all that was asked of it."""

    steps: dict[str, list[Step]] = field(default_factory=dict)
    stops: list[Exception] = field(default_factory=list)
    """What the first calls that are to stop something raise; later ones stop it."""
    refs: list[AttemptRef] = field(default_factory=list)
    queues: list[str] = field(default_factory=list)
    """Where each of them came from."""
    events: dict[int, Event] = field(default_factory=dict)
    """Of the run itself; those of parts of a for-each are in `parts`."""
    batches: int = 0
    """So many times something was projected."""
    parts: dict[int, dict[int, Event]] = field(default_factory=lambda: defaultdict(dict))
    conditions: dict[str, str] = field(default_factory=dict)
    """Condition task → its outcome."""
    inputs: dict[str, tuple[int, tuple[Span, ...]]] = field(default_factory=dict)
    """For-each task → how many inputs it has, and which are to do."""
    landings: dict[str, list[AttemptResult]] = field(default_factory=dict)
    """Task → how its attempts land; SUCCESS when it says nothing."""
    publishing: list[PublishOutcome | Exception] = field(default_factory=list)
    """What the next requests to publish are answered; then it is published."""
    landed: list[LandRequest] = field(default_factory=list)
    published: list[PublishRequest] = field(default_factory=list)
    gate: asyncio.Event | None = None
    """Landing and publishing wait for it."""
    at_gate: asyncio.Event = field(default_factory=asyncio.Event)
    running_now: int = 0
    most_at_once: int = 0
    release_at: int = 0
    """When so many attempts run at once, those that `wait` go on."""
    projection_failures: int = 0
    before_projection: Callable[[Projection], Awaitable[None]] | None = None
    release: asyncio.Event = field(default_factory=asyncio.Event)
    started: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    @activity.defn(name="run_attempt")
    async def run_attempt(self, ref: AttemptRef) -> AttemptOutcome:
        """Do the task's next step; SUCCESS when the script says nothing."""
        self.refs.append(ref)
        self.queues.append(activity.info().task_queue)
        self.started[ref.task_key].set()
        self.running_now += 1
        self.most_at_once = max(self.most_at_once, self.running_now)
        if self.running_now == self.release_at:
            self.release.set()
        try:
            return await self._step(ref)
        finally:
            self.running_now -= 1

    async def _step(self, ref: AttemptRef) -> AttemptOutcome:
        steps = self.steps.get(ref.task_key, [])
        step = steps.pop(0) if steps else AttemptResult.SUCCESS
        if ref.stop:
            step = self.stops.pop(0) if self.stops else AttemptResult.CANCELED
        if isinstance(step, Exception):
            raise step
        if step in ("hang", "break"):
            await self._hang()
            if step == "break":
                raise ApplicationError("the worker has died", non_retryable=True)
            step = AttemptResult.CANCELED
        elif step == "wait":
            await self.release.wait()
            step = AttemptResult.SUCCESS
        return AttemptOutcome(result=AttemptResult(step), ended_at=datetime.now(UTC))

    async def _hang(self) -> None:
        try:
            while True:
                activity.heartbeat()
                await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            return

    @activity.defn(name="project")
    async def project(self, projection: Projection) -> None:
        """Keep the events, as the database would."""
        if self.before_projection is not None:
            await self.before_projection(projection)
        if self.projection_failures > 0:
            self.projection_failures -= 1
            raise ApplicationError("the database is away")
        self.batches += 1
        stream = self.parts[projection.stream] if projection.stream else self.events
        for recorded in projection.events:
            known = stream.setdefault(recorded.seq, recorded.event)
            assert known == recorded.event, (recorded.seq, known, recorded.event)

    @activity.defn(name="judge")
    async def judge(self, ref: TaskRef) -> AttemptOutcome:
        """Answer what the script says of the condition."""
        outcome = self.conditions[ref.task_key]
        return AttemptOutcome.model_validate({"result": "SUCCESS", "condition": outcome})

    @activity.defn(name="expand")
    async def expand(self, ref: TaskRef) -> Expansion:
        """Answer what the script says of the inputs."""
        total, todo = self.inputs[ref.task_key]
        return Expansion(total=total, todo=todo)

    @activity.defn(name="run_child")
    async def run_child(self, ref: TaskRef) -> AttemptOutcome:
        """Do the task's next step, as another run would."""
        return await self._step(AttemptRef(**ref.model_dump(), engine=Engine.PYTHON))

    @activity.defn(name="land")
    async def land(self, request: LandRequest) -> AttemptOutcome:
        """Land the attempt as the script says."""
        self.landed.append(request)
        await self._pass_gate()
        results = self.landings.get(request.ref.task_key, [])
        result = results.pop(0) if results else AttemptResult.SUCCESS
        return request.outcome.model_copy(update={"result": result})

    @activity.defn(name="publish")
    async def publish(self, request: PublishRequest) -> PublishOutcome:
        """Answer what comes next."""
        self.published.append(request)
        await self._pass_gate()
        answer = self.publishing.pop(0) if self.publishing else PublishOutcome(published=True)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _pass_gate(self) -> None:
        self.at_gate.set()
        if self.gate is not None:
            await self.gate.wait()

    def attempts(self, task_key: str) -> int:
        """How often the task was submitted."""
        return len({ref.task_run_id for ref in self.refs if ref.task_key == task_key})


def plan(*tasks: TaskPlan, timeout_s: int = 0, **fields: object) -> RunPlan:
    """Make a run's plan with an id of its own."""
    return RunPlan(
        workspace_id=1,
        job_id=1,
        run_id=run_id_at(next(_run_numbers)),
        settings_hash="0" * 64,
        tasks=tasks,
        timeout_s=timeout_s,
    ).model_copy(update=fields)


def task(task_key: str, *after: str, **fields: object) -> TaskPlan:
    """Make one task of a plan, on the Python engine."""
    return TaskPlan.model_validate(
        {"task_key": task_key, "engine": Engine.PYTHON, "depends_on": after, **fields}
    )


def for_each(key: str, *after: str, concurrency: int = 1, **nested: object) -> TaskPlan:
    """Make a for-each task whose nested task runs on the Python engine."""
    inner = TaskPlan.model_validate({"task_key": "inner", "engine": Engine.PYTHON, **nested})
    return task(
        key, *after, engine=None, kind=TaskKind.FOR_EACH, concurrency=concurrency, nested=inner
    )


def fold(run_plan: RunPlan, script: Script) -> RunState:
    """Fold the projected events, as a reader of the database would."""
    state = new_state(run_plan)
    for seq in sorted(script.events):
        apply(state, script.events[seq])
    return state


@asynccontextmanager
async def running(client: Client, script: Script, host: str = "here") -> AsyncIterator[None]:
    """Run the workflow worker and one engine worker that follows the script."""
    own = [script.project, script.judge, script.expand, script.land, script.publish]
    async with (
        workflow_worker.build(client, own),
        workflow_worker.build_child_follower(client, script.run_child),
        Worker(
            client,
            task_queue=engine_queue(Engine.PYTHON),
            activities=[script.run_attempt],
            max_heartbeat_throttle_interval=timedelta(milliseconds=200),
        ),
        Worker(client, task_queue=host_queue(host), activities=[script.run_attempt]),
    ):
        yield


async def start(client: Client, run_plan: RunPlan) -> WorkflowHandle[object, Result]:
    """Start the run as the control plane does."""
    return await client.start_workflow(
        "JobRun",
        run_plan,
        id=workflow_id(run_plan.run_id, 0),
        task_queue=WORKFLOW_QUEUE,
        result_type=Result,
    )
