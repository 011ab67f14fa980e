"""The task types: one small model each, in the names and limits of Databricks' Jobs API 2.2.

A field that is not here is refused, never dropped: a person must not believe that something works.
"""

import json
import re
from enum import StrEnum
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, model_validator

from spec.model import Model, Text
from spec.spark_submit import parse as parse_submission

Source = Literal["WORKSPACE", "GIT"]
"""Where a file lies; None means GIT in a job with `git_source`, else WORKSPACE."""


class SparkPythonTask(Model):
    """Run a Python file; on Spark, or as a plain process when the task has an `environment_key`."""

    python_file: str = Field(min_length=1)
    parameters: tuple[Text, ...] = ()
    source: Source | None = None


class NotebookTask(Model):
    """Run a notebook, `.ipynb` or a `.py` file in Databricks' source form."""

    notebook_path: str = Field(min_length=1)
    base_parameters: dict[str, Text] = {}
    source: Source | None = None


class PythonWheelTask(Model):
    """Call an entry point of an installed package; list its wheel under `libraries`.

    The entry point is one of the package's metadata, else the function `package.entry_point`.
    """

    package_name: str = Field(min_length=1)
    entry_point: str = Field(min_length=1)
    parameters: tuple[Text, ...] = ()
    named_parameters: dict[str, Text] = {}
    """Arrive as `--name=value`."""

    @model_validator(mode="after")
    def _one_form(self) -> "PythonWheelTask":
        if self.parameters and self.named_parameters:
            raise ValueError("give either 'parameters' or 'named_parameters', not both")
        return self


class SparkJarTask(Model):
    """Run the main class of a jar on Spark; list the jar under `libraries`."""

    main_class_name: str = Field(min_length=1)
    parameters: tuple[Text, ...] = ()


