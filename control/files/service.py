"""What may be done to workspace files."""

from datetime import UTC, datetime
from posixpath import dirname
from typing import Literal, cast

from sqlmodel.ext.asyncio.session import AsyncSession

from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.files import store
from control.files.notebooks import Imported, interpret
from control.files.paths import normalise
from control.files.tables import FileKind, WorkspaceFile
from control.runs.views import millis
from spec.api.workspace import ObjectInfo
from spec.errors import Invalid

MOST_NOTEBOOK_BYTES = 10 * 1024 * 1024
MOST_FILE_BYTES = 100 * 1024 * 1024


class AlreadyExists(Invalid):
    """Something is at the path."""

    code = "RESOURCE_ALREADY_EXISTS"


class NotEmpty(Invalid):
    """The folder holds something."""

    code = "DIRECTORY_NOT_EMPTY"


class TooLarge(Invalid):
    """The notebook is too large."""

    code = "MAX_NOTEBOOK_SIZE_EXCEEDED"


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
    if imported.kind is FileKind.NOTEBOOK and size > MOST_NOTEBOOK_BYTES:
        raise TooLarge(f"a notebook has at most {MOST_NOTEBOOK_BYTES} bytes, not {size}")
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
            audit.record(session, caller, "folder.created", "path", normalise(path))


async def status(deps: Deps, caller: Caller, path: str) -> ObjectInfo:
    """Return what is at a path."""
    path = normalise(path)
    if path == "/":
        return ObjectInfo(object_type="DIRECTORY", object_id=0, resource_id="0", path="/")
    async with deps.database.read_session() as session:
        return info(await store.get(session, caller.workspace_id, path))


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


async def children(deps: Deps, caller: Caller, path: str) -> tuple[ObjectInfo, ...]:
    """Return what lies directly in a folder; a file is its own only entry."""
    path = normalise(path)
    async with deps.database.read_session() as session:
        if path != "/":
            found = await store.get(session, caller.workspace_id, path)
            if found.kind != FileKind.DIRECTORY:
                return (info(found),)
        return tuple(info(row) for row in await store.children(session, caller.workspace_id, path))


async def read(deps: Deps, caller: Caller, path: str, form: str) -> tuple[bytes, str]:
    """Return the content of a file or notebook, and its type (`py`, `sql`, `ipynb`, …).

    Raises:
        Invalid: it is a folder, or not kept in the form that was asked for.
    """
    path = normalise(path)
    async with deps.database.read_session() as session:
        row = await store.get(session, caller.workspace_id, path)
        if row.kind == FileKind.DIRECTORY or row.sha256 is None:
            raise Invalid(f"'{path}' is a folder; export its files one by one")
        content = await store.get_blob(session, row.sha256)
    kept = "JUPYTER" if row.suffix == ".ipynb" else "SOURCE"
    if row.kind == FileKind.NOTEBOOK and form in ("SOURCE", "JUPYTER") and form != kept:
        raise Invalid(f"'{path}' is kept in the format {kept}; export it so, or with AUTO")
    name = path.rpartition("/")[2] + row.suffix
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
        if row.kind == FileKind.DIRECTORY and not recursive:
            if await store.children(session, caller.workspace_id, path):
                raise NotEmpty(f"Folder ({path}) is not empty; set 'recursive'.")
        await store.delete_tree(session, caller.workspace_id, path)
        audit.record(session, caller, "path.deleted", "path", path, recursive=recursive)
