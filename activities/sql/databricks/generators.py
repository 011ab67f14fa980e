"""`LATERAL VIEW` and functions that make rows (`explode`, `stack`, …), as lateral joins."""

from sqlglot import exp, parse_one

from activities.sql.databricks.refusal import refused
from spec.tasks import Engine

_ARGUMENT = "__argument"
_ORDINAL = "__ordinal"
_OUTER = (exp.ExplodeOuter, exp.PosexplodeOuter)
_POSITIONAL = (exp.Posexplode, exp.PosexplodeOuter)
_KINDS = (exp.Explode, exp.Inline, exp.Stack, *_OUTER, *_POSITIONAL)


def to_joins(tree: exp.Expr, engine: Engine) -> None:
    """Rewrite in place every select that makes rows.

    Raises:
        EngineRejected: a generator is used in a way that cannot be told as a join.
    """
    for select in list(tree.find_all(exp.Select)):
        laterals: list[exp.Lateral] = select.args.get("laterals") or []
        for lateral in laterals:
            _join_view(select, lateral, engine)
        select.set("laterals", None)
        _join_projection(select, engine)


def _join_view(select: exp.Select, lateral: exp.Lateral, engine: Engine) -> None:
    made = lateral.this
    if not isinstance(made, _KINDS):
        raise refused(f"LATERAL VIEW {made.key}", "is not known; use explode or stack", lateral)
    alias = lateral.args.get("alias")
    columns: list[str] = [each.name for each in alias.columns] if alias is not None else []
    name = alias.name if alias is not None and alias.this is not None else "__generated"
    outer = bool(lateral.args.get("outer")) or isinstance(made, _OUTER)
    _join(select, made, name, columns, outer, engine)


def _join_projection(select: exp.Select, engine: Engine) -> None:
    found = [each for each in select.expressions if isinstance(each.unalias(), _KINDS)]
    found += [each for each in select.expressions if isinstance(each, exp.Aliases)]
    if not found:
        return
    if len(found) > 1:
        raise refused("Two generators in one SELECT", "use LATERAL VIEW for each", found[1])
    (projection,) = found
    made = projection.this if isinstance(projection, exp.Aliases) else projection.unalias()
    if not isinstance(made, _KINDS):
        raise refused(f"{made.sql('databricks')} AS (…)", "only generators have several names")
    if made.find(exp.AggFunc) is not None:
        reason = "compute the aggregate in a subquery first"
        raise refused("A generator over an aggregate", reason, made)
    if isinstance(projection, exp.Aliases):
        columns = [each.name for each in projection.expressions]
    else:
        columns = [projection.alias] if isinstance(projection, exp.Alias) else []
    name = "__generated"
    columns = _join(select, made, name, columns, isinstance(made, _OUTER), engine)
    own = [exp.column(column, table=name) for column in columns]
    chosen: list[exp.Expr] = []
    for each in select.expressions:
        chosen += own if each is projection else [each]
    select.set("expressions", chosen)


def _join(
    select: exp.Select, made: exp.Expr, name: str, columns: list[str], outer: bool, engine: Engine
) -> list[str]:
    """Add the join; return the names of its columns."""
    columns, query = _query(made, columns, engine)
    alias = exp.TableAlias(this=exp.to_identifier(name))
    if select.args.get("from_") is None:
        if not outer:
            select.set("from_", exp.From(this=exp.Subquery(this=query, alias=alias)))
            return columns
        one = exp.Subquery(this=exp.select(exp.alias_(exp.Literal.number(1), "one")))
        one.set("alias", exp.TableAlias(this=exp.to_identifier("__one")))
        select.set("from_", exp.From(this=one))
    lateral = exp.Lateral(this=exp.Subquery(this=query), alias=alias)
    join = exp.Join(this=lateral, kind="CROSS")
    if outer:
        join = exp.Join(this=lateral, side="LEFT", on=exp.true())
    select.append("joins", join)
    return columns


