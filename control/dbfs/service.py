"""What may be done to the files of a workspace's DBFS: any of its users may.

They are in the lakehouse's bucket under `volumes/<workspace>/dbfs/`, a tree like a volume's.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.runs.views import millis
from control.volumes import store
from control.volumes.errors import AlreadyThere, FolderNotEmpty
from control.volumes.paths import dbfs_path
from control.volumes.service import prefix_of
from control.volumes.tables import FileUpload
from control.volumes.transfers import block_key, new_upload_id
from control.volumes.tree import Entry, Tree
from spec.api.dbfs import CreateHandle, DbfsFile
from spec.errors import Invalid, NotFound

BLOCK_BYTES = 1 << 20
"""Of one read, of one block, and of a file that is put in one request."""

IDLE = timedelta(minutes=10)
"""How long a handle stays open without a block."""

_PAGE = 1000
_MOST_LISTED = 100_000


class PathTaken(Invalid):
    """Something is at the path."""

    code = "RESOURCE_ALREADY_EXISTS"


class InputOutput(Invalid):
    """The folder holds something."""

    code = "IO_ERROR"


class BlockTooLarge(Invalid):
    """A block has too many bytes."""

    code = "MAX_BLOCK_SIZE_EXCEEDED"


class ReadTooLarge(Invalid):
    """Too many bytes are asked for at once."""

    code = "MAX_READ_SIZE_EXCEEDED"


@contextmanager
def _in_terms_of_dbfs() -> Generator[None]:
    """Say what goes wrong by the names that the DBFS API has for it."""
    try:
        yield
    except AlreadyThere as error:
        raise PathTaken(error.message) from error
    except FolderNotEmpty as error:
        raise InputOutput(f"{error.message} Set 'recursive' to delete all of it.") from error


def tree_of(deps: Deps, caller: Caller) -> Tree:
    """Return the files of the caller's workspace."""
    return Tree(deps.files, prefix_of(caller.workspace_id, "dbfs"), "")


async def put(deps: Deps, caller: Caller, request: CreateHandle, content: bytes) -> None:
    """Store a small file.

    Raises:
        BlockTooLarge: it is not small.
        PathTaken: something is there, and is not to be replaced.
    """
    _check_block(content)

    async def body() -> AsyncGenerator[bytes]:
        yield content

    await put_stream(deps, caller, request, body(), len(content))


async def put_stream(
    deps: Deps,
    caller: Caller,
    request: CreateHandle,
    body: AsyncIterator[bytes],
    size: int | None,
) -> None:
    """Store a file of any size; see `Tree.write`."""
    path = dbfs_path(request.path)
    with _in_terms_of_dbfs():
        await tree_of(deps, caller).write(path, body, size, overwrite=request.overwrite)
    await _note(deps, caller, "dbfs_file.written", path)


async def read(deps: Deps, caller: Caller, path: str, offset: int, length: int) -> bytes:
    """Return some bytes of a file; none behind its end.

    Raises:
        ReadTooLarge: too many are asked for.
        Invalid: it is a folder.
    """
    if length > BLOCK_BYTES:
        raise ReadTooLarge(f"one read gives at most {BLOCK_BYTES} bytes, not {length}")
    tree, plain = tree_of(deps, caller), dbfs_path(path)
    if (await tree.get(plain)).is_folder:
        raise Invalid(f"'/{plain}' is a folder; read the files in it")
    return await deps.files.read(tree.key(plain), offset, length) if length else b""


async def status(deps: Deps, caller: Caller, path: str) -> DbfsFile:
    """Return what is at a path."""
    return _shown(await tree_of(deps, caller).get(dbfs_path(path)))


async def list_files(deps: Deps, caller: Caller, path: str) -> tuple[DbfsFile, ...]:
    """Return what lies directly in a folder; a file is its own only entry.

    Raises:
        Invalid: it holds more than one answer can.
    """
    tree, plain = tree_of(deps, caller), dbfs_path(path)
    found = await tree.get(plain)
    if not found.is_folder:
        return (_shown(found),)
    shown: list[DbfsFile] = []
    token: str | None = None
    while True:
        entries, token = await tree.page(plain, token, _PAGE)
        shown += [_shown(each) for each in entries]
        if token is None:
            return tuple(shown)
        if len(shown) > _MOST_LISTED:
            raise Invalid(
                f"'/{plain}' holds more than {_MOST_LISTED} entries, and DBFS lists have no"
                " pages; keep so many files in a volume"
            )


async def make_folders(deps: Deps, caller: Caller, path: str) -> None:
    """Make a folder and those above it."""
    plain = dbfs_path(path)
    with _in_terms_of_dbfs():
        made = await tree_of(deps, caller).make_folders(plain)
    if made:
        await _note(deps, caller, "dbfs_folder.created", plain)


