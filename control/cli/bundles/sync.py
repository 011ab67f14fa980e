"""The files of a bundle, here and in the workspace."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname, splitext
from typing import TYPE_CHECKING, Any

from control.cli.bundles.folder import LocalFolder
from control.cli.bundles.wheels import content_hash
from control.cli.client import Api
from control.files.paths import normalise
from spec.bundle_files import is_notebook_file
from spec.errors import Invalid, NotFound

if TYPE_CHECKING:
    from spec.bundle import Bundle

MOST_BYTES = 20 * 1024 * 1024
"""Of one file: in base64 it must fit into what the API takes of one request."""


@dataclass(frozen=True)
class LocalFile:
    """One file to upload."""

    file: Path
    upload_path: str
    """What it is imported as, with its suffix."""
    sha256: str


def local_files(folder: Path, bundle: "Bundle") -> dict[str, LocalFile]:
    """Return the bundle's files by the paths that they have in the workspace.

    Raises:
        Invalid: a file is too large, or two become the same notebook.
    """
    here = LocalFolder(folder)
    found: dict[str, LocalFile] = {}
    for local, remote in bundle.files:
        file = folder / local
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise Invalid(
                f"{local} has {size:,} bytes, and at most {MOST_BYTES:,} are uploaded; leave it out"
                " by 'sync.exclude', and put it into a volume"
            )
        path = normalise(remote)
        path = splitext(path)[0] if is_notebook_file(here, local) else path
        if path in found:
            other = found[path].file.relative_to(folder)
            raise Invalid(f"{other} and {local} would both become {path}; rename one of them")
        found[path] = LocalFile(file, remote, content_hash(file))
    return found


def remote_files(api: Api, folders: Iterable[str]) -> dict[str, int]:
    """Return what lies anywhere below folders: path → time of writing in milliseconds."""
    found: dict[str, int] = {}
    waiting = list(dict.fromkeys(folders))
    while waiting:
        for each in _children(api, waiting.pop()):
            if each["object_type"] == "DIRECTORY":
                waiting.append(each["path"])
            else:
                found[each["path"]] = int(each["modified_at"])
    return found


def _children(api: Api, folder: str) -> list[dict[str, Any]]:
    try:
        return api.get("/api/2.0/workspace/list", path=folder).get("objects", [])
    except NotFound:
        return []


def upload(api: Api, file: LocalFile, made: set[str]) -> None:
    """Import one file, over what is there.

    Args:
        api: The API.
        file: What to import.
        made: Folders that are known to be there; grows.
    """
    parent = dirname(file.upload_path)
    if parent not in made:
        api.post("/api/2.0/workspace/mkdirs", {"path": parent})
        made.add(parent)
    content = base64.b64encode(file.file.read_bytes()).decode()
    body = {"path": file.upload_path, "content": content, "format": "AUTO", "overwrite": True}
    api.post("/api/2.0/workspace/import", body)


def delete(api: Api, path: str) -> None:
    """Delete one file, if it is still there."""
    try:
        api.post("/api/2.0/workspace/delete", {"path": path})
    except NotFound:
        return


def delete_empty(api: Api, files: Iterable[str], root: str) -> None:
    """Delete the folders of deleted files that are empty now: those below the root, and itself."""
    folders: set[str] = {root}
    for path in files:
        while (path := dirname(path)).startswith(root + "/"):
            folders.add(path)
    for folder in sorted(folders, key=len, reverse=True):
        try:
            if not _children(api, folder):
                api.post("/api/2.0/workspace/delete", {"path": folder})
        except NotFound:
            continue


def noted(files: Mapping[str, LocalFile]) -> dict[str, str]:
    """Return the hashes of files by their paths."""
    return {path: file.sha256 for path, file in files.items()}
