"""`dbutils.fs`: files of volumes, of the object store (`s3://…`) and of the task's machine.

Needs pyarrow, which every task finds in its environment. Of `dbfs:/` there are volumes only.
"""

import os
import re
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import quote

from dbruntime._api import ask

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*):/*")
_VOLUME = re.compile(r"^(?:dbfs:)?/Volumes/([^/]+)/([^/]+)/([^/]+)(?:/(.*))?$")
HEAD_BYTES = 65536


class FileInfo(NamedTuple):
    """One entry of a folder."""

    path: str
    name: str
    """Of a folder it ends with `/`."""
    size: int
    modificationTime: int
    """Milliseconds since 1970; 0 when it is not known."""

    def isDir(self) -> bool:
        """Tell whether it is a folder."""
        return self.name.endswith("/")

    def isFile(self) -> bool:
        """Tell whether it is a file."""
        return not self.isDir()


class FileSystem:
    """`dbutils.fs`."""

    def ls(self, dir: str) -> list[FileInfo]:
        """Return what is in a folder, or the file itself."""
        place = _Place(dir)
        if place.there() == "file":
            return [place.entry(place.info())]
        selector = _arrow().FileSelector(place.path, recursive=False)
        found = place.system.get_file_info(selector)
        return sorted(place.entry(each) for each in found if each.path.strip("/") != place.path)

    def cp(self, from_: str, to: str, recurse: bool = False) -> bool:
        """Copy a file, or with `recurse` a folder."""
        source, target = _Place(from_), _Place(to)
        is_folder = source.there() == "folder"
        if is_folder and not recurse:
            raise ValueError(f"{from_} is a folder; give recurse=True to copy it")
        if not is_folder and (to.endswith("/") or target.kind() == "folder"):
            target = _Place(f"{to.rstrip('/')}/{os.path.basename(source.path)}")
        target.make_parent()
        if is_folder:
            target.system.create_dir(target.path, recursive=True)
            _arrow().copy_files(
                source.path,
                target.path,
                source_filesystem=source.system,
                destination_filesystem=target.system,
            )
            return True
        with (
            source.system.open_input_stream(source.path) as content,
            target.system.open_output_stream(target.path) as file,
        ):
            while chunk := content.read(1 << 20):
                file.write(chunk)
        return True

    def mv(self, from_: str, to: str, recurse: bool = False) -> bool:
        """Copy, then delete what was copied."""
        self.cp(from_, to, recurse)
        return self.rm(from_, recurse)

    def rm(self, dir: str, recurse: bool = False) -> bool:
        """Delete a file, or with `recurse` a folder; False when there was nothing."""
        place = _Place(dir)
        if place.base and place.path == place.base:
            raise ValueError(f"{dir} is a volume; delete what is in it, or the volume itself")
        match place.kind():
            case "file":
                place.system.delete_file(place.path)
            case "folder":
                if not recurse and self.ls(dir):
                    raise ValueError(f"{dir} is a folder that is not empty; give recurse=True")
                place.system.delete_dir(place.path)
            case _:
                return False
        return True

    def mkdirs(self, dir: str) -> bool:
        """Make a folder and those above it."""
        place = _Place(dir)
        place.system.create_dir(place.path, recursive=True)
        return True

    def put(self, file: str, contents: str, overwrite: bool = False) -> bool:
        """Write text into a file."""
        place = _Place(file)
        if not overwrite and place.kind() != "none":
            raise FileExistsError(f"{file} exists; give overwrite=True to replace it")
        place.make_parent()
        with place.system.open_output_stream(place.path) as stream:
            stream.write(contents.encode())
        return True

    def head(self, file: str, maxBytes: int = HEAD_BYTES) -> str:
        """Return the first bytes of a file as text."""
        place = _Place(file)
        if place.there() == "folder":
            raise IsADirectoryError(f"{file} is a folder")
        with place.system.open_input_stream(place.path) as stream:
            content: bytes = stream.read(maxBytes)
        return content.decode("utf-8", "ignore")

    def __getattr__(self, name: str) -> Any:
        """Say what is not here instead of a bare AttributeError."""
        raise AttributeError(
            f"dbutils.fs.{name} is not there; there are ls, cp, mv, rm, mkdirs, put and head"
        )


class _Place:
    """A path with the file system it is in."""

    def __init__(self, spelled: str) -> None:
        self.spelled = spelled
        self.prefix = self.base = ""
        """What stands before a path, and what of it that stands for, if it is in a volume."""
        volume = _VOLUME.match(spelled)
        if volume is not None:
            self._in_volume(*volume.groups())
            return
        found = _SCHEME.match(spelled)
        scheme = found.group(1).lower() if found else "file"
        rest = spelled[found.end() :] if found else spelled
        if scheme in ("s3", "s3a", "s3n"):
            self.system, self.prefix, self.path = _s3(), f"{scheme}://", rest.rstrip("/")
        elif scheme == "file":
            self.system = _arrow().LocalFileSystem()
            self.path = os.path.abspath(f"/{rest}" if found else rest)
        else:
            raise ValueError(
                f"'{spelled}': {scheme}: paths do not exist in OpenLake; use"
                " /Volumes/<catalog>/<schema>/<volume>/path, s3://bucket/path or a local path"
            )

    def _in_volume(self, catalog: str, schema: str, volume: str, inside: str | None) -> None:
        inside = (inside or "").rstrip("/")
        if inside and {"", ".", ".."} & set(inside.split("/")):
            raise ValueError(f"'{self.spelled}' must not hold '//', '.' or '..'")
        self.system, self.base = _s3(), _location(f"{catalog}.{schema}.{volume}")
        self.prefix = f"dbfs:/Volumes/{catalog}/{schema}/{volume}"
        self.path = f"{self.base}/{inside}" if inside else self.base

    def info(self) -> Any:
        """Return what is there."""
        return self.system.get_file_info(self.path)

    def kind(self) -> str:
        """Return `file`, `folder`, or `none` when nothing is there."""
        types = _arrow().FileType
        return {types.File: "file", types.Directory: "folder"}.get(self.info().type, "none")

    def there(self) -> str:
        """Return `file` or `folder`.

        Raises:
            FileNotFoundError: nothing is there.
        """
        kind = self.kind()
        if kind == "none":
            raise FileNotFoundError(f"there is no {self.spelled}")
        return kind

    def make_parent(self) -> None:
        """Make the folder above; an object store needs none."""
        if not self.prefix:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)

    def entry(self, info: Any) -> FileInfo:
        """Return a found file or folder as users see it."""
        is_folder = info.type == _arrow().FileType.Directory
        slash = "/" if is_folder else ""
        written = info.mtime_ns
        shown = info.path.removeprefix(self.base)
        return FileInfo(
            path=f"{self.prefix or 'file:'}{shown}{slash}",
            name=f"{os.path.basename(info.path)}{slash}",
            size=0 if is_folder else info.size,
            modificationTime=0 if written is None else written // 1_000_000,
        )


def _arrow() -> Any:
    return import_module("pyarrow.fs")


@lru_cache
def _location(volume: str) -> str:
    """Return where in the object store a volume is: bucket and path."""
    found = ask(f"2.1/unity-catalog/volumes/{quote(volume, safe='.')}", "volumes")
    return str(found["storage_location"]).removeprefix("s3://").rstrip("/")


def _s3() -> Any:
    given = os.environ.get
    return _arrow().S3FileSystem(
        access_key=given("AWS_ACCESS_KEY_ID"),
        secret_key=given("AWS_SECRET_ACCESS_KEY"),
        session_token=given("AWS_SESSION_TOKEN"),
        region=given("AWS_REGION"),
        endpoint_override=given("AWS_ENDPOINT_URL_S3"),
    )
