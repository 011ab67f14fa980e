"""`/api/2.0/workspace/*`: files, notebooks and folders."""

import base64
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from control.bodies import read_object, validate
from control.files import service
from control.http import CallerArg, DepsArg, compact
from spec.api.jobs import Empty
from spec.api.workspace import (
    DeletePath,
    Exported,
    ExportFormat,
    ImportFile,
    ObjectInfo,
    ObjectList,
    PathRef,
)
from spec.errors import Invalid

router = APIRouter(prefix="/api/2.0/workspace", tags=["workspace"])

MOST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""

_IMPORT = {"$ref": "#/components/schemas/ImportFile"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _IMPORT},
            "multipart/form-data": {"schema": _IMPORT},
        },
    }
}


@router.post("/import", openapi_extra=_BODY)
async def import_file(request: Request, caller: CallerArg, deps: DepsArg) -> Empty:
    """Import a file or notebook, from JSON or from a form."""
    fields, content = await _read_import(request)
    await service.put(
        deps,
        caller,
        fields.path,
        content,
        form=fields.format,
        language=fields.language,
        overwrite=fields.overwrite,
    )
    return Empty()


async def _read_import(request: Request) -> tuple[ImportFile, bytes]:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        fields = validate(ImportFile, await read_object(request))
        try:
            return fields, base64.b64decode(fields.content, validate=True)
        except ValueError:
            raise Invalid("content: must be base64") from None
    async with request.form() as form:
        texts: dict[str, Any] = {k: v for k, v in form.items() if isinstance(v, str)}
        part = form.get("content")
        content = await part.read() if isinstance(part, UploadFile) else str(part or "").encode()
    texts.pop("content", None)
    return validate(ImportFile, texts), content


@router.get("/export", response_model=Exported)
async def export_file(
    path: str,
    caller: CallerArg,
    deps: DepsArg,
    format: ExportFormat = "SOURCE",
    direct_download: bool = False,
) -> Response:
    """Return a file or notebook, as base64 or as it is.

    AUTO and RAW give a notebook in the form it came in; a file is the same in SOURCE, AUTO and RAW.
    """
    content, kind = await service.read(deps, caller, path, format)
    if direct_download:
        return Response(content, media_type="application/octet-stream")
    return compact(Exported(content=base64.b64encode(content).decode(), file_type=kind))


@router.get("/list", response_model=ObjectList)
async def list_folder(
    path: str,
    caller: CallerArg,
    deps: DepsArg,
    notebooks_modified_after: Annotated[
        int, Query(ge=0, le=MOST_MS, description="Milliseconds since 1970; of notebooks only.")
    ] = 0,
) -> Response:
    """List a folder."""
    since = datetime.fromtimestamp(notebooks_modified_after / 1000, UTC)
    found = await service.children(deps, caller, path, since if notebooks_modified_after else None)
    return compact(ObjectList(objects=found))


@router.get("/get-status", response_model=ObjectInfo)
async def get_status(path: str, caller: CallerArg, deps: DepsArg) -> Response:
    """Tell what is at a path."""
    return compact(await service.status(deps, caller, path))


@router.post("/mkdirs")
async def make_folders(body: PathRef, caller: CallerArg, deps: DepsArg) -> Empty:
    """Make a folder and those above it."""
    await service.make_folders(deps, caller, body.path)
    return Empty()


@router.post("/delete")
async def delete_path(body: DeletePath, caller: CallerArg, deps: DepsArg) -> Empty:
    """Delete a path."""
    await service.delete(deps, caller, body.path, body.recursive)
    return Empty()