def _query(made: exp.Expr, columns: list[str], engine: Engine) -> tuple[list[str], exp.Query]:
    if isinstance(made, exp.Stack):
        return _stack(made, columns, engine)
    if isinstance(made, exp.Inline):
        return _inline(made, columns, engine)
    positional = isinstance(made, _POSITIONAL)
    usual = ["pos", "col"] if positional else ["col"]
    columns = columns or usual
    extra = len(columns) - len(usual)
    if extra not in (0, 1):
        raise refused(made.key, f"makes {len(usual)} columns, or one more of a map", made)
    position = columns[:1] if positional else []
    values = columns[len(position) :]
    text = _unnest_trino(position, values) if engine is Engine.TRINO else ""
    text = text or _unnest_duckdb(position, values)
    return columns, _filled(text, made.this, engine)


def _unnest_trino(position: list[str], values: list[str]) -> str:
    names = ", ".join(map(_quoted, values))
    if not position:
        return f"SELECT {names} FROM UNNEST({_ARGUMENT}) AS u({names})"  # noqa: S608
    return (
        f"SELECT {_ORDINAL} - 1 AS {_quoted(position[0])}, {names} "  # noqa: S608
        f"FROM UNNEST({_ARGUMENT}) WITH ORDINALITY AS u({names}, {_ORDINAL})"
    )


def _unnest_duckdb(position: list[str], values: list[str]) -> str:
    is_map = len(values) > 1
    made = [f"UNNEST(RANGE(LEN({_ARGUMENT}))) AS {_quoted(each)}" for each in position]
    if is_map:
        made = [each.replace("LEN(", "CARDINALITY(") for each in made]
        made.append(f"UNNEST(MAP_KEYS({_ARGUMENT})) AS {_quoted(values[0])}")
        made.append(f"UNNEST(MAP_VALUES({_ARGUMENT})) AS {_quoted(values[1])}")
    else:
        made.append(f"UNNEST({_ARGUMENT}) AS {_quoted(values[0])}")
    return f"SELECT {', '.join(made)}"


def _stack(made: exp.Stack, columns: list[str], engine: Engine) -> tuple[list[str], exp.Query]:
    if not made.this.is_int:
        raise refused("stack", "the number of rows must be a literal", made)
    rows = int(made.this.name)
    width = -(-len(made.expressions) // rows)
    columns = columns or [f"col{index}" for index in range(width)]
    if len(columns) != width or len(made.expressions) != width * rows:
        raise refused("stack", f"{len(made.expressions)} values do not fill {rows} rows", made)
    arrays = [
        exp.array(*made.expressions[index::width], dialect="databricks") for index in range(width)
    ]
    if engine is Engine.TRINO:
        alias = exp.TableAlias(
            this=exp.to_identifier("u"), columns=[exp.to_identifier(each) for each in columns]
        )
        unnest = exp.Unnest(expressions=arrays, alias=alias)
        return columns, exp.select(*[exp.column(each) for each in columns]).from_(unnest)
    chosen = [
        exp.alias_(exp.Anonymous(this="UNNEST", expressions=[array]), column)
        for array, column in zip(arrays, columns, strict=True)
    ]
    return columns, exp.select(*chosen)


def _inline(made: exp.Inline, columns: list[str], engine: Engine) -> tuple[list[str], exp.Query]:
    if not columns:
        raise refused("inline", "name its columns: inline(…) AS (a, b)", made)
    names = ", ".join(map(_quoted, columns))
    if engine is Engine.TRINO:
        text = f"SELECT {names} FROM UNNEST({_ARGUMENT}) AS u({names})"  # noqa: S608
    else:
        inner = f"SELECT UNNEST({_ARGUMENT}, max_depth := 2)"
        text = f"SELECT {names} FROM ({inner}) AS u({names})"  # noqa: S608
    return columns, _filled(text, made.this, engine)


def _filled(text: str, argument: exp.Expr, engine: Engine) -> exp.Query:
    query = parse_one(text, dialect=engine.value)
    for column in list(query.find_all(exp.Column)):
        if column.name == _ARGUMENT:
            column.replace(argument.copy())
    if not isinstance(query, exp.Query):
        raise TypeError(text)
    return query


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
