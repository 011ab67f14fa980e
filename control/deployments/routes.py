"""`/api/openlake/1.0/deployments`: what bundles have put into the workspace."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.deployments import service
from control.http import CallerArg, DepsArg, compact
from spec.api.deployments import (
    BeginDeployment,
    BegunDeployment,
    DeploymentDetails,
    DeploymentList,
    DeploymentView,
    FinishDeployment,
    RecordDeployment,
)
from spec.api.jobs import Empty

router = APIRouter(prefix="/api/openlake/1.0/deployments", tags=["deployments"])


@router.get("", response_model=DeploymentList)
async def list_deployments(
    caller: CallerArg,
    deps: DepsArg,
    bundle_name: str | None = None,
    target: str | None = None,
    root_path: str | None = None,
    page_size: Annotated[int, Query(ge=1, le=1000)] = 100,
    page_token: str | None = None,
) -> Response:
    """List the deployments of bundles, newest first."""
    found = await service.list_deployments(
        deps,
        caller,
        limit=page_size,
        page_token=page_token,
        bundle_name=bundle_name,
        target=target,
        root_path=root_path,
    )
    return compact(found)


@router.post("/begin", response_model=BegunDeployment)
async def begin_deployment(body: BeginDeployment, caller: CallerArg, deps: DepsArg) -> Response:
    """Take the lock of a bundle's deployment, so that one deploys at a time."""
    return compact(await service.begin(deps, caller, body))


@router.get("/{deployment_id}", response_model=DeploymentDetails)
async def get_deployment(deployment_id: str, caller: CallerArg, deps: DepsArg) -> Response:
    """Read what a bundle has put into the workspace."""
    return compact(await service.get(deps, caller, deployment_id))


@router.post("/{deployment_id}/record", response_model=DeploymentView)
async def record_deployment(
    deployment_id: str, body: RecordDeployment, caller: CallerArg, deps: DepsArg
) -> Response:
    """Note what was done, and keep the lock for another minute."""
    return compact(await service.record(deps, caller, deployment_id, body))


@router.post("/{deployment_id}/finish")
async def finish_deployment(
    deployment_id: str, body: FinishDeployment, caller: CallerArg, deps: DepsArg
) -> Empty:
    """Let go of the lock; a destroyed deployment is forgotten."""
    await service.finish(deps, caller, deployment_id, body)
    return Empty()
