"""`/api/2.0/policies/*` and `/api/2.0/policy-families`."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.clusters.views import profile_named
from control.http import CallerArg, DepsArg, compact
from control.policies import compliance, service
from spec.api.compute import (
    ClusterComplianceList,
    ClusterRef,
    Compliance,
    CreatePolicy,
    EditPolicy,
    JobComplianceList,
    PolicyFamilyList,
    PolicyId,
    PolicyList,
    PolicyRef,
    PolicyView,
    SortColumn,
    SortOrder,
)
from spec.api.jobs import Empty
from spec.errors import NotFound

router = APIRouter(prefix="/api/2.0", tags=["compute"])

PageSize = Annotated[int, Query(ge=0, le=compliance.PAGE)]


@router.post("/policies/clusters/create")
async def create_cluster_policy(body: CreatePolicy, caller: CallerArg, deps: DepsArg) -> PolicyId:
    """Make a cluster policy; its definition is JSON as text."""
    return PolicyId(policy_id=await service.create(deps, caller, body))


@router.post("/policies/clusters/edit")
async def edit_cluster_policy(body: EditPolicy, caller: CallerArg, deps: DepsArg) -> Empty:
    """Change a cluster policy; what is left out stays as it is."""
    await service.edit(deps, caller, body)
    return Empty()


@router.post("/policies/clusters/delete")
async def delete_cluster_policy(body: PolicyRef, caller: CallerArg, deps: DepsArg) -> Empty:
    """Delete a cluster policy."""
    await service.delete(deps, caller, body.policy_id)
    return Empty()


@router.get("/policies/clusters/get", response_model=PolicyView)
async def get_cluster_policy(
    query: Annotated[PolicyRef, Query()], caller: CallerArg, deps: DepsArg
) -> Response:
    """Read a cluster policy."""
    return compact(await service.get(deps, caller, query.policy_id))


@router.get("/policies/clusters/list", response_model=PolicyList)
async def list_cluster_policies(
    caller: CallerArg,
    deps: DepsArg,
    sort_column: SortColumn | None = None,
    sort_order: SortOrder | None = None,
) -> Response:
    """List the cluster policies that the caller may use, the newest first."""
    return compact(await service.list_policies(deps, caller, sort_column, sort_order))


@router.get("/policies/clusters/get-compliance", response_model=Compliance)
async def get_cluster_compliance(
    query: Annotated[ClusterRef, Query()], _: CallerArg, deps: DepsArg
) -> Response:
    """Tell whether a cluster keeps to its policy: profiles have none, so they do."""
    profile_named(deps.profiles, query.cluster_id)
    return compact(Compliance(is_compliant=True))


@router.get("/policies/clusters/list-compliance", response_model=ClusterComplianceList)
async def list_cluster_compliance(
    policy_id: str, caller: CallerArg, deps: DepsArg, page_size: PageSize = 0, page_token: str = ""
) -> Response:
    """List the clusters of a policy: profiles have none; see policies/jobs/list-compliance."""
    await service.get(deps, caller, policy_id)
    return compact(ClusterComplianceList())


@router.get("/policies/jobs/get-compliance", response_model=Compliance)
async def get_job_compliance(job_id: int, caller: CallerArg, deps: DepsArg) -> Response:
    """Tell whether the clusters of a job keep to their policies as they are now."""
    return compact(await compliance.of_job(deps, caller, job_id))


@router.get("/policies/jobs/list-compliance", response_model=JobComplianceList)
async def list_job_compliance(
    policy_id: str,
    caller: CallerArg,
    deps: DepsArg,
    page_size: PageSize = 0,
    page_token: str | None = None,
) -> Response:
    """List the jobs that name a policy, with what they do not keep to."""
    size = page_size or compliance.PAGE
    return compact(await compliance.of_policy(deps, caller, policy_id, size, page_token))


@router.get("/policy-families")
async def list_policy_families(
    _: CallerArg,
    max_results: Annotated[int, Query(ge=0)] = 0,
    page_token: str = "",
) -> PolicyFamilyList:
    """List the families of policies: there are none."""
    return PolicyFamilyList()


@router.get("/policy-families/{policy_family_id}", response_model=Empty)
async def get_policy_family(policy_family_id: str, _: CallerArg, version: int = 0) -> Empty:
    """Refuse to read a family of policies: there are none."""
    raise NotFound(f"Policy family {policy_family_id} does not exist; there are none here.")
