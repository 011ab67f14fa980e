"""One job from YAML: every mistake at once, in plain words, in its place."""

import pytest

from spec.errors import InvalidFile
from spec.job_files import UNSUPPORTED_JOB_FIELDS, UNSUPPORTED_TASK_FIELDS, load_job
from spec.jobs import JobSettings
from spec.tasks import TASK_TYPES, UNSUPPORTED_TASK_TYPES, Task

GOOD = """\
name: nightly
tags: {team: 7, urgent: true}
parameters:
  - {name: day, default: 3}
environments:
  - environment_key: py
tasks:
  - task_key: a
    environment_key: py
    spark_python_task: {python_file: /x/a.py, parameters: [1, true, x]}
  - task_key: b
    depends_on: [{task_key: a}]
    sql_task: {warehouse_id: duckdb, file: {path: /x/b.sql}}
"""


def problems(text: str) -> list[str]:
    """Return the lines of the error that a text gives."""
    with pytest.raises(InvalidFile) as raised:
        load_job(text, "job.yml")
    assert len(raised.value.problems) == len(raised.value.facts["problems"])
    return str(raised.value).splitlines()


def test_sound_job_is_read():
    job = load_job(GOOD)
    assert job.name == "nightly"
    assert job.tags == {"team": "7", "urgent": "true"}
    assert job.parameters[0].default == "3"
    assert job.tasks[0].spark_python_task is not None
    assert job.tasks[0].spark_python_task.parameters == ("1", "true", "x")


def test_every_mistake_at_once():
    found = problems(
        """\
nmae: x
tags: [1]
max_concurrent_runs: many
schedule: {quartz_cron_expression: x}
continuous: {}
triggers: []
tasks:
  - task_key: a
    depends_on: [{task_key: c}, {task_key: bb}, {task_key: c, outcome: "true"}]
    notebook_task: {notebook_paht: x, source: GIT}
  - task_key: b b
    pipeline_task: {}
    run_if: ALL_DON
    max_retires: 3
    new_cluster: {num_wrokers: 1}
  - task_key: c
    depends_on: [{task_key: a}]
    sql_task: {warehouse_id: spark, file: {path: x, source: GIT}, dashboard: {}}
    environment_key: pi
    job_cluster_key: big
  - nix
  - task_key: d
    condition_task: {op: EQUAL_TO, left: "{{tasks.a.value.x}}", right: "{{nope}} {{task.nmae}}"}
    max_retries: 1
  - task_key: e
    for_each_task:
      inputs: [1, "{{job.start_time.centuary}}"]
      concurrency: 101
      task:
        task_key: e_iteration
        job_cluster_key: small
        spark_python_task: {python_file: x, parameters: ["{{job.ids}}", "{{input.x}}"], source: GIT}
git_source: {git_url: x}
"""
    )
    wanted = [
        "job.yml:1:1: nmae: unknown field 'nmae'; did you mean 'name'?",
        "job.yml:2:7: tags: this must be a mapping",
        "job.yml:3:22: max_concurrent_runs: this must be a whole number, not 'many'",
        "job.yml:4:11: schedule.timezone_id: this is missing; add it",
        "job.yml:4:36: schedule.quartz_cron_expression: 'x' has 1 field; Quartz wants 6 or 7",
        "job.yml:5:13: continuous: a job starts by one of schedule and continuous, not by both",
        "job.yml:6:1: triggers: 'triggers' is not supported by OpenLake; use one of 'schedule'",
        "job.yml:9:17: tasks[0].depends_on: these tasks wait for each other in a cycle: a → c → a",
        "job.yml:9:44: tasks[0].depends_on[1].task_key: task 'a' depends on 'bb', which is not",
        "job.yml:9:72: tasks[0].depends_on[2].outcome: task 'a': 'c' is no condition_task and has",
        "job.yml:10:20: tasks[0].notebook_task.notebook_path: this is missing; add it",
        "job.yml:10:21: tasks[0].notebook_task.notebook_paht: unknown field 'notebook_paht'; did",
        "job.yml:11:15: tasks[1].task_key: 'b b' may hold only letters, digits, '_' and '-'",
        "job.yml:12:5: tasks[1].pipeline_task: 'pipeline_task' is not supported by OpenLake; use",
        "job.yml:13:13: tasks[1].run_if: this must be 'ALL_SUCCESS', ",
        "job.yml:14:5: tasks[1].max_retires: unknown field 'max_retires'; did you mean 'max_",
        "job.yml:15:19: tasks[1].new_cluster.num_wrokers: unknown field 'num_wrokers'; did you",
        "job.yml:18:15: tasks[2].sql_task: a sql_task with 'dashboard' is not supported by",
        "job.yml:18:30: tasks[2].sql_task.warehouse_id: task 'c': there is no warehouse 'spark'",
        "job.yml:19:22: tasks[2].environment_key: task 'c' names environment 'pi', which the job",
        "job.yml:20:22: tasks[2].job_cluster_key: task 'c' names cluster 'big', which the job",
        "job.yml:21:5: tasks[3]: this must be a mapping",
        "job.yml:22:5: tasks[4]: a condition_task is never retried; remove 'max_retries'",
        "job.yml:23:42: tasks[4].condition_task.left: task 'd': '{{tasks.a.value.x}}' is no",
        "job.yml:23:72: tasks[4].condition_task.right: task 'd': '{{task.nmae}}' is no reference;",
        "job.yml:27:19: tasks[5].for_each_task.inputs[1]: task 'e': '{{job.start_time.centuary}}'",
        "job.yml:28:20: tasks[5].for_each_task.concurrency: this must be at most 100",
        "job.yml:31:26: tasks[5].for_each_task.task.job_cluster_key: task 'e_iteration' names",
        "job.yml:32:58: tasks[5].for_each_task.task.spark_python_task.parameters[0]: task 'e_iter",
        "job.yml:33:13: git_source.git_provider: this is missing; add it",
    ]
    listing = "\n".join(found)
    assert len(found) == len(wanted), listing
    for line, beginning in zip(found, wanted, strict=True):
        assert line.startswith(beginning), listing
    assert found[14].endswith("not 'ALL_DON'; did you mean 'ALL_DONE'?")
    assert found[24].endswith("did you mean 'task.name'?")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "job.yml:1:1: the file is empty"),
        ("- a", "job.yml:1:1: a job is a mapping"),
        ("name: [", "correct the YAML syntax"),
        ("name: ''", "name: this is empty; give it a value"),
        ("name: x\nname: y", "stands here for the second time"),
        ("timeout_seconds: -1", "timeout_seconds: this must be at least 0, not '-1'"),
        ("max_concurrent_runs: 1001", "this must be at most 1000"),
        ("queue: {enabled: maybe}", "queue.enabled: this must be true or false, not 'maybe'"),
        ("format: SINGLE", "this must be 'SINGLE_TASK' or 'MULTI_TASK', not 'SINGLE'"),
        ("tasks: {a: 1}", "tasks: this must be a list"),
        ("parameters: [{name: a, default: {}}]", "parameters[0].default: this must be text"),
        ("parameters: [{name: a}]", "parameters[0].default: this is missing; add it"),
        (
            "parameters: [{name: a, default: 1}, {name: a, default: 2}]",
            "job.yml:1:44: parameters[1].name: name 'a' is used twice; rename one",
        ),
        (
            "environments: [{environment_key: a}, {environment_key: a}]",
            "environments[1].environment_key: environment_key 'a' is used twice",
        ),
        ("tasks: [{task_key: a}]", "tasks[0]: task 'a' has no task type; give exactly one of"),
        (
            "tasks: [{task_key: a, notebook_task: {notebook_path: x}, sql_task: "
            "{warehouse_id: duckdb, query: {query_id: q}}}]",
            "task 'a' has notebook_task and sql_task; give exactly one",
        ),
        (
            "tasks: [{task_key: a, sql_task: {warehouse_id: duckdb}}]",
            "tasks[0].sql_task: a sql_task names exactly one of 'file', 'query' and 'alert'",
        ),
        (
            "tasks: [{task_key: a, notebook_task: {notebook_path: x, source: GIT}}]",
            "job.yml:1:65: tasks[0].notebook_task.source: task 'a' takes its file from GIT, but",
        ),
        (
            "tasks: [{task_key: a, sql_task: {warehouse_id: trino, file: {path: x, source: GIT}}}]",
            "job.yml:1:79: tasks[0].sql_task.file.source: task 'a' takes its file from GIT, but",
        ),
        (
            "tasks: [{task_key: e, for_each_task: {inputs: [1], task: {task_key: a, notebook_task:"
            " {notebook_path: x, source: GIT}}}}]",
            "tasks[0].for_each_task.task.notebook_task.source: task 'a' takes its file from GIT",
        ),
        (
            "job_clusters: [{job_cluster_key: a, new_cluster: {}}, {job_cluster_key: a, "
            "new_cluster: {}}]",
            "job_clusters[1].job_cluster_key: job_cluster_key 'a' is used twice",
        ),
        (
            "trigger: {periodic: {interval: 1, unit: DAYS}}\ncontinuous: {}",
            "job.yml:2:13: continuous: a job starts by one of trigger and continuous, not by both",
        ),
        (
            "parameters: [{name: a, default: '{{job.nmae}}'}]",
            "parameters[0].default: '{{job.nmae}}' is no reference; did you mean 'job.name'?",
        ),
        (f"name: {'x' * 5000}", "name: this is too long; at most 4096 characters"),
    ],
)
def test_single_mistakes(text: str, said: str):
    assert any(said in line for line in problems(text)), problems(text)


