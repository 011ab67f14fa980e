"""`/api/openlake/1.0/queries/{query_id}`: running a saved query, and its versions."""

from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact
from control.queries import running, service, versions
from control.statements.service import Origin
from spec.api.queries import QueryRestored, QueryVersionDiff, QueryVersionView, RunQuery
from spec.api.statements import StatementView
from spec.api.versions import VersionList

router = APIRouter(prefix="/api/openlake/1.0/queries/{query_id}", tags=["queries"])


@router.post("/run", response_model=StatementView)
async def run_query(
    query_id: str,
    caller: CallerArg,
    deps: DepsArg,
    body: RunQuery | None = None,
    user_agent: Annotated[str, Header()] = "",
) -> Response:
    """Run a query as a statement; the answer and all that follows is that of `sql/statements`."""
    origin = Origin(client=user_agent)
    content = await running.run(deps, caller, query_id, body or RunQuery(), origin)
    return Response(content, media_type="application/json")


@router.get("/versions", response_model=VersionList)
async def list_query_versions(
    query_id: str,
    caller: CallerArg,
    deps: DepsArg,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    page_token: str | None = None,
) -> Response:
    """List the versions of a query, newest first."""
    return compact(await versions.list_versions(deps, caller, query_id, limit, page_token))


@router.get("/versions/{version}", response_model=QueryVersionView)
async def get_query_version(
    query_id: str, version: int, caller: CallerArg, deps: DepsArg
) -> QueryVersionView:
    """Read what a query held in one version."""
    return await versions.get(deps, caller, query_id, version)


@router.get("/versions/{version}/diff", response_model=QueryVersionDiff)
async def diff_query_versions(
    query_id: str,
    version: int,
    caller: CallerArg,
    deps: DepsArg,
    against: Annotated[
        int | None, Query(description="An earlier or later version; else the one before.")
    ] = None,
) -> QueryVersionDiff:
    """Tell what changed from another version to this one; parameters are matched by name."""
    return await versions.diff(deps, caller, query_id, version, against)


@router.post("/versions/{version}/restore")
async def restore_query_version(
    query_id: str, version: int, caller: CallerArg, deps: DepsArg
) -> QueryRestored:
    """Give a query the content of one of its versions again, as a new version."""
    return QueryRestored(
        query_id=query_id, version=await service.restore(deps, caller, query_id, version)
    )
