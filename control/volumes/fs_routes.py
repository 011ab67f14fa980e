"""`/api/2.0/fs`: Databricks' Files API over volumes, uploads in parts as its SDKs make them."""

from email.utils import format_datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from control.bodies import read_object, validate
from control.http import DepsArg, compact
from control.volumes import files, links, transfers
from control.volumes.access import FileCallerArg
from control.volumes.paths import volume_path
from spec.api.jobs import Empty
from spec.api.volumes import (
    AbortUrl,
    CompleteUpload,
    CreateAbortUrl,
    CreateUploadPartUrls,
    DirectoryPage,
    InitiatedUpload,
    Link,
    PartUrls,
)
from spec.errors import Invalid

router = APIRouter(prefix="/api/2.0/fs", tags=["files"])
transfers_router = APIRouter(prefix=links.PREFIX, tags=["files"])

_BYTES = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "The file's bytes."},
    206: {"content": {"application/octet-stream": {}}, "description": "A range of them."},
}
_BINARY = "application/octet-stream"


def announced(request: Request) -> int | None:
    """Return the body's size as the client announces it; None when it does not."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() else None


@router.put("/files/{path:path}", status_code=204, openapi_extra=_BYTES)
async def upload_file(
    path: str, request: Request, caller: FileCallerArg, deps: DepsArg, overwrite: bool = True
) -> Response:
    """Store the body of the request as a file, with the folders above it."""
    where = volume_path(_absolute(path, is_file=True))
    size = announced(request)
    await files.put(deps, caller, where, request.stream(), size, overwrite=overwrite)
    return Response(status_code=204)


@router.get("/files/{path:path}", response_class=StreamingResponse, responses=_STREAM)
async def download_file(
    path: str, request: Request, caller: FileCallerArg, deps: DepsArg
) -> StreamingResponse:
    """Return a file, or a range of it."""
    opened = await files.read(deps, caller, volume_path(_absolute(path)), dict(request.headers))
    return StreamingResponse(opened.body, opened.status, opened.headers, _BINARY)


@router.head("/files/{path:path}")
async def get_file_metadata(path: str, caller: FileCallerArg, deps: DepsArg) -> Response:
    """Tell a file's size and when it was written, in headers."""
    found = await files.status(deps, caller, volume_path(_absolute(path)))
    headers = {
        "Content-Length": str(found.size_bytes),
        "Last-Modified": format_datetime(found.modified_at, usegmt=True),
        "ETag": found.etag,
        "Accept-Ranges": "bytes",
    }
    return Response(headers=headers, media_type=_BINARY)


@router.delete("/files/{path:path}", status_code=204)
async def delete_file(path: str, caller: FileCallerArg, deps: DepsArg) -> Response:
    """Delete a file."""
    await files.delete(deps, caller, volume_path(_absolute(path, is_file=True)))
    return Response(status_code=204)


@router.post("/files/{path:path}", response_model=InitiatedUpload | Empty)
async def upload_file_in_parts(
    path: str,
    request: Request,
    caller: FileCallerArg,
    deps: DepsArg,
    action: Literal["initiate-upload", "complete-upload"],
    overwrite: bool = True,
    upload_type: Literal["multipart"] = "multipart",
    session_token: str = "",
) -> Response:
    """Begin an upload in parts, or make the file of them."""
    where = volume_path(_absolute(path, is_file=True))
    if action == "initiate-upload":
        return compact(await transfers.begin(deps, caller, where, overwrite))
    parts = validate(CompleteUpload, await read_object(request))
    await transfers.complete(deps, caller, where, session_token, parts)
    return compact(Empty())


@router.put("/directories/{path:path}", status_code=204)
async def create_directory(path: str, caller: FileCallerArg, deps: DepsArg) -> Response:
    """Make a folder and those above it."""
    await files.make_folder(deps, caller, volume_path(_absolute(path)))
    return Response(status_code=204)


