"""Looks at what triggers watch: files below a location, and tables."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

from control import s3
from control.gateway.tokens import MAIN
from control.gateway.upstream import Catalog
from spec.datasets import CATALOG
from spec.errors import Invalid, Unavailable
from spec.triggers import Mark

MOST_FILES = 10_000
"""Below one watched location, as Databricks allows without file events."""


class Watcher(Protocol):
    """Tells how watched things stand."""

    async def files(self, url: str) -> dict[str, Mark]:
        """Return every file below a location of the object store, by key.

        Raises:
            Invalid: the location cannot be read, or holds too many files.
            Unavailable: the object store does not answer.
        """
        ...

    async def tables(self, names: Sequence[str]) -> dict[str, Mark]:
        """Return those of the tables that exist, by the name given, with their snapshots.

        Raises:
            Invalid: a name is no table's.
            Unavailable: the catalog does not answer.
        """
        ...


class LakeWatcher:
    """Looks with the rights of user code: at its buckets, and at the catalog's main branch."""

    def __init__(
        self, *, endpoint: str, region: str, access_key: str, secret_key: str, catalog: Catalog
    ) -> None:
        """See class."""
        self._catalog = catalog
        self._s3: Any = s3.connect(
            endpoint=endpoint, region=region, access_key=access_key, secret_key=secret_key
        )

    async def files(self, url: str) -> dict[str, Mark]:
        """See `Watcher`."""
        return await asyncio.to_thread(self._list, url)

    def _list(self, url: str) -> dict[str, Mark]:
        where = urlsplit(url)
        pages: Any = self._s3.get_paginator("list_objects_v2")
        found: dict[str, Mark] = {}
        try:
            for page in pages.paginate(Bucket=where.netloc, Prefix=where.path.lstrip("/")):
                for each in page.get("Contents", []):
                    if not each["Key"].endswith("/"):
                        found[each["Key"]] = Mark(each["ETag"].strip('"'), each["LastModified"])
                if len(found) > MOST_FILES:
                    raise Invalid(
                        f"{url} holds more than {MOST_FILES} files, which is what a trigger can"
                        " watch; watch a narrower location, or move what was processed"
                    )
        except ClientError as error:
            raise Invalid(f"{url} cannot be listed: {error}") from error
        except BotoCoreError as error:
            raise Unavailable(f"the object store does not answer: {error}") from error
        return found

    async def tables(self, names: Sequence[str]) -> dict[str, Mark]:
        """See `Watcher`."""
        marks = await asyncio.gather(*(self._table(name) for name in names))
        return {name: mark for name, mark in zip(names, marks, strict=True) if mark is not None}

    async def _table(self, name: str) -> Mark | None:
        loaded = await self._catalog.load_table(MAIN, table_key(name))
        metadata: dict[str, Any] = (loaded or {}).get("metadata", {})
        current = metadata.get("current-snapshot-id")
        for snapshot in metadata.get("snapshots", []):
            if snapshot["snapshot-id"] == current:
                return _mark_of(snapshot)
        return None


def table_key(name: str) -> tuple[str, ...]:
    """Return namespace and table of `[catalog.]schema.table`.

    Raises:
        Invalid: it is no such name.
    """
    parts = tuple(name.split("."))
    if parts[0] == CATALOG and len(parts) > 2:
        parts = parts[1:]
    if len(parts) < 2 or not all(parts):
        raise Invalid(f"'{name}' is no table's name; write schema.table or {CATALOG}.schema.table")
    return parts


def _mark_of(snapshot: dict[str, Any]) -> Mark:
    is_rewrite = snapshot.get("summary", {}).get("operation") == "replace"
    return Mark(
        version=str(snapshot["snapshot-id"]),
        since=datetime.fromtimestamp(snapshot["timestamp-ms"] / 1000, UTC),
        rewrite_of=str(snapshot.get("parent-snapshot-id")) if is_rewrite else None,
    )
