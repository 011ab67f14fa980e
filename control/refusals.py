"""What Databricks serves and OpenLake leaves out on purpose: refused with a reason, never faked.

An endpoint that nobody serves is answered with 404 `ENDPOINT_NOT_FOUND`. Those named here are ones
that clients may well call, so they are told why, and what to do instead.
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
_NO_APPS = "no apps run here"
_NO_DATABASES = "no databases are made here; tables are Iceberg's, and SQL runs on warehouses"
_NO_FEATURES = "there is no feature store here; features are columns of tables"
_NO_MARKET = "nothing is shared between stacks"
_NO_MODELS_SERVED = "no models are served here; load them from MLflow where they are needed"
_NO_VECTORS = "there are no vector indexes here"
_SETTINGS = (
    "a workspace has its settings under /api/openlake/1.0/workspaces; the others are the stack's,"
    " and an operator's"
)
_GRANTS = "ask for the grants on one catalog, schema or table: unity-catalog/permissions"
_MONITORS = "there are no monitors of tables here; check them by a check_task of a job"
_CLUSTER_CHANGES = (
    "create edit update resize restart delete permanent-delete pin unpin change-owner"
).split()

REASONS: dict[str, tuple[str, list[str]]] = {
    "/api/2.0/preview/sql/dashboards": (_DASHBOARDS, _METHODS),
    "/api/2.0/preview/sql/widgets": (_DASHBOARDS, _METHODS),
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
    "/api/2.1/quality-monitoring": (_MONITORS, _METHODS),
    "/api/2.0/quality-monitors": (_MONITORS, _METHODS),
    "/api/data-quality": (_MONITORS, _METHODS),
    "/api/2.0/sql/queries/{id}/visualizations": (_DRAWINGS, _METHODS),
    "/api/2.0/repos": (
        "there are no Git folders here; a job takes its files from its git_source",
        _METHODS,
    ),
    "/api/2.0/git-credentials": (
        "users have no Git credentials here; an operator gives the token of a Git host in"
        " OPENLAKE_GIT__HOSTS",
        _METHODS,
    ),
    "/api/2.0/pipelines": (
        "there are no pipelines here; make tables by the tasks of a job, e.g. dbt_task or sql_task",
        _METHODS,
    ),
    "/api/2.0/serving-endpoints": (_NO_MODELS_SERVED, _METHODS),
    "/api/2.0/external-function": (_NO_MODELS_SERVED, _METHODS),
    "/api/2.0/vector-search": (_NO_VECTORS, _METHODS),
    "/api/2.0/ai-search": (_NO_VECTORS, _METHODS),
    "/api/2.0/apps": (_NO_APPS, _METHODS),
    "/api/2.0/app-spaces": (_NO_APPS, _METHODS),
    "/api/2.0/apps-settings": (_NO_APPS, _METHODS),
    "/api/2.0/database": (_NO_DATABASES, _METHODS),
    "/api/2.0/postgres": (_NO_DATABASES, _METHODS),
    "/api/2.0/feature-engineering": (_NO_FEATURES, _METHODS),
    "/api/2.0/feature-store": (_NO_FEATURES, _METHODS),
    "/api/2.0/clean-rooms": (_NO_MARKET, _METHODS),
    "/api/2.0/data-sharing": (_NO_MARKET, _METHODS),
    "/api/2.1/data-sharing": (_NO_MARKET, _METHODS),
    "/api/2.1/marketplace-consumer": (_NO_MARKET, _METHODS),
    "/api/2.0/marketplace-exchange": (_NO_MARKET, _METHODS),
    "/api/2.0/marketplace-provider": (_NO_MARKET, _METHODS),
    "/api/2.0/settings": (_SETTINGS, _METHODS),
    "/api/2.1/settings": (_SETTINGS, _METHODS),
    "/api/2.1/settings-metadata": (_SETTINGS, _METHODS),
    "/api/2.0/workspace-conf": (_SETTINGS, _METHODS),
    "/api/2.0/ip-access-lists": (
        "addresses are kept out by what stands in front of the stack, a firewall or proxy",
        _METHODS,
    ),
    "/api/2.0/identity": (
        "users, groups and service principals are under /api/2.0/preview/scim/v2",
        _METHODS,
    ),
    "/api/2.0/accounts/servicePrincipals": (
        "a service principal has tokens rather than secrets, by"
        " /api/2.0/token-management/on-behalf-of/tokens",
        _METHODS,
    ),
    "/api/2.0/preview/accounts": (
        "rights are given on single objects, under /api/2.0/permissions",
        _METHODS,
    ),
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
    f"{_UNITY}/privilege-assignments": (_GRANTS, _METHODS),
    f"{_UNITY}/effective-privilege-assignments": (_GRANTS, _METHODS),
    f"{_UNITY}/policies": ("there are no policies on tables", _METHODS),
    f"{_UNITY}/resource-quotas": ("the catalog has no quotas", _METHODS),
    f"{_UNITY}/schemas": (
        "a schema's properties are changed by SQL on a Trino warehouse",
        ["PATCH"],
    ),
    f"{_UNITY}/secrets": ("secrets are kept in scopes, under /api/2.0/secrets", _METHODS),
    f"{_UNITY}/shares": (_NO_MARKET, _METHODS),
    f"{_UNITY}/recipients": (_NO_MARKET, _METHODS),
    f"{_UNITY}/providers": (_NO_MARKET, _METHODS),
    f"{_UNITY}/tables": (_BY_SQL, ["POST", "PATCH"]),
    f"{_UNITY}/tables/{{name}}/monitor": (_MONITORS, _METHODS),
}
"""Where a path begins → why it is left out, and of which methods."""


def _refuse(reason: str) -> Callable[..., Coroutine[Any, Any, None]]:
    async def refuse(caller: CallerArg) -> None:
        raise NotOffered(f"OpenLake does not serve this: {reason}.")

    return refuse


for _prefix, (_reason, _methods) in REASONS.items():
    for _path in (_prefix, _prefix + "/{rest:path}"):
        router.add_api_route(_path, _refuse(_reason), methods=_methods, description=_reason)
