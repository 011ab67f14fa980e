"""Bundles: what is read, and what is said when it is wrong."""

from typing import Any

import pytest

from spec.bundle import Bundle, load_bundle
from spec.bundle_ids import filled
from spec.bundle_target import Given
from spec.errors import InvalidFile
from tests.spec.folder import MemoryFolder

BASE = """\
bundle:
  name: shop
"""
JOB = """\
resources:
  jobs:
    one:
      name: one
      tasks:
        - task_key: a
          spark_python_task:
            python_file: ./src/a.py
"""


def load(text: str, files: dict[str, str] | None = None, **how: Any) -> Bundle:
    """Load a bundle whose databricks.yml is this text; there are src/a.py and src/q.sql."""
    more = {"src/a.py": "", "src/q.sql": "", **(files or {})}
    place = {name: how.pop(name) for name in ("target", "built") if name in how}
    folder = MemoryFolder({"databricks.yml": text, **more})
    return load_bundle(folder, given=Given(**how), **place)


def problems(text: str, files: dict[str, str] | None = None, **how: Any) -> list[str]:
    """Return what is wrong."""
    with pytest.raises(InvalidFile) as raised:
        load(text, files, **how)
    return [str(problem) for problem in raised.value.problems]


def test_paths_become_workspace_paths():
    bundle = load(BASE + JOB, {".git/x": "", "src/__pycache__/a.pyc": "", "README.md": ""})
    root = "/Workspace/Shared/.bundle/shop/default/files"
    assert (bundle.name, bundle.target, bundle.file_path) == ("shop", "default", root)
    task = bundle.jobs["one"].tasks[0].spark_python_task
    assert task is not None and task.python_file == f"{root}/src/a.py"
    assert [local for local, _ in bundle.files] == [
        "README.md",
        "databricks.yml",
        "src/a.py",
        "src/q.sql",
    ]
    assert all(remote == f"{root}/{local}" for local, remote in bundle.files)


@pytest.mark.parametrize("path", ["/Volumes/c/s/v/a.py", "dbfs:/Volumes/c/s/v/a.py"])
def test_paths_of_volumes_stay_as_they_are(path: str):
    task = load(BASE + JOB.replace("./src/a.py", path)).jobs["one"].tasks[0].spark_python_task
    assert task is not None and task.python_file == path


def test_paths_are_relative_to_the_file_that_names_them():
    text = BASE + "include: [resources/*.yml]\n"
    job = JOB.replace("./src/a.py", "../src/a.py")
    task = load(text, {"resources/one.yml": job}).jobs["one"].tasks[0].spark_python_task
    assert task is not None and task.python_file.endswith("/files/src/a.py")
    assert problems(text, {"resources/one.yml": JOB}) == [
        "resources/one.yml:8:26: resources.jobs.one.tasks[0].spark_python_task.python_file:"
        " there is no file 'resources/src/a.py' in the bundle's folder; create it or mend the path"
    ]


def test_absolute_paths_stay_and_those_below_the_bundle_are_checked():
    stays = load(BASE + JOB.replace("./src/a.py", "/Workspace/x.py"))
    task = stays.jobs["one"].tasks[0].spark_python_task
    assert task is not None and task.python_file == "/Workspace/x.py"
    load(BASE + JOB.replace("./src/a.py", "${workspace.file_path}/src/a.py"))
    found = problems(BASE + JOB.replace("./src/a.py", "${workspace.file_path}/src/b.py"))
    assert len(found) == 1 and "there is no file 'src/b.py'" in found[0]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../a.py", "'../a.py' lies outside the bundle's folder"),
        ("src/../../a.py", "lies outside the bundle's folder"),
        ("s3://b/a.py", "'s3://b/a.py' is not a path"),
        ("dbfs:/a.py", "'dbfs:/a.py' is not a path"),
        ("src/a.pyy", "there is no file 'src/a.pyy' in the bundle's folder; did you mean 'src/a."),
        ("src", "there is no file 'src'"),
    ],
)
def test_paths_that_lead_nowhere(path: str, said: str):
    found = problems(BASE + JOB.replace("./src/a.py", path))
    assert len(found) == 1 and said in found[0] and found[0].startswith("databricks.yml:10:26: ")


