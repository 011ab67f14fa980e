"""`/api/2.0/dbfs`: Databricks' DBFS API over one tree a workspace."""

import base64
import binascii
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.datastructures import UploadFile

from control.bodies import read_object, validate
from control.dbfs import service
from control.http import DepsArg
from control.volumes.access import FileCallerArg
from spec.api.dbfs import (
    AddBlock,
    CreateHandle,
    DbfsBytes,
    DbfsFile,
    DbfsFiles,
    DbfsPath,
    DeleteFile,
    Handle,
    MoveFile,
    PutFile,
)
from spec.api.jobs import Empty
from spec.errors import Invalid

router = APIRouter(prefix="/api/2.0/dbfs", tags=["dbfs"])

_PUT = {"$ref": "#/components/schemas/PutFile"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _PUT},
            "multipart/form-data": {"schema": _PUT},
        },
    }
}
_PIECE = 1 << 20


@router.post("/put", openapi_extra=_BODY)
async def put_dbfs_file(request: Request, caller: FileCallerArg, deps: DepsArg) -> Empty:
    """Store a file, from JSON (1 MiB at most) or from a form."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        fields = validate(PutFile, await read_object(request))
        await service.put(deps, caller, fields, _decoded("contents", fields.contents))
        return Empty()
    async with request.form() as form:
        texts = {name: value for name, value in form.items() if isinstance(value, str)}
        texts.pop("contents", None)
        part = form.get("contents")
        if not isinstance(part, UploadFile):
            raise Invalid("contents: the form needs the file under this name")
        fields = validate(PutFile, texts)
        await service.put_stream(deps, caller, fields, _pieces(part), part.size)
    return Empty()


async def _pieces(part: UploadFile) -> AsyncIterator[bytes]:
    while piece := await part.read(_PIECE):
        yield piece


@router.get("/read")
async def read_dbfs_file(
    path: str,
    caller: FileCallerArg,
    deps: DepsArg,
    offset: Annotated[int, Query(ge=0)] = 0,
    length: Annotated[int, Query(ge=0, description="At most 1 MiB.")] = service.BLOCK_BYTES // 2,
) -> DbfsBytes:
    """Return some bytes of a file."""
    content = await service.read(deps, caller, path, offset, length)
    return DbfsBytes(bytes_read=len(content), data=base64.b64encode(content).decode())


@router.get("/list")
async def list_dbfs(path: str, caller: FileCallerArg, deps: DepsArg) -> DbfsFiles:
    """List a folder; a file is its own only entry."""
    return DbfsFiles(files=await service.list_files(deps, caller, path))


@router.get("/get-status")
async def get_dbfs_status(path: str, caller: FileCallerArg, deps: DepsArg) -> DbfsFile:
    """Tell what is at a path."""
    return await service.status(deps, caller, path)


@router.post("/mkdirs")
async def make_dbfs_folders(body: DbfsPath, caller: FileCallerArg, deps: DepsArg) -> Empty:
    """Make a folder and those above it."""
    await service.make_folders(deps, caller, body.path)
    return Empty()


@router.post("/delete")
async def delete_dbfs_path(body: DeleteFile, caller: FileCallerArg, deps: DepsArg) -> Empty:
    """Delete a file or a folder; what is not there is deleted already."""
    await service.delete(deps, caller, body.path, body.recursive)
    return Empty()


@router.post("/move")
async def move_dbfs_path(body: MoveFile, caller: FileCallerArg, deps: DepsArg) -> Empty:
    """Move a file, or a folder with all it holds."""
    await service.move(deps, caller, body.source_path, body.destination_path)
    return Empty()


@router.post("/create")
async def create_dbfs_handle(body: CreateHandle, caller: FileCallerArg, deps: DepsArg) -> Handle:
    """Begin a file that comes in blocks."""
    return Handle(handle=await service.create(deps, caller, body))


@router.post("/add-block")
async def add_dbfs_block(body: AddBlock, caller: FileCallerArg, deps: DepsArg) -> Empty:
    """Add a block to a file that was begun."""
    await service.add_block(deps, caller, body.handle, _decoded("data", body.data))
    return Empty()


@router.post("/close")
async def close_dbfs_handle(body: Handle, caller: FileCallerArg, deps: DepsArg) -> Empty:
    """Make the file of its blocks."""
    await service.close(deps, caller, body.handle)
    return Empty()


def _decoded(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(f"{name}: must be base64") from None
