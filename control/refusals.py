"""What Databricks serves and OpenLake leaves out on purpose: refused with a reason, never faked.

An endpoint that nobody serves is answered with 404 `ENDPOINT_NOT_FOUND`. Those named here are ones
that clients of the SQL and catalog services do call, so they are told why, and what to do instead.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter

from control.http import CallerArg
from spec.errors import NotOffered

router = APIRouter(include_in_schema=False)

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

_DASHBOARDS = "there are no dashboards here; point a BI tool at a SQL warehouse"
_DRAWINGS = "saved queries have no visualizations here"
_UNITY = "/api/2.1/unity-catalog"
_STORAGE = "the stack's settings say where tables are stored, and workers get keys by themselves"
_OUTSIDE = "catalogs of other servers are named in OPENLAKE_CATALOGS"
_MODELS = "models are registered in MLflow's own registry, under /api/2.0/mlflow"
_BY_SQL = "make and change tables by SQL on a warehouse, or in a task"
_ONE_METASTORE = "a stack has the one metastore that it was made with"
_CLUSTERS = (
    "each cluster is a compute profile of the stack's settings (OPENLAKE_WORKER__COMPUTE_PROFILES),"
    " where it is made and changed; give a task a cluster of its own with new_cluster"
)
_LIBRARIES = (
    "a compute profile's packages are its 'dependencies' in the stack's settings; give a task its"
    " own with 'libraries', or many tasks with the 'libraries' of a cluster policy"
)
_COMMANDS = "run code as a task with jobs/runs/submit, and SQL with sql/statements"
_BY_POLICY = (
    "no job is rewritten: what a policy fixes is filled in whenever a run begins;"
    " policies/jobs/get-compliance tells what is to be changed with jobs/update"
)
_CLUSTER_CHANGES = (
    "create edit update resize restart delete permanent-delete pin unpin change-owner"
).split()

REASONS: dict[str, tuple[str, list[str]]] = {
    "/api/2.0/preview/sql/dashboards": (_DASHBOARDS, _METHODS),
    "/api/2.0/preview/sql/widgets": (_DASHBOARDS, _METHODS),
    "/api/2.0/preview/sql/alerts": (
        "the older alerts API is not served; use /api/2.0/sql/alerts",
        _METHODS,
    ),
    "/api/2.0/preview/sql/visualizations": (_DRAWINGS, _METHODS),
    "/api/2.0/sql/visualizations": (_DRAWINGS, _METHODS),
    "/api/2.0/redash-v2": (_DASHBOARDS, _METHODS),
    "/api/2.0/lakeview": (_DASHBOARDS, _METHODS),
    "/api/2.0/genie": ("there is no assistant that writes SQL here", _METHODS),
    "/api/2.0/alerts": (
        "alerts with a query and a schedule of their own (v2) are not served; save the query with"
        " /api/2.0/sql/queries, make an alert on it with /api/2.0/sql/alerts, and let a job with an"
        " sql_task judge it on a schedule",
        _METHODS,
    ),
    "/api/warehouses/v1": (
        "there are no default warehouses of users; name the warehouse with each statement",
        _METHODS,
    ),
    "/api/2.0/lineage-tracking": (
        "lineage is collected from what runs do, and read under /api/openlake/1.0/lineage",
        _METHODS,
    ),
    "/api/2.0/online-tables": ("there are no online tables here", _METHODS),
    "/api/2.0/unity-catalog": (f"temporary credentials are not given out: {_STORAGE}", _METHODS),
    "/api/2.1/quality-monitoring": ("there are no monitors of tables here", _METHODS),
    "/api/3.0/rfa": ("access is not asked for here: an admin gives it", _METHODS),
    **{
        f"/api/{version}/clusters/{change}": (_CLUSTERS, ["POST"])
        for version in ("2.0", "2.1")
        for change in _CLUSTER_CHANGES
    },
    "/api/2.0/libraries/install": (_LIBRARIES, ["POST"]),
    "/api/2.0/libraries/uninstall": (_LIBRARIES, ["POST"]),
    "/api/1.2/contexts": (f"no commands run on clusters; {_COMMANDS}", _METHODS),
    "/api/1.2/commands": (f"no commands run on clusters; {_COMMANDS}", _METHODS),
    "/api/2.0/policies/clusters/enforce-compliance": (_BY_POLICY, ["POST"]),
    "/api/2.0/policies/clusters:cancelPendingClusterEnforcement": (_BY_POLICY, ["POST"]),
    "/api/2.0/policies/jobs/enforce-compliance": (_BY_POLICY, ["POST"]),
    "/api/2.0/global-init-scripts": (
        "no scripts run before a task; put what it needs into its libraries or environment",
        _METHODS,
    ),
    "/api/2.0/instance-profiles": (
        "there are no machines of a cloud whose rights tasks could have; use secrets",
        _METHODS,
    ),
    f"{_UNITY}/artifact-allowlists": ("every user may use any library in jobs", _METHODS),
    f"{_UNITY}/bindings": ("every catalog is there for all workspaces of the stack", _METHODS),
    f"{_UNITY}/workspace-bindings": (
        "every catalog is there for all workspaces of the stack",
        _METHODS,
    ),
    f"{_UNITY}/catalogs": (_OUTSIDE, ["POST", "PATCH", "DELETE"]),
    f"{_UNITY}/connections": (_OUTSIDE, _METHODS),
    f"{_UNITY}/constraints": ("Iceberg tables have no constraints", _METHODS),
    f"{_UNITY}/credentials": (_STORAGE, _METHODS),
    f"{_UNITY}/storage-credentials": (_STORAGE, _METHODS),
    f"{_UNITY}/validate-credentials": (_STORAGE, _METHODS),
    f"{_UNITY}/validate-storage-credentials": (_STORAGE, _METHODS),
    f"{_UNITY}/temporary-service-credentials": (_STORAGE, _METHODS),
    f"{_UNITY}/external-locations": (_STORAGE, _METHODS),
    f"{_UNITY}/entity-tag-assignments": ("tables, schemas and catalogs have no tags", _METHODS),
    f"{_UNITY}/functions": (
        "functions are not kept in the catalog",
        ["POST", "PATCH", "DELETE"],
    ),
    f"{_UNITY}/metastores": (_ONE_METASTORE, ["POST", "PATCH", "DELETE"]),
    f"{_UNITY}/metastores/{{id}}/systemschemas": (
        "there are no system schemas; statements are listed under /api/2.0/sql/history/queries,"
        " deeds under /api/openlake/1.0/audit",
        _METHODS,
    ),
    f"{_UNITY}/workspaces": (_ONE_METASTORE, _METHODS),
    f"{_UNITY}/models": (_MODELS, _METHODS),
    f"{_UNITY}/permissions": (
        "users share the catalogs of their stack, and single tables have no permissions yet",
        ["PATCH"],
    ),
    f"{_UNITY}/policies": ("there are no policies on tables", _METHODS),
    f"{_UNITY}/resource-quotas": ("the catalog has no quotas", _METHODS),
    f"{_UNITY}/schemas": (
        "a schema's properties are changed by SQL on a Trino warehouse",
        ["PATCH"],
    ),
    f"{_UNITY}/secrets": ("secrets are kept in scopes, under /api/2.0/secrets", _METHODS),
    f"{_UNITY}/shares": ("nothing is shared between stacks", _METHODS),
    f"{_UNITY}/recipients": ("nothing is shared between stacks", _METHODS),
    f"{_UNITY}/providers": ("nothing is shared between stacks", _METHODS),
    f"{_UNITY}/tables": (_BY_SQL, ["POST", "PATCH"]),
    f"{_UNITY}/tables/{{name}}/monitor": ("there are no monitors of tables here", _METHODS),
}
"""Where a path begins → why it is left out, and of which methods."""


def _refuse(reason: str) -> Callable[..., Coroutine[Any, Any, None]]:
    async def refuse(caller: CallerArg) -> None:
        raise NotOffered(f"OpenLake does not serve this: {reason}.")

    return refuse


for _prefix, (_reason, _methods) in REASONS.items():
    for _path in (_prefix, _prefix + "/{rest:path}"):
        router.add_api_route(_path, _refuse(_reason), methods=_methods)
