"""Statements that make, change and fill tables, brought to what an engine can do on Iceberg."""

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from activities.sql.databricks.catalog_queries import Session, Table
from activities.sql.databricks.refusal import refused
from spec.tasks import Engine

Columns = Mapping[Table, Sequence[str]]
"""The columns of tables, by their full names in lower case."""

_TRANSFORMS = {"YEARS": "year", "MONTHS": "month", "DAYS": "day", "HOURS": "hour"}
_PROPERTIES = {"format-version": "format_version", "write.format.default": "format"}
"""Iceberg's table properties → what Trino calls them."""

_NARROW = (exp.DType.TINYINT, exp.DType.SMALLINT)
_USE_TRINO = "use a Trino warehouse"


def adjust(tree: exp.Expr, engine: Engine, session: Session, columns: Columns) -> None:
    """Rewrite a statement in place; queries stay as they are.

    Raises:
        EngineRejected: the engine cannot do what it asks for, or not as it was asked.
    """
    for kind, change in _CHANGES.items():
        if isinstance(tree, kind):
            change(tree, engine, session, columns)


def unknown_tables(tree: exp.Expr, engine: Engine, session: Session) -> list[Table]:
    """Return the tables whose columns `adjust` needs: those that a star stands for."""
    if engine is not Engine.TRINO or not isinstance(tree, exp.Merge):
        return []
    return [full_name(tree.this, session)] if _stars(tree) else []


def full_name(table: exp.Table, session: Session) -> Table:
    """Return a table's full name in lower case."""
    parts = (table.catalog or session.catalog, table.db or session.schema, table.name)
    first, second, third = (part.lower() for part in parts)
    return first, second, third


def _create(tree: exp.Create, engine: Engine, session: Session, columns: Columns) -> None:
    if tree.kind == "DATABASE":
        tree.set("kind", "SCHEMA")
    if tree.kind not in ("TABLE", "VIEW", "SCHEMA"):
        raise refused(f"CREATE {tree.kind}", "only tables, views and schemas can be created", tree)
    if tree.args.get("clone"):
        raise refused("CLONE", "use CREATE TABLE … AS SELECT", tree)
    if tree.kind == "VIEW":
        _check_view(tree, engine)
    bare = tree.kind == "TABLE" and tree.expression is None
    if bare and tree.args.get("replace") and engine is Engine.DUCKDB:
        reason = f"DuckDB replaces tables only AS SELECT …; drop it first, or {_USE_TRINO}"
        raise refused("CREATE OR REPLACE TABLE", reason, tree)
    if isinstance(tree.this, exp.Schema):
        for definition in tree.this.expressions:
            _check_column(definition, engine)
    _settle_properties(tree, engine)


def _check_view(tree: exp.Create, engine: Engine) -> None:
    temporary = tree.find(exp.TemporaryProperty) is not None
    if engine is Engine.TRINO and temporary:
        raise refused("CREATE TEMPORARY VIEW", "Trino has none; use WITH", tree)
    if engine is Engine.DUCKDB and not temporary:
        reason = f"DuckDB makes no views in the lakehouse; {_USE_TRINO}"
        raise refused("CREATE VIEW", reason, tree)


def _check_column(definition: exp.Expr, engine: Engine) -> None:
    if not isinstance(definition, exp.ColumnDef):
        if isinstance(definition, exp.Identifier | exp.Column):
            return
        raise refused("A table constraint", "Iceberg has none; leave it out", definition)
    for constraint in definition.find_all(exp.ColumnConstraint):
        kind = constraint.args.get("kind")
        if engine is Engine.TRINO and isinstance(
            kind, exp.CommentColumnConstraint | exp.NotNullColumnConstraint
        ):
            continue
        words = constraint.sql("databricks")
        reason = "this column option is unknown here; leave it out"
        if engine is Engine.DUCKDB:
            reason = f"DuckDB would not keep it; leave it out, or {_USE_TRINO}"
        raise refused(words, reason, definition)
    for narrow in definition.find_all(exp.DataType):
        if narrow.this in _NARROW:
            # Iceberg's smallest integer; Spark stores these as such, too.
            narrow.set("this", exp.DType.INT)


def _settle_properties(tree: exp.Create, engine: Engine) -> None:
    properties = tree.args.get("properties")
    if properties is None:
        return
    kept: list[exp.Expr] = []
    for each in properties.expressions:
        kept += _property(tree, each, engine)
    tree.set("properties", exp.Properties(expressions=kept) if kept else None)


