"""`/api/openlake/1.0/uploads`: files on their way into tables."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact
from control.uploads import service
from spec.api.uploads import LoadAnswer, LoadRequest, UploadList, UploadView

router = APIRouter(prefix="/api/openlake/1.0/uploads", tags=["uploads"])

_BYTES = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("", openapi_extra=_BYTES)
async def create_upload(
    request: Request, caller: CallerArg, deps: DepsArg, name: Annotated[str, Query(min_length=1)]
) -> UploadView:
    """Keep the body of the request as a file of this name, for a day."""
    length = request.headers.get("content-length", "")
    announced = int(length) if length.isdecimal() else None
    return await service.create(deps, caller, name, announced, request.stream())


@router.get("", response_model=UploadList)
async def list_uploads(
    caller: CallerArg,
    deps: DepsArg,
    page_size: Annotated[int, Query(ge=1, le=1000)] = 100,
    page_token: str | None = None,
) -> Response:
    """List the files that are waiting to be loaded, newest first."""
    return compact(await service.list_uploads(deps, caller, page_size, page_token))


@router.get("/{upload_id}")
async def get_upload(upload_id: str, caller: CallerArg, deps: DepsArg) -> UploadView:
    """Read what is known of an uploaded file."""
    return await service.get(deps, caller, upload_id)


@router.post("/{upload_id}/load")
async def load_upload(
    upload_id: str, body: LoadRequest, caller: CallerArg, deps: DepsArg
) -> LoadAnswer:
    """Load an uploaded file into a table by a run of its own."""
    return await service.load(deps, caller, upload_id, body)