async def delete(deps: Deps, caller: Caller, path: str, recursive: bool) -> None:
    """Delete a file or folder; what is not there is deleted already.

    Raises:
        InputOutput: it is a folder that holds something, and `recursive` is false.
    """
    tree, plain = tree_of(deps, caller), dbfs_path(path)
    found = await tree.find(plain)
    if found is None:
        return
    with _in_terms_of_dbfs():
        if not found.is_folder:
            await tree.delete_file(plain)
        elif recursive:
            await tree.delete_all(plain)
        else:
            await tree.delete_folder(plain)
    await _note(deps, caller, "dbfs_path.deleted", plain, recursive=recursive)


async def move(deps: Deps, caller: Caller, source: str, target: str) -> None:
    """Move a file, or a folder with all it holds; see `Tree.move`.

    Raises:
        PathTaken: a file is where the target would be.
    """
    start, end = dbfs_path(source), dbfs_path(target)
    with _in_terms_of_dbfs():
        await tree_of(deps, caller).move(start, end)
    await _note(deps, caller, "dbfs_path.moved", start, target=f"/{end}")


async def create(deps: Deps, caller: Caller, request: CreateHandle) -> int:
    """Begin a file that comes in blocks; return its handle. Nothing is to be seen yet.

    Raises:
        PathTaken: something is there, and is not to be replaced.
    """
    tree, path = tree_of(deps, caller), dbfs_path(request.path)
    with _in_terms_of_dbfs():
        await tree.make_room(path, overwrite=request.overwrite)
    row = FileUpload(
        upload_id=new_upload_id(),
        workspace_id=caller.workspace_id,
        path=path,
        key=tree.key(path),
        overwrite=request.overwrite,
        created_by=caller.user_name,
        expires_at=datetime.now(UTC) + IDLE,
    )
    async with deps.database.session() as session:
        session.add(row)
    return row.upload_id


async def add_block(deps: Deps, caller: Caller, handle: int, data: bytes) -> None:
    """Add a block at the end.

    Raises:
        NotFound: the handle is not open, or another user's.
        BlockTooLarge: the block has more than 1 MiB.
    """
    _check_block(data)
    async with deps.database.session() as session:
        found = await store.upload(session, caller.workspace_id, handle, lock=True)
        row = _usable(found, caller, handle)
        if row.completed_at is not None:
            raise NotFound(f"The handle {handle} is closed.")
        # Before it is counted: a block that nobody counted is written over by the next.
        await deps.objects.put(block_key(handle, row.blocks), data)
        row.blocks += 1
        row.size_bytes += len(data)
        row.expires_at = datetime.now(UTC) + IDLE
        session.add(row)


async def close(deps: Deps, caller: Caller, handle: int) -> None:
    """Make the file of its blocks; harmless when repeated.

    Raises:
        NotFound: the handle is not open, or another user's.
        PathTaken: a file came there meanwhile, and it is not to be replaced.
    """
    async with deps.database.read_session() as session:
        row = _usable(await store.upload(session, caller.workspace_id, handle), caller, handle)
    if row.completed_at is not None:
        return
    with _in_terms_of_dbfs():
        await tree_of(deps, caller).write(
            row.path, _blocks(deps, row), row.size_bytes, overwrite=row.overwrite
        )
    async with deps.database.session() as session:
        row.completed_at = datetime.now(UTC)
        session.add(row)
        audit.record(session, caller, "dbfs_file.written", "path", f"/{row.path}")
    await deps.objects.delete([block_key(handle, number) for number in range(row.blocks)])


async def _blocks(deps: Deps, row: FileUpload) -> AsyncGenerator[bytes]:
    for number in range(row.blocks):
        yield await deps.objects.get(block_key(row.upload_id, number))


def _usable(row: FileUpload | None, caller: Caller, handle: int) -> FileUpload:
    if (
        row is None
        or row.store_id is not None
        or row.created_by != caller.user_name
        or row.expires_at < datetime.now(UTC)
    ):
        raise NotFound(f"The handle {handle} is not open; dbfs/create opens one.")
    return row


def _check_block(data: bytes) -> None:
    if len(data) > BLOCK_BYTES:
        raise BlockTooLarge(
            f"a block has at most {BLOCK_BYTES} bytes, not {len(data)}; use create, add-block and"
            " close, or put the file as a form"
        )


def _shown(entry: Entry) -> DbfsFile:
    return DbfsFile(
        path=f"/{entry.path}",
        is_dir=entry.is_folder,
        file_size=entry.size_bytes,
        modification_time=millis(entry.modified_at),
    )


async def _note(deps: Deps, caller: Caller, action: str, path: str, **details: object) -> None:
    """Write the deed down when it is done: the store and the database share no transaction."""
    async with deps.database.session() as session:
        audit.record(session, caller, action, "path", f"/{path}", **details)
