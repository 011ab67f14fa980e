"""Databricks' functions as DuckDB spells them, where sqlglot does not, or not rightly."""

from typing import Any

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.generators.duckdb import DuckDBGenerator

from activities.sql.databricks.forms import (
    SHARED,
    Spelling,
    call,
    collected,
    filtered,
    form,
    from_json,
    unit,
)
from activities.sql.databricks.refusal import refused

FUNCTIONS = SHARED | {
    "ARRAY_REPEAT": "LIST_TRANSFORM(RANGE({1}), LAMBDA __i : {0})",
    "ARRAY_UNION": "LIST_DISTINCT(LIST_CONCAT({0}, {1}))",
    "ARRAYS_OVERLAP": "LIST_HAS_ANY({0}, {1})",
    "BROUND": "ROUND_EVEN({0}, {1})",
    "CARDINALITY": "CASE WHEN TYPEOF({0}) LIKE 'MAP%' THEN CARDINALITY({0}) ELSE LEN({0}) END",
    "FORALL": "(LEN(LIST_FILTER({0}, {1})) = LEN({0}))",
    "FORMAT_NUMBER": "FORMAT('{{:,.' || {1} || 'f}}', CAST({0} AS DOUBLE))",
    "GET": "({0})[({1}) + 1]",
    "OCTET_LENGTH": "STRLEN({0})",
    "RAISE_ERROR": "ERROR({0})",
    "TIMESTAMP_MILLIS": "TO_TIMESTAMP({0} / 1000.0)",
    "TIMESTAMP_SECONDS": "TO_TIMESTAMP({0})",
    "TRY_TO_TIMESTAMP": "TRY_CAST({0} AS TIMESTAMP)",
    "WEEKDAY": "(ISODOW(CAST({0} AS DATE)) - 1)",
}
"""Functions that sqlglot has no node for, besides those that both engines spell alike."""


def _date_diff(generator: Any, node: exp.DateDiff) -> str:
    end, start = generator.sql(node, "this"), generator.sql(node, "expression")
    if node.args.get("date_part_boundary"):
        return f"DATE_DIFF('DAY', CAST({start} AS DATE), CAST({end} AS DATE))"
    return _elapsed(generator, node)


def _elapsed(generator: Any, node: exp.Expr) -> str:
    """Whole units that have passed, as Databricks counts when it is given a unit."""
    end, start = generator.sql(node, "this"), generator.sql(node, "expression")
    name = node.text("unit").upper().rstrip("S")
    return f"DATE_SUB('{name}', CAST({start} AS TIMESTAMP), CAST({end} AS TIMESTAMP))"


def _date_add(generator: Any, node: exp.TsOrDsAdd) -> str:
    days = generator.sql(node, "expression")
    return f"(CAST({generator.sql(node, 'this')} AS DATE) + CAST({days} AS INTEGER))"


def _add_months(generator: Any, node: exp.AddMonths) -> str:
    months = generator.sql(node, "expression")
    day = generator.sql(node, "this")
    return f"CAST(CAST({day} AS DATE) + TO_MONTHS({months}) AS DATE)"


def _months_between(generator: Any, node: exp.MonthsBetween) -> str:
    end, start = (f"CAST({generator.sql(node, name)} AS DATE)" for name in ("this", "expression"))
    months = f"(YEAR({end}) - YEAR({start})) * 12 + MONTH({end}) - MONTH({start})"
    both_last = " AND ".join(f"{each} = LAST_DAY({each})" for each in (end, start))
    rest = f"CASE WHEN {both_last} THEN 0 ELSE (DAY({end}) - DAY({start})) / 31.0 END"
    return f"ROUND({months} + {rest}, 8)"


def _str_to_unix(generator: Any, node: exp.StrToUnix) -> str:
    given, pattern = node.this, node.args.get("format")
    value = generator.sql(given) if given is not None else "CURRENT_TIMESTAMP"
    if pattern is None or pattern.name == "%Y-%mstrict-%dstrict %Hstrict:%Mstrict:%Sstrict":
        instant = f"CAST({value} AS TIMESTAMP)"
    else:
        instant = f"STRPTIME({value}, {generator.format_time(node)})"
    return f"CAST(FLOOR(EPOCH({instant})) AS BIGINT)"


def _date_trunc(generator: Any, node: exp.DateTrunc) -> str:
    return f"CAST(DATE_TRUNC('{unit(node)}', CAST({generator.sql(node, 'this')} AS DATE)) AS DATE)"


