"""What a SQL statement reads and writes, down to columns, told by sqlglot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from sqlglot.errors import SqlglotError

from activities.events import event, facet

if TYPE_CHECKING:
    from sqlglot.lineage import Node

Columns = Mapping[str, str]
"""Column name → type, in table order."""

_WRITES = (exp.Create, exp.Insert, exp.Update, exp.Delete, exp.Merge)


@dataclass(frozen=True)
class Touched:
    """The tables of one statement, each as (catalog, schema, name)."""

    inputs: tuple[tuple[str, str, str], ...]
    output: tuple[str, str, str] | None
    query: exp.Query | None
    """What fills the output, when it is a query."""


@dataclass(frozen=True)
class Source:
    """A column that went into another."""

    table: tuple[str, str, str]
    column: str
    direct: str
    """IDENTITY, TRANSFORMATION or AGGREGATION: OpenLineage's subtypes of a direct dependency."""


def touched(tree: exp.Expr, catalog: str, schema: str) -> Touched:
    """Find the tables of a statement; names without catalog or schema get the given ones."""
    if not isinstance(tree, (*_WRITES, exp.Query)):
        return Touched((), None, None)
    target = tree.this if isinstance(tree, _WRITES) else None
    if isinstance(target, exp.Schema):
        target = target.this
    if isinstance(tree, exp.Create) and tree.kind != "TABLE":
        target = None
    common = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    inputs: dict[tuple[str, str, str], None] = {}
    for table in tree.find_all(exp.Table):
        is_common = not table.db and table.name.lower() in common
        if table is not target and not is_common and isinstance(table.this, exp.Identifier):
            inputs[_full(table, catalog, schema)] = None
    output = _full(target, catalog, schema) if isinstance(target, exp.Table) else None
    filling = tree.args.get("expression")
    query = filling if output is not None and isinstance(filling, exp.Query) else None
    return Touched(tuple(inputs), output, query)


def column_lineage(
    facts: Touched, columns: Mapping[tuple[str, str, str], Columns], dialect: str
) -> dict[str, list[Source]]:
    """Return where each output column's values come from; empty when it cannot be told.

    Args:
        facts: The statement.
        columns: The columns of its tables, output included.
        dialect: Of the statement.
    """
    if facts.query is None or facts.output is None:
        return {}
    # Only here: few statements need it, and it takes long to import.
    from sqlglot.lineage import lineage  # pyright: ignore[reportUnknownVariableType]

    known: dict[str, Any] = {}
    for (catalog, schema, name), found in columns.items():
        known.setdefault(catalog, {}).setdefault(schema, {})[name] = dict(found)
    query = facts.query.copy()
    _qualify(query, facts)
    try:
        nodes = lineage(None, query, schema=known, dialect=dialect)
    except SqlglotError:
        return {}
    names = list(columns.get(facts.output, {})) or list(nodes)
    # An INSERT goes by position; names of the query's own columns do not matter.
    pairs = zip(names, nodes.values(), strict=False)
    return {name: sources for name, node in pairs if (sources := _sources(node))}


def statement_event(
    text: str,
    at: datetime,
    job: Mapping[str, str],
    run_id: str,
    facts: Touched,
    columns_of: Callable[[tuple[str, str, str]], Columns],
    dialect: str,
) -> dict[str, Any]:
    """Return the OpenLineage event of a statement that has been run.

    Args:
        text: The statement as written, markers and all.
        at: When it ended.
        job: `namespace` and `name` of the attempt's job; datasets get the same namespace.
        run_id: The attempt's OpenLineage run.
        facts: What it touched.
        columns_of: Looks a table's columns up; empty when it cannot.
        dialect: Of the statement.
    """
    namespace = job["namespace"]
    tables = [*facts.inputs, *([facts.output] if facts.output is not None else [])]
    columns = {table: columns_of(table) for table in tables}
    inputs = [_dataset(namespace, table, columns[table]) for table in facts.inputs]
    outputs: list[dict[str, Any]] = []
    if facts.output is not None:
        output = _dataset(namespace, facts.output, columns[facts.output])
        fields = column_lineage(facts, columns, dialect)
        if fields:
            output["facets"]["columnLineage"] = _column_facet(namespace, fields)
        outputs.append(output)
    sql = facet("SQLJobFacet", "1-1-0", query=text, dialect=dialect)
    described = {**job, "facets": {"sql": sql}}
    return event("RUNNING", at, described, {"runId": run_id, "facets": {}}, inputs, outputs)


def _full(table: exp.Table, catalog: str, schema: str) -> tuple[str, str, str]:
    parts = (table.catalog or catalog, table.db or schema, table.name)
    first, second, third = (part.lower() for part in parts)
    return first, second, third


def _qualify(query: exp.Query, facts: Touched) -> None:
    for table in query.find_all(exp.Table):
        for full in facts.inputs:
            written = [part.lower() for part in (table.catalog, table.db, table.name) if part]
            if list(full[-len(written) :]) == written:
                table.set("this", exp.to_identifier(full[2]))
                table.set("db", exp.to_identifier(full[1]))
                table.set("catalog", exp.to_identifier(full[0]))
                break


def _sources(node: "Node") -> list[Source]:
    found: dict[Source, None] = {}
    direct = "IDENTITY"
    for step in node.walk():
        expression = step.expression
        if isinstance(expression, exp.Table):
            full = (expression.catalog, expression.db, expression.name)
            if all(full):
                found[Source(full, exp.to_column(step.name).name, direct)] = None
        elif expression.find(exp.AggFunc) is not None:
            direct = "AGGREGATION"
        elif direct == "IDENTITY" and not isinstance(expression.unalias(), exp.Column):
            direct = "TRANSFORMATION" if isinstance(expression, exp.Alias) else direct
    return list(found)


def _dataset(namespace: str, table: tuple[str, str, str], columns: Columns) -> dict[str, Any]:
    fields = [{"name": name, "type": kind} for name, kind in columns.items()]
    facets = {"schema": facet("SchemaDatasetFacet", "1-2-0", fields=fields)} if fields else {}
    return {"namespace": namespace, "name": ".".join(table), "facets": facets}


def _column_facet(namespace: str, fields: Mapping[str, list[Source]]) -> dict[str, Any]:
    def described(source: Source) -> dict[str, Any]:
        kind = {"type": "DIRECT", "subtype": source.direct, "description": "", "masking": False}
        return {
            "namespace": namespace,
            "name": ".".join(source.table),
            "field": source.column,
            "transformations": [kind],
        }

    content = {
        name: {"inputFields": [described(source) for source in sources]}
        for name, sources in fields.items()
    }
    return facet("ColumnLineageDatasetFacet", "1-2-0", fields=content)
