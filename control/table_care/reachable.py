"""Which files the states of tables need: metadata, manifest lists, manifests, data files."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pyiceberg.io import FileIO
from pyiceberg.manifest import read_manifest_list

from control.table_care.history import State
from spec.errors import Unavailable

_SIDE_BY_SIDE = 8


@dataclass
class Marks:
    """The files in use, as far as they lie in folders that are cared for.

    Args:
        bucket: The lakehouse's.
        wanted: Tells whether a key lies in such a folder.
    """

    bucket: str
    wanted: Callable[[str], bool]
    keys: set[str] = field(default_factory=set[str])
    unreadable: dict[State, str] = field(default_factory=dict[State, str])
    """States whose files could not all be found, with the reason: their folders are to be left
    alone."""
    _seen: set[str] = field(default_factory=set[str])

    async def add(self, states: Iterable[State], io: FileIO) -> None:
        """Mark all that these states need; many are read side by side.

        Raises:
            Unavailable: the object store does not answer.
        """
        turns = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def one(state: State) -> None:
            async with turns:
                await asyncio.to_thread(self._mark, state, io)

        try:
            async with asyncio.TaskGroup() as group:
                for state in states:
                    group.create_task(one(state))
        except* OSError as errors:
            raise Unavailable(f"a table's files cannot be read: {errors.exceptions[0]}") from errors

    def _mark(self, state: State, io: FileIO) -> None:
        self._keep(state.metadata)
        if not state.is_table:
            return
        try:
            metadata = json.loads(_read(io, state.metadata))
            for path in files_of(metadata):
                self._keep(path)
            for snapshot in metadata.get("snapshots") or ():
                self._mark_snapshot(str(snapshot["manifest-list"]), io)
        except FileNotFoundError as error:
            self.unreadable[state] = f"{state.metadata}: {error}"
        except OSError:
            raise
        except Exception as error:
            # Whatever is wrong with what stands there: nobody knows which files the table needs.
            self.unreadable[state] = f"{state.metadata}: {type(error).__name__}: {error}"

    def _mark_snapshot(self, manifest_list: str, io: FileIO) -> None:
        # Checked before and noted after: a list that failed is not taken for read.
        if manifest_list in self._seen:
            return
        self._keep(manifest_list)
        for manifest in read_manifest_list(io.new_input(manifest_list)):
            path = manifest.manifest_path
            if path in self._seen:
                continue
            self._keep(path)
            # What has left the table is not among them.
            for entry in manifest.fetch_manifest_entry(io):
                self._keep(entry.data_file.file_path)
            self._seen.add(path)
        self._seen.add(manifest_list)

    def _keep(self, address: str) -> None:
        key = key_of(address, self.bucket)
        if key is not None and self.wanted(key):
            self.keys.add(key)


def key_of(address: str, bucket: str) -> str | None:
    """Return the key of an S3 address in this bucket; None when it lies elsewhere."""
    parts = urlsplit(address)
    if parts.scheme not in ("s3", "s3a", "s3n") or parts.netloc != bucket:
        return None
    # Not `parts.path`: a key may hold '?' and '#'.
    return address.split(f"://{bucket}/", 1)[-1]


def files_of(metadata: dict[str, Any]) -> Iterator[str]:
    """Go through the statistics files that a table's metadata names."""
    for name in ("statistics", "partition-statistics"):
        for each in metadata.get(name) or ():
            yield str(each["statistics-path"])


def _read(io: FileIO, address: str) -> bytes:
    with io.new_input(address).open() as stream:
        return stream.read()
