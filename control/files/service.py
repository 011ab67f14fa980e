"""What may be done to workspace files."""

import asyncio
from datetime import UTC, datetime
from posixpath import dirname
from typing import Literal, cast

from sqlmodel.ext.asyncio.session import AsyncSession

from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.files import store
from control.files.notebooks import Imported, export, interpret
from control.files.paths import normalise
from control.files.tables import FileKind, WorkspaceFile
from control.permissions.folders import (
    forget_below,
    require_deleting,
    require_listing,
    require_path,
)
from control.permissions.levels import Level
from control.runs.views import millis
from spec.api.workspace import ObjectInfo
from spec.errors import Invalid

MOST_FILE_BYTES = 100 * 1024 * 1024


_FORMS_OF_FILES = ("SOURCE", "AUTO", "RAW")
"""All of them give a file as it is."""


class AlreadyExists(Invalid):
    """Something is at the path."""

    code = "RESOURCE_ALREADY_EXISTS"


class NotEmpty(Invalid):
    """The folder holds something."""

    code = "DIRECTORY_NOT_EMPTY"


async def put(
    deps: Deps,
    caller: Caller,
    path: str,
    content: bytes,
    *,
    form: str = "AUTO",
    language: str | None = None,
    overwrite: bool = False,
) -> None:
    """Import a file or notebook; its folder has to be there.

    Raises:
        AlreadyExists: something is at the path and `overwrite` is false.
        NotFound: the folder does not exist.
        Forbidden: the caller may not make something there, or not replace what is there.
    """
    imported = interpret(normalise(path), content, form, language)
    _check_size(imported)
    async with deps.database.session() as session:
        await _check_folder(session, caller, dirname(imported.path))
        await _write(session, caller, imported, overwrite)
        audit.record(
            session, caller, "file.imported", "path", imported.path, kind=imported.kind.value
        )


def _check_size(imported: Imported) -> None:
    size = len(imported.content)
    if size > MOST_FILE_BYTES:
        raise Invalid(f"a workspace file has at most {MOST_FILE_BYTES} bytes, not {size}")


async def _check_folder(session: AsyncSession, caller: Caller, folder: str) -> None:
    if folder == "/":
        return
    found = await store.get(session, caller.workspace_id, folder)
    if found.kind != FileKind.DIRECTORY:
        raise Invalid(f"'{folder}' is a {found.kind.lower()}, not a folder")


async def _write(
    session: AsyncSession, caller: Caller, imported: Imported, overwrite: bool
) -> None:
    row = await store.find(session, caller.workspace_id, imported.path)
    wanted = Level.CAN_MANAGE if row is None else Level.CAN_EDIT
    await require_path(session, caller, imported.path, wanted)
    if row is not None and (not overwrite or row.kind == FileKind.DIRECTORY):
        raise AlreadyExists(f"Path ({imported.path}) already exists.", path=imported.path)
    row = row or WorkspaceFile(
        workspace_id=caller.workspace_id, path=imported.path, kind=imported.kind.value
    )
    row.kind, row.language, row.suffix = imported.kind.value, imported.language, imported.suffix
    row.sha256 = await store.put_blob(session, imported.content)
    row.size = len(imported.content)
    row.modified_at = datetime.now(UTC)
    session.add(row)
    await session.flush()


async def make_folders(deps: Deps, caller: Caller, path: str) -> None:
    """Make a folder and those above it, as far as they are missing."""
    async with deps.database.session() as session:
        if await store.make_folders(session, caller.workspace_id, normalise(path)):
            await require_path(session, caller, normalise(path), Level.CAN_MANAGE)
            audit.record(session, caller, "folder.created", "path", normalise(path))


async def status(deps: Deps, caller: Caller, path: str) -> ObjectInfo:
    """Return what is at a path."""
    path = normalise(path)
    if path == "/":
        return ObjectInfo(object_type="DIRECTORY", object_id=0, resource_id="0", path="/")
    async with deps.database.read_session() as session:
        row = await store.get(session, caller.workspace_id, path)
        await require_path(session, caller, path, Level.CAN_READ)
        return info(row)


def info(row: WorkspaceFile) -> ObjectInfo:
    """Return a path as Databricks shows it."""
    is_file = row.kind == FileKind.FILE
    return ObjectInfo(
        object_type=cast(Literal["NOTEBOOK", "FILE", "DIRECTORY"], row.kind),
        object_id=row.object_id or 0,
        resource_id=str(row.object_id),
        path=row.path,
        language=row.language,
        size=row.size if is_file else None,
        created_at=millis(row.created_at),
        modified_at=millis(row.modified_at),
    )


async def children(
    deps: Deps, caller: Caller, path: str, notebooks_since: datetime | None = None
) -> tuple[ObjectInfo, ...]:
    """Return what lies directly in a folder; a file is its own only entry.

    Args:
        deps: The collaborators.
        caller: Who lists.
        path: Of the folder.
        notebooks_since: Leave out the notebooks that have not changed since.
    """
    path = normalise(path)
    async with deps.database.read_session() as session:
        if path != "/":
            found = await store.get(session, caller.workspace_id, path)
            if found.kind != FileKind.DIRECTORY:
                await require_path(session, caller, path, Level.CAN_READ)
                return (info(found),)
        rows = await store.children(session, caller.workspace_id, path)
        rows = [row for row in rows if _is_wanted(row, notebooks_since)]
        return tuple(info(row) for row in await require_listing(session, caller, path, rows))


def _is_wanted(row: WorkspaceFile, notebooks_since: datetime | None) -> bool:
    if notebooks_since is None or row.kind != FileKind.NOTEBOOK:
        return True
    return row.modified_at is not None and row.modified_at > notebooks_since


async def read(deps: Deps, caller: Caller, path: str, form: str) -> tuple[bytes, str]:
    """Return the content of a file or notebook, and its type (`py`, `sql`, `ipynb`, …).

    Raises:
        Invalid: it is a folder, or there is no such form of it.
    """
    path = normalise(path)
    async with deps.database.read_session() as session:
        row = await store.get(session, caller.workspace_id, path)
        await require_path(session, caller, path, Level.CAN_READ)
        if row.kind == FileKind.DIRECTORY or row.sha256 is None:
            raise Invalid(f"'{path}' is a folder; export its files one by one")
        content = await store.get_blob(session, row.sha256)
    name = path.rpartition("/")[2]
    if row.kind == FileKind.NOTEBOOK:
        language = row.language or "PYTHON"
        # A page takes a second to draw.
        return await asyncio.to_thread(export, content, language, row.suffix, form, name)
    if form not in _FORMS_OF_FILES:
        raise Invalid(f"'{path}' is a file, not a notebook; export it with AUTO")
    return content, name.rpartition(".")[2] if "." in name else ""


async def delete(deps: Deps, caller: Caller, path: str, recursive: bool) -> None:
    """Delete a path; runs that pinned its files keep them.

    Raises:
        NotEmpty: it is a folder that holds something and `recursive` is false.
    """
    path = normalise(path)
    async with deps.database.session() as session:
        if path == "/":
            raise Invalid("the root of the workspace cannot be deleted")
        row = await store.get(session, caller.workspace_id, path)
        await require_deleting(session, caller, path)
        if row.kind == FileKind.DIRECTORY and not recursive:
            if await store.children(session, caller.workspace_id, path):
                raise NotEmpty(f"Folder ({path}) is not empty; set 'recursive'.")
        await forget_below(session, caller.workspace_id, path)
        await store.delete_tree(session, caller.workspace_id, path)
        audit.record(session, caller, "path.deleted", "path", path, recursive=recursive)
