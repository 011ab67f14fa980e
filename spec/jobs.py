"""What a person writes or posts to define a job: Databricks' `JobSettings`."""

from typing import Annotated, Literal

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
        problems = graph_problems(self.tasks)
        problems += _duplicates("parameter", [p.name for p in self.parameters])
        problems += _duplicates("environment", [e.environment_key for e in self.environments])
        known = {e.environment_key for e in self.environments}
        for task in self.tasks:
            if task.environment_key is not None and task.environment_key not in known:
                problems.append(
                    f"task '{task.task_key}' names environment '{task.environment_key}', which the"
                    " job does not define under 'environments'"
                )
            try:
                engine_of(task)
            except ValueError as error:
                problems.append(f"task '{task.task_key}': {error}")
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _duplicates(what: str, names: list[str]) -> list[str]:
    seen: set[str] = set()
    twice = {name for name in names if name in seen or seen.add(name)}
    return [f"{what} '{name}' is defined twice" for name in sorted(twice)]


def graph_problems(tasks: tuple[Task, ...]) -> list[str]:
    """Return what is wrong with the task graph: duplicate and unknown keys, cycles; [] if sound."""
    keys = [task.task_key for task in tasks]
    problems = _duplicates("task_key", keys)
    known = set(keys)
    waiting: dict[str, set[str]] = {}
    for task in tasks:
        needs = {dependency.task_key for dependency in task.depends_on}
        for missing in sorted(needs - known):
            problems.append(
                f"task '{task.task_key}' depends on '{missing}', which is not a task of this job"
            )
        waiting[task.task_key] = needs & known
    while free := [key for key, needs in waiting.items() if not needs]:
        for key in free:
            del waiting[key]
        for needs in waiting.values():
            needs.difference_update(free)
    if waiting:
        problems.append(f"these tasks wait for each other in a cycle: {', '.join(sorted(waiting))}")
    return problems