def test_sync_chooses_files():
    files = {"src/b.py": "", "data/big.csv": "", ".env": ""}
    text = BASE + JOB + "sync: {include: [.env], exclude: ['data/*', 'src/*']}\n"
    assert [local for local, _ in load(text, files).files] == [
        ".env",
        "databricks.yml",
        "src/a.py",
    ], "what a task names is always there"
    found = problems(BASE + "sync: {include: [../x], exclude: [/y, '']}\n")
    assert [line.split(": ")[1] for line in found] == [
        "sync.include[0]",
        "sync.exclude[0]",
        "sync.exclude[1]",
    ]


def test_too_many_files_are_refused():
    found = problems(BASE, {f"f{i}": "" for i in range(1200)})
    assert "holds 1,203 files; at most 1,000 are deployed" in found[0]


TARGETS = """\
variables:
  engine: {default: duckdb, description: which}
  retries: {default: 2}
targets:
  dev: {default: true}
  prod:
    variables: {engine: trino, retries: {default: 5}}
    workspace: {root_path: "/Workspace/${bundle.target}/${bundle.name}"}
    resources:
      jobs:
        one:
          tags: {tier: gold}
          tasks:
            - {task_key: q, timeout_seconds: 9}
            - {task_key: a, spark_python_task: {parameters: [x]}}
            - {task_key: new, notebook_task: {notebook_path: src/a.py}}
"""
TWO = (
    BASE
    + JOB
    + """\
        - task_key: q
          depends_on: [{task_key: a}]
          max_retries: ${var.retries}
          sql_task: {warehouse_id: "${var.engine}", file: {path: ./src/q.sql}}
"""
    + TARGETS
)


def test_default_target_takes_the_defaults():
    bundle = load(TWO)
    query = bundle.jobs["one"].tasks[1]
    assert bundle.target == "dev" and query.max_retries == 2
    assert query.sql_task is not None and query.sql_task.warehouse_id == "duckdb"


def test_target_overrides_merge_by_task():
    bundle = load(TWO, target="prod")
    job = bundle.jobs["one"]
    assert bundle.file_path == "/Workspace/prod/shop/files"
    assert job.tags == {"tier": "gold"}
    assert [task.task_key for task in job.tasks] == ["a", "q", "new"]
    query = job.tasks[1]
    assert (query.max_retries, query.timeout_seconds) == (5, 9)
    assert query.sql_task is not None and query.sql_task.warehouse_id == "trino"
    assert job.tasks[0].spark_python_task is not None
    assert job.tasks[0].spark_python_task.parameters == ("x",)
    assert job.tasks[2].notebook_task is not None


def test_values_from_outside_go_first():
    query = load(TWO, target="prod", variables={"engine": "duckdb", "retries": "7"}).jobs["one"]
    assert query.tasks[1].sql_task is not None
    assert query.tasks[1].sql_task.warehouse_id == "duckdb"
    assert query.tasks[1].max_retries == 7


def test_value_that_does_not_fit_is_told_where_it_is_used():
    assert problems(TWO, variables={"retries": "many"}) == [
        "databricks.yml:13:24: resources.jobs.one.tasks[1].max_retries: this must be a whole"
        " number, not 'many' (the value comes from '${var.retries}')"
    ]


def test_unknown_target_and_variable_from_outside():
    assert problems(TWO, target="stage") == [
        "databricks.yml:18:1: targets: there is no target 'stage'; the targets are dev, prod"
    ]
    assert problems(TWO, variables={"engin": "x"}) == [
        "databricks.yml:15:1: variables: there is no variable 'engin'; did you mean 'engine'?"
    ]
    assert "defines none under 'targets'" in problems(BASE, target="x")[0]


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ("{a: {}, b: {}}", "no target is marked 'default: true'; mark one, or name one of a, b"),
        ("{a: {default: true}, b: {default: true}}", "a and b are both marked 'default: true'"),
    ],
)
def test_default_target_must_be_clear(targets: str, said: str):
    assert said in problems(BASE + f"targets: {targets}\n")[0]


def test_only_target_needs_no_mark():
    assert load(BASE + "targets: {a: }\n").target == "a"


