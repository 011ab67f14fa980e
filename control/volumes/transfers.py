"""Uploads in parts: begun, filled in any order, completed or dropped; each step may be repeated.

The object store keeps the parts. Our row says who is uploading what to where, so that what nobody
completes is found and dropped.
"""

import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.volumes import links, store
from control.volumes.errors import AlreadyThere
from control.volumes.objects import FileStore, Opened
from control.volumes.paths import VolumePath
from control.volumes.service import tree_at, tree_of
from control.volumes.tables import FileUpload
from control.volumes.tree import Tree
from spec.api.volumes import (
    AbortUrl,
    CompleteUpload,
    CreateAbortUrl,
    CreateUploadPartUrls,
    InitiatedUpload,
    Link,
    PartUrl,
    PartUrls,
    SessionToken,
)
from spec.errors import Invalid, NotFound

LIFE = timedelta(hours=12)
"""How long an upload may take; less than a deleted volume keeps its files."""

MOST_PARTS = 10_000
"""S3's own limit."""

_IDS = 1 << 53
_AT_A_TIME = 100
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')


def new_upload_id() -> int:
    """Return a random id that every JSON reader can hold."""
    return secrets.randbelow(_IDS - 1) + 1


async def begin(deps: Deps, caller: Caller, path: VolumePath, overwrite: bool) -> InitiatedUpload:
    """Begin an upload in parts.

    Raises:
        AlreadyThere: a file is there, and it is not to be replaced.
    """
    tree = await tree_at(deps, caller, path)
    await tree.make_room(path.inside, overwrite=overwrite)
    key = tree.key(path.inside)
    row = FileUpload(
        upload_id=new_upload_id(),
        workspace_id=caller.workspace_id,
        path=str(path),
        key=key,
        store_id=await deps.files.begin_parts(key),
        overwrite=overwrite,
        created_by=caller.user_name,
        expires_at=datetime.now(UTC) + LIFE,
    )
    async with deps.database.session() as session:
        session.add(row)
    return InitiatedUpload(multipart_upload=SessionToken(session_token=str(row.upload_id)))


async def part_urls(
    deps: Deps, caller: Caller, request: CreateUploadPartUrls, base: str
) -> PartUrls:
    """Return the addresses of some parts of an upload under way.

    Raises:
        NotFound: there is no such upload.
    """
    row = await _open(deps, caller, request.session_token, request.path)
    expires = links.until(request.expire_time)
    last = min(request.start_part_number + request.count - 1, MOST_PARTS)
    urls: list[PartUrl] = []
    for number in range(request.start_part_number, last + 1):
        place, subject = f"/{row.upload_id}/parts/{number}", part_subject(row.upload_id, number)
        url = links.link(deps, base, place, subject, expires)
        urls.append(PartUrl(url=url, part_number=number))
    return PartUrls(upload_part_urls=tuple(urls))


async def abort_url(deps: Deps, caller: Caller, request: CreateAbortUrl, base: str) -> AbortUrl:
    """Return the address that drops an upload under way."""
    row = await _open(deps, caller, request.session_token, request.path)
    expires, subject = links.until(request.expire_time), abort_subject(row.upload_id)
    url = links.link(deps, base, f"/{row.upload_id}", subject, expires)
    return AbortUrl(abort_upload_url=Link(url=url))


def part_subject(upload_id: int, number: int) -> str:
    """Return what the link of a part is for."""
    return f"part/{upload_id}/{number}"


def abort_subject(upload_id: int) -> str:
    """Return what the link that drops an upload is for."""
    return f"abort/{upload_id}"


async def write_part(
    deps: Deps, upload_id: int, number: int, body: AsyncIterator[bytes], size: int | None
) -> str:
    """Store one part of an upload; return its ETag.

    Raises:
        NotFound: there is no such upload any more.
        Invalid: nobody says how long the part is.
    """
    if size is None:
        raise Invalid("a part needs the header Content-Length")
    async with deps.database.read_session() as session:
        row = await store.any_upload(session, upload_id)
    if row is None or row.store_id is None or row.completed_at is not None:
        raise NotFound("This upload has ended.")
    return await deps.files.write_part(row.key, row.store_id, number, body, size)


