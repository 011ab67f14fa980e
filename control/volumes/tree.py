"""A tree of files and folders below one prefix of the bucket: a volume, or a workspace's DBFS.

A file is the object of its path. A folder is an object without bytes whose key ends in a slash, or
whatever programs have stored below it by themselves. Files that come through us get the marks of
all folders above them, so a folder does not vanish with its last file.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from control import paging
from control.volumes.errors import AlreadyThere, FolderNotEmpty
from control.volumes.objects import FileStore, Opened, Stored
from spec.errors import Invalid, NotFound

_BATCH = 1000


@dataclass(frozen=True)
class Entry:
    """A file or folder of a tree."""

    path: str
    """Inside of the tree, without slashes at its ends."""
    is_folder: bool
    size_bytes: int = 0
    modified_at: datetime | None = None

    @property
    def name(self) -> str:
        """Its last part."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Tree:
    """One tree; `path` arguments are as `control.volumes.paths` gives them."""

    store: FileStore
    prefix: str
    """Ends in a slash."""
    title: str
    """What errors call its root, e.g. `/Volumes/lakehouse/shop/raw`; ends without a slash."""

    def key(self, path: str) -> str:
        """Return the key of a file."""
        return self.prefix + path

    def spelled(self, path: str) -> str:
        """Return a path as clients know it."""
        return f"{self.title}/{path}"

    async def find(self, path: str) -> Entry | None:
        """Return what is at a path; None when there is nothing. The root is always there."""
        if path and (found := await self.store.head(self.key(path))) is not None:
            return self._entry(found)
        return Entry(path, True) if await self.is_folder(path) else None

    async def get(self, path: str) -> Entry:
        """Return what is at a path.

        Raises:
            NotFound: there is nothing.
        """
        found = await self.find(path)
        if found is None:
            raise NotFound(f"'{self.spelled(path)}' does not exist.", path=self.spelled(path))
        return found

    async def file(self, path: str) -> Stored:
        """Return the file at a path.

        Raises:
            NotFound: there is none.
        """
        found = await self.store.head(self.key(path)) if path else None
        if found is None:
            raise NotFound(f"The file '{self.spelled(path)}' does not exist.")
        return found

    async def is_folder(self, path: str) -> bool:
        """Tell whether there is a folder."""
        return not path or bool(await self.store.below(self.key(path) + "/", 1))

    async def open(self, path: str, headers: dict[str, str]) -> Opened:
        """Begin to read a file; see `FileStore.open`."""
        try:
            if not path:
                raise NotFound("it is the root")
            return await self.store.open(self.key(path), headers)
        except NotFound:
            raise NotFound(f"The file '{self.spelled(path)}' does not exist.") from None

    async def write(
        self, path: str, body: AsyncIterator[bytes], size: int | None, *, overwrite: bool
    ) -> None:
        """Store a file with the folders above it; see `FileStore.write`.

        Raises:
            AlreadyThere: a file is there and not to be replaced, or a folder is.
        """
        await self.make_room(path, overwrite=overwrite)
        try:
            await self.store.write(self.key(path), body, size, overwrite=overwrite)
        except AlreadyThere:
            raise self.taken(path) from None

    async def make_room(self, path: str, *, overwrite: bool) -> None:
        """Check that a file may be made at a path, and make the folders above it.

        Raises:
            AlreadyThere: a file is there and not to be replaced, or a folder is.
            Invalid: a file is where a folder has to be.
        """
        if not path:
            raise Invalid(f"'{self.title}' is the root; name a file in it")
        if await self.is_folder(path):
            raise AlreadyThere(f"'{self.spelled(path)}' is a folder, so no file can have its name")
        if not overwrite and await self.store.head(self.key(path)) is not None:
            raise self.taken(path)
        await self.make_folders(path.rpartition("/")[0])

    def taken(self, path: str) -> AlreadyThere:
        """Return the error that says so of a file."""
        return AlreadyThere(f"The file '{self.spelled(path)}' already exists.")

    async def make_folders(self, path: str) -> bool:
        """Make a folder and those above it as far as they have no mark; False when none lacked it.

        Raises:
            AlreadyThere: a file is in the way.
        """
        missing: list[str] = []
        while path and await self.store.head(self.key(path) + "/") is None:
            if await self.store.head(self.key(path)) is not None:
                raise AlreadyThere(f"'{self.spelled(path)}' is a file, so there can be no folder")
            missing.append(path)
            path = path.rpartition("/")[0]
        # From the top, so that a mark always has those above it, whenever this stops.
        for each in reversed(missing):
            await self.store.put_empty(self.key(each) + "/")
        return bool(missing)

    async def page(
        self, path: str, token: str | None, limit: int
    ) -> tuple[list[Entry], str | None]:
        """Return one page of a folder by name, and the token of the next.

        Raises:
            NotFound: there is no such folder.
        """
        prefix = self.key(path) + "/" if path else self.prefix
        place = paging.decode(token).get("place")
        page = await self.store.page(prefix, None if place is None else str(place), limit)
        if not page.objects and not page.folders and not await self.is_folder(path):
            raise NotFound(f"The folder '{self.spelled(path)}' does not exist.")
        found = [self._entry(each) for each in page.objects]
        found += [Entry(each.removeprefix(self.prefix)[:-1], True) for each in page.folders]
        following = None if page.next_place is None else paging.encode(place=page.next_place)
        return sorted(found, key=lambda each: each.path), following

    async def delete_file(self, path: str) -> None:
        """Delete a file; its folder stays.

        Raises:
            NotFound: there is none.
        """
        await self.file(path)
        await self.make_folders(path.rpartition("/")[0])
        await self.store.delete([self.key(path)])

    async def delete_folder(self, path: str) -> None:
        """Delete an empty folder.

        Raises:
            NotFound: there is none.
            FolderNotEmpty: it holds something.
        """
        if not path:
            raise Invalid(f"'{self.title}' is the root, which cannot be deleted so")
        mark = self.key(path) + "/"
        held = await self.store.below(mark, 2)
        if not held:
            raise NotFound(f"The folder '{self.spelled(path)}' does not exist.")
        if held != [mark]:
            raise FolderNotEmpty(f"The folder '{self.spelled(path)}' is not empty.")
        await self.make_folders(path.rpartition("/")[0])
        await self.store.delete([mark])

    async def delete_all(self, path: str) -> None:
        """Delete a folder with all it holds, or all but the root itself; repeat it at will."""
        prefix = self.key(path) + "/" if path else self.prefix
        while keys := await self.store.below(prefix, _BATCH):
            await self.store.delete(keys)

    async def move(self, source: str, target: str) -> None:
        """Move a file or a folder; what a broken-off move has left is moved by the next one.

        The store has no rename: everything is copied there, then deleted here.

        Raises:
            NotFound: there is nothing to move.
            AlreadyThere: a file is where the target would be.
        """
        found = await self.get(source)
        if f"{target}/".startswith(f"{source}/") or not source:
            raise Invalid(f"'{self.spelled(source)}' cannot be moved into itself")
        if not target or await self.store.head(self.key(target)) is not None:
            raise self.taken(target)
        await self.make_folders(target.rpartition("/")[0])
        await self.make_folders(source.rpartition("/")[0])
        if not found.is_folder:
            await self.store.copy(self.key(source), self.key(target))
            await self.store.delete([self.key(source)])
            return
        prefix = self.key(source) + "/"
        while keys := await self.store.below(prefix, _BATCH):
            for key in keys:
                await self.store.copy(key, self.key(target) + "/" + key.removeprefix(prefix))
            await self.store.delete(keys)

    def _entry(self, stored: Stored) -> Entry:
        return Entry(
            path=stored.key.removeprefix(self.prefix),
            is_folder=False,
            size_bytes=stored.size_bytes,
            modified_at=stored.modified_at,
        )
