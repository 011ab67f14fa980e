"""Requests and answers of `jobs/run-now` and `jobs/runs/*`."""

import re
from typing import Any, Literal, cast

from pydantic import Field, model_validator

from spec.alerts import AlertState
from spec.api.permissions import AccessControl
from spec.api.states import RunState, RunStatus
from spec.attempts import Frozen
from spec.compute import Environment
from spec.git import GitSource
from spec.jobs import Queue, RunAs
from spec.model import Model, Text
from spec.notices import EmailNotifications, Health, NotificationSettings, WebhookNotifications
from spec.task_types import LegacyParameters
from spec.tasks import TASK_TYPES, Task

IDEMPOTENCY_TOKEN_CHARACTERS = 64

IdempotencyToken = Field(default=None, max_length=IDEMPOTENCY_TOKEN_CHARACTERS)


class RunOverrides(LegacyParameters):
    """What a run is given beside job parameters."""

    only: tuple[str, ...] | None = None
    """Task keys to run. In run-now `+key` takes its upstream too, `key+` its downstream."""


class RunNow(RunOverrides):
    """Request of `jobs/run-now`."""

    job_id: int
    idempotency_token: str | None = IdempotencyToken
    job_parameters: dict[str, Text] = Field(default={})
    queue: Queue | None = None
    performance_target: str | None = None
    """Accepted without effect."""

    @model_validator(mode="before")
    @classmethod
    def _no_pipelines(cls, value: object) -> object:
        if isinstance(value, dict) and "pipeline_params" in value:
            raise ValueError("'pipeline_params' is not supported: there are no pipeline tasks")
        return value  # pyright: ignore[reportUnknownVariableType]

    @model_validator(mode="after")
    def _not_both(self) -> "RunNow":
        if self.job_parameters and legacy_given(self):
            raise ValueError(
                f"give either 'job_parameters' or the older {', '.join(legacy_given(self))}, not"
                " both"
            )
        return self


def legacy_given(parameters: LegacyParameters) -> list[str]:
    """Return the names of the older parameters that are set."""
    names = LegacyParameters.model_fields
    return [name for name in names if getattr(parameters, name) is not None]


_OF_ONE_TASK = (*TASK_TYPES, "new_cluster", "existing_cluster_id", "libraries")