def test_development_mode_marks_the_names():
    text = BASE + JOB + "targets: {dev: {mode: development}}\n"
    assert load(text).jobs["one"].name == "[dev] one"
    bundle = load(text, user="ann.b@x.org")
    assert bundle.jobs["one"].name == "[dev ann_b] one"
    assert bundle.file_path == "/Workspace/Users/ann.b@x.org/.bundle/shop/dev/files"


def test_complex_variables_stand_for_whole_trees():
    text = (
        BASE
        + JOB.replace("name: one", "name: one\n      tags: ${var.tags}")
        + "variables: {tags: {type: complex, default: {team: '${bundle.name}-team'}}}\n"
    )
    assert load(text).jobs["one"].tags == {"team": "shop-team"}
    found = problems(text, variables={"tags": "x"})
    assert "'tags' is complex and cannot be set from outside" in found[0]


def test_references_that_cannot_be_filled_are_all_told():
    text = (
        BASE
        + """\
variables:
  a: {default: "${var.b}"}
  b: {default: "${var.a}"}
  empty:
  tree: {type: complex, default: {x: 1}}
resources:
  jobs:
    one:
      name: "${var.nix} and ${bundle.nam}"
      description: "${var.a}"
      tags:
        x: "${var.empty}"
        y: "${oops"
        z: "a ${var.tree}"
        w: "${var.em pty}"
"""
    )
    found = "\n".join(problems(text))
    for said in (
        "4:16: var.a: refers to itself: var.a → var.b → var.a",
        "6:3: variables.empty: variable 'empty' has no value",
        "11:13: resources.jobs.one.name: '${var.nix}' is unknown; known are ${bundle.environment},",
        "11:13: resources.jobs.one.name: '${bundle.nam}' is unknown; did you mean '${bundle.name}'",
        "15:12: resources.jobs.one.tags.y: '${oops' is not a reference",
        "16:12: resources.jobs.one.tags.z: '${var.tree}' is a mapping and must stand alone",
        "17:12: resources.jobs.one.tags.w: '${var.em pty}' is not a reference",
    ):
        assert said in found, said
    assert len(found.splitlines()) == 7, found


def test_unfilled_reference_is_not_blamed_twice():
    text = TWO.replace("{default: duckdb, description: which}", "")
    assert problems(text) == [
        "databricks.yml:16:3: variables.engine: variable 'engine' has no value; give it a default,"
        " or pass one when deploying"
    ]


def test_reference_bombs_are_refused():
    doubling = "".join(
        f"  a{i}: {{default: '${{var.a{i - 1}}}${{var.a{i - 1}}}'}}\n"
        f"  b{i}: {{type: complex, default: ['${{var.b{i - 1}}}', '${{var.b{i - 1}}}']}}\n"
        for i in range(1, 60)
    )
    text = (
        BASE
        + "variables:\n  a0: {default: xx}\n  b0: {default: [1]}\n"
        + doubling
        + "resources: {jobs: {j: {name: '${var.a59}', tags: '${var.b59}'}}}\n"
    )
    found = "\n".join(problems(text))
    assert "grows beyond 100,000 characters" in found or "grows beyond 100,000 values" in found


