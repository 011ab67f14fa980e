"""The rules of each task type and of what stands around tasks, one mistake at a time."""

import pytest

from spec.errors import InvalidFile
from spec.job_files import load_job

NOTEBOOK = "notebook_task: {notebook_path: /n}"


def first_problem(text: str) -> str:
    """Return the one line of the error that a text gives."""
    with pytest.raises(InvalidFile) as raised:
        load_job(text, "job.yml")
    assert len(raised.value.problems) == 1, str(raised.value)
    return str(raised.value).partition("job.yml:")[2]


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("spark_python_task: {python_file: ''}", "python_file: this is empty; give it a value"),
        ("notebook_task: {notebook_path: x, source: HERE}", "'WORKSPACE' or 'GIT', not 'HERE'"),
        (
            "python_wheel_task: {package_name: p}",
            "python_wheel_task.entry_point: this is missing; add it",
        ),
        (
            "python_wheel_task: {package_name: p, entry_point: e, parameters: [a],"
            " named_parameters: {b: c}}",
            "give either 'parameters' or 'named_parameters', not both",
        ),
        ("spark_jar_task: {}", "spark_jar_task.main_class_name: this is missing"),
        ("spark_submit_task: {}", "spark_submit_task.parameters: this is missing"),
        ("sql_task: {warehouse_id: duckdb, alert: {}}", "sql_task.alert.alert_id: this is missing"),
        (
            "sql_task: {warehouse_id: duckdb, alert: {alert_id: a, subscriptions: [{}]}}",
            "a subscription names exactly one of 'user_name', 'destination_id'",
        ),
        (
            "sql_task: {warehouse_id: duckdb, dashboard: {dashboard_id: d}}",
            "a sql_task with 'dashboard' is not supported by OpenLake; give the dashboard's",
        ),
        ("dbt_task: {commands: []}", "dbt_task.commands: there are 0 entries; give at least 1"),
        (
            "dbt_task: {commands: [run, dbt x]}",
            "dbt_task.commands[0]: 'run' does not have the f",
        ),
        (
            "dbt_task: {commands: [dbt run], warehouse_id: mysql}",
            "dbt_task.warehouse_id: task 'a': there is no warehouse 'mysql'",
        ),
        (
            "dbt_task: {commands: [dbt run], warehouse_id: trino, profiles_directory: p}",
            "with 'warehouse_id' the profile is made; drop 'profiles_directory'",
        ),
        ("dbt_task: {commands: [dbt run], catalog: c}", "'catalog' needs 'warehouse_id'"),
        ("run_job_task: {}", "run_job_task.job_id: this is missing"),
        (
            "run_job_task: {job_id: 1, notebook_params: {a: b}, jar_params: [c]}",
            "'notebook_params' and 'jar_params' cannot be given together",
        ),
        (
            f"run_job_task: {{job_id: 1, python_params: [{'x' * 10_000}]}}",
            "'python_params' has at most 10000 bytes of JSON",
        ),
        ("condition_task: {op: EQUALS, left: 1, right: 2}", "did you mean 'EQUAL_TO'?"),
        ("condition_task: {op: EQUAL_TO, left: 1}", "condition_task.right: this is missing"),
        (
            "condition_task: {op: EQUAL_TO, left: 1, right: 2}, existing_cluster_id: c",
            "a condition_task takes no 'existing_cluster_id'; remove it",
        ),
        (
            f"for_each_task: {{inputs: [1], concurrency: 0, task: {{task_key: b, {NOTEBOOK}}}}}",
            "for_each_task.concurrency: this must be at least 1",
        ),
        (
            "for_each_task: {inputs: [1], task: {task_key: b, for_each_task: {inputs: [2], task:"
            f" {{task_key: c, {NOTEBOOK}}}}}}}}}",
            "a for_each_task cannot hold another for_each_task",
        ),
        (
            f"for_each_task: {{inputs: [1], task: {{task_key: b, run_if: ALL_DONE, {NOTEBOOK}}}}}",
            "the task of a for_each_task takes no 'depends_on' and no 'run_if'",
        ),
        ("airflow_task: {}", "airflow_task.dag_id: this is missing"),
        (f"{NOTEBOOK}, max_retries: -2", "max_retries: this must be at least -1"),
        (
            f"{NOTEBOOK}, existing_cluster_id: a, new_cluster: {{}}",
            "give only one of new_cluster, existing_cluster_id",
        ),
        (
            "sql_task: {warehouse_id: duckdb, query: {query_id: q}}, libraries: [{jar: /x.jar}]",
            "a sql_task takes no 'libraries'; remove them",
        ),
        (
            "spark_jar_task: {main_class_name: M}, environment_key: e",
            "a spark_jar_task takes no 'environment_key'; remove it",
        ),
        (f"{NOTEBOOK}, isolation: FORK", "give the task 'a' an 'environment_key'"),
        (f"{NOTEBOOK}, environment_key: e, isolation: THREAD", "isolation: this must be"),
        (
            "dbt_task: {commands: [dbt run], warehouse_id: trino}, isolation: FORK",
            "a dbt_task takes no 'isolation'; remove it",
        ),
        (f"{NOTEBOOK}, libraries: [{{}}]", "a library is exactly one of whl, jar, requirements"),
        (f"{NOTEBOOK}, libraries: [{{egg: x}}]", "'egg' libraries are not supported; build a wh"),
        (f"{NOTEBOOK}, libraries: [{{cran: x}}]", "'cran' libraries are not supported"),
        (f"{NOTEBOOK}, libraries: [{{maven: {{coordinates: x}}}}]", "does not have the form"),
        (f"{NOTEBOOK}, new_cluster: {{num_workers: -1}}", "num_workers: this must be at least 0"),
        (
            f"{NOTEBOOK}, health: {{rules: [{{metric: STREAMING_BACKLOG_BYTES, op: GREATER_THAN,"
            " value: 1}]}",
            "streaming metrics are not supported; use RUN_DURATION_SECONDS",
        ),
        (
            f"{NOTEBOOK}, email_notifications: {{on_streaming_backlog_exceeded: [a@b.c]}}",
            "'on_streaming_backlog_exceeded' is not supported",
        ),
        (
            f"{NOTEBOOK}, webhook_notifications: {{on_start: [{{id: a}}, {{id: b}}, {{id: c}},"
            " {id: d}]}",
            "there are 4 entries; at most 3 fit",
        ),
    ],
)
def test_mistakes_in_a_task_are_named_in_their_place(task: str, said: str):
    text = f"environments: [{{environment_key: e}}]\ntasks:\n  - {{task_key: a, {task}}}"
    found = first_problem(text)
    assert said in found
    assert found.startswith("3:")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("run_as: {}", "run_as names exactly one of 'user_name', 'service_principal_name'"),
        (
            "schedule: {quartz_cron_expression: 0 0 5 * * ?, timezone_id: ''}",
            "timezone_id: this is empty",
        ),
        (
            "schedule: {quartz_cron_expression: 0 0 5 * *, timezone_id: UTC}",
            "quartz_cron_expression: '0 0 5 * *' has 5 fields, as Unix cron has; Quartz",
        ),
        ("schedule: {quartz_cron_expression: 0 0 5 * * ?, timezone_id: Mars/X}", "timezone_id: "),
        ("trigger: {}", "a trigger is exactly one of periodic, file_arrival, table_update"),
        ("trigger: {model: {}}", "'model' triggers are not supported; use 'table_update'"),
        ("trigger: {periodic: {interval: 0, unit: DAYS}}", "interval: this must be at least 1"),
        ("trigger: {periodic: {interval: 1, unit: YEARS}}", "not 'YEARS'"),
        ("trigger: {file_arrival: {url: /x}}", "file_arrival.url: '/x' does not have the form"),
        (
            "trigger: {table_update: {table_names: [a.b], wait_after_last_change_seconds: 1}}",
            "wait_after_last_change_seconds: this must be at least 60",
        ),
        ("trigger: {table_update: {table_names: [a]}}", "'a' is no table's name; write schema.tab"),
        ("trigger: {table_update: {table_names: []}}", "table_names: there are 0 entries"),
        ("continuous: {task_retry_mode: ALWAYS}", "not 'ALWAYS'"),
        (
            "git_source: {git_url: u, git_provider: gitHub}",
            "give exactly one of 'git_branch', 'git_tag' and 'git_commit'",
        ),
        ("git_source: {git_url: u, git_provider: svn, git_tag: t}", "git_provider is one of gitH"),
        (
            "git_source: {git_url: u, git_provider: GITHUB, git_commit: zzzzzzz}",
            "git_source.git_commit: 'zzzzzzz' does not have the form",
        ),
        ("health: {rules: [{metric: RUN_DURATION_SECONDS, op: LESS, value: 1}]}", "not 'LESS'"),
        (
            "health: {rules: [{metric: RUN_DURATION_SECONDS, op: GREATER_THAN, value: 0}]}",
            "more than 0",
        ),
        ("job_clusters: [{job_cluster_key: a b, new_cluster: {}}]", "may hold only letters"),
        (
            "environments: [{environment_key: e, spec: {deps: []}}]",
            "unknown field 'deps'; known her",
        ),
        ("performance_target: FAST", "not 'FAST'"),
    ],
)
def test_mistakes_beside_tasks_are_named_in_their_place(text: str, said: str):
    assert said in first_problem(text)