async def complete(
    deps: Deps, caller: Caller, path: VolumePath, token: str, request: CompleteUpload
) -> None:
    """Make the file of its parts; harmless when repeated.

    Raises:
        NotFound: there is no such upload, or its time is over.
        AlreadyThere: a file came there meanwhile, and it is not to be replaced.
    """
    tree = await tree_at(deps, caller, path)
    row = await _find(deps, caller, token, str(path))
    if row.completed_at is not None:
        return
    parts = sorted((part.part_number, part.etag) for part in request.parts)
    await _complete(deps.files, tree, path, row, parts)
    async with deps.database.session() as session:
        row.completed_at = datetime.now(UTC)
        session.add(row)
        audit.record(session, caller, "volume_file.written", "path", str(path))


async def _complete(
    files: FileStore, tree: Tree, path: VolumePath, row: FileUpload, parts: list[tuple[int, str]]
) -> None:
    store_id = row.store_id or ""
    try:
        await tree.make_room(path.inside, overwrite=True)
        await files.complete_parts(row.key, store_id, parts, overwrite=row.overwrite)
    except (NotFound, AlreadyThere):
        # A process may have completed it and died before it wrote that down.
        found = await files.head(row.key)
        if found is None or found.etag.strip('"') != _whole_etag(parts):
            raise


def _whole_etag(parts: list[tuple[int, str]]) -> str:
    """Return the ETag that S3 gives to an object of these parts."""
    found = [_MD5.fullmatch(etag) for _, etag in parts]
    digests = [bytes.fromhex(each[1]) for each in found if each is not None]
    whole = hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()
    return f"{whole}-{len(parts)}"


async def abort(deps: Deps, upload_id: int) -> None:
    """Drop an upload with its parts; one that has ended stays ended."""
    async with deps.database.read_session() as session:
        row = await store.any_upload(session, upload_id)
    if row is not None and row.completed_at is None:
        await _drop(deps, row)


async def _drop(deps: Deps, row: FileUpload) -> None:
    if row.store_id is not None and row.completed_at is None:
        await deps.files.abort_parts(row.key, row.store_id)
    if row.store_id is None:
        await deps.objects.delete([block_key(row.upload_id, n) for n in range(row.blocks + 1)])
    async with deps.database.session() as session:
        await store.forget_upload(session, row.upload_id)


def block_key(upload_id: int, number: int) -> str:
    """Return where in our own bucket a block of a DBFS handle waits for the handle's end."""
    return f"dbfs-blocks/{upload_id}/{number:08}"


async def purge(deps: Deps, now: datetime) -> int:
    """Drop the uploads whose time is over; return how many. Harmless when repeated."""
    async with deps.database.read_session() as session:
        rows = await store.expired(session, now, _AT_A_TIME)
    for row in rows:
        await _drop(deps, row)
    return len(rows)


async def _open(deps: Deps, caller: Caller, token: str, path: str) -> FileUpload:
    row = await _find(deps, caller, token, path)
    if row.completed_at is not None:
        raise NotFound("This upload has ended.")
    return row


async def _find(deps: Deps, caller: Caller, token: str, path: str) -> FileUpload:
    identifier = int(token) if token.isdecimal() and len(token) <= 16 else 0
    async with deps.database.read_session() as session:
        row = await store.upload(session, caller.workspace_id, identifier)
    if row is None or row.store_id is None or row.path != path.removesuffix("/"):
        raise NotFound("There is no such upload to this path; begin it with initiate-upload.")
    return row


async def download_url(
    deps: Deps, caller: Caller, path: VolumePath, expire_time: str | None, base: str
) -> Link:
    """Return the address at which a file can be read for a while.

    Raises:
        NotFound: there is no such file.
    """
    await (await tree_at(deps, caller, path)).file(path.inside)
    expires, workspace_id = links.until(expire_time), caller.workspace_id
    query = {"workspace_id": str(workspace_id), "path": str(path)}
    subject = download_subject(workspace_id, path)
    return Link(url=links.link(deps, base, "/content", subject, expires, **query))


def download_subject(workspace_id: int, path: VolumePath) -> str:
    """Return what the link of a file is for."""
    return f"read/{workspace_id}{path}"


async def download(
    deps: Deps, workspace_id: int, path: VolumePath, headers: dict[str, str]
) -> Opened:
    """Begin to read the file of a link."""
    async with deps.database.read_session() as session:
        where = (path.catalog, path.schema, path.volume)
        tree = tree_of(deps, await store.get(session, workspace_id, *where))
    return await tree.open(path.inside, headers)
