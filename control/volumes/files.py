"""What the Files API does with the files and folders of volumes."""

from collections.abc import AsyncIterator

from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.runs.views import millis
from control.volumes.objects import Opened, Stored
from control.volumes.paths import VolumePath
from control.volumes.service import tree_at
from control.volumes.tree import Entry, Tree
from spec.api.volumes import DirectoryEntry, DirectoryPage


async def put(
    deps: Deps,
    caller: Caller,
    path: VolumePath,
    body: AsyncIterator[bytes],
    size: int | None,
    *,
    overwrite: bool,
) -> None:
    """Store a file; see `Tree.write`."""
    tree = await tree_at(deps, caller, path)
    await tree.write(path.inside, body, size, overwrite=overwrite)
    await _note(deps, caller, "volume_file.written", path)


async def read(deps: Deps, caller: Caller, path: VolumePath, headers: dict[str, str]) -> Opened:
    """Begin to read a file; see `FileStore.open`."""
    tree = await tree_at(deps, caller, path)
    return await tree.open(path.inside, headers)


async def status(deps: Deps, caller: Caller, path: VolumePath) -> Stored:
    """Return what is known of a file."""
    return await (await tree_at(deps, caller, path)).file(path.inside)


async def delete(deps: Deps, caller: Caller, path: VolumePath) -> None:
    """Delete a file."""
    await (await tree_at(deps, caller, path)).delete_file(path.inside)
    await _note(deps, caller, "volume_file.deleted", path)


async def make_folder(deps: Deps, caller: Caller, path: VolumePath) -> None:
    """Make a folder and those above it; one that exists is left as it is."""
    if await (await tree_at(deps, caller, path)).make_folders(path.inside):
        await _note(deps, caller, "volume_folder.created", path)


async def check_folder(deps: Deps, caller: Caller, path: VolumePath) -> None:
    """Return when there is such a folder.

    Raises:
        NotFound: there is none.
    """
    tree = await tree_at(deps, caller, path)
    await tree.page(path.inside, None, 1)


async def list_folder(
    deps: Deps, caller: Caller, path: VolumePath, token: str | None, limit: int
) -> DirectoryPage:
    """Return one page of a folder."""
    tree = await tree_at(deps, caller, path)
    entries, following = await tree.page(path.inside, token, limit)
    shown = tuple(_shown(tree, each) for each in entries)
    return DirectoryPage(contents=shown, next_page_token=following)


async def delete_folder(deps: Deps, caller: Caller, path: VolumePath) -> None:
    """Delete an empty folder."""
    await (await tree_at(deps, caller, path)).delete_folder(path.inside)
    await _note(deps, caller, "volume_folder.deleted", path)


def _shown(tree: Tree, entry: Entry) -> DirectoryEntry:
    return DirectoryEntry(
        path=tree.spelled(entry.path),
        name=entry.name,
        is_directory=entry.is_folder,
        file_size=None if entry.is_folder else entry.size_bytes,
        last_modified=None if entry.is_folder else millis(entry.modified_at),
    )


async def _note(deps: Deps, caller: Caller, action: str, path: VolumePath) -> None:
    """Write the deed down when it is done: the store and the database share no transaction."""
    async with deps.database.session() as session:
        audit.record(session, caller, action, "path", str(path))
