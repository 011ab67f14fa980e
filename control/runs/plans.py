"""Turns a run's row and settings into the input of its workflow."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from control.jobs.tables import SettingsSnapshot
from control.runs.tables import Run, RunExecution
from spec.api.runs import RunOverrides
from spec.ids import split_iteration
from spec.jobs import JobSettings
from spec.plans import Prior, RunPlan, TaskKind, TaskPlan
from spec.references import needs_upstream
from spec.tasks import BUILT_IN, Engine, Task, engine_of
from spec.triggers import CONTINUOUS_RETRIES, TriggerKind

_KINDS = {
    "condition_task": TaskKind.CONDITION,
    "run_job_task": TaskKind.RUN_JOB,
    "replay_task": TaskKind.RUN_JOB,
    "for_each_task": TaskKind.FOR_EACH,
}


def _kind(task: Task) -> TaskKind:
    care = task.table_care_task
    if care is not None and care.removes:
        return TaskKind.TABLE_CARE
    return _KINDS.get(task.kind, TaskKind.ENGINE)


def task_plan(
    task: Task,
    known: frozenset[str] | None = None,
    warehouses: Mapping[str, Engine] = BUILT_IN,
    given: Collection[str] = (),
) -> TaskPlan:
    """Return what the workflow must know of a task.

    Args:
        task: The task.
        known: The tasks that run beside it; edges from others are dropped. None means all.
        warehouses: Id → engine of those that the run has pinned.
        given: Texts of the run that every task may use: its parameters and overrides.
    """
    kind = _kind(task)
    edges = [edge for edge in task.depends_on if known is None or edge.task_key in known]
    for_each = task.for_each_task
    return TaskPlan(
        task_key=task.task_key,
        kind=kind,
        engine=engine_of(task, warehouses),
        depends_on=tuple(edge.task_key for edge in edges),
        outcomes={edge.task_key: edge.outcome for edge in edges if edge.outcome is not None},
        run_if=task.run_if,
        disabled=task.disabled,
        max_retries=task.max_retries,
        min_retry_interval_ms=task.min_retry_interval_millis,
        retry_on_timeout=task.retry_on_timeout,
        timeout_s=0 if kind is TaskKind.ENGINE else task.timeout_seconds,
        warn_after_s=(task.health.warn_after_s or 0) if task.health else 0,
        concurrency=for_each.concurrency if for_each else 1,
        nested=task_plan(for_each.task, None, warehouses, given) if for_each else None,
        reads_upstream=needs_upstream([task.model_dump_json(exclude_defaults=True), *given]),
    )


def run_plan(
    run: Run,
    snapshot: SettingsSnapshot,
    execution: RunExecution | None = None,
    warehouses: Mapping[str, Engine] = BUILT_IN,
) -> RunPlan:
    """Return the workflow's input; the same one every time it is asked for.

    Args:
        run: The run.
        snapshot: What its newest execution works from.
        execution: The newest execution's row, if it is a repair.
        warehouses: Id → engine of those that the snapshot has pinned.
    """
    settings = JobSettings.model_validate(snapshot.settings)
    prior = execution.prior if execution else {}
    overrides = RunOverrides.model_validate(run.overrides)
    only = overrides.only
    given = (overrides.model_dump_json(), *run.job_parameters.values())
    chosen = [task for task in settings.tasks if only is None or task.task_key in only]
    keys = frozenset(task.task_key for task in chosen)
    return RunPlan(
        workspace_id=run.workspace_id,
        job_id=run.job_id,
        run_id=run.run_id,
        execution=run.execution,
        first_ordinal=execution.first_ordinal if execution else 0,
        reserved_from=run.reserved_from,
        settings_hash=run.settings_hash,
        tasks=tuple(
            _for_ever(settings, run, task_plan(task, keys, warehouses, given)) for task in chosen
        ),
        prior={key: Prior.model_validate(value) for key, value in prior.items()},
        **_publishing(settings, keys),
        timeout_s=settings.timeout_seconds,
        warn_after_s=(settings.health.warn_after_s or 0) if settings.health else 0,
        paced=True,
        trigger=run.trigger,
        creator=run.creator,
    )


def _publishing(settings: JobSettings, keys: frozenset[str]) -> dict[str, Any]:
    """Return what makes the run a transaction; checks that are not asked for are not waited for."""
    policy = settings.publish
    if policy is None:
        return {}
    audit = tuple(key for key in policy.audit if key in keys)
    return {"publish": True, "audit": audit, "conflict": policy.conflict}


def _for_ever(settings: JobSettings, run: Run, plan: TaskPlan) -> TaskPlan:
    """Return a task's plan with the retries that a continuous job may ask for."""
    mode = settings.continuous.task_retry_mode if settings.continuous else "NEVER"
    is_retried = mode == "ON_FAILURE" and run.trigger.startswith(TriggerKind.CONTINUOUS.value)
    if not is_retried or plan.max_retries or plan.kind is TaskKind.CONDITION:
        return plan
    return plan.model_copy(update={"max_retries": CONTINUOUS_RETRIES})


def chosen_tasks(settings: JobSettings, only: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keys of the tasks that `only` of run-now means, in the job's order.

    `key` is the task itself, `+key` it and all that it depends on, `key+` it and all that depends
    on it.

    Raises:
        ValueError: there is no such task.
    """
    upstream = {
        task.task_key: {edge.task_key for edge in task.depends_on} for task in settings.tasks
    }
    downstream = dependents(settings)
    chosen: set[str] = set()
    for word in only:
        key = word.strip("+")
        if key not in upstream:
            raise ValueError(f"'only' names '{word}', which is not a task of this job")
        chosen.add(key)
        chosen |= reach(key, upstream) if word.startswith("+") else set()
        chosen |= reach(key, downstream) if word.endswith("+") else set()
    return tuple(key for key in upstream if key in chosen)


def rerun_after(settings: JobSettings, writers: Iterable[str]) -> set[str]:
    """Return the tasks that run again when a run's branch is cut anew; {} without writers.

    As `spec.run_ends.to_run_again` says it of a run under way: the writers, every check, and all
    that follows from any of them.
    """
    downstream = dependents(settings)
    again = {split_iteration(key)[0] for key in writers} & downstream.keys()
    if again and settings.publish is not None:
        again |= set(settings.publish.audit)
    return again.union(*(reach(key, downstream) for key in again))


def dependents(settings: JobSettings) -> dict[str, set[str]]:
    """Return of each task those that depend on it, without what lies further down."""
    found: dict[str, set[str]] = {task.task_key: set() for task in settings.tasks}
    for task in settings.tasks:
        for edge in task.depends_on:
            found[edge.task_key].add(task.task_key)
    return found


def reach(key: str, edges: dict[str, set[str]]) -> set[str]:
    """Return all that can be reached over the edges from a task, without itself."""
    found: set[str] = set()
    waiting = [key]
    while waiting:
        for each in edges[waiting.pop()] - found:
            found.add(each)
            waiting.append(each)
    return found
