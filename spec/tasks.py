"""What a job's task may be: the fields every task shares, and which engine runs it.

Names and limits are those of Databricks' Jobs API 2.2 (`jobs/create`, the object `Task`). A field
that is not here is refused, never dropped: a person must not believe that something works.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, cast

from pydantic import Field, model_validator

from spec.compute import ClusterSpec, Library
from spec.loads import LoadTask
from spec.model import Model, TaskKey
from spec.notices import EmailNotifications, Health, NotificationSettings, WebhookNotifications
from spec.replays import CompareTask, ReplayTask
from spec.table_care import TableCareTask
from spec.task_types import (
    FOR_EACH_CONCURRENCY,
    AirflowTask,
    CheckTask,
    ConditionTask,
    DbtTask,
    ForEachInputs,
    NotebookTask,
    PythonWheelTask,
    RunJobTask,
    SparkJarTask,
    SparkPythonTask,
    SparkSubmitTask,
    SqlTask,
)


class RunIf(StrEnum):
    """When a task runs, judged once all its dependencies have ended (Databricks `run_if`)."""

    ALL_SUCCESS = "ALL_SUCCESS"
    AT_LEAST_ONE_SUCCESS = "AT_LEAST_ONE_SUCCESS"
    NONE_FAILED = "NONE_FAILED"
    ALL_DONE = "ALL_DONE"
    AT_LEAST_ONE_FAILED = "AT_LEAST_ONE_FAILED"
    ALL_FAILED = "ALL_FAILED"


class TaskDependency(Model):
    """One edge of the graph: the task named here must end first."""

    task_key: TaskKey
    outcome: Literal["true", "false"] | None = None
    """Of a condition task: the outcome to follow; with the other one this edge is excluded."""


class Isolation(StrEnum):
    """What separates a Python task from others of its worker (OpenLake's own)."""

    PROCESS = "PROCESS"
    """A fresh interpreter, for code that nobody needs to trust; the default."""
    FORK = "FORK"
    """A process forked from a warm interpreter: it starts within milliseconds."""


UNSUPPORTED_TASK_TYPES: dict[str, str] = {
    "pipeline_task": "use notebook_task, spark_python_task or dbt_task",
    "dashboard_task": "use sql_task with the dashboard's queries",
    "alert_task": "use sql_task with 'alert'",
    "power_bi_task": "call its API from a spark_python_task",
    "dbt_cloud_task": "use dbt_task",
    "dbt_platform_task": "use dbt_task",
    "clean_rooms_notebook_task": "use notebook_task",
    "gen_ai_compute_task": "use spark_python_task",
    "ai_runtime_task": "use spark_python_task",
    "python_operator_task": "use spark_python_task",
}
"""Task types of Databricks that are refused when a job is made, and what to use instead."""


def _keys(value: object) -> set[str]:
    return set(cast(dict[str, object], value)) if isinstance(value, dict) else set()


class ForEachTask(Model):
    """Run one task for each of many inputs."""

    inputs: ForEachInputs
    task: "Task"
    concurrency: int = Field(default=1, ge=1, le=FOR_EACH_CONCURRENCY)

    @model_validator(mode="after")
    def _nested(self) -> "ForEachTask":
        if self.task.for_each_task is not None:
            raise ValueError("a for_each_task cannot hold another for_each_task")
        if self.task.depends_on or self.task.run_if is not RunIf.ALL_SUCCESS:
            raise ValueError("the task of a for_each_task takes no 'depends_on' and no 'run_if'")
        for name in ("email_notifications", "webhook_notifications", "notification_settings"):
            given = getattr(self.task, name)
            if given is not None and given != type(given)():
                raise ValueError(f"give '{name}' to the for_each_task; its iterations tell nobody")
        return self


class Task(Model):
    """One step of a job; exactly one of the `…_task` fields is set."""

    task_key: TaskKey
    description: str | None = Field(default=None, max_length=1000)
    depends_on: tuple[TaskDependency, ...] = ()
    run_if: RunIf = RunIf.ALL_SUCCESS
    disabled: bool = False
    """A disabled task does not run; what depends on it takes it for succeeded."""
    notebook_task: NotebookTask | None = None
    spark_python_task: SparkPythonTask | None = None
    python_wheel_task: PythonWheelTask | None = None
    spark_jar_task: SparkJarTask | None = None
    spark_submit_task: SparkSubmitTask | None = None
    sql_task: SqlTask | None = None
    dbt_task: DbtTask | None = None
    run_job_task: RunJobTask | None = None
    condition_task: ConditionTask | None = None
    for_each_task: ForEachTask | None = None
    airflow_task: AirflowTask | None = None
    check_task: CheckTask | None = None
    table_care_task: TableCareTask | None = None
    load_task: LoadTask | None = None
    replay_task: ReplayTask | None = None
    compare_task: CompareTask | None = None
    environment_key: str | None = None
    """Names one of the job's environments: the task runs as a plain Python process."""
    job_cluster_key: str | None = None
    new_cluster: ClusterSpec | None = None
    existing_cluster_id: str | None = None
    """Names a compute profile of the engine workers."""
    libraries: tuple[Library, ...] | None = None
    isolation: Isolation | None = None
    """Of Python code without Spark: PROCESS (the default) starts a fresh interpreter; FORK forks a
    warm one, and starts within milliseconds."""
    timeout_seconds: int = Field(default=0, ge=0)
    """0 means no limit. Counts from the moment the attempt's work is opened."""
    max_retries: int = Field(default=0, ge=-1)
    """-1 retries for ever."""
    min_retry_interval_millis: int = Field(default=0, ge=0)
    """Counted from the start of the failed attempt to the start of the next."""
    retry_on_timeout: bool = False
    disable_auto_optimization: bool | None = None
    """Accepted without effect: nothing is retried that `max_retries` does not name."""
    email_notifications: EmailNotifications | None = None
    webhook_notifications: WebhookNotifications | None = None
    notification_settings: NotificationSettings | None = None
    health: Health | None = None

    @model_validator(mode="before")
    @classmethod
    def _known_type(cls, value: object) -> object:
        fields = _keys(value)
        for name, instead in UNSUPPORTED_TASK_TYPES.items():
            if name in fields:
                raise ValueError(f"'{name}' is not supported by OpenLake; {instead}")
        return value

    @model_validator(mode="after")
    def _sound(self) -> "Task":
        given = [name for name in TASK_TYPES if getattr(self, name) is not None]
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "has no task type"
            raise ValueError(
                f"task '{self.task_key}' {what}; give exactly one of {', '.join(TASK_TYPES)}"
            )
        for problem in [*_compute_problems(self), *_isolation_problems(self)]:
            raise ValueError(problem)
        if self.condition_task is not None and self.max_retries:
            raise ValueError("a condition_task is never retried; remove 'max_retries'")
        return self

    @property
    def kind(self) -> str:
        """The name of the field that is set, e.g. `sql_task`; empty in an unchecked task."""
        return next((name for name in TASK_TYPES if getattr(self, name) is not None), "")


ForEachTask.model_rebuild()

TASK_TYPES: tuple[str, ...] = tuple(name for name in Task.model_fields if name.endswith("_task"))
"""The fields of `Task` of which exactly one is set."""

_COMPUTE = ("environment_key", "job_cluster_key", "new_cluster", "existing_cluster_id")
_CODE = ("notebook_task", "spark_python_task", "python_wheel_task")
_JVM = ("spark_jar_task", "spark_submit_task")


def _compute_problems(task: Task) -> list[str]:
    given = [name for name in _COMPUTE if getattr(task, name) is not None]
    if len(given) > 1:
        return [f"give only one of {', '.join(given)}"]
    kind = task.kind
    if kind in _CODE:
        return []
    allowed = {"dbt_task": ("environment_key",), **dict.fromkeys(_JVM, _COMPUTE[1:])}
    if task.table_care_task is not None and task.table_care_task.rewrites:
        allowed[kind] = _COMPUTE[1:]
    wrong = [name for name in given if name not in allowed.get(kind, ())]
    if wrong:
        return [f"a {kind} takes no '{wrong[0]}'; remove it"]
    if task.libraries and kind not in ("dbt_task", *_JVM):
        return [f"a {kind} takes no 'libraries'; remove them"]
    return []


def _isolation_problems(task: Task) -> list[str]:
    if task.isolation is None:
        return []
    if task.kind not in _CODE:
        return [f"a {task.kind} takes no 'isolation'; remove it"]
    if task.environment_key is None:
        return [
            f"'isolation' is for code without Spark: give the task '{task.task_key}' an"
            " 'environment_key', or remove 'isolation'"
        ]
    return []


class Engine(StrEnum):
    """Where an attempt's work runs; the registry of `activities` has one line for each."""

    PYTHON = "python"
    SPARK = "spark"
    DUCKDB = "duckdb"
    TRINO = "trino"
    AIRFLOW = "airflow"


SQL_ENGINES = (Engine.DUCKDB, Engine.TRINO)


BUILT_IN: Mapping[str, Engine] = {engine.value: engine for engine in SQL_ENGINES}
"""The warehouses that every workspace has from the beginning: id → engine."""


def warehouse_of(task: Task) -> str | None:
    """Return the id of the warehouse that a task names, if it names one."""
    named = task.sql_task or task.check_task or task.dbt_task
    return named.warehouse_id if named is not None else None


def engine_of(task: Task, warehouses: Mapping[str, Engine] = BUILT_IN) -> Engine | None:
    """Return the engine that runs this task; None when the control plane itself does.

    SQL runs on the engine of its warehouse; code runs on Spark unless the task has an environment.

    Args:
        task: The task.
        warehouses: Id → engine of those that it may name.

    Raises:
        ValueError: the warehouse does not exist.
    """
    if task.dbt_task is not None:
        return Engine.PYTHON
    if (warehouse_id := warehouse_of(task)) is not None:
        return warehouse_engine(warehouse_id, warehouses)
    if task.sql_task is not None or task.check_task is not None:
        # A run's settings name one: its workspace's default, which is not known here.
        return Engine.DUCKDB
    if task.airflow_task is not None:
        return Engine.AIRFLOW
    if task.load_task is not None or task.compare_task is not None:
        return Engine.DUCKDB
    if task.table_care_task is not None:
        return Engine.SPARK if task.table_care_task.rewrites else None
    if task.kind in _JVM:
        return Engine.SPARK
    if task.kind in _CODE:
        return Engine.SPARK if task.environment_key is None else Engine.PYTHON
    return None


def warehouse_engine(warehouse_id: str, warehouses: Mapping[str, Engine] = BUILT_IN) -> Engine:
    """Return the engine of a warehouse.

    Raises:
        ValueError: there is no such warehouse; says which there are.
    """
    if warehouse_id in warehouses:
        return warehouses[warehouse_id]
    names = ", ".join(f"'{each}'" for each in warehouses)
    raise ValueError(f"there is no warehouse '{warehouse_id}'; the warehouses are {names}")
