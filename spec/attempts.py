"""One attempt, as workflow, engine worker and control plane speak of it.

The workflow hands an engine worker an `AttemptRef`: names only. The worker opens the attempt at
the internal API and gets an `AttemptWork`: everything the work needs, resolved for this attempt
alone. It ends with an `AttemptOutcome`, small enough for a workflow history; what is large (logs,
output) has gone to the internal API before.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    field_validator,
    model_validator,
)

from spec.alerts import AlertState
from spec.compute import MavenLibrary
from spec.loads import FileFormat, LoadTask
from spec.tasks import Engine, Isolation
from spec.text import storable


class Frozen(BaseModel):
    """Base of messages between our own processes; unknown fields are kept out of the way."""

    model_config = ConfigDict(frozen=True)


class TaskRef(Frozen):
    """Names one attempt of one task of one run."""

    workspace_id: int
    job_id: int
    run_id: int
    execution: int = 0
    """0 is the run's original execution; n its n-th repair."""
    task_key: str
    """Of an iteration of a for-each: see `spec.ids.iteration_key`."""
    attempt: int
    """0 for the first, as Databricks' `attempt_number`."""
    task_run_id: int


class AttemptRef(TaskRef):
    """An attempt that an engine worker is to drive."""

    engine: Engine
    handle: str | None = None
    """What an earlier execution of this very attempt had already submitted, if known."""
    stop: bool = False
    """Submit nothing: find what was submitted under the key, stop it, and report CANCELED."""