@pytest.mark.parametrize("name", sorted(UNSUPPORTED_JOB_FIELDS))
def test_unsupported_job_fields_are_named(name: str):
    assert problems(f"{name}: {{}}") == [
        f"job.yml:1:1: {name}: '{name}' is not supported by OpenLake;"
        f" {UNSUPPORTED_JOB_FIELDS[name]}"
    ]


@pytest.mark.parametrize("name", sorted(UNSUPPORTED_TASK_TYPES | UNSUPPORTED_TASK_FIELDS))
def test_unsupported_task_fields_are_named_alone(name: str):
    kind = "" if name in UNSUPPORTED_TASK_TYPES else ", notebook_task: {notebook_path: x}"
    found = problems(f"tasks: [{{task_key: a, {name}: {{}}{kind}}}]")
    assert len(found) == 1
    assert f"tasks[0].{name}: '{name}' is not supported by OpenLake; " in found[0]


def test_nothing_is_both_supported_and_refused():
    assert not set(TASK_TYPES) & UNSUPPORTED_TASK_TYPES.keys()
    assert not Task.model_fields.keys() & UNSUPPORTED_TASK_FIELDS.keys()
    assert not JobSettings.model_fields.keys() & UNSUPPORTED_JOB_FIELDS.keys()


def test_very_many_mistakes_are_kept_but_not_all_shown():
    with pytest.raises(InvalidFile) as raised:
        load_job("\n".join(f"k{i}: 1" for i in range(500)))
    assert len(raised.value.problems) == 500
    assert str(raised.value).endswith("… and 300 more")