class SparkSubmitTask(Model):
    """Run `spark-submit` with these arguments."""

    parameters: tuple[Text, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _readable(self) -> "SparkSubmitTask":
        parse_submission(self.parameters)
        return self


class SqlTaskFile(Model):
    """A `.sql` file; statements are separated by semicolons."""

    path: str = Field(min_length=1)
    source: Source | None = None


class SqlTaskQuery(Model):
    """A saved query."""

    query_id: str = Field(min_length=1)


class Subscription(Model):
    """Who hears of an alert: a user by e-mail, or a notification destination."""

    user_name: str | None = None
    destination_id: str | None = None

    @model_validator(mode="after")
    def _one(self) -> "Subscription":
        if (self.user_name is None) == (self.destination_id is None):
            raise ValueError("a subscription names exactly one of 'user_name', 'destination_id'")
        return self


class SqlTaskAlert(Model):
    """An alert: its query is run and its condition judged."""

    alert_id: str = Field(min_length=1)
    subscriptions: tuple[Subscription, ...] = ()
    pause_subscriptions: bool = False


class SqlTask(Model):
    """Run SQL on a warehouse: a file, a saved query or an alert."""

    warehouse_id: Annotated[str, Field(min_length=1)] | None = None
    """The workspace's default one if it is left out."""
    file: SqlTaskFile | None = None
    query: SqlTaskQuery | None = None
    alert: SqlTaskAlert | None = None
    parameters: dict[str, Text] = {}

    @model_validator(mode="before")
    @classmethod
    def _no_dashboard(cls, value: object) -> object:
        if isinstance(value, dict) and "dashboard" in value:
            raise ValueError(
                "a sql_task with 'dashboard' is not supported by OpenLake; give the dashboard's"
                " queries as 'query' tasks"
            )
        return value  # pyright: ignore[reportUnknownVariableType]

    @model_validator(mode="after")
    def _one_source(self) -> "SqlTask":
        if sum(given is not None for given in (self.file, self.query, self.alert)) != 1:
            raise ValueError("a sql_task names exactly one of 'file', 'query' and 'alert'")
        return self


_TABLE = re.compile(r"[^.]*[^.\s][^.]*(\.[^.]*[^.\s][^.]*){1,2}\Z")


class Freshness(Model):
    """The newest value of a column may not be older than this; an empty table is not fresh."""

    column: str = Field(min_length=1)
    max_age_seconds: int = Field(ge=1)


class CheckTask(Model):
    """A rule that data has to keep; OpenLake's own task type.

    Either a query that must return no rows, or rules for one table. The rows that break the rule
    are the task's output.
    """

    warehouse_id: Annotated[str, Field(min_length=1)] | None = None
    """The workspace's default one if it is left out."""
    sql: Text | None = None
    """One query; every row it returns breaks the rule."""
    parameters: dict[str, Text] = {}
    """Values of the query's `:name` markers."""
    table: str | None = None
    """`schema.table` or `catalog.schema.table`, without quotes."""
    min_rows: int | None = Field(default=None, ge=0)
    max_rows: int | None = Field(default=None, ge=0)
    freshness: Freshness | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> "CheckTask":
        if (self.sql is None) == (self.table is None):
            raise ValueError("a check_task names exactly one of 'sql' and 'table'")
        rules = (self.min_rows, self.max_rows, self.freshness)
        if self.table is None and any(rule is not None for rule in rules):
            raise ValueError("'min_rows', 'max_rows' and 'freshness' are rules of a 'table'")
        if self.table is not None and all(rule is None for rule in rules):
            raise ValueError("give the table a rule: 'min_rows', 'max_rows' or 'freshness'")
        if self.table is not None and self.parameters:
            raise ValueError("'parameters' belong to 'sql'")
        if self.table is not None and "{{" not in self.table and not _TABLE.match(self.table):
            raise ValueError("'table' is written schema.table or catalog.schema.table")
        if self.sql is not None and "{{" in self.sql:
            raise ValueError(
                "references in 'sql' are not replaced: give the value as one of 'parameters' and"
                " write :name"
            )
        return self


DbtCommand = Annotated[Text, Field(pattern=r"^\s*dbt(\s|$)")]


class DbtTask(Model):
    """Run dbt in a project folder, on a warehouse or with the project's own profiles."""

    commands: tuple[DbtCommand, ...] = Field(min_length=1, max_length=10)
    project_directory: str | None = None
    """The workspace folder (or folder in the git repository) that holds `dbt_project.yml`."""
    profiles_directory: str | None = None
    warehouse_id: str | None = None
    catalog: str | None = None
    schema_: str | None = Field(default=None, alias="schema")
    source: Source | None = None

    @model_validator(mode="after")
    def _profiles(self) -> "DbtTask":
        if self.warehouse_id is not None and self.profiles_directory is not None:
            raise ValueError("with 'warehouse_id' the profile is made; drop 'profiles_directory'")
        if self.catalog is not None and self.warehouse_id is None:
            raise ValueError("'catalog' needs 'warehouse_id'")
        return self


class LegacyParameters(Model):
    """Values for all tasks of one kind, as run-now took them before there were job parameters.

    An empty one is as good as none: some clients, as Airflow's workflow groups, send all of them.
    """

    notebook_params: dict[str, Text] | None = None
    """Merged over `base_parameters` of notebook tasks."""
    python_params: tuple[Text, ...] | None = None
    """Replaces `parameters` of spark_python and wheel tasks."""
    python_named_params: dict[str, Text] | None = None
    """Merged over `named_parameters` of wheel tasks."""
    jar_params: tuple[Text, ...] | None = None
    """Replaces `parameters` of jar tasks."""
    spark_submit_params: tuple[Text, ...] | None = None
    """Replaces `parameters` of spark_submit tasks."""
    sql_params: dict[str, Text] | None = None
    """Merged over `parameters` of sql tasks."""
    dbt_commands: tuple[DbtCommand, ...] | None = None
    """Replaces `commands` of dbt tasks."""

    @model_validator(mode="before")
    @classmethod
    def _given(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        given = cast(dict[str, object], value)
        legacy = LegacyParameters.model_fields
        return {k: v for k, v in given.items() if k not in legacy or v not in ([], {}, ())}

    @model_validator(mode="after")
    def _sound(self) -> "LegacyParameters":
        if self.notebook_params is not None and self.jar_params is not None:
            raise ValueError("'notebook_params' and 'jar_params' cannot be given together")
        for name in LegacyParameters.model_fields:
            value = getattr(self, name)
            size = 0 if value is None else len(json.dumps(value).encode())
            if size > LEGACY_BYTES:
                raise ValueError(f"'{name}' has at most {LEGACY_BYTES} bytes of JSON, not {size}")
        if self.spark_submit_params is not None:
            parse_submission(self.spark_submit_params)
        return self


LEGACY_BYTES = 10_000


class RunJobTask(LegacyParameters):
    """Run another job and take over how it ends."""

    job_id: int
    job_parameters: dict[str, Text] = {}


class ConditionOp(StrEnum):
    """EQUAL_TO and NOT_EQUAL compare text ("12.0" is not "12"); the others compare numbers."""

    EQUAL_TO = "EQUAL_TO"
    NOT_EQUAL = "NOT_EQUAL"
    GREATER_THAN = "GREATER_THAN"
    GREATER_THAN_OR_EQUAL = "GREATER_THAN_OR_EQUAL"
    LESS_THAN = "LESS_THAN"
    LESS_THAN_OR_EQUAL = "LESS_THAN_OR_EQUAL"


class ConditionTask(Model):
    """Compare two values; dependents choose the outcome "true" or "false" that they follow."""

    op: ConditionOp
    left: Text
    right: Text


class AirflowTask(Model):
    """Trigger a DAG run of an Airflow and follow it; OpenLake's own task type."""

    dag_id: str = Field(min_length=1, max_length=250)
    conf: dict[str, Any] = {}
    """The DAG run's `conf`; references are resolved in every text of it."""
    connection: str = "airflow"
    """Names one of the Airflow servers that the engine workers are configured with."""


def _inputs_as_text(value: object) -> object:
    return json.dumps(value) if isinstance(value, list | tuple) else value


ForEachInputs = Annotated[str, BeforeValidator(_inputs_as_text), Field(min_length=1)]
"""A JSON array as text, a list, or a reference that gives one."""

FOR_EACH_CONCURRENCY = 100