def test_mistakes_of_all_files_at_once():
    text = """\
bundle: {name: my shop, git: {}}
include: [resources/*.yml, missing.yml, ../x.yml, resources/one.yml]
workspace: {state_path: /x}
experimental: {}
targets:
  dev: {default: true, mode: dev, variables: {wht: x}, run_as: {}}
variables: {wh: {default: x, lookup: {pipeline: y, job: z}}}
resources:
  pipelines: {}
  job: {}
  jobs:
    one: {}
"""
    files = {
        "resources/bad.yml": "a: 'x",
        "resources/list.yml": "- a",
        "resources/empty.yml": "",
        "resources/one.yml": "resources: {jobs: {one: {}, two: {nam: x}}}\nbundle: {name: y}\n",
        "resources/var.yml": "variables: {wh: {}}\ntargets: {dev: {default: false}}\n",
    }
    found = problems(text, files)
    wanted = [
        "databricks.yml:1:16: bundle.name: 'my shop' may hold only letters",
        "databricks.yml:1:25: bundle.git: 'git' is not supported by OpenLake; remove it",
        "databricks.yml:2:28: include[1]: there is no file 'missing.yml'",
        "databricks.yml:2:41: include[2]: '../x.yml' must be a path or pattern below",
        "databricks.yml:3:13: workspace.state_path: 'state_path' is not supported by OpenLake; ",
        "databricks.yml:4:1: experimental: 'experimental' is not supported by OpenLake; ",
        "databricks.yml:6:30: targets.dev.mode: this must be 'development' or 'production', not",
        "databricks.yml:6:47: targets.dev.variables.wht: there is no variable 'wht'; did you mean",
        "databricks.yml:6:64: targets.dev.run_as: run_as names exactly one of",
        "databricks.yml:7:39: variables.wh.lookup.pipeline: 'pipeline' is not supported",
        "databricks.yml:9:3: resources.pipelines: 'pipelines' is not supported by OpenLake; write",
        "databricks.yml:10:3: resources.job: unknown field 'job'; did you mean 'jobs'?",
        "resources/bad.yml:1:6: while scanning a quoted scalar",
        "resources/list.yml:1:1: this must be a mapping",
        "resources/one.yml:1:20: resources.jobs.one: 'one' is set in databricks.yml:12 already",
        "resources/one.yml:1:35: resources.jobs.two.nam: unknown field 'nam'; did you mean 'name'?",
        "resources/one.yml:2:1: bundle: only databricks.yml may set 'bundle'; move it there",
        "resources/var.yml:1:13: variables.wh: 'wh' is set in databricks.yml:7 already",
        "resources/var.yml:2:17: targets.dev.default: 'default' is set in databricks.yml:6 already",
    ]
    assert len(found) == len(wanted), "\n".join(found)
    for line, beginning in zip(found, wanted, strict=True):
        assert line.startswith(beginning), line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a bundle is a mapping with 'bundle' and 'resources'"),
        ("- a", "a bundle is a mapping"),
        ("resources: {}", "databricks.yml:1:1: bundle: this is missing; add it"),
        ("bundle: {name: '${var.x}'}", "may hold only letters"),
        (BASE + "resource: {}", "unknown field 'resource'; did you mean 'resources'?"),
        (BASE + "environments: {}", "this is the old name of 'targets'; rename it"),
        (BASE + "resources: {jobs: []}", "resources.jobs: this must be a mapping"),
        (BASE + "resources: {jobs: {a: 3}}", "resources.jobs.a: a job is a mapping"),
        (BASE + "include: x", "include: this must be a list"),
        (BASE + "include: [3]", "include[0]: this must be text"),
        (BASE + "targets: 3", "targets: this must be a mapping"),
        (BASE + "workspace: {root_path: rel}", "'rel' must be an absolute path"),
        (BASE + "sync: {paths: [a]}", "sync.paths: 'paths' is not supported"),
    ],
)
def test_single_mistakes(text: str, said: str):
    found = problems(text)
    assert len(found) == 1, found
    assert said in found[0]


def test_missing_file_says_so():
    with pytest.raises(InvalidFile, match=r"databricks.yml:1:1: there is no such file"):
        load_bundle(MemoryFolder({}))


def test_references_of_tasks_that_stay_as_they_are_give_warnings():
    text = (
        BASE
        + """\
resources:
  jobs:
    one:
      parameters: [{name: day, default: x}]
      tasks:
        - task_key: a
          spark_python_task: {python_file: src/a.py, parameters: ["{{job.parameters.day}}"]}
        - task_key: b
          depends_on: [{task_key: a}]
          spark_python_task:
            python_file: src/a.py
            parameters:
              - "{{tasks.a.values.anything}} {{job.start_time.iso_date}}"
              - "{{tasks.c.values.rows}}"
              - "{{job.parameters.dya}}"
              - "{{ takss.a.values.x }}"
              - "{{broken"
        - task_key: c
          depends_on: [{task_key: b}]
          spark_python_task: {python_file: src/a.py, parameters: ["{{tasks.a.result_state}}"]}
"""
    )
    warnings = [str(each) for each in load(text).warnings]
    assert [line.split(": ")[0] for line in warnings] == [
        f"databricks.yml:{line}:17" for line in (16, 17, 18, 19)
    ]
    assert "'{{tasks.c.values.rows}}' names nothing" in warnings[0]


