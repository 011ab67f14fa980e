"""A bucket in memory, for tests that need none that is real; conformance tests use the stack's."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime

from control.volumes.errors import AlreadyThere
from control.volumes.objects import FileStore, Opened, Page, Stored
from spec.errors import NotFound


class MemoryFiles(FileStore):
    """Objects by their key; parts are refused as if their upload had ended."""

    def __init__(self) -> None:
        """See class."""
        super().__init__(
            endpoint="http://127.0.0.1:9", region="r", access_key="a", secret_key="s", bucket="b"
        )
        self._objects: dict[str, bytes] = {}

    async def head(self, key: str) -> Stored | None:
        content = self._objects.get(key)
        return None if content is None else _stored(key, content)

    async def open(self, key: str, headers: Mapping[str, str]) -> Opened:
        if key not in self._objects:
            raise NotFound("The file being read does not exist.")
        content = self._objects[key]

        async def body() -> AsyncIterator[bytes]:
            yield content

        return Opened(200, {"content-length": str(len(content))}, body())

    async def read(self, key: str, offset: int, length: int) -> bytes:
        return self._objects[key][offset : offset + length]

    async def write(
        self, key: str, body: AsyncIterator[bytes], size: int | None, *, overwrite: bool
    ) -> None:
        content = b"".join([piece async for piece in body])
        if key in self._objects and not overwrite:
            raise AlreadyThere("The file being created already exists.")
        self._objects[key] = content

    async def put_empty(self, key: str) -> None:
        self._objects[key] = b""

    async def page(self, prefix: str, place: str | None, limit: int) -> Page:
        found = [
            each for each in sorted(self._objects) if each.startswith(prefix) and each != prefix
        ]
        folders = {
            prefix + each[len(prefix) :].split("/")[0] + "/"
            for each in found
            if "/" in each[len(prefix) :]
        }
        files = [
            _stored(each, self._objects[each]) for each in found if "/" not in each[len(prefix) :]
        ]
        return Page(files, sorted(folders), None)

    async def below(self, prefix: str, limit: int) -> list[str]:
        return [each for each in sorted(self._objects) if each.startswith(prefix)][:limit]

    async def copy(self, source: str, target: str) -> None:
        self._objects[target] = self._objects[source]

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._objects.pop(key, None)

    async def begin_parts(self, key: str) -> str:
        return "upload"

    async def write_part(
        self, key: str, store_id: str, number: int, body: AsyncIterator[bytes], size: int
    ) -> str:
        raise NotFound("This upload has ended.")

    async def complete_parts(
        self, key: str, store_id: str, parts: Sequence[tuple[int, str]], *, overwrite: bool
    ) -> None:
        raise NotFound("This upload has ended.")

    async def abort_parts(self, key: str, store_id: str) -> None:
        pass


def _stored(key: str, content: bytes) -> Stored:
    return Stored(key, len(content), datetime.now(UTC), '"etag"')
