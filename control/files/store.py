"""Queries on workspace files and blobs."""

import hashlib

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from control.files.tables import Blob, FileKind, WorkspaceFile
from spec.errors import Invalid, NotFound


class InTheWay(Invalid):
    """A file is where a folder has to be."""

    code = "RESOURCE_ALREADY_EXISTS"


async def find(session: AsyncSession, workspace_id: int, path: str) -> WorkspaceFile | None:
    """Return what is at a path; None when there is nothing."""
    query = select(WorkspaceFile).where(
        WorkspaceFile.workspace_id == workspace_id, WorkspaceFile.path == path
    )
    return (await session.exec(query)).first()


async def get(session: AsyncSession, workspace_id: int, path: str) -> WorkspaceFile:
    """Return what is at a path.

    Raises:
        NotFound: there is nothing.
    """
    found = await find(session, workspace_id, path)
    if found is None:
        raise NotFound(f"Path ({path}) doesn't exist.", path=path)
    return found


async def at(session: AsyncSession, workspace_id: int, paths: list[str]) -> list[WorkspaceFile]:
    """Return what is at some paths; where there is nothing, it is missing."""
    query = select(WorkspaceFile).where(
        WorkspaceFile.workspace_id == workspace_id, col(WorkspaceFile.path).in_(paths)
    )
    return list((await session.exec(query)).all())


async def below(
    session: AsyncSession, workspace_id: int, folder: str, limit: int
) -> list[WorkspaceFile]:
    """Return the files and notebooks anywhere below a folder, by path; at most `limit`."""
    query = _inside(workspace_id, folder).where(WorkspaceFile.kind != FileKind.DIRECTORY.value)
    return list((await session.exec(query.order_by(col(WorkspaceFile.path)).limit(limit))).all())


async def children(session: AsyncSession, workspace_id: int, folder: str) -> list[WorkspaceFile]:
    """Return what lies directly in a folder, by path."""
    query = _inside(workspace_id, folder)
    depth = len(_prefix(folder))
    rows = (await session.exec(query.order_by(col(WorkspaceFile.path)))).all()
    return [row for row in rows if "/" not in row.path[depth:]]


async def delete_tree(session: AsyncSession, workspace_id: int, path: str) -> None:
    """Delete a path and everything below it; blobs stay, for runs that pinned them."""
    prefix = _prefix(path)
    await session.exec(
        delete(WorkspaceFile).where(
            col(WorkspaceFile.workspace_id) == workspace_id,
            (col(WorkspaceFile.path) == path)
            | ((col(WorkspaceFile.path) >= prefix) & (col(WorkspaceFile.path) < _after(prefix))),
        )
    )


async def put_blob(session: AsyncSession, content: bytes) -> str:
    """Store content unless it is there; return its SHA-256."""
    sha256 = hashlib.sha256(content).hexdigest()
    row = {"sha256": sha256, "content": content}
    await session.exec(insert(Blob).values(row).on_conflict_do_nothing())
    return sha256


async def get_blob(session: AsyncSession, sha256: str) -> bytes:
    """Return content by its SHA-256.

    Raises:
        NotFound: it was never stored.
    """
    blob = await session.get(Blob, sha256)
    if blob is None:
        raise NotFound(f"There is no blob {sha256}.", sha256=sha256)
    return blob.content


def _prefix(folder: str) -> str:
    return folder if folder.endswith("/") else folder + "/"


def _after(prefix: str) -> str:
    return prefix[:-1] + "0"  # "0" follows "/" in byte order


def _inside(workspace_id: int, folder: str) -> SelectOfScalar[WorkspaceFile]:
    prefix = _prefix(folder)
    return select(WorkspaceFile).where(
        WorkspaceFile.workspace_id == workspace_id,
        col(WorkspaceFile.path) >= prefix,
        col(WorkspaceFile.path) < _after(prefix),
    )


async def make_folders(session: AsyncSession, workspace_id: int, path: str) -> bool:
    """Make a folder and those above it; True when any was missing.

    Raises:
        InTheWay: a file is where a folder has to be.
    """
    parts = path.strip("/").split("/")
    wanted = ["/" + "/".join(parts[: n + 1]) for n in range(len(parts))] if path != "/" else []
    query = select(WorkspaceFile).where(
        WorkspaceFile.workspace_id == workspace_id, col(WorkspaceFile.path).in_(wanted)
    )
    found = {row.path: row for row in (await session.exec(query)).all()}
    for row in found.values():
        if row.kind != FileKind.DIRECTORY:
            raise InTheWay(f"'{row.path}' is a {row.kind.lower()}, so there can be no such folder")
    missing = [folder for folder in wanted if folder not in found]
    for folder in missing:
        row = {"workspace_id": workspace_id, "path": folder, "kind": FileKind.DIRECTORY.value}
        await session.exec(
            insert(WorkspaceFile).values(**row, suffix="", size=0).on_conflict_do_nothing()
        )
    return bool(missing)