def _timestamp_trunc(generator: Any, node: exp.TimestampTrunc) -> str:
    # DuckDB gives a date for large units; a moment with nothing added is a moment again.
    return f"(DATE_TRUNC('{unit(node)}', {generator.sql(node, 'this')}) + INTERVAL 0 SECOND)"


def _concat_ws(generator: Any, node: exp.ConcatWs) -> str:
    separator, *values = node.expressions
    spelled = ", ".join(_part(generator, each) for each in values)
    return f"ARRAY_TO_STRING(FLATTEN([{spelled}]), {generator.sql(separator)})"


def _part(generator: Any, value: exp.Expr) -> str:
    """A list of one part or of many: only DuckDB knows the type of what it is given."""
    text = generator.sql(value)
    if value.is_type(exp.DType.ARRAY):
        return f"CAST({text} AS VARCHAR[])"
    if isinstance(value, exp.Literal) or (value.type and not value.is_type(exp.DType.UNKNOWN)):
        return f"LIST_FILTER([CAST({text} AS VARCHAR)], LAMBDA __p : __p IS NOT NULL)"
    listed = f"CAST(CAST({text} AS VARCHAR) AS VARCHAR[])"
    single = f"LIST_FILTER([CAST({text} AS VARCHAR)], LAMBDA __p : __p IS NOT NULL)"
    return f"CASE WHEN TYPEOF({text}) LIKE '%[]' THEN {listed} ELSE {single} END"


def _regexp_replace(generator: Any, node: exp.RegexpReplace) -> str:
    replacement = node.args.get("replacement")
    if isinstance(replacement, exp.Literal):
        text = replacement.name.replace("\\", "\\\\")
        for group in range(10):
            text = text.replace(f"${group}", f"\\{group}")
        node.set("replacement", exp.Literal.string(text))
    parts = [generator.sql(node, name) for name in ("this", "expression", "replacement")]
    return f"REGEXP_REPLACE({', '.join(parts)}, 'g')"


def _slice(generator: Any, node: exp.ArraySlice) -> str:
    start, length = generator.sql(node, "start"), generator.sql(node, "end")
    return f"({generator.sql(node, 'this')})[{start}:({start}) + ({length}) - 1]"


def _version(generator: Any, node: exp.Version) -> str:
    value = generator.sql(node, "expression")
    if node.name == "TIMESTAMP":
        return f"AT (TIMESTAMP => CAST({value} AS TIMESTAMP))"
    return f"AT (VERSION => {value})"


def _json(generator: Any, node: exp.JSONExtract | exp.JSONExtractScalar) -> str:
    return f"({generator.sql(node, 'this')} ->> {generator.sql(node, 'expression')})"


def _cast(generator: Any, node: exp.Cast) -> str:
    """A struct gets its names from the type it is cast to; DuckDB casts by name."""
    fields = node.to.expressions
    if not isinstance(node.this, exp.Struct) or len(node.this.expressions) != len(fields):
        return DuckDBGenerator.cast_sql(generator, node)
    values = [
        each.expression if isinstance(each, exp.PropertyEQ) else each.unalias()
        for each in node.this.expressions
    ]
    named = ", ".join(
        f"'{field.name}': CAST({generator.sql(value)} AS {generator.sql(field.kind)})"
        for field, value in zip(fields, values, strict=True)
    )
    return f"{{{named}}}"


def _substring_index(generator: Any, node: exp.SubstringIndex) -> str:
    value, mark, count = (generator.sql(node, part) for part in ("this", "delimiter", "count"))
    parts = f"STRING_SPLIT({value}, {mark})"
    kept = f"CASE WHEN {count} >= 0 THEN {parts}[1:{count}] ELSE {parts}[{count}:] END"
    return f"ARRAY_TO_STRING({kept}, {mark})"


def _reverse(generator: Any, node: exp.Reverse) -> str:
    name = "LIST_REVERSE" if node.this.is_type(exp.DType.ARRAY) else "REVERSE"
    return f"{name}({generator.sql(node, 'this')})"


def _quantile(generator: Any, node: exp.Quantile) -> str:
    return f"QUANTILE_CONT({generator.sql(node, 'this')}, {generator.sql(node, 'quantile')})"


def _seeded(generator: Any, node: exp.Rand) -> str:
    if node.this is not None:
        raise refused("rand(seed)", "the engine's generator takes no seed; use rand()", node)
    return "RANDOM()"


def _placeholder(generator: Any, node: exp.Placeholder) -> str:
    return f":{node.name}" if node.this else "?"