def _property(tree: exp.Create, each: exp.Expr, engine: Engine) -> list[exp.Expr]:
    if isinstance(each, exp.FileFormatProperty):
        if each.this.name.upper() == "ICEBERG":
            return []
        reason = "tables here are Iceberg tables; write USING ICEBERG, or leave it out"
        raise refused(f"USING {each.this.name}", reason, tree)
    if isinstance(each, exp.TemporaryProperty):
        return [each]
    if isinstance(each, exp.LocationProperty):
        raise refused("LOCATION", "the catalog chooses where a table is; leave it out", tree)
    if isinstance(each, exp.SchemaCommentProperty) and tree.kind == "TABLE":
        if engine is Engine.TRINO:
            return [each]
        reason = f"DuckDB would not keep it; leave it out, or {_USE_TRINO}"
        raise refused("COMMENT", reason, tree)
    if isinstance(each, exp.PartitionedByProperty):
        if engine is Engine.DUCKDB:
            reason = f"DuckDB does not write partitioned tables; {_USE_TRINO}"
            raise refused("PARTITIONED BY", reason, each)
        fields = [exp.Literal.string(_partition(field)) for field in each.this.expressions]
        value = exp.Array(expressions=fields)
        return [exp.Property(this=exp.Var(this="partitioning"), value=value)]
    if type(each) is exp.Property:
        return [_table_property(tree, each, engine)]
    raise refused(each.sql("databricks"), "it is unknown here; leave it out", tree)


def _partition(field: exp.Expr) -> str:
    if isinstance(field, exp.ColumnDef):
        reason = "name a column that the table has, without a type"
        raise refused("PARTITIONED BY", reason, field)
    if isinstance(field, exp.PartitionedByBucket | exp.PartitionByTruncate):
        name = "bucket" if isinstance(field, exp.PartitionedByBucket) else "truncate"
        return f"{name}({field.this.name}, {field.expression.name})"
    if isinstance(field, exp.Anonymous | exp.Func):
        name = field.name.upper() if isinstance(field, exp.Anonymous) else field.key.upper()
        name = name if name in _TRANSFORMS else f"{name}S"
        arguments = list(field.find_all(exp.Column))
        if name not in _TRANSFORMS or len(arguments) != 1:
            reason = "known are years, months, days, hours, bucket(n, c) and truncate(w, c)"
            raise refused(f"PARTITIONED BY {field.sql('databricks')}", reason, field)
        return f"{_TRANSFORMS[name]}({arguments[0].name})"
    return field.name


def _table_property(tree: exp.Create, each: exp.Property, engine: Engine) -> exp.Expr:
    name = each.this.name
    if engine is Engine.DUCKDB:
        reason = f"DuckDB would not keep it; leave it out, or {_USE_TRINO}"
        raise refused("TBLPROPERTIES", reason, tree)
    if name not in _PROPERTIES:
        reason = f"known are {', '.join(_PROPERTIES)}; leave it out"
        raise refused(f"The table property {name!r}", reason, tree)
    value = each.args["value"].name
    spelled = exp.Literal.number(value) if value.isdigit() else exp.Literal.string(value.upper())
    return exp.Property(this=exp.Var(this=_PROPERTIES[name]), value=spelled)


def _alter(tree: exp.Alter, engine: Engine, session: Session, columns: Columns) -> None:
    if engine is Engine.DUCKDB:
        raise refused(f"ALTER {tree.args.get('kind')}", f"DuckDB cannot; {_USE_TRINO}", tree)
    actions: list[exp.Expr] = tree.args.get("actions") or []
    if tree.args.get("kind") != "TABLE" or len(actions) != 1:
        raise refused("ALTER", "change one thing of a table at a time", tree)
    tree.set("actions", [_action(actions[0])])


def _action(action: exp.Expr) -> exp.Expr:
    if isinstance(action, exp.Schema):
        if len(action.expressions) != 1:
            reason = "Trino adds one column a statement; write one ALTER TABLE for each"
            raise refused("ADD COLUMNS", reason, action)
        return _action(action.expressions[0])
    if isinstance(action, exp.ColumnDef):
        if action.args.get("position") is not None:
            raise refused("ADD COLUMN … FIRST or AFTER", "new columns come last", action)
        _check_column(action, Engine.TRINO)
        return action
    if isinstance(action, exp.Drop) and action.args.get("kind") == "COLUMNS":
        (inside,) = action.args["tables"]
        if not isinstance(inside, exp.Schema) or len(inside.expressions) != 1:
            reason = "Trino drops one column a statement; write one ALTER TABLE for each"
            raise refused("DROP COLUMNS", reason, action)
        column = exp.Table(this=inside.expressions[0])
        return exp.Drop(kind="COLUMN", tables=[column])
    if isinstance(action, exp.AlterColumn) and action.args.get("dtype") is None:
        raise refused("ALTER COLUMN", "only its TYPE can be changed", action)
    if isinstance(action, exp.AlterColumn | exp.AlterRename | exp.RenameColumn | exp.Drop):
        return action
    raise refused(f"ALTER TABLE {action.sql('databricks')}", "it is unknown here", action)


