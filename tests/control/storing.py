"""Stands in for the object store and its keys where a test needs no S3 server."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spec.attempts import StorageAccess
from spec.errors import NotFound


@dataclass(frozen=True)
class FixedStorage:
    """The same keys for everybody: what a server without STS allows."""

    access: StorageAccess

    async def issue(self, name: str, workspace_id: int) -> StorageAccess:
        """See `StorageIssuer`."""
        return self.access


class FolderObjects:
    """A folder in place of a bucket: for tests, and where there is no S3 server."""

    def __init__(self, folder: Path) -> None:
        """See class."""
        self._folder = folder

    async def put(self, key: str, content: bytes) -> None:
        """See `ObjectStore`."""
        await asyncio.to_thread(self._put, key, content)

    def _put(self, key: str, content: bytes) -> None:
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    async def get(self, key: str) -> bytes:
        """See `ObjectStore`."""
        try:
            return await asyncio.to_thread((self._folder / key).read_bytes)
        except FileNotFoundError:
            raise NotFound(f"the object '{key}' is not in the store") from None

    async def put_file(self, key: str, file: Path) -> None:
        """See `ObjectStore`."""
        await asyncio.to_thread(lambda: self._put(key, file.read_bytes()))

    async def link(self, key: str, life_s: int) -> str:
        """See `ObjectStore`; it does not end."""
        return (self._folder / key).absolute().as_uri()

    async def upload_link(self, key: str, life_s: int) -> str:
        """See `ObjectStore`; nobody takes a PUT there."""
        return await self.link(key, life_s)

    async def keys(self, prefix: str) -> list[str]:
        """See `ObjectStore`."""
        found = await asyncio.to_thread(lambda: sorted((self._folder / prefix).rglob("*")))
        return [str(each.relative_to(self._folder)) for each in found if each.is_file()]

    async def delete(self, keys: Sequence[str]) -> None:
        """See `ObjectStore`."""
        for key in keys:
            await asyncio.to_thread((self._folder / key).unlink, missing_ok=True)

    async def check(self) -> None:
        """See `ObjectStore`."""
