"""What a person writes or posts to define a job: Databricks' `JobSettings`."""

from collections.abc import Sequence
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, field_validator, model_validator

from spec.compute import Environment, JobCluster
from spec.git import GitSource
from spec.model import Model, Text
from spec.notices import EmailNotifications, Health, NotificationSettings, WebhookNotifications
from spec.publish import PublishPolicy
from spec.reference_names import wrong_in, wrong_references
from spec.schedules import Continuous, CronSchedule, TriggerSettings
from spec.tasks import Task, warehouse_of
from spec.warehouses import is_warehouse_id

JobParameterName = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[A-Za-z0-9_.-]+$")]


class JobParameter(Model):
    """A job parameter and the value it has when a run does not override it."""

    name: JobParameterName
    default: Text


class Queue(Model):
    """Whether a run that meets `max_concurrent_runs` waits (true) or is skipped (false)."""

    enabled: bool


class RunAs(Model):
    """Whose rights the job's runs have."""

    user_name: str | None = None
    service_principal_name: str | None = None

    @model_validator(mode="after")
    def _one(self) -> "RunAs":
        if (self.user_name is None) == (self.service_principal_name is None):
            raise ValueError("run_as names exactly one of 'user_name', 'service_principal_name'")
        return self

    @property
    def name(self) -> str:
        """Who is named."""
        return self.user_name or self.service_principal_name or ""


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
    job_clusters: tuple[JobCluster, ...] = Field(default=(), max_length=100)
    git_source: GitSource | None = None
    run_as: RunAs | None = None
    schedule: CronSchedule | None = None
    trigger: TriggerSettings | None = None
    continuous: Continuous | None = None
    email_notifications: EmailNotifications | None = None
    webhook_notifications: WebhookNotifications | None = None
    notification_settings: NotificationSettings | None = None
    health: Health | None = None
    edit_mode: Literal["UI_LOCKED", "EDITABLE"] | None = None
    """Kept for clients; the API lets anybody with the right edit."""
    deployment: dict[str, Any] | None = None
    """Kept for the tool that deployed the job."""
    parent_path: str | None = None
    performance_target: Literal["STANDARD", "PERFORMANCE_OPTIMIZED"] | None = None
    """Accepted without effect, as are the two policies."""
    budget_policy_id: str | None = None
    usage_policy_id: str | None = None
    publish: PublishPolicy | None = None
    """OpenLake's own: the run is one transaction, see `spec.publish`. None: tasks write to main."""
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

    def every_task(self) -> tuple[Task, ...]:
        """Return the tasks and what their for-eaches run."""
        nested = (task.for_each_task.task for task in self.tasks if task.for_each_task is not None)
        return (*self.tasks, *nested)


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
    clusters = [each.job_cluster_key for each in settings.job_clusters]
    environments = [each.environment_key for each in settings.environments]
    found = _twice("tasks", "task_key", [task.task_key for task in tasks])
    found += _twice("parameters", "name", [each.name for each in settings.parameters])
    found += _twice("environments", "environment_key", environments)
    found += _twice("job_clusters", "job_cluster_key", clusters)
    found += _dependency_faults(tasks)
    keys = {task.task_key for task in tasks}
    for i, task in enumerate(tasks):
        found += _task_faults(("tasks", i), task, environments, clusters, settings)
        found += _reference_faults(("tasks", i), task, keys)
    found += _publish_faults(settings)
    for i, each in enumerate(settings.parameters):
        wrong = wrong_in(getattr(each, "default", ""), keys)
        found += [Fault(("parameters", i, "default"), message) for message in wrong]
    starters = [
        name for name in ("schedule", "trigger", "continuous") if getattr(settings, name, None)
    ]
    if len(starters) > 1:
        message = f"a job starts by one of {' and '.join(starters)}, not by both; remove one"
        found.append(Fault((starters[1],), message))
    return found


