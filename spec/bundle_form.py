"""What a bundle's files may hold around the jobs, and what of Databricks' form is refused."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, ValidationError, model_validator

from spec.bundle_presets import REFUSED_PRESETS
from spec.bundle_resources import KINDS, REFUSED_KINDS, Grant
from spec.errors import Problem
from spec.job_files import problem_at, refuse
from spec.jobs import RunAs
from spec.model import Model
from spec.problems import Path, mistakes
from spec.yaml_lines import Node


class BundleSection(Model):
    """`bundle`: who this is."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.-]+$")]


class Lookup(Model):
    """Something of the workspace by its name; the variable's value is its id."""

    alert: str | None = None
    cluster_policy: str | None = None
    instance_pool: str | None = None
    job: str | None = None
    notification_destination: str | None = None
    query: str | None = None
    service_principal: str | None = None
    warehouse: str | None = None

    @model_validator(mode="after")
    def _one(self) -> "Lookup":
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("a lookup names exactly one thing, e.g. 'warehouse: my-warehouse'")
        return self


class Variable(Model):
    """One of `variables`; without a default the caller or the target must give a value."""

    default: JsonValue = None
    lookup: Lookup | None = None
    description: str | None = None
    type: Literal["complex"] | None = None


class Workspace(Model):
    """`workspace`: which one, and where the bundle's files go in it."""

    host: str | None = None
    profile: str | None = None
    root_path: str | None = None
    file_path: str | None = None
    artifact_path: str | None = None


class Resources(Model):
    """`resources`; each is looked at by itself later."""

    jobs: dict[str, JsonValue] = {}
    sql_warehouses: dict[str, JsonValue] = {}
    secret_scopes: dict[str, JsonValue] = {}
    schemas: dict[str, JsonValue] = {}
    volumes: dict[str, JsonValue] = {}
    experiments: dict[str, JsonValue] = {}
    models: dict[str, JsonValue] = {}


class Sync(Model):
    """`sync`: files to upload beside those that are not hidden, and files to leave out."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class BundleGrant(Grant):
    """One entry of the bundle's own `permissions`."""

    level: Literal["CAN_VIEW", "CAN_RUN", "CAN_MANAGE"]  # pyright: ignore[reportIncompatibleVariableOverride]


class BundlePermissions(Model):
    """`permissions`: who may do what with everything of the bundle."""

    permissions: tuple[BundleGrant, ...] = ()


class ArtifactFile(Model):
    """One of an artifact's `files`."""

    source: str


class Artifact(Model):
    """One of `artifacts`: a Python wheel that is built before it is deployed."""

    type: Literal["whl"] | None = None
    path: str = "."
    build: str | None = None
    """The command that builds it, run by the shell in its folder."""
    files: tuple[ArtifactFile, ...] = ()
    """What the build leaves; `dist/*.whl` below its folder at first."""


class Target(Model):
    """One of `targets`: what differs there."""

    default: bool = False
    mode: Literal["development", "production"] | None = None
    variables: dict[str, JsonValue] = {}
    workspace: Workspace = Workspace()
    resources: Resources = Resources()
    artifacts: dict[str, JsonValue] = {}
    presets: dict[str, JsonValue] = {}
    permissions: tuple[dict[str, JsonValue], ...] = ()
    run_as: RunAs | None = None
    sync: Sync = Sync()


class BundleForm(Model):
    """`databricks.yml` as a whole, its included files merged in."""

    bundle: BundleSection
    include: tuple[str, ...] = ()
    variables: dict[str, Variable | None] = {}
    workspace: Workspace = Workspace()
    sync: Sync = Sync()
    resources: Resources = Resources()
    artifacts: dict[str, Artifact] = {}
    presets: dict[str, JsonValue] = {}
    permissions: tuple[dict[str, JsonValue], ...] = ()
    run_as: RunAs | None = None
    targets: dict[str, Target | None] = {}


_REMOVE = "remove it"
_TOP = {
    "environments": "this is the old name of 'targets'; rename it",
    "experimental": "remove it; nothing here is experimental",
    "python": "write the resources in YAML; a bundle's own Python code is not run",
    "scripts": "run commands by a Makefile or the like",
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
_CREDENTIALS = "remove it; set DATABRICKS_HOST and DATABRICKS_TOKEN"
_WORKSPACE = {
    "auth_type": _CREDENTIALS,
    "client_id": _CREDENTIALS,
    "resource_path": _REMOVE,
    "state_path": "remove it; what was deployed is remembered by the server",
}
_RESOURCES = {kind: instead for kind, instead in REFUSED_KINDS.items() if kind not in KINDS}
_ARTIFACT = {
    "dynamic_version": "remove it; a wheel is uploaded when what is in it has changed",
    "executable": "remove it; 'build' is run by the shell",
}
_TARGET = {name: instead for name, instead in _TOP.items() if name != "environments"} | {
    "bundle": "set it at the top of the file",
    "cluster_id": "remove it; tasks run on the engine workers",
    "compute_id": "remove it; tasks run on the engine workers",
    "git": _REMOVE,
}
_NO_LOOKUP = "write the id as 'default'"
_LOOKUP: dict[str, str] = {
    name: _NO_LOOKUP for name in ("cluster", "dashboard", "metastore", "pipeline")
}
_SYNC = {"paths": "keep the files below the bundle's folder"}


def check_form(root: Node) -> tuple[Node, list[Problem]]:
    """Check everything of a bundle but what its resources say.

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
    root = inside(root, "bundle", _BUNDLE, ())
    for name, table in _SECTIONS.items():
        root = inside(root, name, table, ())
    for name, target in _entries(root, "targets"):
        path = ("targets", name)
        target = strip(target, _TARGET, path)
        for section, table in _SECTIONS.items():
            target = inside(target, section, table, path)
        root = root.put_at(path, target)
    for name, variable in _entries(root, "variables"):
        path = ("variables", name)
        root = root.put_at(path, inside(variable, "lookup", _LOOKUP, path))
    for name, artifact in _entries(root, "artifacts"):
        path = ("artifacts", name)
        root = root.put_at(path, strip(artifact, _ARTIFACT, path))
    try:
        BundleForm.model_validate(root.plain())
    except ValidationError as error:
        problems += [problem_at(root, mistake) for mistake in mistakes(error, BundleForm)]
    return root, problems


_SECTIONS = {
    "workspace": _WORKSPACE,
    "resources": _RESOURCES,
    "sync": _SYNC,
    "presets": REFUSED_PRESETS,
}


def _entries(root: Node, name: str) -> list[tuple[str, Node]]:
    node = root.get(name)
    return node.items() if node is not None else []