def test_everything_that_works_is_read():
    job = load_job(
        """\
name: all
git_source: {git_url: "https://x/y", git_provider: GITHUB, git_branch: main}
job_clusters: [{job_cluster_key: c, new_cluster: {spark_conf: {a: 1}, num_workers: 2}}]
environments: [{environment_key: e, spec: {dependencies: [pandas], environment_version: "2"}}]
run_as: {user_name: u}
schedule: {quartz_cron_expression: 0 0 5 * * ?, timezone_id: Europe/Berlin}
health: {rules: [{metric: RUN_DURATION_SECONDS, op: GREATER_THAN, value: 60}]}
tasks:
  - {task_key: n, notebook_task: {notebook_path: n}, job_cluster_key: c}
  - {task_key: w, python_wheel_task: {package_name: p, entry_point: e}, environment_key: e}
  - {task_key: j, spark_jar_task: {main_class_name: M}, libraries: [{jar: /x.jar}]}
  - {task_key: s, spark_submit_task: {parameters: [--class, M, /x.jar]}}
  - {task_key: q, sql_task: {warehouse_id: trino, alert: {alert_id: a}}}
  - {task_key: d, dbt_task: {commands: [dbt run], schema: x, warehouse_id: trino}}
  - {task_key: r, run_job_task: {job_id: 7, job_parameters: {a: 1}}}
  - {task_key: i, condition_task: {op: GREATER_THAN, left: 1, right: true}}
  - task_key: f
    depends_on: [{task_key: i, outcome: "true"}]
    for_each_task:
      inputs: [{a: 1}, two]
      task: {task_key: f_iteration, notebook_task: {notebook_path: n}, max_retries: 2}
  - {task_key: af, airflow_task: {dag_id: d}}
"""
    )
    loop = job.tasks[8].for_each_task
    assert job.git_source is not None and job.git_source.git_provider == "gitHub"
    assert loop is not None and loop.inputs == '[{"a": 1}, "two"]'
    condition = job.tasks[7].condition_task
    assert condition is not None and condition.right == "true"
    again = job.model_validate(job.model_dump(mode="json"))
    assert again == job