def _publish_faults(settings: JobSettings) -> list[Fault]:
    """Return what is wrong with the checks that stand before publishing."""
    audit = getattr(settings.publish, "audit", ())
    position = {task.task_key: i for i, task in enumerate(settings.tasks)}
    found: list[Fault] = []
    for i, key in enumerate(audit):
        path: tuple[int | str, ...] = ("publish", "audit", i)
        if key not in position:
            near = get_close_matches(key, position, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            message = f"publish.audit names '{key}', which is not a task of this job{hint}"
            found.append(Fault(path, message))
        elif not settings.tasks[position[key]].depends_on and len(position) > 1:
            message = (
                f"task '{key}' is in publish.audit and would run before what it checks is written;"
                " give it 'depends_on': the tasks whose tables it looks at"
            )
            found.append(Fault(("tasks", position[key], "depends_on"), message))
    if settings.publish is not None:
        found += _care_faults(settings.tasks)
    return found + _twice_named(audit)


def _care_faults(tasks: Sequence[Task]) -> list[Fault]:
    """Refuse table care in a transaction: it rewrites what others write, and deletes files."""
    message = "a table_care_task looks at all branches; give it a job of its own, without 'publish'"
    return [
        Fault(("tasks", i, "table_care_task"), message)
        for i, task in enumerate(tasks)
        if getattr(task, "table_care_task", None) is not None
    ]


def _twice_named(audit: Sequence[str]) -> list[Fault]:
    again = [i for i, key in enumerate(audit) if key in audit[:i]]
    return [
        Fault(("publish", "audit", i), f"publish.audit names '{audit[i]}' twice; remove one")
        for i in again
    ]


def _task_faults(
    at: tuple[int | str, ...],
    task: Task,
    environments: list[str],
    clusters: list[str],
    settings: JobSettings,
) -> list[Fault]:
    found: list[Fault] = []
    who = f"task '{task.task_key}'"
    for field, known, where in (
        ("environment_key", environments, "environments"),
        ("job_cluster_key", clusters, "job_clusters"),
    ):
        name = getattr(task, field)
        if name is not None and name not in known:
            what = field.removesuffix("_key").replace("job_", "").replace("_", " ")
            message = f"{who} names {what} '{name}', which the job does not define under '{where}'"
            found.append(Fault((*at, field), message))
    warehouse_id = warehouse_of(task)
    if isinstance(warehouse_id, str) and not is_warehouse_id(warehouse_id):
        message = (
            f"{who}: there is no warehouse '{warehouse_id}'; the warehouses are 'duckdb', 'trino'"
            " and those that were made, whose ids are 16 hexadecimal digits"
        )
        found.append(Fault((*at, task.kind, "warehouse_id"), message))
    for path in ((task.kind, "source"), (task.kind, "file", "source")):
        if _inside(task, path) == "GIT" and settings.git_source is None:
            message = f"{who} takes its file from GIT, but the job has no 'git_source'; add one"
            found.append(Fault((*at, *path), message))
    if task.for_each_task is not None:
        inner = (*at, "for_each_task", "task")
        found += _task_faults(inner, task.for_each_task.task, environments, clusters, settings)
    return found


def _reference_faults(at: tuple[int | str, ...], task: Task, keys: set[str]) -> list[Fault]:
    wrong = wrong_references(task.kind, getattr(task, task.kind, None), keys)
    found = [
        Fault((*at, task.kind, *path), f"task '{task.task_key}': {message}")
        for path, message in wrong
    ]
    if task.for_each_task is not None:
        found += _reference_faults((*at, "for_each_task", "task"), task.for_each_task.task, keys)
    return found


def _inside(owner: object, path: tuple[str, ...]) -> object:
    for name in path:
        owner = getattr(owner, name, None)
    return owner


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
                is_condition = tasks[position[needed]].condition_task is not None
                if dependency.outcome is not None and not is_condition:
                    message = f"'{needed}' is no condition_task and has no 'outcome'; remove it"
                    path = ("tasks", i, "depends_on", j, "outcome")
                    found.append(Fault(path, f"task '{task.task_key}': {message}"))
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