class SubmitRun(Model):
    """Request of `jobs/runs/submit`: one run of tasks that are no job.

    One task may be written without `tasks`, its type and compute standing in the request itself, as
    in version 2.0 of Databricks' API, which Airflow's operators still write. Its key is the run's
    name, as far as keys may be so; the operators look for it there.
    """

    run_name: str = Field(default="Untitled", min_length=1, max_length=4096)
    tasks: tuple[Task, ...] = Field(min_length=1, max_length=1000)
    environments: tuple[Environment, ...] = ()
    timeout_seconds: int = Field(default=0, ge=0)
    idempotency_token: str | None = IdempotencyToken
    queue: Queue | None = None
    git_source: GitSource | None = None
    run_as: RunAs | None = None
    access_control_list: tuple[AccessControl, ...] = Field(default=(), max_length=1000)
    """Who may do what with the run, beside who submits it."""
    health: Health | None = None
    email_notifications: EmailNotifications | None = None
    webhook_notifications: WebhookNotifications | None = None
    notification_settings: NotificationSettings | None = None
    budget_policy_id: str | None = None
    usage_policy_id: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_task(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        given = cast(dict[str, Any], value)
        own = {name: given[name] for name in _OF_ONE_TASK if name in given}
        if not own:
            return given
        if "tasks" in given:
            raise ValueError(f"give 'tasks' or one task's '{next(iter(own))}', not both")
        shared = {name: each for name, each in given.items() if name not in own}
        key = re.sub(r"[^A-Za-z0-9_-]", "_", str(given.get("run_name") or "Untitled"))[:100]
        return {**shared, "tasks": [{"task_key": key, **own}]}


class RunNowAnswer(Frozen):
    """Answer of `jobs/run-now`."""

    run_id: int
    number_in_job: int


class RunId(Frozen):
    """Answer of `jobs/runs/submit`."""

    run_id: int


class RunRef(Model):
    """Request of `jobs/runs/cancel` and `jobs/runs/delete`."""

    run_id: int


class RepairRun(LegacyParameters):
    """Request of `jobs/runs/repair`."""

    run_id: int
    rerun_tasks: tuple[str, ...] | None = None
    rerun_all_failed_tasks: bool = False
    """All that did not succeed, those that were never reached included."""
    rerun_dependent_tasks: bool = False
    """Also what depends on the tasks that are run again, though it succeeded."""
    latest_repair_id: int | None = None
    """Needed from the second repair on, so that two people do not repair at once."""
    job_parameters: dict[str, Text] = {}
    openlake_settings: Literal["CURRENT", "ORIGINAL"] = "CURRENT"
    """OpenLake's own: whether to take the job's settings of now or those the run began with."""

    @model_validator(mode="after")
    def _one_choice(self) -> "RepairRun":
        named = self.rerun_tasks or ()
        if len(set(named)) != len(named):
            raise ValueError("rerun_tasks cannot contain duplicate task keys.")
        if bool(named) == self.rerun_all_failed_tasks:
            raise ValueError("give exactly one of 'rerun_tasks' and 'rerun_all_failed_tasks'")
        return self


class RepairAnswer(Frozen):
    """Answer of `jobs/runs/repair`."""

    repair_id: int


class CancelAll(Model):
    """Request of `jobs/runs/cancel-all`; without a job, every run of the workspace."""

    job_id: int | None = None
    all_queued_runs: bool = False


class RunParameter(Frozen):
    """One job parameter of a run."""

    name: str
    default: str
    value: str


class TaskRunView(Frozen):
    """One entry of a run's `tasks`: an attempt, or a task that has none yet."""

    run_id: int | None = None
    """A task that waits has the id already that its first attempt will have. Absent while a task
    waits for its next attempt."""
    task_key: str
    state: RunState
    status: RunStatus
    start_time: int = 0
    end_time: int = 0
    setup_duration: int = 0
    execution_duration: int = 0
    cleanup_duration: int = 0
    run_duration: int = 0
    attempt_number: int = 0
    retry_time: int | None = None
    """OpenLake's own: when a task that waits for its next attempt begins it."""
    run_page_url: str = ""
    spec: dict[str, Any] = Field(default={}, exclude=True)
    """The task's settings; shown beside the fields above."""


class RepairHistoryItem(Frozen):
    """One execution of a run: the original, or a repair."""

    type: Literal["ORIGINAL", "REPAIR"] = "ORIGINAL"
    id: int | None = None
    """Of a repair."""
    start_time: int
    end_time: int = 0
    state: RunState
    status: RunStatus
    task_run_ids: tuple[int, ...] = ()


class RunView(Frozen):
    """Answer of `jobs/runs/get` and an entry of `jobs/runs/list`."""

    job_id: int
    run_id: int
    number_in_job: int
    original_attempt_run_id: int
    job_run_id: int | None = None
    """The run that a task run belongs to; only when a task run was asked for."""
    run_name: str
    run_type: Literal["JOB_RUN", "SUBMIT_RUN"]
    trigger: str
    creator_user_name: str
    state: RunState
    status: RunStatus
    start_time: int
    end_time: int = 0
    run_duration: int = 0
    setup_duration: int = 0
    execution_duration: int = 0
    cleanup_duration: int = 0
    queue_duration: int = 0
    attempt_number: int | None = None
    run_page_url: str = ""
    format: Literal["MULTI_TASK"] = "MULTI_TASK"
    job_version: int | None = None
    """OpenLake's own: which version of the job's settings the run was made from."""
    job_parameters: tuple[RunParameter, ...] = ()
    overriding_parameters: RunOverrides | None = None
    git_source: GitSource | None = None
    """With `git_snapshot.used_commit`."""
    trigger_info: dict[str, Any] | None = None
    """What the trigger saw; `run_id` is the run_job task run that asked."""
    tasks: tuple[dict[str, Any], ...] | None = None
    """`TaskRunView`s with the task's own settings beside; at most 100 a page."""
    iterations: tuple[dict[str, Any], ...] | None = None
    """Of a for-each task run: the newest attempt of each iteration; at most 100 a page."""
    repair_history: tuple[RepairHistoryItem, ...] | None = None
    """Only when asked for; never empty, oldest first."""
    next_page_token: str | None = None


class ListRuns(Model):
    """Query of `jobs/runs/list`; newest first."""

    job_id: int | None = None
    active_only: bool = False
    completed_only: bool = False
    limit: int = Field(default=20, ge=0, le=100)
    """Databricks allows 24 (25 before); 0 means the most."""
    page_token: str | None = None
    run_type: Literal["JOB_RUN", "SUBMIT_RUN", "WORKFLOW_RUN"] | None = None
    start_time_from: int | None = None
    start_time_to: int | None = None
    expand_tasks: bool = False
    offset: int = Field(default=0, ge=0, le=10_000)

    @model_validator(mode="after")
    def _not_both(self) -> "ListRuns":
        if self.active_only and self.completed_only:
            raise ValueError("give at most one of 'active_only' and 'completed_only'")
        return self


class RunList(Frozen):
    """Answer of `jobs/runs/list`."""

    runs: tuple[RunView, ...] = ()
    has_more: bool = False
    next_page_token: str | None = None
    prev_page_token: str | None = None


class NotebookOutput(Frozen):
    """The value given to `dbutils.notebook.exit`."""

    result: str
    truncated: bool = False


class SqlStatementOutput(Frozen):
    """One statement of a SQL task."""

    lookup_key: str


class SqlQueryOutput(Frozen):
    """What a SQL task ran."""

    query_text: str = ""
    warehouse_id: str = ""
    endpoint_id: str = ""
    sql_statements: tuple[SqlStatementOutput, ...] = ()
    output_link: str = ""
    columns: tuple[str, ...] = ()
    """OpenLake's own: the first rows of the last statement."""
    rows: tuple[tuple[str | None, ...], ...] = ()
    row_count: int | None = None
    truncated: bool = False


class SqlAlertOutput(Frozen):
    """What an alert's condition said."""

    alert_state: AlertState
    query_text: str = ""
    warehouse_id: str = ""
    sql_statements: tuple[SqlStatementOutput, ...] = ()
    output_link: str = ""


class DbtOutput(Frozen):
    """Where the artifacts of a dbt task are; every node's result is in the task run's `output`."""

    artifacts_link: str
    """Works without a token, for half an hour."""
    artifacts_headers: dict[str, str] = {}


class SqlOutput(Frozen):
    """Output of a SQL task: of a query or file, or of an alert."""

    query_output: SqlQueryOutput | None = None
    alert_output: SqlAlertOutput | None = None


class RunJobOutput(Frozen):
    """The run that a run_job task made."""

    run_id: int


class RunOutput(Frozen):
    """Answer of `jobs/runs/get-output` for a task run."""

    metadata: RunView
    error: str | None = None
    error_trace: str | None = None
    logs: str | None = None
    logs_truncated: bool | None = None
    notebook_output: NotebookOutput | None = None
    sql_output: SqlOutput | None = None
    dbt_output: DbtOutput | None = None
    run_job_output: RunJobOutput | None = None


class ExportRun(Model):
    """Query of `jobs/runs/export`."""

    run_id: int
    views_to_export: Literal["CODE", "DASHBOARDS", "ALL"] = "CODE"
    """OpenLake's notebooks have no dashboards: DASHBOARDS gives no views."""


class ViewItem(Frozen):
    """One page of an exported run."""

    name: str
    type: Literal["NOTEBOOK"] = "NOTEBOOK"
    content: str
    """A whole HTML page that loads nothing from elsewhere."""


class ExportedRun(Frozen):
    """Answer of `jobs/runs/export`."""

    views: tuple[ViewItem, ...] = ()