def _insert(tree: exp.Insert, engine: Engine, session: Session, columns: Columns) -> None:
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if target.args.get("partition") or tree.args.get("partition"):
        reason = "select the partition's column with the others; Iceberg finds the partition"
        raise refused("INSERT … PARTITION", reason, target)
    if tree.args.get("where") is not None:
        raise refused("INSERT … REPLACE WHERE", "DELETE those rows, then INSERT", target)
    common = tree.args.get("with_")
    if common is not None and isinstance(tree.expression, exp.Query):
        # WITH … INSERT: neither engine takes it in front of everything.
        tree.expression.set("with_", common)
        tree.set("with_", None)
    if tree.args.get("overwrite") and engine is Engine.TRINO:
        reason = "Trino cannot in one step; use CREATE OR REPLACE TABLE … AS, or DELETE and INSERT"
        raise refused("INSERT OVERWRITE", reason, target)
    if tree.args.get("by_name") and engine is Engine.TRINO:
        _name_columns(tree)


def _name_columns(tree: exp.Insert) -> None:
    query = tree.expression
    names = query.named_selects if isinstance(query, exp.Query) else []
    if not names or "*" in names or "" in names:
        reason = "Trino needs every column of the query named; or use INSERT INTO t (a, b)"
        raise refused("INSERT … BY NAME", reason, tree)
    target = exp.Schema(this=tree.this, expressions=[exp.to_identifier(name) for name in names])
    tree.set("this", target)
    tree.set("by_name", False)


def _merge(tree: exp.Merge, engine: Engine, session: Session, columns: Columns) -> None:
    whens: list[exp.When] = tree.args["whens"].expressions
    for when in whens if engine is Engine.DUCKDB else ():
        sets = when.args["then"].expressions if isinstance(when.args["then"], exp.Update) else []
        for each in sets:
            if isinstance(each.this, exp.Column):
                # Only the target can be set; DuckDB takes its columns without its name.
                each.this.set("table", None)
    if engine is Engine.DUCKDB:
        return
    for when in whens:
        if not when.args.get("matched") and when.args.get("source"):
            reason = "Trino has no such case; DELETE or UPDATE those rows in a statement of its own"
            raise refused("WHEN NOT MATCHED BY SOURCE", reason, tree.this)
    if _stars(tree):
        _spell_stars(tree, columns.get(full_name(tree.this, session)))


def _stars(tree: exp.Merge) -> list[exp.When]:
    found: list[exp.When] = []
    for when in tree.args["whens"].expressions:
        then = when.args.get("then")
        sets: list[exp.Expr] = then.expressions if isinstance(then, exp.Update) else []
        if any(isinstance(each, exp.Star) for each in sets):
            found.append(when)
        if isinstance(then, exp.Insert) and isinstance(then.this, exp.Star):
            found.append(when)
    return found


def _spell_stars(tree: exp.Merge, names: Sequence[str] | None) -> None:
    if not names:
        reason = "the table's columns are not known; name them"
        raise refused("UPDATE SET * or INSERT * of a MERGE", reason, tree.this)
    source = tree.args["using"].alias_or_name
    values = [exp.column(name, table=source, quoted=True) for name in names]
    targets = [exp.to_identifier(name, quoted=True) for name in names]
    for when in _stars(tree):
        then = when.args["then"]
        if isinstance(then, exp.Update):
            pairs = zip(targets, values, strict=True)
            settings = [
                exp.EQ(this=exp.Column(this=target.copy()), expression=value.copy())
                for target, value in pairs
            ]
            then.set("expressions", settings)
        else:
            then.set("this", exp.Tuple(expressions=[each.copy() for each in targets]))
            then.set("expression", exp.Tuple(expressions=[each.copy() for each in values]))


def _drop(tree: exp.Drop, engine: Engine, session: Session, columns: Columns) -> None:
    if tree.args.get("kind") == "DATABASE":
        tree.set("kind", "SCHEMA")
    if tree.args.get("kind") not in ("TABLE", "VIEW", "SCHEMA"):
        kind = tree.args.get("kind")
        raise refused(f"DROP {kind}", "only tables, views and schemas can be dropped", tree)
    if tree.args.get("purge"):
        reason = "files are removed by a maintenance task; leave PURGE out"
        raise refused("DROP TABLE … PURGE", reason, tree)


def _unchanged(tree: exp.Expr, engine: Engine, session: Session, columns: Columns) -> None:
    """Both engines take it as it is."""


_CHANGES: dict[type[exp.Expr], Callable[..., None]] = {
    exp.Alter: _alter,
    exp.Create: _create,
    exp.Delete: _unchanged,
    exp.Drop: _drop,
    exp.Insert: _insert,
    exp.Merge: _merge,
    exp.Query: _unchanged,
    exp.TruncateTable: _unchanged,
    exp.Update: _unchanged,
}

KNOWN = tuple(_CHANGES)
"""Every kind of statement that has a translation."""
