"""The places that `openlake fs` knows, each behind the same few verbs."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import quote

from control.cli.client import Api
from spec.errors import Invalid, NotFound

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A file or folder."""

    path: str
    """As `openlake fs` takes it."""
    name: str
    is_folder: bool
    size_bytes: int | None = 0
    """None where the place does not say: of notebooks."""
    modified_ms: int = 0


class Place(Protocol):
    """A path of one kind of place; every method raises `NotFound` where nothing is there."""

    def entries(self) -> Iterator[Entry]:
        """Return what is in a folder; a file is its own only entry."""
        ...

    def is_folder(self) -> bool:
        """Tell whether it is a folder; False also when nothing is there."""
        ...

    def child(self, name: str) -> "Place":
        """Return a path below."""
        ...

    def read(self) -> Iterator[bytes]:
        """Return a file, piece by piece."""
        ...

    def write(self, body: Iterator[bytes], size: int, *, overwrite: bool) -> None:
        """Store a file."""
        ...

    def delete(self, *, recursive: bool) -> None:
        """Delete a file or a folder."""
        ...

    def make(self) -> None:
        """Make a folder and those above it."""
        ...


def place_of(api: Api, spelled: str) -> Place:
    """Return what a path on the command line means."""
    plain = spelled.removeprefix("dbfs:")
    if plain.startswith("/Volumes/"):
        return _Volume(api, plain)
    if spelled.startswith("dbfs:"):
        return _Dbfs(api, plain)
    if spelled.startswith("/Workspace/") or spelled == "/Workspace":
        return _Workspace(api, spelled)
    return _Local(Path(spelled))


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_BLOCK):
        yield piece


def _blocks(body: Iterator[bytes]) -> Iterator[bytes]:
    """Cut whatever comes into pieces of at most one block."""
    for piece in body:
        for start in range(0, len(piece), _BLOCK):
            yield piece[start : start + _BLOCK]


@dataclass(frozen=True)
class _Volume:
    api: Api
    path: str

    def _url(self, kind: str) -> str:
        return f"/api/2.0/fs/{kind}{quote(self.path)}"

    def entries(self) -> Iterator[Entry]:
        if self.is_folder():
            yield from self._listed()
            return
        folder, _, name = self.path.rpartition("/")
        found = [each for each in _Volume(self.api, folder)._listed() if each.name == name]
        if not found:
            raise NotFound(f"there is no file or folder '{self.path}'")
        yield from found

    def _listed(self) -> Iterator[Entry]:
        token: str | None = None
        while True:
            page = self.api.get(self._url("directories"), page_token=token)
            for each in page.get("contents", []):
                yield Entry(
                    each["path"],
                    each["name"],
                    each["is_directory"],
                    each.get("file_size", 0),
                    each.get("last_modified", 0),
                )
            if not (token := page.get("next_page_token")):
                return

    def is_folder(self) -> bool:
        try:
            self.api.get(self._url("directories"), page_size=1)
        except NotFound:
            return False
        return True

    def child(self, name: str) -> "_Volume":
        return _Volume(self.api, f"{self.path.rstrip('/')}/{name}")

    def read(self) -> Iterator[bytes]:
        return self.api.content(self._url("files"))

    def write(self, body: Iterator[bytes], size: int, *, overwrite: bool) -> None:
        said = str(overwrite).lower()
        url = self._url("files")
        self.api.send(url, body, size, method="PUT", overwrite=said)

    def delete(self, *, recursive: bool) -> None:
        if not self.is_folder():
            self.api.delete(self._url("files"))
            return
        if recursive:
            for each in list(self.entries()):
                self.child(each.name).delete(recursive=True)
        self.api.delete(self._url("directories"))

    def make(self) -> None:
        self.api.send(self._url("directories"), iter(()), 0, method="PUT")