@router.get("/directories/{path:path}", response_model=DirectoryPage)
async def list_directory(
    path: str,
    caller: FileCallerArg,
    deps: DepsArg,
    page_size: Annotated[int, Query(ge=0, description="At most 1,000; more counts as that.")] = 0,
    page_token: str | None = None,
) -> Response:
    """List a folder by name."""
    limit = min(page_size or 1000, 1000)
    where = volume_path(_absolute(path))
    return compact(await files.list_folder(deps, caller, where, page_token, limit))


@router.head("/directories/{path:path}")
async def get_directory_metadata(path: str, caller: FileCallerArg, deps: DepsArg) -> Response:
    """Tell whether there is a folder."""
    await files.check_folder(deps, caller, volume_path(_absolute(path)))
    return Response()


@router.delete("/directories/{path:path}", status_code=204)
async def delete_directory(path: str, caller: FileCallerArg, deps: DepsArg) -> Response:
    """Delete an empty folder."""
    await files.delete_folder(deps, caller, volume_path(_absolute(path)))
    return Response(status_code=204)


@router.post("/create-upload-part-urls")
async def create_upload_part_urls(
    body: CreateUploadPartUrls, request: Request, caller: FileCallerArg, deps: DepsArg
) -> PartUrls:
    """Return the addresses to which parts of an upload are PUT, without a token."""
    return await transfers.part_urls(deps, caller, body, str(request.base_url))


@router.post("/create-abort-upload-url")
async def create_abort_upload_url(
    body: CreateAbortUrl, request: Request, caller: FileCallerArg, deps: DepsArg
) -> AbortUrl:
    """Return the address whose DELETE drops an upload, without a token."""
    return await transfers.abort_url(deps, caller, body, str(request.base_url))


@router.post("/create-download-url")
async def create_download_url(
    path: str,
    request: Request,
    caller: FileCallerArg,
    deps: DepsArg,
    expire_time: str | None = None,
) -> Link:
    """Return an address at which a file can be read without a token."""
    return await transfers.download_url(
        deps, caller, volume_path(path), expire_time, str(request.base_url)
    )


@transfers_router.put("/{upload_id}/parts/{number}", openapi_extra=_BYTES)
async def upload_part(
    upload_id: int, number: int, expires: int, signature: str, request: Request, deps: DepsArg
) -> Response:
    """Store one part of an upload; the link itself is the permission."""
    subject = transfers.part_subject(upload_id, number)
    try:
        links.check(deps, subject, links.Signed(expires, signature))
    except links.Expired as error:
        return _expired(error)
    size = announced(request)
    etag = await transfers.write_part(deps, upload_id, number, request.stream(), size)
    return Response(headers={"ETag": etag})


@transfers_router.delete("/{upload_id}")
async def abort_upload(upload_id: int, expires: int, signature: str, deps: DepsArg) -> Response:
    """Drop an upload; the link itself is the permission."""
    try:
        links.check(deps, transfers.abort_subject(upload_id), links.Signed(expires, signature))
    except links.Expired as error:
        return _expired(error)
    await transfers.abort(deps, upload_id)
    return Response()


@transfers_router.get("/content", response_class=StreamingResponse, responses=_STREAM)
async def download_content(
    workspace_id: int, path: str, expires: int, signature: str, request: Request, deps: DepsArg
) -> Response:
    """Return a file, or a range of it; the link itself is the permission."""
    where = volume_path(path)
    try:
        links.check(
            deps,
            transfers.download_subject(workspace_id, where),
            links.Signed(expires, signature),
        )
    except links.Expired as error:
        return _expired(error)
    opened = await transfers.download(deps, workspace_id, where, dict(request.headers))
    return StreamingResponse(opened.body, opened.status, opened.headers, _BINARY)


def _absolute(path: str, *, is_file: bool = False) -> str:
    if is_file and path.endswith("/"):
        raise Invalid(f"'/{path}' ends with '/', which no file's path does")
    return "/" + path


def _expired(error: links.Expired) -> Response:
    """Answer as S3 does: it is how the SDK tells that it needs a new link."""
    text = f"<Error><Code>AccessDenied</Code><Message>{error.message}</Message></Error>"
    return Response(text, 403, media_type="application/xml")
