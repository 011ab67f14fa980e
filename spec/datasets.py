"""What an OpenLineage event says of tables, under one name for each, whichever engine speaks.

Spark names an Iceberg table by its path and adds the table's name as a symlink and its catalog as
a facet; Trino and our own SQL engines name the table. Specification: OpenLineage 2-0-2, "Naming
conventions" and the facets `symlinks`, `catalog`, `schema`, `columnLineage`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from spec.ids import id_of_lineage_run

CATALOG = "lakehouse"
"""The catalog every engine of the stack knows the tables by."""

_PATHS = ("file", "hdfs", "dbfs")
"""Namespaces (before any colon) under which a name is a path, however many dots it has."""


def canonical_name(dataset: Mapping[str, Any]) -> str:
    """Return `<catalog>.<schema>.<table>` for a table, else namespace and name as one address."""
    namespace, name = str(dataset.get("namespace", "")), str(dataset.get("name", ""))
    facets = _mapping(dataset.get("facets"))
    catalog = str(_mapping(facets.get("catalog")).get("name") or "")
    for link in _list(_mapping(facets.get("symlinks")).get("identifiers")):
        table = str(link.get("name", ""))
        if link.get("type") == "TABLE" and table:
            return _with_catalog(table, catalog or CATALOG)
    if _names_a_table(namespace, name):
        return name
    if "://" in namespace:
        return f"{namespace.rstrip('/')}/{name.lstrip('/')}"
    return f"{namespace}:{name}" if namespace else name


def _with_catalog(table: str, catalog: str) -> str:
    is_whole = table.startswith(f"{catalog}.") and table.count(".") >= 2
    return table if is_whole else f"{catalog}.{table}"


def _names_a_table(namespace: str, name: str) -> bool:
    if namespace.partition(":")[0] in _PATHS or "/" in name:
        return False
    if "://" in namespace and not namespace.startswith(("trino:", "duckdb:", "iceberg:")):
        return False
    return name.count(".") >= 2 and all(name.split("."))


@dataclass(frozen=True)
class ColumnEdge:
    """One column of an output is made from one column of an input."""

    output: str
    output_column: str
    input: str
    input_column: str


@dataclass(frozen=True)
class Facts:
    """What one event says."""

    kind: str
    """START, RUNNING, COMPLETE, FAIL, ABORT or OTHER."""
    job: str
    run: UUID | None
    ancestors: tuple[UUID, ...]
    """The runs above it, nearest first, as far as it names them."""
    inputs: frozenset[str]
    outputs: frozenset[str]
    schemas: Mapping[str, tuple[tuple[str, str], ...]] = field(
        default_factory=dict[str, tuple[tuple[str, str], ...]]
    )
    """Dataset → (column, type), in column order."""
    columns: frozenset[ColumnEdge] = frozenset()

    @property
    def own_ids(self) -> tuple[int, ...]:
        """Ids of ours (task run or run) that the event belongs to, nearest first."""
        runs = (self.run, *self.ancestors) if self.run else self.ancestors
        return tuple(found for run in runs if (found := id_of_lineage_run(run)) is not None)

    @property
    def has_happened(self) -> bool:
        """Whether inputs and outputs are facts, not plans.

        Spark tells them when a query starts, and again as it goes; only COMPLETE says that it was
        done. Events of an attempt itself come after the statement they tell of.
        """
        is_own = self.run is not None and id_of_lineage_run(self.run) is not None
        return self.kind == "COMPLETE" or (is_own and self.kind in ("RUNNING", "OTHER"))


def read_event(event: Mapping[str, Any]) -> Facts:
    """Return what an event says; what it leaves out, or spells wrongly, is not there."""
    run = _mapping(event.get("run"))
    parent = _mapping(_mapping(run.get("facets")).get("parent"))
    above = (
        _mapping(parent.get("run")).get("runId"),
        _mapping(_mapping(parent.get("root")).get("run")).get("runId"),
    )
    inputs, outputs = _list(event.get("inputs")), _list(event.get("outputs"))
    names = {_key(d): canonical_name(d) for d in (*inputs, *outputs)}
    return Facts(
        kind=str(event.get("eventType", "")).upper(),
        job=str(_mapping(event.get("job")).get("name", "")),
        run=_uuid(run.get("runId")),
        ancestors=tuple(found for text in above if (found := _uuid(text)) is not None),
        inputs=frozenset(names[_key(d)] for d in inputs),
        outputs=frozenset(names[_key(d)] for d in outputs),
        schemas={names[_key(d)]: columns for d in (*inputs, *outputs) if (columns := _schema(d))},
        columns=frozenset(edge for d in outputs for edge in _columns(d, names)),
    )


def _key(dataset: Mapping[str, Any]) -> tuple[str, str]:
    return str(dataset.get("namespace", "")), str(dataset.get("name", ""))


def _schema(dataset: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    schema = _mapping(_mapping(dataset.get("facets")).get("schema"))
    fields = _list(schema.get("fields"))
    return tuple((str(each.get("name", "")), str(each.get("type", ""))) for each in fields)


def _columns(
    dataset: Mapping[str, Any], names: Mapping[tuple[str, str], str]
) -> Iterator[ColumnEdge]:
    output = names[_key(dataset)]
    facet = _mapping(_mapping(dataset.get("facets")).get("columnLineage"))
    for column, sources in _mapping(facet.get("fields")).items():
        for source in _list(_mapping(sources).get("inputFields")):
            name = names.get(_key(source)) or canonical_name(source)
            yield ColumnEdge(output, str(column), name, str(source.get("field", "")))


def _mapping(value: object) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Mapping[str, Any]]:
    items = cast(list[object], value) if isinstance(value, list) else []
    return [cast(Mapping[str, Any], item) for item in items if isinstance(item, dict)]


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