class AttemptResult(StrEnum):
    """How an attempt ended."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    TIMEDOUT = "TIMEDOUT"
    CANCELED = "CANCELED"
    LOST = "LOST"
    """Its machine or process vanished; what it did can only be seen in the tables."""
    CONFLICT = "CONFLICT"
    """It did its work, but another task of its run had landed a change of the same table meanwhile:
    nothing of it counts, and the task runs again on the new state."""


class AttemptOutcome(Frozen):
    """The end of an attempt."""

    result: AttemptResult
    code: str = "SUCCESS"
    """Databricks' termination code, e.g. RUN_EXECUTION_ERROR."""
    message: str = ""
    """One sentence for a person, at most 1,000 characters; `storable`."""
    started_at: datetime | None = None
    """When the user's work began to run; None when it never did."""
    ended_at: datetime | None = None
    condition: Literal["true", "false"] | None = None
    """The outcome of a condition task."""

    @field_validator("message", mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        return storable(value)


class SqlDialect(StrEnum):
    """What SQL text is written in."""

    ENGINE = "engine"
    """The engine's own dialect; the text is sent as it is."""
    DATABRICKS = "databricks"
    """Databricks SQL, which is translated to the engine's dialect."""


class PythonProgram(Frozen):
    """Run a Python file; `path` is relative to the work folder that `files` fill."""

    type: Literal["python"] = "python"
    path: str
    parameters: tuple[str, ...] = ()


class NotebookProgram(Frozen):
    """Run a notebook with these widget values."""

    type: Literal["notebook"] = "notebook"
    path: str
    parameters: dict[str, str] = {}


class SqlProgram(Frozen):
    """Run one or more SQL statements; parameters are bound as `:name`, never pasted as text."""

    type: Literal["sql"] = "sql"
    text: str
    parameters: dict[str, str] = {}
    dialect: SqlDialect = SqlDialect.ENGINE
    """What the text is written in."""
    catalog: str | None = None
    """The catalog and schema of names without one; the lakehouse's own when unset."""
    schema_name: str | None = None
    check: bool = False
    """The last statement must give no row; the attempt fails if it does, and keeps the rows."""


class WheelProgram(Frozen):
    """Call an entry point of an installed package; see `activities.programs.run_wheel`."""

    type: Literal["wheel"] = "wheel"
    package_name: str
    entry_point: str
    parameters: tuple[str, ...] = ()


class JarProgram(Frozen):
    """Run a main class on Spark; it is in the jar at `path`, or in any of the libraries."""

    type: Literal["jar"] = "jar"
    main_class_name: str | None = None
    """None: the one that the jar's manifest names."""
    path: str | None = None
    """Relative to the work folder."""
    parameters: tuple[str, ...] = ()


class AirflowProgram(Frozen):
    """Trigger a DAG run with this `conf` on one of the Airflow servers that the worker knows."""

    type: Literal["airflow"] = "airflow"
    dag_id: str
    conf: dict[str, JsonValue] = {}
    connection: str = "airflow"


class DbtProgram(Frozen):
    """Run dbt's commands in a project; the work folder holds the whole project."""

    type: Literal["dbt"] = "dbt"
    commands: tuple[str, ...]
    project: str
    """Folder of `dbt_project.yml`, relative to the work folder."""
    profiles: str | None = None
    """Folder of `profiles.yml`, relative to the project; only without a warehouse."""
    warehouse: Engine | None = None
    """The profile is made for it; None when the project brings its own."""
    catalog: str | None = None
    schema_name: str = "default"


class LoadProgram(Frozen):
    """Load an uploaded file into a table; see `activities.programs.load_file`."""

    type: Literal["load"] = "load"
    task: LoadTask
    name: str = ""
    """Of the file."""
    format: FileFormat = FileFormat.CSV
    url: str = ""
    """Where the file can be fetched for some hours; a secret."""


class TablePair(Frozen):
    """One table after each of two runs: the addresses of its metadata; None where it is not."""

    table: str
    before: str | None = None
    after: str | None = None


class InputPair(Frozen):
    """A table of which two runs loaded different snapshots."""

    table: str
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()


class CompareProgram(Frozen):
    """Compare the tables of two runs; see `activities.programs.compare_tables`."""

    type: Literal["compare"] = "compare"
    run_id: str
    with_run_id: str
    outputs: tuple[TablePair, ...] = ()
    inputs: tuple[InputPair, ...] = ()


class TableCareProgram(Frozen):
    """Rewrite data files and manifests of tables; see `activities.programs.run_table_care`."""

    type: Literal["table_care"] = "table_care"
    tables: tuple[str, ...]
    """Patterns as in `spec.table_care.TableCareTask`."""
    compact: bool = False
    target_file_size_bytes: int | None = None
    min_input_files: int = 5
    rewrite_manifests: bool = False


Program = Annotated[
    PythonProgram
    | NotebookProgram
    | SqlProgram
    | WheelProgram
    | JarProgram
    | AirflowProgram
    | DbtProgram
    | LoadProgram
    | CompareProgram
    | TableCareProgram,
    Field(discriminator="type"),
]


class PythonLibraries(Frozen):
    """What is installed on top of the worker's own packages; equal content is one environment."""

    requirements: tuple[str, ...] = ()
    """Lines of a requirements file; `./<path>` is one of `files`."""
    files: dict[str, str] = {}
    """Relative path → SHA-256 of a wheel."""
    indexes: tuple[str, ...] = ()
    """Package indexes to ask before the worker's own."""


class Compute(Frozen):
    """What the attempt's program runs on, beside the engine itself."""

    python: PythonLibraries | None = None
    """None: the worker's own packages are all."""
    maven: tuple[MavenLibrary, ...] = ()
    spark_conf: dict[str, str] = {}
    spark_files: dict[str, tuple[str, ...]] = {}
    """Spark's setting, e.g. `spark.jars` → paths in the work folder."""
    environment: dict[str, str] = {}
    """Variables that the user asked for; OpenLake's own win."""
    import_roots: tuple[str, ...] = ()
    """Folders of the work folder that Python imports from too."""
    isolation: Isolation = Isolation.PROCESS


class CatalogAccess(Frozen):
    """How the attempt reaches tables: the catalog gateway with the attempt's own token."""

    name: str = "lakehouse"
    uri: str
    warehouse: str = "lakehouse"
    token: str


class StorageAccess(Frozen):
    """S3 credentials for table data only."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str
    session_token: str | None = None


class LineageParent(Frozen):
    """The OpenLineage identities of the attempt's own run and of the job run above it."""

    namespace: str
    job_name: str
    """`<job name>.<task key>`"""
    run_id: str
    parent_job_name: str
    parent_run_id: str


class AttemptWork(Frozen):
    """Everything an engine needs to run one attempt. Holds secrets: never logged or recorded."""

    ref: AttemptRef
    key: str
    """The submit key: the outside work is named by it and found again by it."""
    job_name: str
    program: Program
    files: dict[str, str] = {}
    """Relative path in the work folder → SHA-256 of its content, fetched by `blobs/<sha256>`."""
    compute: Compute = Compute()
    environment: dict[str, str] = {}
    """Environment variables for user code, e.g. MLFLOW_TRACKING_URI, MLFLOW_RUN_CONTEXT."""
    catalog: CatalogAccess
    api_token: str = ""
    """With it the attempt's user code asks the REST API for secrets while the attempt is open."""
    storage: StorageAccess
    lineage: LineageParent
    upstream_values: dict[str, dict[str, JsonValue]] = {}
    """Task key → values that it set with `dbutils.jobs.taskValues.set`."""
    started_at: datetime
    """When the attempt was first opened; re-opening does not move it. Timeouts count from it."""
    host: str | None = None
    """The worker host that opened it first: work bound to one machine can only be there."""
    timeout_s: int = 0


class SqlResult(Frozen):
    """The first rows of the last statement of a SQL task."""

    columns: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    """At most 1,000 rows; every cell as text."""
    row_count: int | None = None
    truncated: bool = False


class AlertResult(Frozen):
    """What an alert's condition said of its query's answer."""

    state: AlertState
    reason: str = ""
    """Why the state is UNKNOWN."""
    value: str | None = None
    """The value that was judged."""


MOST_ARTIFACT_BYTES = 64 * 1024 * 1024
"""Of one attempt's packed artifacts."""


class DbtNode(Frozen):
    """What became of one model, seed, snapshot or test."""

    command: str
    unique_id: str
    """E.g. `model.shop.orders`."""
    status: str
    """dbt's own word: success, error, skipped, pass, fail, warn, …"""
    execution_time: float = 0.0
    """Seconds."""
    message: str | None = None
    """At most 1,000 characters."""
    rows_affected: int | None = None
    failures: int | None = None
    """Of a test: the rows that failed it."""
    relation_name: str | None = None


class DbtResult(Frozen):
    """What a dbt task left."""

    results: tuple[DbtNode, ...] = ()
    """In the order of the commands; at most 5,000."""
    artifacts_bytes: int | None = None
    """Size of `artifacts.tar.gz` (target/*.json, compiled SQL, logs); None when not kept."""


class AttemptOutput(Frozen):
    """What an attempt left for people and for later tasks; stored by the internal API.

    All texts are `storable`.
    """

    error: str | None = None
    """The last line of the failure, e.g. `ValueError: no rows`."""
    error_trace: str | None = None
    notebook_result: str | None = None
    """The value given to `dbutils.notebook.exit`."""
    sql: SqlResult | None = None
    values: dict[str, JsonValue] = {}
    """Task values; at most 48 KiB of JSON in all."""
    child_run_id: int | None = None
    """The run that a run_job task made."""
    dbt: DbtResult | None = None
    alert: AlertResult | None = None
    """Of a sql task with an alert: judged by the control plane when the rows arrive."""

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, values: Any) -> Any:
        return storable(values)


class LogTail(Frozen):
    """How much of an attempt's log the control plane holds, in bytes."""

    size: int
