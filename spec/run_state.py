"""What a run remembers while it lives, and how it begins; `spec.runs` changes it."""

from dataclasses import dataclass, field
from datetime import datetime

from spec.events import RunResult, StopCause
from spec.ids import reserved_ids
from spec.plans import Prior, RunPlan, TaskPhase, TaskPlan


@dataclass(slots=True)
class TaskState:
    """One task of a run."""

    plan: TaskPlan
    phase: TaskPhase = TaskPhase.BLOCKED
    attempts: int = 0
    """Over all executions of the run; the next attempt gets this number."""
    tries: int = 0
    """Attempts of this execution that count against `max_retries`."""
    lost: int = 0
    """Attempts that vanished; they do not count."""
    reserved: int | None = None
    """Task-run id of the execution's first attempt at the task, until it is used."""
    current: int | None = None
    """Task-run id of the attempt under way."""
    stopping: bool = False
    """Somebody cancelled the attempt under way."""
    scheduled_at: datetime | None = None
    retry_at: datetime | None = None
    condition: str | None = None
    message: str = ""


@dataclass(slots=True)
class RunState:
    """All a run remembers. Changed by `apply` alone, in place: an event costs O(its edges)."""

    plan: RunPlan
    tasks: dict[str, TaskState]
    dependents: dict[str, list[str]]
    open_dependencies: dict[str, int]
    unblocked: dict[str, None]
    """In order: tasks whose dependencies have all ended and which are not yet judged."""
    retrying: set[str] = field(default_factory=set[str])
    running: set[str] = field(default_factory=set[str])
    watched: set[str] = field(default_factory=set[str])
    """Those that run and have a health rule that has not warned yet."""
    unfinished: int = 0
    ordinal: int = 0
    seq: int = 0
    started_at: datetime | None = None
    warned: bool = False
    stop: StopCause | None = None
    stopped_by: str = ""
    publishes: int = 0
    """How often the execution has begun to publish."""
    publishing: bool = False
    """Its branch is being merged into main; only the catalog knows whether it has been."""
    published: tuple[str, ...] | None = None
    """The tables that are on main now, all of them; set once."""
    refused: str = ""
    """Why it was not published, for good."""
    result: RunResult | None = None
    message: str = ""

    @property
    def is_settling(self) -> bool:
        """True from when it begins to publish to its end, or until tasks run again."""
        return self.publishing or self.published is not None or bool(self.refused)


def new_state(plan: RunPlan) -> RunState:
    """Return the state before the first event of an execution, or of what is left of it."""
    graph = plan.graph()
    reserved = _reserved(plan)
    dependents: dict[str, list[str]] = {task.task_key: [] for task in graph}
    for task in graph:
        for upstream in task.depends_on:
            dependents[upstream].append(task.task_key)
    state = RunState(
        plan=plan,
        tasks={
            task.task_key: _begin(task, plan.prior.get(task.task_key), reserved.get(task.task_key))
            for task in graph
        },
        dependents=dependents,
        open_dependencies={task.task_key: len(task.depends_on) for task in graph},
        unblocked={},
        ordinal=max(plan.first_ordinal, (plan.reserved_from or 0) + len(reserved)),
        seq=plan.first_seq,
        publishes=plan.publishes,
        started_at=plan.started_at,
    )
    for key, task in state.tasks.items():
        if task.phase.is_final:
            for dependent in dependents[key]:
                state.open_dependencies[dependent] -= 1
        else:
            state.unfinished += 1
    for key, task in state.tasks.items():
        if task.phase is TaskPhase.WAITING_FOR_RETRY:
            state.retrying.add(key)
        elif task.phase is TaskPhase.BLOCKED and state.open_dependencies[key] == 0:
            state.unblocked[key] = None
    return state


def _reserved(plan: RunPlan) -> dict[str, int]:
    if plan.reserved_from is None:
        return {}
    return reserved_ids(plan.run_id, plan.reserved_from, (task.task_key for task in plan.tasks))


def _begin(plan: TaskPlan, prior: Prior | None, reserved: int | None) -> TaskState:
    if prior is None:
        return TaskState(plan, reserved=reserved)
    return TaskState(
        plan,
        reserved=None if prior.began or prior.phase is not None else reserved,
        phase=prior.phase or TaskPhase.BLOCKED,
        attempts=prior.attempts,
        tries=prior.tries,
        lost=prior.lost,
        condition=prior.condition,
        scheduled_at=prior.scheduled_at,
        retry_at=prior.retry_at,
    )


def continued(state: RunState) -> RunPlan:
    """Return the plan by which the execution goes on where it stands, in a fresh history.

    Raises:
        ValueError: an attempt is under way, or what the run wrote is being published.
    """
    if state.running or state.is_settling:
        raise ValueError(f"run {state.plan.run_id} has something under way")
    reserves = state.plan.reserved_from is not None
    prior = {
        key: Prior(
            phase=None if task.phase is TaskPhase.BLOCKED else task.phase,
            attempts=task.attempts,
            tries=task.tries,
            lost=task.lost,
            condition=task.condition,
            scheduled_at=task.scheduled_at if task.retry_at else None,
            retry_at=task.retry_at,
            began=reserves and task.reserved is None,
        )
        for key, task in state.tasks.items()
        if task.phase is not TaskPhase.BLOCKED
        or task.attempts
        or (reserves and task.reserved is None)
    }
    moved = {
        "prior": prior,
        "first_ordinal": state.ordinal,
        "first_seq": state.seq,
        "publishes": state.publishes,
        "started_at": state.started_at,
        "warn_after_s": 0 if state.warned else state.plan.warn_after_s,
    }
    return state.plan.model_copy(update=moved)
