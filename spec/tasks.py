"""What a job's task may be: the fields every task shares and one small model a task type.

Names and limits are those of Databricks' Jobs API 2.2 (`jobs/create`, the object `Task`). A field
that is not here is refused, never dropped: a person must not believe that something works.
"""

from enum import StrEnum
from typing import Annotated, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _as_text(value: object) -> object:
    # YAML writes numbers and booleans bare where the API's maps hold text.
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_as_text)]
TaskKey = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]


class Model(BaseModel):
    """Base of the contract's models: immutable, and unknown fields are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


class SparkPythonTask(Model):
    """Run a Python file; on Spark, or as a plain process when the task has an `environment_key`."""

    python_file: str = Field(min_length=1)
    parameters: tuple[Text, ...] = ()
    source: Literal["WORKSPACE"] = "WORKSPACE"


class NotebookTask(Model):
    """Run a notebook, `.ipynb` or a `.py` file in Databricks' source form."""

    notebook_path: str = Field(min_length=1)
    base_parameters: dict[str, Text] = {}
    source: Literal["WORKSPACE"] = "WORKSPACE"


class SqlTaskFile(Model):
    """A `.sql` file in the workspace; statements are separated by semicolons."""

    path: str = Field(min_length=1)
    source: Literal["WORKSPACE"] = "WORKSPACE"


class SqlTaskQuery(Model):
    """A saved query."""

    query_id: str = Field(min_length=1)


class SqlTask(Model):
    """Run SQL on a warehouse: a file or a saved query."""

    warehouse_id: str = Field(min_length=1)
    file: SqlTaskFile | None = None
    query: SqlTaskQuery | None = None
    parameters: dict[str, Text] = {}

    @model_validator(mode="after")
    def _one_source(self) -> "SqlTask":
        if (self.file is None) == (self.query is None):
            raise ValueError("a sql_task names exactly one of 'file' and 'query'")
        return self


TASK_TYPES: dict[str, type[Model]] = {
    "notebook_task": NotebookTask,
    "spark_python_task": SparkPythonTask,
    "sql_task": SqlTask,
}

UNSUPPORTED_TASK_TYPES: dict[str, str] = {
    "spark_jar_task": "use spark_python_task",
    "spark_submit_task": "use spark_python_task",
    "python_wheel_task": "use spark_python_task with a small file that calls the entry point",
    "dbt_task": "use sql_task",
    "run_job_task": "trigger the other job over the API",
    "condition_task": "decide inside a spark_python_task",
    "for_each_task": "loop inside a spark_python_task",
    "pipeline_task": "use spark_python_task or sql_task",
    "dashboard_task": "use sql_task",
    "alert_task": "use a spark_python_task that fails when the condition holds",
    "power_bi_task": "call its API from a spark_python_task",
    "dbt_cloud_task": "use sql_task",
    "dbt_platform_task": "use sql_task",
    "clean_rooms_notebook_task": "use notebook_task",
    "gen_ai_compute_task": "use spark_python_task",
    "ai_runtime_task": "use spark_python_task",
    "python_operator_task": "use spark_python_task",
}
"""Task types of Databricks that are refused when a job is made, and what to use instead."""


def _keys(value: object) -> set[str]:
    return set(cast(dict[str, object], value)) if isinstance(value, dict) else set()


class Task(Model):
    """One step of a job; exactly one of the `…_task` fields is set."""

    task_key: TaskKey
    description: str | None = Field(default=None, max_length=1000)
    depends_on: tuple[TaskDependency, ...] = ()
    run_if: RunIf = RunIf.ALL_SUCCESS
    notebook_task: NotebookTask | None = None
    spark_python_task: SparkPythonTask | None = None
    sql_task: SqlTask | None = None
    environment_key: str | None = None
    """Names one of the job's environments: the task runs as a plain Python process."""
    timeout_seconds: int = Field(default=0, ge=0)
    """0 means no limit. Counts from the moment the attempt's work is opened."""
    max_retries: int = Field(default=0, ge=-1)
    """-1 retries for ever."""
    min_retry_interval_millis: int = Field(default=0, ge=0)
    """Counted from the start of the failed attempt to the start of the next."""
    retry_on_timeout: bool = False

    @model_validator(mode="before")
    @classmethod
    def _known_type(cls, value: object) -> object:
        fields = _keys(value)
        for name, instead in UNSUPPORTED_TASK_TYPES.items():
            if name in fields:
                raise ValueError(f"'{name}' is not supported by OpenLake; {instead}")
        return value

    @model_validator(mode="after")
    def _one_type(self) -> "Task":
        given = [name for name in TASK_TYPES if getattr(self, name) is not None]
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "has no task type"
            raise ValueError(
                f"task '{self.task_key}' {what}; give exactly one of {', '.join(TASK_TYPES)}"
            )
        if self.sql_task is not None and self.environment_key is not None:
            raise ValueError("a sql_task runs on its warehouse and takes no 'environment_key'")
        return self

    @property
    def kind(self) -> str:
        """The name of the field that is set, e.g. `sql_task`."""
        return next(name for name in TASK_TYPES if getattr(self, name) is not None)


class Engine(StrEnum):
    """Where an attempt's work runs; the registry of `activities` has one line for each."""

    PYTHON = "python"
    SPARK = "spark"
    DUCKDB = "duckdb"
    TRINO = "trino"


SQL_ENGINES = (Engine.DUCKDB, Engine.TRINO)


def engine_of(task: Task) -> Engine:
    """Return the engine that runs this task.

    A warehouse is named by its engine; code runs on Spark unless the task has an environment.

    Raises:
        ValueError: the warehouse does not exist.
    """
    if task.sql_task is not None:
        for engine in SQL_ENGINES:
            if task.sql_task.warehouse_id == engine.value:
                return engine
        names = " and ".join(f"'{engine.value}'" for engine in SQL_ENGINES)
        raise ValueError(
            f"there is no warehouse '{task.sql_task.warehouse_id}'; the warehouses are {names}"
        )
    return Engine.SPARK if task.environment_key is None else Engine.PYTHON
