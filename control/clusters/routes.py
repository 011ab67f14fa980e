"""`/api/2.x/clusters/*` and `/api/2.0/libraries/*`: compute profiles as clusters.

A profile is there as long as the configuration says so: it always runs, and nobody makes, changes
or stops one by the API (`control.refusals` says so). Everybody may run on every profile.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.clusters import views
from control.http import CallerArg, DepsArg, compact
from spec.api.compute import (
    AllClusterLibraries,
    AskEvents,
    ClusterEvents,
    ClusterLibraries,
    ClusterList,
    ClusterRef,
    ClusterView,
    NodeTypes,
    SparkVersions,
    Zones,
)
from spec.api.jobs import Empty
from spec.errors import Invalid

router = APIRouter(tags=["compute"])
_CLUSTERS = "/api/{version:jobs_version}/clusters"
_ZONE = "local"

State = Literal[
    "ERROR", "PENDING", "RESIZING", "RESTARTING", "RUNNING", "TERMINATED", "TERMINATING", "UNKNOWN"
]


class InvalidState(Invalid):
    """The object's state does not allow this."""

    code = "INVALID_STATE"


@router.get(f"{_CLUSTERS}/get", response_model=ClusterView)
async def get_cluster(
    query: Annotated[ClusterRef, Query()], _: CallerArg, deps: DepsArg
) -> Response:
    """Read a compute profile as a cluster."""
    profile = views.profile_named(deps.profiles, query.cluster_id)
    return compact(views.cluster(query.cluster_id, profile))


@router.get(f"{_CLUSTERS}/list", response_model=ClusterList)
async def list_clusters(
    _: CallerArg,
    deps: DepsArg,
    cluster_sources: Annotated[list[str] | None, Query(alias="filter_by.cluster_sources")] = None,
    cluster_states: Annotated[list[State] | None, Query(alias="filter_by.cluster_states")] = None,
    is_pinned: Annotated[bool, Query(alias="filter_by.is_pinned")] = False,
    policy_id: Annotated[str | None, Query(alias="filter_by.policy_id")] = None,
    field: Annotated[Literal["CLUSTER_NAME", "DEFAULT"], Query(alias="sort_by.field")] = "DEFAULT",
    direction: Annotated[Literal["ASC", "DESC"], Query(alias="sort_by.direction")] = "ASC",
    page_size: Annotated[int, Query(ge=0)] = 0,
    page_token: str = "",
) -> Response:
    """List the compute profiles as clusters, by name, all on one page."""
    left_out = (
        is_pinned
        or policy_id is not None
        or (cluster_sources is not None and "API" not in cluster_sources)
        or (cluster_states is not None and "RUNNING" not in cluster_states)
    )
    names = [] if left_out else sorted(deps.profiles, reverse=direction == "DESC")
    found = tuple(views.cluster(name, deps.profiles[name]) for name in names)
    return compact(ClusterList(clusters=found))


@router.get(f"{_CLUSTERS}/spark-versions")
async def list_spark_versions(_: CallerArg) -> SparkVersions:
    """List what a cluster's `spark_version` may be called; the workers have one Spark."""
    return SparkVersions(versions=views.spark_versions())


@router.get(f"{_CLUSTERS}/list-node-types")
async def list_node_types(_: CallerArg, deps: DepsArg) -> NodeTypes:
    """List the compute profiles as node types."""
    found = (views.node_type(name, deps.profiles[name]) for name in sorted(deps.profiles))
    return NodeTypes(node_types=tuple(found))


@router.get(f"{_CLUSTERS}/list-zones")
async def list_zones(_: CallerArg) -> Zones:
    """List the zones of the cloud: there is one, the stack itself."""
    return Zones(zones=(_ZONE,), default_zone=_ZONE)


@router.post(f"{_CLUSTERS}/events")
async def list_cluster_events(body: AskEvents, _: CallerArg, deps: DepsArg) -> ClusterEvents:
    """List what happened to a cluster: nothing happens to a profile."""
    views.profile_named(deps.profiles, body.cluster_id)
    return ClusterEvents()


@router.post(f"{_CLUSTERS}/start", response_model=Empty)
async def start_cluster(body: ClusterRef, _: CallerArg, deps: DepsArg) -> Empty:
    """Refuse to start what runs already."""
    views.profile_named(deps.profiles, body.cluster_id)
    raise InvalidState(f"Cluster {body.cluster_id} is in unexpected state Running.")


@router.get("/api/2.0/libraries/cluster-status")
async def get_cluster_libraries(
    query: Annotated[ClusterRef, Query()], _: CallerArg, deps: DepsArg
) -> ClusterLibraries:
    """List the packages that a compute profile gives its tasks."""
    profile = views.profile_named(deps.profiles, query.cluster_id)
    return views.libraries(query.cluster_id, profile)


@router.get("/api/2.0/libraries/all-cluster-statuses")
async def list_cluster_libraries(_: CallerArg, deps: DepsArg) -> AllClusterLibraries:
    """List the packages of all compute profiles."""
    found = (views.libraries(name, deps.profiles[name]) for name in sorted(deps.profiles))
    return AllClusterLibraries(statuses=tuple(found))
