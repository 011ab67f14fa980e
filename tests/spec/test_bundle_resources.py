"""Bundles beyond jobs: modes, presets, permissions, wheels, ignored files, and what is planned."""

from typing import Any

import pytest

from spec.bundle import Bundle
from spec.bundle_ids import ResourceKey
from spec.bundle_ignore import Ignored
from spec.bundle_plan import Action, Existing, Wanted, deletions, plan_files, step_for
from spec.bundle_resources import Resource
from spec.bundle_schema import bundle_schema
from spec.errors import NotFound
from tests.spec.test_bundle import BASE, JOB, load, problems

SCHEDULE = "      schedule: {quartz_cron_expression: 0 0 3 * * ?, timezone_id: UTC}\n"
KINDS = """\
  sql_warehouses:
    small: {cluster_size: Small}
  schemas:
    gold: {catalog_name: lakehouse}
  volumes:
    files: {catalog_name: lakehouse, schema_name: "${resources.schemas.gold.name}"}
  experiments:
    trials: {name: /Shared/trials}
"""


def settings(bundle: Bundle, kind: str, key: str) -> dict[str, Any]:
    """Return what a resource says."""
    return next(e.settings for e in bundle.resources if e.at == ResourceKey(kind, key))


def test_development_copies_are_marked_paused_and_tagged():
    text = BASE + JOB + SCHEDULE + KINDS + "targets: {dev: {mode: development}}\n"
    bundle = load(text, user="ann.b@x.org")
    job = bundle.jobs["one"]
    assert (job.name, job.tags, job.max_concurrent_runs) == ("[dev ann_b] one", {"dev": "ann_b"}, 4)
    assert job.schedule is not None and job.schedule.pause_status == "PAUSED"
    assert settings(bundle, "schemas", "gold")["name"] == "dev_ann_b_gold"
    assert settings(bundle, "volumes", "files") == {
        "catalog_name": "lakehouse",
        "schema_name": "dev_ann_b_gold",
        "name": "files",
    }
    assert settings(bundle, "experiments", "trials")["name"] == "/Shared/[dev ann_b] trials"
    runs = text.replace("timezone_id: UTC}", "timezone_id: UTC, pause_status: UNPAUSED}")
    schedule = load(runs, user="a").jobs["one"].schedule
    assert schedule is not None and schedule.pause_status == "UNPAUSED", "the job itself says so"


def test_presets_of_a_target_go_before_those_of_its_mode():
    presets = "presets: {name_prefix: 'x ', tags: {team: a}, trigger_pause_status: UNPAUSED}"
    text = BASE + JOB + SCHEDULE + f"targets: {{dev: {{mode: development, {presets}}}}}\n"
    job = load(text, user="ann@x.org").jobs["one"]
    assert (job.name, job.tags) == ("x one", {"dev": "ann", "team": "a"})
    assert job.schedule is not None and job.schedule.pause_status == "UNPAUSED"


def test_modes_ask_for_what_they_need():
    production = BASE + JOB + "targets: {p: {mode: production%s}}\n"
    assert "mode production needs one copy" in problems(production % "")[0]
    load(production % ", workspace: {root_path: /Workspace/Shared/p}")
    job = load(production % ", run_as: {service_principal_name: s}").jobs["one"]
    assert job.run_as is not None and job.run_as.name == "s"
    development = BASE + "targets: {d: {mode: development, workspace: {root_path: %s}}}\n"
    found = problems(development % "/Workspace/Shared/d", user="ann@x.org")
    assert "mode development needs a folder of one's own" in found[0]
    bundle = load(development % "~/d", user="ann@x.org")
    assert bundle.file_path == "/Workspace/Users/ann@x.org/d/files"


