"""What a bundle's files may hold around the jobs, and what of Databricks' form is refused."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, ValidationError

from spec.errors import Problem
from spec.job_files import problem_at, refuse
from spec.model import Model
from spec.problems import Path, mistakes
from spec.yaml_lines import Node


class BundleSection(Model):
    """`bundle`: who this is."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.-]+$")]


class Variable(Model):
    """One of `variables`; without a default the caller or the target must give a value."""

    default: JsonValue = None
    description: str | None = None
    type: Literal["complex"] | None = None


class Workspace(Model):
    """`workspace`: where the bundle's files go."""

    root_path: str | None = None
    file_path: str | None = None


class Resources(Model):
    """`resources`; jobs are looked at one by one later."""

    jobs: dict[str, JsonValue] = {}


class Sync(Model):
    """`sync`: files to upload beside those that are not hidden, and files to leave out."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class Target(Model):
    """One of `targets`: what differs there."""

    default: bool = False
    mode: Literal["development", "production"] | None = None
    variables: dict[str, JsonValue] = {}
    workspace: Workspace = Workspace()
    resources: Resources = Resources()


class BundleForm(Model):
    """`databricks.yml` as a whole, its included files merged in."""

    bundle: BundleSection
    include: tuple[str, ...] = ()
    variables: dict[str, Variable | None] = {}
    workspace: Workspace = Workspace()
    sync: Sync = Sync()
    resources: Resources = Resources()
    targets: dict[str, Target | None] = {}


_REMOVE = "remove it"
_TOP = {
    "artifacts": "build wheels before deploying, and install them for the engine workers",
    "environments": "this is the old name of 'targets'; rename it",
    "experimental": _REMOVE,
    "permissions": "remove it; everybody in the workspace may use the jobs",
    "presets": _REMOVE,
    "python": _REMOVE,
    "run_as": "remove it; a run works as whoever starts it",
    "scripts": _REMOVE,
}
_BUNDLE = {
    "cluster_id": "remove it; tasks run on the engine workers",
    "compute_id": "remove it; tasks run on the engine workers",
    "databricks_cli_version": _REMOVE,
    "deployment": _REMOVE,
    "engine": _REMOVE,
    "git": _REMOVE,
    "uuid": _REMOVE,
}
_WORKSPACE = {
    "artifact_path": _REMOVE,
    "auth_type": "remove it; set DATABRICKS_HOST and DATABRICKS_TOKEN",
    "client_id": "remove it; set DATABRICKS_HOST and DATABRICKS_TOKEN",
    "host": "remove it; the address comes from DATABRICKS_HOST",
    "profile": "remove it; set DATABRICKS_HOST and DATABRICKS_TOKEN",
    "resource_path": _REMOVE,
    "state_path": _REMOVE,
}
_RESOURCES = {
    name: f"only 'jobs' can be deployed; {_REMOVE}"
    for name in (
        "alerts apps catalogs clusters dashboards database_catalogs database_instances experiments"
        " external_locations genie_spaces model_serving_endpoints models pipelines"
        " postgres_branches postgres_endpoints postgres_projects quality_monitors"
        " registered_models schemas secret_scopes sql_warehouses synced_database_tables"
        " vector_search_endpoints volumes"
    ).split()
}
_TARGET = {name: instead for name, instead in _TOP.items() if name != "environments"} | {
    "bundle": "set it at the top of the file",
    "cluster_id": "remove it; tasks run on the engine workers",
    "compute_id": "remove it; tasks run on the engine workers",
    "git": _REMOVE,
    "sync": "set it at the top of the file",
}
_VARIABLE = {"lookup": "write the value as 'default'"}
_SYNC = {"paths": "keep the files below the bundle's folder"}


def check_form(root: Node) -> tuple[Node, list[Problem]]:
    """Check everything of a bundle but what its jobs say.

    Returns:
        The tree without what is refused, and what is wrong.
    """
    problems: list[Problem] = []

    def strip(node: Node, table: dict[str, str], path: Path) -> Node:
        stripped, found = refuse(node, table, path)
        problems.extend(found)
        return stripped

    def inside(node: Node, name: str, table: dict[str, str], path: Path) -> Node:
        inner = node.get(name)
        return node if inner is None else node.put(name, strip(inner, table, (*path, name)))

    root = strip(root, _TOP, ())
    for name, table in _SECTIONS.items():
        root = inside(root, name, table, ())
    root = inside(inside(root, "bundle", _BUNDLE, ()), "sync", _SYNC, ())
    for name, target in _entries(root, "targets"):
        path = ("targets", name)
        target = strip(target, _TARGET, path)
        for section, table in _SECTIONS.items():
            target = inside(target, section, table, path)
        root = root.put_at(path, target)
    for name, variable in _entries(root, "variables"):
        path = ("variables", name)
        root = root.put_at(path, strip(variable, _VARIABLE, path))
    try:
        BundleForm.model_validate(root.plain())
    except ValidationError as error:
        problems += [problem_at(root, mistake) for mistake in mistakes(error, BundleForm)]
    return root, problems


_SECTIONS = {"workspace": _WORKSPACE, "resources": _RESOURCES}


def _entries(root: Node, name: str) -> list[tuple[str, Node]]:
    node = root.get(name)
    return node.items() if node is not None else []
