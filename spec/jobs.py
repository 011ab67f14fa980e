"""What a person writes or posts to define a job: Databricks' `JobSettings`."""

from collections.abc import Sequence
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, field_validator, model_validator

from spec.tasks import Model, Task, Text, engine_of

JobParameterName = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[A-Za-z0-9_.-]+$")]


class JobParameter(Model):
    """A job parameter and the value it has when a run does not override it."""

    name: JobParameterName
    default: Text


class EnvironmentSpec(Model):
    """A plain Python environment; the worker's own interpreter and packages are used."""

    client: str | None = None
    environment_version: str | None = None
    dependencies: tuple[str, ...] = ()

    @field_validator("dependencies")
    @classmethod
    def _none_yet(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value:
            raise ValueError(
                "installing dependencies is not supported; remove them and use the packages of"
                " the worker's environment"
            )
        return value


class Environment(Model):
    """An environment that tasks refer to by `environment_key`."""

    environment_key: str = Field(min_length=1, max_length=100)
    spec: EnvironmentSpec = EnvironmentSpec()


class Queue(Model):
    """Whether a run that meets `max_concurrent_runs` waits (true) or is skipped (false)."""

    enabled: bool


class JobSettings(Model):
    """A job's definition; limits are Databricks' (Jobs API 2.2, `jobs/create`).

    Checked as a whole: task keys are unique, dependencies exist and have no cycle, environment
    keys and warehouses exist.
    """

    name: str = Field(default="Untitled", min_length=1, max_length=4096)
    description: str | None = Field(default=None, max_length=27_700)
    tags: dict[str, Text] = Field(default={}, max_length=25)
    tasks: tuple[Task, ...] = Field(default=(), max_length=1000)
    parameters: tuple[JobParameter, ...] = ()
    environments: tuple[Environment, ...] = ()
    max_concurrent_runs: int = Field(default=1, ge=0, le=1000)
    timeout_seconds: int = Field(default=0, ge=0)
    queue: Queue | None = None
    format: Literal["SINGLE_TASK", "MULTI_TASK"] = "MULTI_TASK"
    """Accepted for old clients and always read back as MULTI_TASK."""

    @field_validator("format", mode="after")
    @classmethod
    def _always_multi(cls, _: str) -> str:
        return "MULTI_TASK"

    @model_validator(mode="after")
    def _whole(self) -> "JobSettings":
        found = faults(self)
        if found:
            raise ValueError("; ".join(fault.message for fault in found))
        return self


class Fault(NamedTuple):
    """A mistake that shows only when a job is looked at as a whole."""

    path: tuple[int | str, ...]
    """Where it is best mended, e.g. ("tasks", 2, "depends_on", 0, "task_key")."""
    message: str


def faults(settings: JobSettings) -> list[Fault]:
    """Return what is wrong between the parts of a job: keys, dependencies, environments.

    Works on unvalidated settings too (`model_construct`); tasks with an empty key are passed over.
    """
    tasks = settings.tasks
    found = _twice("tasks", "task_key", [task.task_key for task in tasks])
    found += _twice("parameters", "name", [each.name for each in settings.parameters])
    found += _twice(
        "environments", "environment_key", [each.environment_key for each in settings.environments]
    )
    found += _dependency_faults(tasks)
    known = {environment.environment_key for environment in settings.environments}
    for i, task in enumerate(tasks):
        if task.environment_key is not None and task.environment_key not in known:
            message = (
                f"task '{task.task_key}' names environment '{task.environment_key}', which the job"
                " does not define under 'environments'"
            )
            found.append(Fault(("tasks", i, "environment_key"), message))
        try:
            engine_of(task)
        except ValueError as error:
            path = ("tasks", i, "sql_task", "warehouse_id")
            found.append(Fault(path, f"task '{task.task_key}': {error}"))
    return found


def _twice(where: str, field: str, names: list[str]) -> list[Fault]:
    seen: set[str] = set()
    found: list[Fault] = []
    for i, name in enumerate(names):
        if name in seen:
            found.append(Fault((where, i, field), f"{field} '{name}' is used twice; rename one"))
        elif name:
            seen.add(name)
    return found


def _dependency_faults(tasks: Sequence[Task]) -> list[Fault]:
    position = {task.task_key: i for i, task in enumerate(tasks) if task.task_key}
    graph: dict[str, set[str]] = {key: set() for key in position}
    found: list[Fault] = []
    for i, task in enumerate(tasks):
        for j, dependency in enumerate(task.depends_on):
            needed = dependency.task_key
            path = ("tasks", i, "depends_on", j, "task_key")
            if needed not in position:
                near = get_close_matches(needed, position, n=1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                message = f"depends on '{needed}', which is not a task of this job{hint}"
                found.append(Fault(path, f"task '{task.task_key}' {message}"))
            elif task.task_key:
                graph[task.task_key].add(needed)
    while cycle := _cycle(graph):
        path = ("tasks", position[cycle[0]], "depends_on")
        message = f"these tasks wait for each other in a cycle: {' → '.join(cycle)}"
        found.append(Fault(path, message))
        graph[cycle[0]].discard(cycle[1])
    return found


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return one cycle, each task followed by one that it waits for, first equal to last; or []."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        around: list[str] = error.args[1]
        return around[::-1]
    return []
