"""Parts of a query that engines spell otherwise: grouping, time travel, samples, brackets."""

import re

from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types

from activities.sql.databricks import generators
from activities.sql.databricks.forms import settle_formats
from activities.sql.databricks.refusal import refused
from spec.tasks import Engine

_AT_VERSION = re.compile(r"v(\d+)\Z")
_AT_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})\Z")


def adjust(tree: exp.Expr, engine: Engine) -> exp.Expr:
    """Rewrite a statement's queries, in place where that can be done, and give types to values.

    Raises:
        EngineRejected: something cannot be told to the engine.
    """
    for table in list(tree.find_all(exp.Table)):
        _settle_version(table)
        _settle_range(table, engine)
    for select in tree.find_all(exp.Select):
        # Hints ask for a way of working; the result is the same without.
        select.set("hint", None)
        _settle_group(select, engine)
        if engine is Engine.TRINO:
            _check_for_trino(select)
    generators.to_joins(tree, engine)
    settle_formats(tree)
    typed = annotate_types(tree, dialect="databricks")
    for bracket in typed.find_all(exp.Bracket):
        _check_index(bracket)
    return typed


def _settle_version(table: exp.Table) -> None:
    """Read `t@v5` and `t@20240131000000000`, which the parser takes for an alias."""
    alias = table.args.get("alias")
    marker = alias.this if isinstance(alias, exp.TableAlias) else None
    if not isinstance(marker, exp.Parameter):
        return
    text = marker.name or marker.this.name
    version, instant = _AT_VERSION.match(text), _AT_TIME.match(text)
    if version is not None:
        kind, value = "VERSION", exp.Literal.number(version[1])
    elif instant is not None:
        year, month, day, hour, minute, second, milli = instant.groups()
        spelled = f"{year}-{month}-{day} {hour}:{minute}:{second}.{milli}"
        kind, value = "TIMESTAMP", exp.Literal.string(spelled)
    else:
        raise refused(f"{table.name}@{text}", "write VERSION AS OF or TIMESTAMP AS OF", table)
    table.set("alias", None)
    table.set("version", exp.Version(this=kind, kind="AS OF", expression=value))


def _settle_range(table: exp.Table, engine: Engine) -> None:
    """Spell `range(…)` as a table: its column is `id`."""
    made = table.this
    if not isinstance(made, exp.Anonymous) or made.name.upper() != "RANGE":
        return
    if not 1 <= len(made.expressions) <= 2:
        raise refused("range", "give an end, or a start and an end", table)
    start = made.expressions[0] if len(made.expressions) == 2 else exp.Literal.number(0)
    end = made.expressions[-1]
    alias = exp.TableAlias(
        this=exp.to_identifier(table.alias or "range"), columns=[exp.to_identifier("id")]
    )
    if engine is Engine.DUCKDB:
        table.set("this", exp.Anonymous(this="RANGE", expressions=[start, end]))
        table.set("alias", alias)
        return
    last = exp.Sub(this=exp.Paren(this=end), expression=exp.Literal.number(1))
    numbers = exp.Anonymous(this="SEQUENCE", expressions=[start, last])
    # A sequence to below its start would count down; no row is wanted then.
    none = exp.Anonymous(this="REPEAT", expressions=[start.copy(), exp.Literal.number(0)])
    some = exp.If(this=exp.GT(this=end.copy(), expression=start.copy()), true=numbers, false=none)
    table.replace(exp.Unnest(expressions=[some], alias=alias))


def _settle_group(select: exp.Select, engine: Engine) -> None:
    group = select.args.get("group")
    if group is None:
        return
    for key, kind in (("rollup", exp.Rollup), ("cube", exp.Cube)):
        found: list[exp.Expr] = group.args.get(key) or []
        if len(found) == 1 and not found[0].expressions:
            # GROUP BY a, b WITH ROLLUP
            group.set(key, [kind(expressions=group.expressions)])
            group.set("expressions", [])
    if group.args.get("all") and engine is Engine.TRINO:
        group.set("all", None)
        group.set("expressions", [exp.Var(this="AUTO")])


def _check_for_trino(select: exp.Select) -> None:
    for star in select.expressions:
        inner = star.this if isinstance(star, exp.Column) else star
        if isinstance(inner, exp.Star) and inner.args.get("except_"):
            reason = "Trino has no such star; name the columns"
            raise refused("SELECT * EXCEPT (…)", reason, inner)
    joins: list[exp.Join] = select.args.get("joins") or []
    for join in joins:
        if join.kind in ("SEMI", "ANTI") and join.args.get("using"):
            reason = "write the condition with ON"
            raise refused(f"LEFT {join.kind} JOIN … USING", reason, join)
        if join.args.get("method") == "NATURAL":
            raise refused("NATURAL JOIN", "Trino has none; use USING or ON", join)
        if join.args.get("using"):
            _unqualify(select, join)
    if select.find(exp.Pivot) is not None:
        reason = "Trino has none; use sum(x) FILTER (WHERE y = …), or stack(…) for UNPIVOT"
        raise refused("PIVOT and UNPIVOT", reason, select.find(exp.Pivot))


def _unqualify(select: exp.Select, join: exp.Join) -> None:
    """Trino knows a column of USING by its bare name only."""
    names = {each.name.lower() for each in join.args["using"]}
    for column in select.find_all(exp.Column):
        if column.table and column.name.lower() in names and column.parent_select is select:
            if join.side in ("RIGHT", "FULL"):
                reason = "after USING Trino knows the merged column only; write it without a name"
                raise refused(column.sql("databricks"), reason, column)
            column.set("table", None)


def _check_index(bracket: exp.Bracket) -> None:
    """An index that is computed may be an array's, counted from 0, or a map's key."""
    if bracket.args.get("safe") is not None or bracket.args.get("offset") not in (None, 0):
        return
    index = bracket.expressions[0]
    plain = isinstance(index, exp.Literal | exp.Neg)
    for node in (index, bracket.this):
        plain = plain or (node.type is not None and not node.is_type(exp.DType.UNKNOWN))
    if not plain:
        reason = "an array or a map? write get(a, i) for an array, element_at(m, k) for a map"
        raise refused(bracket.sql("databricks"), reason, bracket)
