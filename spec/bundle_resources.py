"""The kinds of resources that a bundle may hold, and what each may say; jobs are in `spec.jobs`.

Shapes are those of Databricks Asset Bundles (docs "Bundle resources").
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from spec.api.permissions import AccessControl
from spec.api.warehouses import WarehouseFields
from spec.bundle_ids import ResourceKey
from spec.errors import Problem
from spec.job_files import problem_at, refuse
from spec.model import Model, Text
from spec.problems import Mistake, Path, mistakes
from spec.yaml_lines import Node

_Name = Annotated[str, Field(min_length=1, max_length=255)]
_Part = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_-]+$")]


class Warehouse(WarehouseFields):
    """One of `sql_warehouses`."""

    name: str = Field(min_length=1, max_length=99)  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]


class SecretScope(Model):
    """One of `secret_scopes`; the secrets themselves are put by hand, never by a file."""

    name: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.-]+$")]
    backend_type: Literal["DATABRICKS"] = "DATABRICKS"


class Schema(Model):
    """One of `schemas`."""

    catalog_name: _Part
    name: _Part
    comment: str | None = None
    properties: dict[str, Text] | None = None


class Volume(Model):
    """One of `volumes`."""

    catalog_name: _Part
    schema_name: _Part
    name: _Part
    comment: str | None = None
    volume_type: Literal["MANAGED"] = "MANAGED"


class Tag(Model):
    """One tag of an experiment or a model."""

    key: _Name
    value: Text = ""


class Experiment(Model):
    """One of `experiments`."""

    name: _Name
    tags: tuple[Tag, ...] = ()
    artifact_location: str | None = None


class RegisteredModel(Model):
    """One of `models`: the registry of MLflow."""

    name: _Name
    description: str | None = None
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """What is peculiar to one kind of resource."""

    word: str
    """How people call one of it."""
    model: type[Model] | None = None
    """None for jobs, which are checked by `spec.job_files`."""
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    """Field → what to do instead."""
    levels: tuple[str, ...] = ()
    """Of its `permissions`, weakest first; () where it takes none."""
    of_bundle: Mapping[str, str] = field(default_factory=dict[str, str])
    """What a level of the bundle's own `permissions` means for it."""
    fixed: tuple[str, ...] = ()
    """Fields that cannot be changed: another value makes the resource anew."""
    loses: str = ""
    """What is gone when it is deleted; "" when nothing is."""


_GRANTS = {"grants": "remove it; who may use a table is said by permissions of the workspace"}

KINDS: dict[str, Kind] = {
    "schemas": Kind(
        "schema",
        Schema,
        _GRANTS | {"storage_root": "remove it; the catalog says where tables lie"},
        fixed=("catalog_name", "name"),
        loses="its tables and volumes",
    ),
    "volumes": Kind(
        "volume",
        Volume,
        _GRANTS | {"storage_location": "remove it; files of volumes lie in the object store"},
        fixed=("catalog_name", "schema_name", "name"),
        loses="its files",
    ),
    "secret_scopes": Kind(
        "secret scope",
        SecretScope,
        {"keyvault_metadata": "remove it; secrets are kept by OpenLake itself"},
        levels=("READ", "WRITE", "MANAGE"),
        of_bundle={"CAN_VIEW": "READ", "CAN_RUN": "READ", "CAN_MANAGE": "MANAGE"},
        fixed=("name",),
        loses="its secrets",
    ),
    "experiments": Kind(
        "experiment",
        Experiment,
        levels=("CAN_READ", "CAN_EDIT", "CAN_MANAGE"),
        of_bundle={"CAN_VIEW": "CAN_READ", "CAN_MANAGE": "CAN_MANAGE"},
        fixed=("artifact_location",),
        loses="its runs",
    ),
    "models": Kind(
        "model",
        RegisteredModel,
        levels=("CAN_READ", "CAN_EDIT", "CAN_MANAGE"),
        of_bundle={"CAN_VIEW": "CAN_READ", "CAN_MANAGE": "CAN_MANAGE"},
        loses="its versions",
    ),
    "sql_warehouses": Kind(
        "warehouse",
        Warehouse,
        {"creator_name": "remove it; whoever deploys makes it"},
        levels=("CAN_VIEW", "CAN_USE", "CAN_MONITOR", "CAN_MANAGE", "IS_OWNER"),
        of_bundle={"CAN_VIEW": "CAN_VIEW", "CAN_RUN": "CAN_USE", "CAN_MANAGE": "CAN_MANAGE"},
        fixed=("engine",),
    ),
    "jobs": Kind(
        "job",
        levels=("CAN_VIEW", "CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"),
        of_bundle={
            "CAN_VIEW": "CAN_VIEW",
            "CAN_RUN": "CAN_MANAGE_RUN",
            "CAN_MANAGE": "CAN_MANAGE",
        },
        loses="its runs from lists",
    ),
}
"""In the order of making: what stands later may need what stands before it."""