def test_references_are_judged_by_where_they_stand():
    text = (
        BASE
        + """\
resources:
  jobs:
    one:
      tasks:
        - task_key: a
          description: "{{input}} is prose here"
          sql_task: {warehouse_id: duckdb, file: {path: src/a.py}}
          email_notifications: {on_start: ["{{job.id}}@x.org"]}
        - task_key: b
          depends_on: [{task_key: a}]
          for_each_task:
            inputs: "{{tasks.a.output.rows}}"
            task:
              task_key: b_iteration
              new_cluster: {spark_conf: {k: "{{secrets/scope/key}}", l: "{{job.id}}"}}
              spark_python_task:
                python_file: src/a.py
                parameters: ["{{input}} {{input.x}}", "{{tasks.b.run_id}}", "{{backfill.iso_date}}"]
        - task_key: c
          depends_on: [{task_key: b}]
          condition_task: {op: EQUAL_TO, left: "{{input}}", right: "{{tasks.b.output.rows}}"}
"""
    )
    found = [str(each) for each in load(text).warnings]
    wanted = [
        "databricks.yml:10:44: resources.jobs.one.tasks[0].email_notifications.on_start[0]: "
        "'{{job.id}}' will stay as it is",
        "databricks.yml:17:73: resources.jobs.one.tasks[1].for_each_task.task.new_cluster."
        "spark_conf.l: '{{job.id}}' will stay as it is",
        "databricks.yml:20:55: resources.jobs.one.tasks[1].for_each_task.task.spark_python_task."
        "parameters[1]: '{{tasks.b.run_id}}' names nothing",
        "databricks.yml:23:48: resources.jobs.one.tasks[2].condition_task.left: "
        "'{{input}}' names nothing",
        "databricks.yml:23:68: resources.jobs.one.tasks[2].condition_task.right: "
        "'{{tasks.b.output.rows}}' names nothing",
    ]
    assert len(found) == len(wanted), "\n".join(found)
    for line, beginning in zip(found, wanted, strict=True):
        assert line.startswith(beginning), "\n".join(found)


LIBRARIES = """\
resources:
  jobs:
    one:
      name: one
      tasks:
        - task_key: a
          python_wheel_task:
            package_name: pack
            entry_point: main
          libraries:
            - whl: ./dist/*.whl
            - requirements: requirements.txt
            - pypi: {package: six}
          environment_key: e
        - task_key: each
          for_each_task:
            inputs: [1]
            task:
              task_key: inner
              spark_python_task: {python_file: src/a.py}
      environments:
        - environment_key: e
          spec:
            dependencies: ["./dist/pack-1-py3-none-any.whl[x]", -r requirements.txt, six]
"""


def test_libraries_and_environments_name_files_of_the_bundle():
    files = {"dist/pack-1-py3-none-any.whl": "", "requirements.txt": ""}
    job = load(BASE + LIBRARIES, files).jobs["one"]
    root = "/Workspace/Shared/.bundle/shop/default/files"
    wheel, requirements = f"{root}/dist/pack-1-py3-none-any.whl", f"{root}/requirements.txt"
    libraries = list(job.tasks[0].libraries or ())
    assert [libraries[0].whl, libraries[1].requirements] == [wheel, requirements]
    lines = job.environments[0].spec.dependencies
    assert lines == (f"{wheel}[x]", f"-r {requirements}", "six")
    nested = job.tasks[1].for_each_task
    assert nested is not None and nested.task.spark_python_task is not None
    assert nested.task.spark_python_task.python_file == f"{root}/src/a.py"
    missing = problems(BASE + LIBRARIES, {"requirements.txt": ""})
    assert "there is no file 'dist/*.whl' in the bundle's folder" in missing[0]


def test_files_of_a_repository_are_not_looked_for():
    source = "git_source: {git_url: https://h/r, git_provider: gitHub, git_branch: main}"
    text = JOB.replace("      name: one\n", f"      name: one\n      {source}\n")
    text = text.replace("./src/a.py", "far/away.py")
    task = load(BASE + text).jobs["one"].tasks[0].spark_python_task
    assert task is not None and task.python_file == "far/away.py"
    own = text.replace("far/away.py", "src/a.py\n            source: WORKSPACE")
    task = load(BASE + own).jobs["one"].tasks[0].spark_python_task
    assert task is not None and task.python_file.endswith("/files/src/a.py")


