"""What becomes of every field of a job: one table, from which `docs/jobs.md` is generated.

A test walks all models that `JobSettings` reaches and fails when a field has no row here, or a row
no field.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from spec.job_files import UNSUPPORTED_JOB_FIELDS, UNSUPPORTED_TASK_FIELDS
from spec.tasks import UNSUPPORTED_TASK_TYPES


class Support(StrEnum):
    """What OpenLake does with a field."""

    WORKS = "works"
    NO_EFFECT = "accepted without effect"
    REFUSED = "refused"


class Row(NamedTuple):
    """One field."""

    support: Support
    remark: str = ""


class Section(NamedTuple):
    """The fields of one model."""

    title: str
    """Where in a job the model stands."""
    fields: Mapping[str, Row]


def _works(remark: str = "") -> Row:
    return Row(Support.WORKS, remark)


def _kept(remark: str = "kept and read back") -> Row:
    return Row(Support.NO_EFFECT, remark)


def _refused(remark: str) -> Row:
    return Row(Support.REFUSED, remark)


def _all(names: str, row: Row) -> dict[str, Row]:
    return dict.fromkeys(names.split(), row)


_NOTICE_EVENTS = "on_start on_success on_failure on_duration_warning_threshold_exceeded"
_NO_STREAMS = _refused("there are no streaming backlogs; use the duration warning")
_NOTICES = "[Notifications](notifications.md)"
_COMPUTE = "[Compute](compute.md)"
_POLICIES = "[Policies and pools](compute-policies.md)"
_TRIGGERS = "[Triggers](triggers.md)"
_TABLE_CARE = "[Table care](table-care.md)"
_SOURCE = _works("`WORKSPACE` or `GIT`; `GIT` is the default in a job with `git_source`")
_PAUSE = _works("`PAUSED` starts nothing; what passes meanwhile is not made up for")
_TRANSACTIONS = "[Transactions](transactions.md)"
_WATCH = _works("at least 60")

SECTIONS: Mapping[str, Section] = {
    "JobSettings": Section(
        "The job",
        {
            "name": _works("at most 4,096 characters; `Untitled` without one"),
            "description": _works("at most 27,700 characters"),
            "tags": _works("at most 25"),
            "tasks": _works("at most 1,000"),
            "parameters": _works("see [Parameters](#parameters-and-references)"),
            "environments": _works(_COMPUTE),
            "job_clusters": _works(_COMPUTE),
            "max_concurrent_runs": _works("0 to 1,000; 0 skips every run"),
            "queue": _works(),
            "timeout_seconds": _works("0 is no limit; a run over it is stopped, TIMEDOUT"),
            "health": _works("a duration warning; the run goes on"),
            "schedule": _works(_TRIGGERS),
            "trigger": _works(_TRIGGERS),
            "continuous": _works(f"one of schedule, trigger, continuous; {_TRIGGERS}"),
            "email_notifications": _works(_NOTICES),
            "webhook_notifications": _works(_NOTICES),
            "notification_settings": _works(_NOTICES),
            "git_source": _works(_COMPUTE),
            "run_as": _works("whose rights runs have; without it the owner's"),
            "edit_mode": _kept("kept and read back; the API lets everybody with the right edit"),
            "deployment": _kept("kept for the tool that deployed the job"),
            "parent_path": _kept(),
            "performance_target": _kept("kept; there is one kind of compute"),
            "budget_policy_id": _kept(),
            "usage_policy_id": _kept(),
            "format": _kept("read back as `MULTI_TASK`, as in Databricks"),
            "publish": _works(f"OpenLake's own: {_TRANSACTIONS}"),
            **{name: _refused(instead) for name, instead in UNSUPPORTED_JOB_FIELDS.items()},
        },
    ),
    "PublishPolicy": Section(
        "`publish`",
        {
            "on": _works("`success`, the only word"),
            "audit": _works("tasks that must have succeeded before anything is published"),
            "on_failure": _works("`keep_branch` (the default) or `drop_branch`"),
            "keep_hours": _works("1 to 8,760; 168 without it: how long a kept branch stays"),
            "conflict": _works("`fail` (the default) or `retry_publish`"),
        },
    ),
    "JobParameter": Section(
        "`parameters[]`",
        {
            "name": _works("letters, digits, `_`, `.` and `-`"),
            "default": _works("text; references in it are replaced when a task starts"),
        },
    ),
    "Queue": Section(
        "`queue`",
        {"enabled": _works("true: a run over the limit waits its turn; false: it is SKIPPED")},
    ),
    "RunAs": Section(
        "`run_as`",
        {
            "user_name": _works("exactly one of the two; only admins may name somebody else"),
            "service_principal_name": _works(),
            "group_name": _refused("name a user or service principal"),
        },
    ),
    "GitSource": Section(
        "`git_source`",
        {
            "git_url": _works("https or ssh, of the hosts that the settings allow"),
            "git_provider": _works("Databricks' eight names, in any case"),
            "git_branch": _works("exactly one of the three; one commit a run, read at its trigger"),
            "git_tag": _works(),
            "git_commit": _works(),
            "sparse_checkout": _works("only these folders are taken"),
            "git_snapshot": _kept("a run says here what it took; dropped from a job"),
        },
    ),
    "SparseCheckout": Section("`git_source.sparse_checkout`", {"patterns": _works("folders")}),
    "GitSnapshot": Section("`git_source.git_snapshot`", {"used_commit": _kept("of runs only")}),
    "CronSchedule": Section(
        "`schedule`",
        {
            "quartz_cron_expression": _works("exactly as Quartz reads it"),
            "timezone_id": _works("a Java id, e.g. `Europe/Berlin`"),
            "pause_status": _PAUSE,
        },
    ),
    "TriggerSettings": Section(
        "`trigger`",
        {
            "pause_status": _PAUSE,
            "periodic": _works("exactly one of the three"),
            "file_arrival": _works(),
            "table_update": _works(),
            "model": _refused("use `table_update`"),
        },
    ),
    "PeriodicTrigger": Section(
        "`trigger.periodic`",
        {"interval": _works(), "unit": _works("`MINUTES`, `HOURS`, `DAYS` or `WEEKS`")},
    ),
    "FileArrivalTrigger": Section(
        "`trigger.file_arrival`",
        {
            "url": _works("`s3://bucket/prefix/`"),
            "min_time_between_triggers_seconds": _WATCH,
            "wait_after_last_change_seconds": _WATCH,
        },
    ),
    "TableUpdateTrigger": Section(
        "`trigger.table_update`",
        {
            "table_names": _works("1 to 10, `namespace.table` of the lakehouse"),
            "condition": _works("`ANY_UPDATED` or `ALL_UPDATED`"),
            "min_time_between_triggers_seconds": _WATCH,
            "wait_after_last_change_seconds": _WATCH,
        },
    ),
    "Continuous": Section(
        "`continuous`",
        {
            "pause_status": _PAUSE,
            "task_retry_mode": _works("`ON_FAILURE` retries tasks that say nothing of retries"),
        },
    ),
    "Task": Section(
        "`tasks[]`",
        {
            "task_key": _works("at most 100 letters, digits, `_` and `-`"),
            "description": _works("at most 1,000 characters"),
            "depends_on": _works(),
            "run_if": _works("see [run_if](#run_if)"),
            "disabled": _works("the task does not run; dependents take it for succeeded"),
            "max_retries": _works("-1 retries for ever"),
            "min_retry_interval_millis": _works("from the start of an attempt to the next start"),
            "retry_on_timeout": _works(),
            "timeout_seconds": _works("of one attempt, from when its work is opened"),
            "environment_key": _works("runs the task as a plain Python process"),
            "job_cluster_key": _works(_COMPUTE),
            "new_cluster": _works(_COMPUTE),
            "existing_cluster_id": _works(f"names a compute profile; {_COMPUTE}"),
            "libraries": _works(_COMPUTE),
            "isolation": _works(
                "OpenLake's own: `PROCESS` (the default) or `FORK`;"
                " [Compute](compute.md#isolation-of-python-tasks)"
            ),
            "email_notifications": _works(_NOTICES),
            "webhook_notifications": _works(_NOTICES),
            "notification_settings": _works(_NOTICES),
            "health": _works("a duration warning; the task goes on"),
            "disable_auto_optimization": _kept("nothing is retried beyond `max_retries`"),
            "notebook_task": _works("exactly one task type"),
            "spark_python_task": _works(),
            "python_wheel_task": _works(),
            "spark_jar_task": _works(),
            "spark_submit_task": _works(),
            "sql_task": _works(),
            "dbt_task": _works("[dbt](dbt.md)"),
            "run_job_task": _works(),
            "condition_task": _works(),
            "for_each_task": _works(),
            "airflow_task": _works("OpenLake's own: [Airflow](airflow.md)"),
            "check_task": _works(f"OpenLake's own: {_TRANSACTIONS}"),
            "load_task": _works("OpenLake's own: [Uploads](uploads.md)"),
            "replay_task": _works(f"OpenLake's own: {_TRANSACTIONS}"),
            "compare_task": _works(f"OpenLake's own: {_TRANSACTIONS}"),
            "table_care_task": _works(f"OpenLake's own: {_TABLE_CARE}"),
            **{name: _refused(instead) for name, instead in UNSUPPORTED_TASK_TYPES.items()},
            **{name: _refused(instead) for name, instead in UNSUPPORTED_TASK_FIELDS.items()},
        },
    ),
    "TaskDependency": Section(
        "`tasks[].depends_on[]`",
        {
            "task_key": _works(),
            "outcome": _works('`"true"` or `"false"`, of a condition task'),
        },
    ),
    "NotebookTask": Section(
        "`notebook_task`",
        {
            "notebook_path": _works("`.ipynb`, or `.py` in Databricks' source form"),
            "base_parameters": _works("widgets; job parameters of the same name win"),
            "source": _SOURCE,
            "warehouse_id": _refused("SQL notebooks are not run; use a sql_task"),
        },
    ),
    "SparkPythonTask": Section(
        "`spark_python_task`",
        {"python_file": _works(), "parameters": _works("`sys.argv[1:]`"), "source": _SOURCE},
    ),
    "PythonWheelTask": Section(
        "`python_wheel_task`",
        {
            "package_name": _works(),
            "entry_point": _works("of the package's metadata, else `package.entry_point()`"),
            "parameters": _works("this or `named_parameters`"),
            "named_parameters": _works("arrive as `--name=value`; job parameters too"),
        },
    ),
    "SparkJarTask": Section(
        "`spark_jar_task`",
        {
            "main_class_name": _works(),
            "parameters": _works("the arguments of `main`"),
            "jar_uri": _refused("list the jar under `libraries`"),
            "run_as_repl": _refused("the class is run by spark-submit"),
        },
    ),
    "SparkSubmitTask": Section(
        "`spark_submit_task`", {"parameters": _works("what follows `spark-submit`")}
    ),
    "SqlTask": Section(
        "`sql_task`",
        {
            "warehouse_id": _works("`duckdb`, `trino`, or the id of one that was made"),
            "file": _works("exactly one of file, query, alert"),
            "query": _works("a saved query"),
            "alert": _works(),
            "parameters": _works("bound as `:name`; job parameters too, and they win"),
            "dashboard": _refused("give the dashboard's queries as query tasks"),
        },
    ),
    "SqlTaskFile": Section(
        "`sql_task.file`",
        {"path": _works("statements are separated by `;`"), "source": _SOURCE},
    ),
    "SqlTaskQuery": Section("`sql_task.query`", {"query_id": _works("pinned with the run")}),
    "SqlTaskAlert": Section(
        "`sql_task.alert`",
        {
            "alert_id": _works(),
            "subscriptions": _works("who hears of a change of state"),
            "pause_subscriptions": _works(),
        },
    ),
    "Subscription": Section(
        "`sql_task.alert.subscriptions[]`",
        {"user_name": _works("by e-mail"), "destination_id": _works("a notification destination")},
    ),
    "DbtTask": Section(
        "`dbt_task`",
        {
            "commands": _works("1 to 10, each begins with `dbt`"),
            "project_directory": _works(),
            "profiles_directory": _works("only without `warehouse_id`"),
            "warehouse_id": _works("the profile is made for it"),
            "catalog": _works("needs `warehouse_id`"),
            "schema": _works(),
            "source": _SOURCE,
        },
    ),
    "RunJobTask": Section(
        "`run_job_task`",
        {
            "job_id": _works("its run is queued and limited as any other"),
            "job_parameters": _works(),
            **_all(
                "notebook_params python_params python_named_params jar_params spark_submit_params"
                " sql_params dbt_commands",
                _works("as in run-now"),
            ),
            "pipeline_params": _refused("there are no pipeline tasks"),
        },
    ),
    "ConditionTask": Section(
        "`condition_task`",
        {
            "op": _works("`EQUAL_TO` and `NOT_EQUAL` compare text, the others numbers"),
            "left": _works(),
            "right": _works(),
        },
    ),
    "ForEachTask": Section(
        "`for_each_task`",
        {
            "inputs": _works("a list, a JSON array as text, or a reference that gives one"),
            "task": _works("any type but for_each and condition"),
            "concurrency": _works("1 to 100"),
        },
    ),
    "AirflowTask": Section(
        "`airflow_task`",
        {
            "dag_id": _works(),
            "conf": _works("references are replaced in every text of it"),
            "connection": _works("one of the Airflow servers in the workers' settings"),
        },
    ),
    "CheckTask": Section(
        "`check_task`",
        {
            "warehouse_id": _works("where the rule is asked"),
            "sql": _works("exactly one of `sql` and `table`; every row it returns breaks the rule"),
            "parameters": _works("bound where the SQL says `:name`; references are replaced"),
            "table": _works("`schema.table` or `catalog.schema.table`; references are replaced"),
            "min_rows": _works("a rule of `table`"),
            "max_rows": _works("a rule of `table`"),
            "freshness": _works("a rule of `table`"),
        },
    ),
    "Freshness": Section(
        "`check_task.freshness`",
        {
            "column": _works("a date or timestamp; one without time zone counts as UTC"),
            "max_age_seconds": _works("how old its newest value may be; an empty table is too old"),
        },
    ),
    "ReplayTask": Section(
        "`replay_task`",
        {"run_id": _works("a run that has ended; it is run again on the tables it saw")},
    ),
    "CompareTask": Section(
        "`compare_task`",
        {
            "run_id": _works("the run to measure by; references are replaced"),
            "with_run_id": _works("the other one; references are replaced"),
        },
    ),
    "LoadTask": Section(
        "`load_task`",
        {
            "upload_id": _works("what the upload answered; a file is kept for a day"),
            "table": _works("`schema.table`; references are not replaced"),
            "mode": _works("`create`, `append` or `overwrite`"),
            "format": _works("`csv`, `json` or `parquet`; told by the file's name without it"),
            "columns": _works("column → type, where the one that is found out is not right"),
            "csv": _works("[Uploads](uploads.md)"),
            "dry_run": _works("checks every row and loads nothing"),
        },
    ),
    "CsvOptions": Section(
        "`load_task.csv`",
        {
            "delimiter": _works("`,`, `;`, tab or `|`, as the first line tells, without it"),
            "encoding": _works("`utf-8`, `utf-16` or `latin-1`"),
            "quote": _works(),
            "escape": _works(),
            "header": _works("whether the first line names the columns"),
            "null": _works("the text that stands for NULL; an empty field without it"),
            "date_format": _works("as `strptime` spells it"),
            "timestamp_format": _works("as `strptime` spells it"),
            "skip": _works("lines to pass over at the beginning"),
        },
    ),
    "TableCareTask": Section(
        "`table_care_task`",
        {
            "tables": _works("`schema.table`, `schema.*` or `*`; references are replaced"),
            "compact": _works(f"on Spark; {_TABLE_CARE}"),
            "rewrite_manifests": _works("on Spark"),
            "expire_snapshots": _works("looks at all branches"),
            "remove_orphan_files": _works("looks at all branches"),
            "dry_run": _works("deletes nothing; not together with `compact`"),
        },
    ),
    "Compact": Section(
        "`table_care_task.compact`",
        {
            "target_file_size_mb": _works("1 to 10,240; without it the table's own setting"),
            "min_input_files": _works("at least 2; 5 without it"),
        },
    ),
    "ExpireSnapshots": Section(
        "`table_care_task.expire_snapshots`",
        {"older_than_hours": _works("at least, and without it, the lakehouse's history")},
    ),
    "RemoveOrphanFiles": Section(
        "`table_care_task.remove_orphan_files`",
        {"older_than_hours": _works("at least 24; 72 without it")},
    ),
    "JobCluster": Section(
        "`job_clusters[]`",
        {"job_cluster_key": _works(), "new_cluster": _works()},
    ),
    "ClusterSpec": Section(
        "`new_cluster`",
        {
            "spark_conf": _works("reaches the task's Spark; `{{secrets/scope/key}}` is replaced"),
            "spark_env_vars": _works("variables of the task; `{{secrets/scope/key}}` as well"),
            "compute_profile": _works("OpenLake's own: the profile whose settings come first"),
            "policy_id": _works(f"its rules are kept to; {_POLICIES}"),
            "apply_policy_default_values": _works(_POLICIES),
            "instance_pool_id": _works(f"the pool's node type; {_POLICIES}"),
            "node_type_id": _works("names a compute profile; any other is kept without effect"),
            "driver_instance_pool_id": _kept("there must be such a pool; the driver is the node"),
            "autotermination_minutes": _kept("a job's compute ends with its task"),
            **_all("cluster_name custom_tags single_user_name", _kept()),
            **_all(
                "num_workers autoscale driver_node_type_id aws_attributes"
                " azure_attributes gcp_attributes enable_elastic_disk enable_local_disk_encryption"
                " is_single_node",
                _kept("sizes machines of a cloud; a profile sizes Spark here"),
            ),
            **_all(
                "spark_version runtime_engine use_ml_runtime data_security_mode kind",
                _kept("the workers' Spark is used"),
            ),
            **_all(
                "init_scripts docker_image ssh_public_keys cluster_log_conf workload_type",
                _refused("put what the task needs into `libraries` or `environments`"),
            ),
        },
    ),
    "Autoscale": Section("`new_cluster.autoscale`", _all("min_workers max_workers", _kept())),
    "Environment": Section("`environments[]`", {"environment_key": _works(), "spec": _works()}),
    "EnvironmentSpec": Section(
        "`environments[].spec`",
        {
            "dependencies": _works("lines of a requirements file, on the workers' own packages"),
            "client": _kept("older spelling of `environment_version`"),
            "environment_version": _kept("the workers' Python is used"),
            "base_environment": _refused("write its packages under `dependencies`"),
            "java_dependencies": _refused("use `libraries` with `jar` or `maven`"),
        },
    ),
    "Library": Section(
        "`libraries[]`",
        {
            "whl": _works("exactly one of the fields"),
            "jar": _works(),
            "requirements": _works("a requirements file of the workspace"),
            "pypi": _works(),
            "maven": _works(),
            "egg": _refused("build a wheel"),
            "cran": _refused("R is not supported"),
        },
    ),
    "PypiLibrary": Section(
        "`libraries[].pypi`", {"package": _works(), "repo": _works("an index of its own")}
    ),
    "MavenLibrary": Section(
        "`libraries[].maven`",
        {
            "coordinates": _works("`group:artifact:version`"),
            "repo": _works(),
            "exclusions": _works(),
        },
    ),
    "EmailNotifications": Section(
        "`email_notifications`",
        {
            **_all(_NOTICE_EVENTS, _works("addresses")),
            "no_alert_for_skipped_runs": _works("older spelling"),
            "on_streaming_backlog_exceeded": _NO_STREAMS,
        },
    ),
    "WebhookNotifications": Section(
        "`webhook_notifications`",
        {
            **_all(_NOTICE_EVENTS, _works("3 destinations at most")),
            "on_streaming_backlog_exceeded": _NO_STREAMS,
        },
    ),
    "Webhook": Section(
        "`webhook_notifications.….[]`", {"id": _works("a notification destination")}
    ),
    "NotificationSettings": Section(
        "`notification_settings`",
        {
            "no_alert_for_skipped_runs": _works(),
            "no_alert_for_canceled_runs": _works(),
            "alert_on_last_attempt": _works("of tasks: says nothing of attempts that are retried"),
        },
    ),
    "Health": Section("`health`", {"rules": _works()}),
    "HealthRule": Section(
        "`health.rules[]`",
        {
            "metric": _works("`RUN_DURATION_SECONDS`; streaming metrics are refused"),
            "op": _works("`GREATER_THAN`"),
            "value": _works("seconds"),
        },
    ),
}
"""Model name → its fields, in the order of the documentation; refused ones are Databricks' own."""


def table() -> str:
    """Return the table as Markdown: a section a model, fields of one support together."""
    parts: list[str] = []
    for section in SECTIONS.values():
        parts += [f"### {section.title}", "", "| field | | remark |", "|---|---|---|"]
        parts += [
            f"| `{name}` | {row.support} | {row.remark} |"
            for support in Support
            for name, row in section.fields.items()
            if row.support is support
        ]
        parts.append("")
    return "\n".join(parts)