_NOT_HERE = "this is not deployed by OpenLake; remove it"
REFUSED_KINDS = {
    "alerts": "make them by `/api/2.0/sql/alerts`, where an alert judges a saved query",
    "clusters": "name a compute profile in 'job_clusters' or 'new_cluster'",
    "registered_models": "write them under 'models'; there is one registry, MLflow's",
    "pipelines": "write the steps as tasks of a job",
} | dict.fromkeys(
    (
        "apps catalogs dashboards database_catalogs database_instances external_locations"
        " genie_spaces model_serving_endpoints postgres_branches postgres_endpoints"
        " postgres_projects quality_monitors synced_database_tables vector_search_endpoints"
    ).split(),
    _NOT_HERE,
)
"""Kinds that Databricks has and OpenLake does not deploy → what to do instead."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as it is to be deployed."""

    at: ResourceKey
    name: str
    settings: dict[str, Any]
    """As the API takes them; with stand-ins for ids, see `spec.bundle_ids`."""
    permissions: tuple[AccessControl, ...] = ()
    prevent_destroy: bool = False


class Lifecycle(Model):
    """`lifecycle` of a resource."""

    prevent_destroy: bool = False
    """Neither deploying nor destroying may delete it."""


class Grant(Model):
    """One entry of a `permissions` list."""

    level: str
    user_name: _Name | None = None
    group_name: _Name | None = None
    service_principal_name: _Name | None = None


class _Around(Model):
    """What any resource may say beside its settings."""

    permissions: tuple[Grant, ...] = ()
    lifecycle: Lifecycle = Lifecycle()


def take_around(
    kind: str, node: Node, at: Path
) -> tuple[Node, tuple[AccessControl, ...], bool, list[Problem]]:
    """Take `permissions` and `lifecycle` out of a resource.

    Returns:
        The settings alone, who may do what, whether it is protected, and what is wrong.
    """
    names = ("permissions", "lifecycle")
    around = Node({n: v for n, v in node.items() if n in names}, node.mark, node.keys)
    rest = Node({n: v for n, v in node.items() if n not in names}, node.mark, node.keys)
    if not isinstance(node.value, dict):
        return node, (), False, []
    try:
        given = _Around.model_validate(around.plain())
    except ValidationError as error:
        return rest, (), False, [problem_at(around, m, at) for m in mistakes(error, _Around)]
    found = [
        problem_at(around, Mistake(("permissions", i, *path), message), at)
        for i, grant in enumerate(given.permissions)
        for path, message in _wrong_with(kind, grant)
    ]
    granted = () if found else tuple(access(grant, grant.level) for grant in given.permissions)
    return rest, granted, given.lifecycle.prevent_destroy, found


def _wrong_with(kind: str, grant: Grant) -> list[tuple[Path, str]]:
    levels = KINDS[kind].levels
    if not levels:
        return [((), f"a {KINDS[kind].word} has no permissions of its own; remove this")]
    found: list[tuple[Path, str]] = []
    if grant.level not in levels:
        found.append((("level",), f"the levels are {', '.join(levels)}, not '{grant.level}'"))
    return found + wrong_principal(grant)


def wrong_principal(grant: Grant) -> list[tuple[Path, str]]:
    """Return what is wrong with whom an entry names."""
    named = (grant.user_name, grant.group_name, grant.service_principal_name)
    if sum(each is not None for each in named) == 1:
        return []
    what = "name exactly one of 'user_name', 'group_name' and 'service_principal_name'"
    return [((), what)]


def access(grant: Grant, level: str) -> AccessControl:
    """Return an entry as the Permissions API takes it."""
    return AccessControl(**grant.model_dump(exclude={"level"}), permission_level=level)


def with_bundle_permissions(
    kind: str, own: tuple[AccessControl, ...], of_bundle: tuple[Grant, ...]
) -> tuple[AccessControl, ...]:
    """Return a resource's permissions with those of the whole bundle; the higher level counts."""
    meant = KINDS[kind]
    best: dict[tuple[tuple[str, str], ...], AccessControl] = {}
    inherited = (
        access(grant, meant.of_bundle[grant.level])
        for grant in of_bundle
        if grant.level in meant.of_bundle
    )
    for each in (*own, *inherited):
        whom = tuple(each.named.items())
        held = best.get(whom)
        level = meant.levels.index
        if held is None or level(each.permission_level) > level(held.permission_level):
            best[whom] = each
    return tuple(best.values())


def check_resource(kind: str, node: Node, at: Path) -> tuple[dict[str, Any], list[Problem]]:
    """Validate the settings of a resource that is no job.

    Returns:
        What is set, as the API takes it; and what is wrong.
    """
    known = KINDS[kind]
    if known.model is None:
        raise ValueError(f"{kind} are not checked here")
    if not isinstance(node.value, dict):
        what = f"a {known.word} is a mapping with 'name'; write it so"
        return {}, [problem_at(node, Mistake((), what), at)]
    node, problems = refuse(node, known.refused, at)
    try:
        model = known.model.model_validate(node.plain())
    except ValidationError as error:
        found = mistakes(error, known.model)
        return {}, [*problems, *(problem_at(node, mistake, at) for mistake in found)]
    return model.model_dump(mode="json", exclude_none=True, exclude_unset=True), problems
