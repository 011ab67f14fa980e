"""The one port to catalogs of tables: what OpenLake asks, whichever catalog answers.

A table's metadata is Iceberg's own JSON document (Iceberg spec, "Table Metadata"), so that what
PyIceberg does not know yet is shown all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from spec.errors import NotFound, Unavailable

Json = dict[str, Any]
Key = tuple[str, ...]
"""Namespace levels and, of a table, its name."""


class Kind(StrEnum):
    """What stands behind a name."""

    TABLE = "TABLE"
    VIEW = "VIEW"


@dataclass(frozen=True, order=True)
class Entry:
    """One table or view of a namespace."""

    key: Key
    kind: Kind


@dataclass(frozen=True)
class Loaded:
    """A table or view as it is now."""

    kind: Kind
    metadata: Json
    """Iceberg's table (or view) metadata."""
    metadata_location: str | None
    files: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """With which PyIceberg's `FileIO` properties its files are read; they hold keys."""


@dataclass(frozen=True)
class Past:
    """One page of a table's snapshots, newest first, as Iceberg's metadata spells them."""

    snapshots: tuple[Json, ...]
    resume: str | None = None
    """Where the next page begins; None on the last one."""


class TableCatalog(Protocol):
    """One catalog.

    Every method raises `Unavailable`, which names the catalog, when it cannot be reached or
    refuses OpenLake. A branch is given only to catalogs that have branches.
    """

    name: str
    type: str
    """`nessie`, `rest` or `hive`."""
    has_branches: bool

    async def namespaces(self, branch: str | None = None) -> list[Key]:
        """Return the namespaces, sorted."""
        ...

    async def namespace(self, namespace: Key, branch: str | None = None) -> dict[str, str] | None:
        """Return a namespace's properties; None when there is no such namespace."""
        ...

    async def entries(self, namespace: Key, branch: str | None = None) -> list[Entry]:
        """Return the tables and views of a namespace by name alone, sorted; none is loaded.

        Raises:
            NotFound: there is no such namespace.
        """
        ...

    async def load(self, key: Key, branch: str | None = None) -> Loaded | None:
        """Return a table or view as it is now; None when there is none of this name."""
        ...

    async def past(
        self, key: Key, loaded: Loaded, branch: str | None, resume: str | None, limit: int
    ) -> Past:
        """Return a page of the table's snapshots, newest first.

        Args:
            key: The table's.
            loaded: The table as it is now.
            branch: Whose history, where the catalog has branches.
            resume: What the page before said.
            limit: At most so many.

        Raises:
            Invalid: `resume` is not what a page before said.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True)
class TableName:
    """`<catalog>.<schema>.<table>`; the schema of a nested namespace has dots of its own."""

    catalog: str
    namespace: Key
    table: str

    @classmethod
    def parse(cls, text: str) -> "TableName":
        """Read a full name.

        Raises:
            NotFound: no table can have this name.
        """
        parts = text.split(".")
        if len(parts) < 3 or not all(parts):
            raise NotFound(
                f"Table '{text}' does not exist: a full name is '<catalog>.<schema>.<table>'.",
                table=text,
            )
        return cls(parts[0], tuple(parts[1:-1]), parts[-1])

    @property
    def key(self) -> Key:
        """Its name inside the catalog."""
        return (*self.namespace, self.table)

    @property
    def schema(self) -> str:
        """The name of its schema."""
        return ".".join(self.namespace)

    def __str__(self) -> str:
        """Spell the full name."""
        return ".".join((self.catalog, *self.key))


def unreachable(name: str, reason: object) -> Unavailable:
    """Return the error of a catalog that does not answer."""
    return Unavailable(f"The catalog '{name}' cannot be reached: {reason}.", catalog=name)


def page_of_snapshots(loaded: Loaded, resume: str | None, limit: int) -> Past:
    """Page through the snapshots that a table's own metadata lists, newest first."""
    listed: list[Json] = loaded.metadata.get("snapshots") or []
    newest = sorted(listed, key=_place, reverse=True)
    if resume is not None:
        newest = [each for each in newest if _spelled(each) < resume]
    shown = tuple(newest[:limit])
    more = len(newest) > limit
    return Past(shown, _spelled(shown[-1]) if more else None)


def _place(snapshot: Json) -> tuple[int, int]:
    return int(snapshot.get("timestamp-ms", 0)), int(snapshot["snapshot-id"])


def _spelled(snapshot: Json) -> str:
    """Spell a snapshot's place so that texts sort as places do."""
    at, snapshot_id = _place(snapshot)
    return f"{at:020d}-{snapshot_id:020d}"
