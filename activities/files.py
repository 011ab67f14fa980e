"""Puts an attempt's user files into its work folder, from a cache that is named by content."""

import asyncio
import hashlib
import os
import shutil
import time
from pathlib import Path, PurePosixPath
from typing import Protocol

from activities.together import together
from spec.errors import Invalid

_AT_ONCE = 8


class BlobSource(Protocol):
    """Where content is fetched by its hash."""

    async def blob(self, sha256: str) -> bytes:
        """Return the content that has this hash."""
        ...


async def materialise(files: dict[str, str], target: Path, cache: Path, source: BlobSource) -> None:
    """Write every file of `files` (relative path → SHA-256) below `target`; may be repeated.

    Raises:
        Invalid: a path leads out of the folder, or content does not have its hash.
    """
    places = {_inside(target, path): sha256 for path, sha256 in files.items()}
    turn = asyncio.Semaphore(_AT_ONCE)

    async def fetch(sha256: str) -> None:
        kept = cache / sha256
        if kept.exists():
            return
        async with turn:
            content = await source.blob(sha256)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Invalid(f"The content of blob {sha256} does not have that hash; upload it again")
        _write(kept, content)

    await together(fetch(sha256) for sha256 in set(places.values()))
    for place, sha256 in places.items():
        _copy(cache / sha256, place)


def _inside(target: Path, path: str) -> Path:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise Invalid(f"The file path '{path}' leads out of the work folder")
    return target.joinpath(*pure.parts)


def _copy(kept: Path, place: Path) -> None:
    # A copy, not a link: user code may change its files but never the cache.
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept, place)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    draft.write_bytes(content)
    draft.replace(path)