def test_permissions_of_the_bundle_and_the_resource_come_to_the_higher_level():
    text = (
        BASE
        + "permissions: [{level: CAN_RUN, user_name: ann}, {level: CAN_VIEW, group_name: users}]\n"
        + JOB
        + "      permissions:\n"
        + "        [{level: CAN_VIEW, user_name: ann}, {level: IS_OWNER, user_name: b}]\n"
        + KINDS
    )
    bundle = load(text)
    given = {
        e.at.key: [(*a.named.values(), a.permission_level) for a in e.permissions]
        for e in bundle.resources
    }
    assert given["one"] == [("ann", "CAN_MANAGE_RUN"), ("b", "IS_OWNER"), ("users", "CAN_VIEW")]
    assert given["small"] == [("ann", "CAN_USE"), ("users", "CAN_VIEW")]
    assert given["trials"] == [("users", "CAN_READ")] and given["gold"] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("permissions: [{level: CAN_USE, user_name: a}]", "permissions[0].level: this must be"),
        ("permissions: [{level: CAN_VIEW}]", "permissions[0]: name exactly one of 'user_name'"),
        (JOB + "      permissions: [{level: CAN_USE, user_name: a}]", "the levels are CAN_VIEW, "),
        ("resources: {schemas: {s: {catalog_name: c, grants: []}}}", "grants: 'grants' is not"),
        ("resources: {alerts: {a: {}}}", "an alert judges a saved query"),
        ("resources: {sql_warehouses: {w: {cluster_size: Huge}}}", "cluster_size: this must be"),
        ("resources: {volumes: {v: {name: v, catalog_name: c}}}", "schema_name: this is missing"),
        ("presets: {source_linked_deployment: true}", "files are always uploaded"),
        ("presets: {trigger_pause_status: x}", "presets.trigger_pause_status: this must be"),
        ("python: {}", "a bundle's own Python code is not run"),
        ("artifacts: {a: {type: jar}}", "artifacts.a.type: this must be 'whl'"),
        ("artifacts: {a: {path: ../x}}", "'../x' lies outside the bundle's folder"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, said: str):
    found = problems(BASE + text + "\n")
    assert len(found) == 1 and said in found[0], found
    assert found[0].startswith("databricks.yml:")


def test_lookups_are_asked_only_where_no_value_is_given():
    asked: list[tuple[str, str]] = []

    def find(kind: str, name: str) -> str:
        asked.append((kind, name))
        if name == "nix":
            raise NotFound("there is none")
        return "duckdb"

    text = BASE + "variables: {w: {lookup: {warehouse: a}}, n: {default: '${var.w}'}}\n"
    assert load(text, find=find).variables == {"w": "duckdb", "n": "duckdb"}
    assert load(text, find=find, variables={"w": "x"}).variables["n"] == "x"
    assert load(text, find=find, of_file={"w": "y"}).variables["n"] == "y"
    assert asked == [("warehouse", "a")]
    assert "there is none" in problems(text.replace("warehouse: a", "warehouse: nix"), find=find)[0]
    assert "the API is needed" in problems(text)[0]


WHEEL = """\
artifacts: {tools: {type: whl, path: ./tools}}
resources:
  jobs:
    one:
      environments:
        - {environment_key: e, spec: {client: "1", dependencies: [./tools/dist/*.whl]}}
      tasks:
        - {task_key: a, environment_key: e, spark_python_task: {python_file: src/a.py}}
"""


def test_wheels_go_where_tasks_look_for_them():
    root = "/Workspace/Shared/.bundle/shop/default"
    files = {"tools/shop/x.py": "", "tools/dist/old-1.whl": "", "tools/dist/new-2.whl": ""}
    unbuilt = load(BASE + WHEEL, files)
    assert [build.name for build in unbuilt.builds] == ["tools"]
    assert "tools/shop/x.py" in dict(unbuilt.files) and "tools/dist/old-1.whl" not in dict(
        unbuilt.files
    )
    built = load(BASE + WHEEL, files, built={"tools": ["tools/dist/new-2.whl"]})
    wheel = f"{root}/artifacts/.internal/new-2.whl"
    assert dict(built.files)["tools/dist/new-2.whl"] == wheel
    assert built.jobs["one"].environments[0].spec.dependencies == (wheel,)
    both = {"tools": ["tools/dist/new-2.whl", "tools/dist/old-1.whl"]}
    assert "means several files" in problems(BASE + WHEEL, files, built=both)[0]


def test_notebooks_lose_their_suffix_and_files_keep_it():
    text = BASE + JOB.replace("spark_python_task", "notebook_task").replace(
        "python_file", "notebook_path"
    )
    for source, name in (("# Databricks notebook source\n", "/src/a"), ("x = 1\n", "/src/a.py")):
        task = load(text, {"src/a.py": source}).jobs["one"].tasks[0].notebook_task
        assert task is not None and task.notebook_path.endswith(name)