def _size(generator: Any, node: exp.ArraySize) -> str:
    value = generator.sql(node, "this")
    if node.this.is_type(exp.DType.MAP) or isinstance(node.this, exp.VarMap):
        return f"CARDINALITY({value})"
    if node.this.is_type(exp.DType.ARRAY) or isinstance(node.this, exp.Func):
        return f"LEN({value})"
    # LEN of a map is refused by DuckDB, CARDINALITY of a list too: JSON knows both.
    as_json = f"TO_JSON({value})"
    is_map = f"TYPEOF({value}) LIKE 'MAP%'"
    return (
        f"CASE WHEN {is_map} THEN LEN(JSON_KEYS({as_json})) ELSE JSON_ARRAY_LENGTH({as_json}) END"
    )


def _datetime_sum(generator: Any, node: exp.Add | exp.Sub) -> str:
    sign = "+" if isinstance(node, exp.Add) else "-"
    made = f"{generator.sql(node, 'this')} {sign} {generator.sql(node, 'expression')}"
    day_units = ("YEAR", "MONTH", "WEEK", "DAY")
    by = node.expression
    is_date = node.this.is_type(exp.DType.DATE)
    whole = isinstance(by, exp.Interval) and by.text("unit").upper().rstrip("S") in day_units
    return f"CAST({made} AS DATE)" if is_date and whole else made


def _exists(generator: Any, node: exp.Exists) -> str:
    """A subquery, or a test of an array's elements."""
    if node.args.get("expression") is None:
        return f"EXISTS({generator.sql(node, 'this')})"
    value, test = generator.sql(node, "this"), generator.sql(node, "expression")
    return f"(LEN(LIST_FILTER({value}, {test})) > 0)"


_TRANSFORMS: dict[Any, Spelling] = {
    **DuckDBGenerator.TRANSFORMS,
    exp.Add: _datetime_sum,
    exp.AddMonths: _add_months,
    exp.Any: form("BOOL_OR({this})"),
    exp.ArrayAgg: collected("[]"),
    exp.ArraySize: _size,
    exp.ArraySlice: _slice,
    exp.ArrayUniqueAgg: collected("[]"),
    exp.AtTimeZone: form("((({this}) AT TIME ZONE 'UTC') AT TIME ZONE {zone})"),
    exp.Cast: _cast,
    exp.ConcatWs: _concat_ws,
    exp.DateDiff: _date_diff,
    exp.DateTrunc: _date_trunc,
    exp.DayOfWeek: form("(DAYOFWEEK(CAST({this} AS DATE)) + 1)"),
    exp.Exists: _exists,
    exp.Format: lambda self, node: (
        f"PRINTF({', '.join(map(self.sql, [node.this, *node.expressions]))})"
    ),
    exp.Filter: filtered,
    exp.FromJson: from_json,
    exp.JSONExtract: _json,
    exp.JSONExtractScalar: _json,
    exp.LastDay: form("LAST_DAY(CAST({this} AS DATE))"),
    exp.MapContainsKey: form("LIST_CONTAINS(MAP_KEYS({this}), {key})"),
    exp.MonthsBetween: _months_between,
    exp.Nanvl: form("CASE WHEN ISNAN({this}) THEN {expression} ELSE {this} END"),
    exp.Placeholder: _placeholder,
    exp.Quantile: _quantile,
    exp.Rand: _seeded,
    exp.RegexpReplace: _regexp_replace,
    exp.Reverse: _reverse,
    exp.Rint: form("ROUND_EVEN({this}, 0)"),
    exp.SafeAdd: form("TRY({this} + {expression})"),
    exp.SafeMultiply: form("TRY({this} * {expression})"),
    exp.SafeSubtract: form("TRY({this} - {expression})"),
    exp.StrToUnix: _str_to_unix,
    exp.Sub: _datetime_sum,
    exp.SubstringIndex: _substring_index,
    exp.TimestampDiff: _elapsed,
    exp.TimestampTrunc: _timestamp_trunc,
    exp.TsOrDsAdd: _date_add,
    exp.Version: _version,
}


class DuckdbForm(DuckDBGenerator):
    """Spells a tree of Databricks SQL for DuckDB; markers stay `:name`."""

    TRANSFORMS = _TRANSFORMS

    def anonymous_sql(self, expression: exp.Anonymous) -> str:
        """See base class."""
        return call(self, expression, FUNCTIONS) or super().anonymous_sql(expression)


DIALECT = DuckDB()