@dataclass(frozen=True)
class _Dbfs:
    api: Api
    path: str

    def _post(self, verb: str, **body: Any) -> dict[str, Any]:
        return self.api.post(f"/api/2.0/dbfs/{verb}", body)

    def entries(self) -> Iterator[Entry]:
        for each in self.api.get("/api/2.0/dbfs/list", path=self.path)["files"]:
            name = each["path"].rpartition("/")[2]
            yield Entry(
                f"dbfs:{each['path']}",
                name,
                each["is_dir"],
                each["file_size"],
                each["modification_time"],
            )

    def is_folder(self) -> bool:
        try:
            return bool(self.api.get("/api/2.0/dbfs/get-status", path=self.path)["is_dir"])
        except NotFound:
            return False

    def child(self, name: str) -> "_Dbfs":
        return _Dbfs(self.api, f"{self.path.rstrip('/')}/{name}")

    def read(self) -> Iterator[bytes]:
        offset = 0
        while True:
            query = {"path": self.path, "offset": offset, "length": _BLOCK}
            answer = self.api.get("/api/2.0/dbfs/read", **query)
            if not answer["bytes_read"]:
                return
            offset += int(answer["bytes_read"])
            yield base64.b64decode(answer["data"])

    def write(self, body: Iterator[bytes], size: int, *, overwrite: bool) -> None:
        handle = self._post("create", path=self.path, overwrite=overwrite)["handle"]
        for block in _blocks(body):
            self._post("add-block", handle=handle, data=base64.b64encode(block).decode())
        self._post("close", handle=handle)

    def delete(self, *, recursive: bool) -> None:
        self._post("delete", path=self.path, recursive=recursive)

    def make(self) -> None:
        self._post("mkdirs", path=self.path)


@dataclass(frozen=True)
class _Workspace:
    api: Api
    path: str

    def entries(self) -> Iterator[Entry]:
        for each in self.api.get("/api/2.0/workspace/list", path=self.path)["objects"]:
            yield Entry(
                f"/Workspace{each['path']}",
                each["path"].rpartition("/")[2],
                each["object_type"] == "DIRECTORY",
                each.get("size"),
                each.get("modified_at", 0),
            )

    def is_folder(self) -> bool:
        try:
            status = self.api.get("/api/2.0/workspace/get-status", path=self.path)
        except NotFound:
            return False
        return status["object_type"] == "DIRECTORY"

    def child(self, name: str) -> "_Workspace":
        return _Workspace(self.api, f"{self.path.rstrip('/')}/{name}")

    def read(self) -> Iterator[bytes]:
        answer = self.api.get("/api/2.0/workspace/export", path=self.path, format="AUTO")
        yield base64.b64decode(answer["content"])

    def write(self, body: Iterator[bytes], size: int, *, overwrite: bool) -> None:
        content = base64.b64encode(b"".join(body)).decode()
        request = {"path": self.path, "content": content, "format": "AUTO", "overwrite": overwrite}
        self.api.post("/api/2.0/workspace/import", request)

    def delete(self, *, recursive: bool) -> None:
        self.api.post("/api/2.0/workspace/delete", {"path": self.path, "recursive": recursive})

    def make(self) -> None:
        self.api.post("/api/2.0/workspace/mkdirs", {"path": self.path})


@dataclass(frozen=True)
class _Local:
    path: Path

    def entries(self) -> Iterator[Entry]:
        if not self.path.exists():
            raise NotFound(f"there is no file or folder '{self.path}'")
        for each in sorted(self.path.iterdir()) if self.path.is_dir() else [self.path]:
            about = each.stat()
            is_folder = each.is_dir()
            size = 0 if is_folder else about.st_size
            yield Entry(str(each), each.name, is_folder, size, about.st_mtime_ns // 1_000_000)

    def is_folder(self) -> bool:
        return self.path.is_dir()

    def child(self, name: str) -> "_Local":
        return _Local(self.path / name)

    def read(self) -> Iterator[bytes]:
        if not self.path.is_file():
            raise NotFound(f"there is no file '{self.path}'")
        with self.path.open("rb") as file:
            yield from _pieces(file)

    def write(self, body: Iterator[bytes], size: int, *, overwrite: bool) -> None:
        if self.path.exists() and not overwrite:
            raise Invalid(f"'{self.path}' exists; give --overwrite to replace it")
        with self.path.open("wb") as file:
            for piece in body:
                file.write(piece)

    def delete(self, *, recursive: bool) -> None:
        raise Invalid(f"'{self.path}' is a path of this machine; delete it with its own tools")

    def make(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