def test_every_path_of_a_task_is_placed_but_those_of_git():
    text = (
        BASE
        + """\
resources:
  jobs:
    one:
      environments:
        - {environment_key: e, spec: {dependencies: [./src/p.whl, pandas, -r src/r.txt]}}
      tasks:
        - task_key: a
          for_each_task:
            inputs: [1]
            task: {task_key: b, spark_python_task: {python_file: src/a.py}}
        - task_key: c
          dbt_task: {commands: [dbt run], project_directory: src/dbt, profiles_directory: src/dbt}
        - task_key: d
          spark_jar_task: {main_class_name: M}
          libraries: [{jar: src/m.jar}, {maven: {coordinates: "g:a:1"}}]
    two:
      git_source: {git_url: u, git_provider: gitHub, git_branch: main}
      tasks:
        - {task_key: a, notebook_task: {notebook_path: nb/x}}
        - {task_key: b, notebook_task: {notebook_path: src/a.py, source: WORKSPACE}}
"""
    )
    files = {f"src/{name}": "" for name in ("p.whl", "r.txt", "m.jar")}
    files |= {"src/dbt/dbt_project.yml": "", "src/dbt/profiles.yml": ""}
    bundle = load(text, files)
    at, one, two = bundle.file_path, bundle.jobs["one"], bundle.jobs["two"]
    assert one.environments[0].spec.dependencies == (
        f"{at}/src/p.whl",
        "pandas",
        f"-r {at}/src/r.txt",
    )
    loop, dbt, jar = (task for task in one.tasks)
    assert loop.for_each_task and loop.for_each_task.task.spark_python_task
    assert loop.for_each_task.task.spark_python_task.python_file == f"{at}/src/a.py"
    assert dbt.dbt_task and dbt.dbt_task.project_directory == f"{at}/src/dbt"
    assert dbt.dbt_task.profiles_directory == f"{at}/src/dbt"
    assert jar.libraries and jar.libraries[0].jar == f"{at}/src/m.jar"
    assert [task.notebook_task and task.notebook_task.notebook_path for task in two.tasks] == [
        "nb/x",
        f"{at}/src/a.py",
    ]


RUNS_ANOTHER = """\
resources:
  jobs:
    a:
      tasks:
        - {task_key: r, run_job_task: {job_id: "${resources.jobs.b.id}"}}
        - task_key: n
          notebook_task:
            notebook_path: src/a.py
            base_parameters: {b: "job ${resources.jobs.b.id}"}
    b:
      tasks: [{task_key: t, spark_python_task: {python_file: src/a.py}}]
"""


def test_jobs_name_each_others_ids():
    bundle = load(BASE + RUNS_ANOTHER)
    assert list(bundle.jobs) == ["b", "a"], "what others name is made first"
    ids = {stand_in: 100 for stand_in, at in bundle.stand_ins.items() if at.key == "b"}
    settings = filled(bundle.jobs["a"].model_dump(mode="json"), ids)
    assert settings["tasks"][0]["run_job_task"]["job_id"] == 100
    assert settings["tasks"][1]["notebook_task"]["base_parameters"] == {"b": "job 100"}


def test_a_job_that_names_its_own_id_is_fine_and_a_cycle_is_not():
    own = RUNS_ANOTHER.replace("resources.jobs.b.id", "resources.jobs.a.id")
    assert set(load(BASE + own).jobs) == {"a", "b"}
    back = "[{task_key: t, run_job_task: {job_id: '${resources.jobs.a.id}'}}]"
    text = RUNS_ANOTHER.replace("[{task_key: t, spark_python_task: {python_file: src/a.py}}]", back)
    assert any("in a cycle: " in line for line in problems(BASE + text))


def test_ids_of_unknown_jobs_are_named():
    found = problems(BASE + RUNS_ANOTHER.replace("jobs.b.id", "jobs.c.id"))
    assert any("resources.jobs.c.id" in line for line in found)


def test_a_wheel_may_lie_in_the_folder_of_somebody_named_by_an_address():
    text = BASE + LIBRARIES
    files = {"dist/pack-1-py3-none-any.whl": "", "requirements.txt": ""}
    lines = load(text, files, user="ann@x.org").jobs["one"].environments[0].spec.dependencies
    root = "/Workspace/Users/ann@x.org/.bundle/shop/default/files"
    assert lines[0] == f"{root}/dist/pack-1-py3-none-any.whl[x]"
