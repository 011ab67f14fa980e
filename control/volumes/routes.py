"""`/api/2.1/unity-catalog/volumes`: volumes as Unity Catalog's clients ask for them.

`include_browse` changes nothing: whoever is of the workspace sees all of its volumes.
"""

from fastapi import APIRouter, Response

from control.http import CallerArg, DepsArg, compact
from control.lakehouse.unity_routes import MaxResults
from control.volumes import service
from control.volumes.access import FileCallerArg
from spec.api.jobs import Empty
from spec.api.volumes import CreateVolume, UpdateVolume, VolumeInfo, VolumeList

router = APIRouter(prefix="/api/2.1/unity-catalog/volumes", tags=["volumes"])


@router.post("", response_model=VolumeInfo)
async def create_volume(body: CreateVolume, caller: CallerArg, deps: DepsArg) -> Response:
    """Make a managed volume in a schema."""
    return compact(await service.create(deps, caller, body))


@router.get("", response_model=VolumeList)
async def list_volumes(
    catalog_name: str,
    schema_name: str,
    caller: FileCallerArg,
    deps: DepsArg,
    max_results: MaxResults = 0,
    page_token: str | None = None,
) -> Response:
    """List a schema's volumes by name."""
    page = await service.list_volumes(
        deps, caller, catalog_name, schema_name, max_results, page_token
    )
    return compact(page)


@router.get("/{full_name}", response_model=VolumeInfo)
async def get_volume(full_name: str, caller: FileCallerArg, deps: DepsArg) -> Response:
    """Read a volume."""
    return compact(await service.get(deps, caller, full_name))


@router.patch("/{full_name}", response_model=VolumeInfo)
async def update_volume(
    full_name: str, body: UpdateVolume, caller: CallerArg, deps: DepsArg
) -> Response:
    """Change a volume's name, comment or owner."""
    return compact(await service.update(deps, caller, full_name, body))


@router.delete("/{full_name}")
async def delete_volume(full_name: str, caller: CallerArg, deps: DepsArg) -> Empty:
    """Delete a volume with its files."""
    await service.delete(deps, caller, full_name)
    return Empty()