@pytest.mark.parametrize(
    ("rules", "left_out", "kept"),
    [
        ("*.log\n", ["a.log", "x/b.log"], ["a.log.txt"]),
        ("/a.txt\n", ["a.txt"], ["x/a.txt"]),
        ("build/\n", ["build/x", "y/build/z/t"], ["build.py"]),
        ("x/**/t\n", ["x/t", "x/a/b/t"], ["t"]),
        ("x/*\n!x/keep\n", ["x/a"], ["x/keep"]),
        ("x/\n!x/keep\n", ["x/keep"], []),
        ("# no\n\\#yes\nt[0-9].py\n", ["#yes", "t1.py"], ["no", "ta.py"]),
    ],
)
def test_gitignore_is_read_as_git_reads_it(rules: str, left_out: list[str], kept: list[str]):
    ignored = Ignored({"": rules})
    assert all(ignored(path) for path in left_out)
    assert not any(ignored(path) for path in kept)


def test_deeper_gitignores_go_before():
    ignored = Ignored({"": "*.csv\n", "data": "!keep.csv\n"})
    assert ignored("data/a.csv") and not ignored("data/keep.csv") and ignored("keep.csv")


def test_a_bundle_leaves_out_what_git_ignores_but_for_what_is_named():
    files = {".gitignore": "*.csv\nsrc/\n", "a.csv": "", "b.csv": "", "c.txt": ""}
    text = BASE + JOB + "sync: {include: [b.csv]}\n"
    assert [path for path, _ in load(text, files).files] == [
        "b.csv",
        "c.txt",
        "databricks.yml",
        "src/a.py",
    ]


def wanted(**fields: Any) -> Wanted:
    """Return what a warehouse is to be."""
    return Wanted({"name": "w", **fields}, {})


def test_steps_follow_from_what_is_there():
    resource = Resource(ResourceKey("sql_warehouses", "w"), "w", {})
    assert step_for(resource, wanted(), None).action is Action.CREATE
    there = Existing("1", {"name": "w"})
    assert step_for(resource, wanted(), there).action is Action.UNCHANGED
    changed = step_for(resource, wanted(auto_stop_mins=10), there)
    assert changed.action is Action.UPDATE and changed.changes[0].path == "auto_stop_mins"
    anew = step_for(resource, wanted(engine="trino"), Existing("1", {"engine": "duckdb"}))
    assert anew.action is Action.RECREATE and not anew.loses
    schema = Resource(ResourceKey("schemas", "s"), "s", {}, prevent_destroy=True)
    moved = step_for(schema, Wanted({"name": "b"}, {}), Existing("c.a", {"name": "a"}))
    assert moved.loses and moved.is_protected
    given = Existing("1", {"name": "w"}, {"user_name a": "CAN_USE"})
    differs = step_for(resource, Wanted({"name": "w"}, {"user_name a": "CAN_VIEW"}), given)
    assert differs.permissions_differ and not differs.settings_differ


def test_what_others_need_is_deleted_last_and_what_is_gone_loses_nothing():
    keys = [ResourceKey(k, "x") for k in ("schemas", "jobs", "volumes")]
    steps = deletions(dict.fromkeys(keys, "x"), {keys[0]: "c.s"}, [keys[0]])
    assert [step.at.kind for step in steps] == ["jobs", "volumes", "schemas"]
    assert [bool(step.loses) for step in steps] == [False, False, True]
    assert [step.is_protected for step in steps] == [False, False, True]


def test_files_are_uploaded_when_either_side_has_changed():
    noted = {"/a": ("1", 5), "/b": ("1", 5), "/c": ("1", 5), "/old": ("1", 5), "/gone": ("1", 5)}
    there = {"/a": 5, "/b": 6, "/c": 5, "/old": 5, "/others": 5}
    planned = plan_files({"/a": "1", "/b": "1", "/c": "2", "/new": "1"}, noted, there)
    assert planned.upload == ("/b", "/c", "/new") and planned.unchanged == 1
    assert planned.delete == ("/old",), "others' files stay"


def test_the_schema_knows_every_section():
    schema = bundle_schema()
    assert {"artifacts", "permissions", "presets", "run_as", "sync"} <= set(schema["properties"])
    assert "permissions" in schema["$defs"]["JobSettings"]["properties"]
    assert "name" not in schema["$defs"]["Warehouse"].get("required", [])
