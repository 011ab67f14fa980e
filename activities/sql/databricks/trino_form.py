"""Databricks' functions as Trino spells them, where sqlglot does not, or not rightly."""

from typing import Any

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.generators.trino import TrinoGenerator

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
    "ARRAY_COMPACT": "FILTER({0}, __e -> __e IS NOT NULL)",
    "ARRAY_REPEAT": "REPEAT({0}, {1})",
    "BIN": "TO_BASE({0}, 2)",
    "CONV": "UPPER(TO_BASE(FROM_BASE({0}, {1}), {2}))",
    "FORALL": "ALL_MATCH({0}, {1})",
    "FORMAT_NUMBER": "FORMAT('%,.' || CAST({1} AS VARCHAR) || 'f', CAST({0} AS DOUBLE))",
    "GET": "IF(({1}) < 0, NULL, ELEMENT_AT({0}, ({1}) + 1))",
    "MAKE_DATE": "CAST(FORMAT('%04d-%02d-%02d', {0}, {1}, {2}) AS DATE)",
    "OCTET_LENGTH": "LENGTH(TO_UTF8({0}))",
    "RAISE_ERROR": "FAIL({0})",
    "TIMESTAMP_MILLIS": "FROM_UNIXTIME({0} / 1E3)",
    "TIMESTAMP_SECONDS": "FROM_UNIXTIME({0})",
    "TRY_TO_TIMESTAMP": "TRY_CAST({0} AS TIMESTAMP(6))",
    "WEEKDAY": "(DAY_OF_WEEK(CAST({0} AS DATE)) - 1)",
}
"""Functions that sqlglot has no node for, besides those that both engines spell alike."""

_NULLS_FIRST = (
    "(__a, __b) -> CASE WHEN __a IS NULL AND __b IS NULL THEN 0 WHEN __a IS NULL THEN {first} "
    "WHEN __b IS NULL THEN -1 * {first} WHEN __a < __b THEN {less} WHEN __a > __b "
    "THEN -1 * {less} ELSE 0 END"
)


def _day(generator: Any, node: exp.Expr | None) -> str:
    """Spell a date that may be given as text, date or timestamp."""
    text = generator.sql(node)
    if node is not None and node.is_type(exp.DType.DATE):
        return text
    return f"CAST(CAST({text} AS TIMESTAMP) AS DATE)"


def _date_diff(generator: Any, node: exp.DateDiff) -> str:
    start, end = node.expression, node.this
    if node.args.get("date_part_boundary"):
        return f"DATE_DIFF('DAY', {_day(generator, start)}, {_day(generator, end)})"
    return _elapsed(generator, node)


def _elapsed(generator: Any, node: exp.Expr) -> str:
    end, start = generator.sql(node, "this"), generator.sql(node, "expression")
    name = node.text("unit").upper().rstrip("S")
    return f"DATE_DIFF('{name}', CAST({start} AS TIMESTAMP), CAST({end} AS TIMESTAMP))"


def _date_add(generator: Any, node: exp.TsOrDsAdd) -> str:
    return f"DATE_ADD('DAY', {generator.sql(node, 'expression')}, {_day(generator, node.this)})"


def _add_months(generator: Any, node: exp.AddMonths) -> str:
    return f"DATE_ADD('MONTH', {generator.sql(node, 'expression')}, {_day(generator, node.this)})"


def _months_between(generator: Any, node: exp.MonthsBetween) -> str:
    end, start = _day(generator, node.this), _day(generator, node.expression)
    months = f"(YEAR({end}) - YEAR({start})) * 12 + MONTH({end}) - MONTH({start})"
    both_last = " AND ".join(f"{each} = LAST_DAY_OF_MONTH({each})" for each in (end, start))
    rest = f"IF({both_last}, 0E0, (DAY({end}) - DAY({start})) / 31E0)"
    return f"ROUND({months} + {rest}, 8)"


def _str_to_unix(generator: Any, node: exp.StrToUnix) -> str:
    given, pattern = node.this, node.args.get("format")
    value = generator.sql(given) if given is not None else "CURRENT_TIMESTAMP"
    if pattern is None or pattern.name == "%Y-%mstrict-%dstrict %Hstrict:%Mstrict:%Sstrict":
        instant = f"CAST({value} AS TIMESTAMP(6))"
    else:
        instant = f"DATE_PARSE({value}, {generator.format_time(node)})"
    return f"CAST(FLOOR(TO_UNIXTIME({instant})) AS BIGINT)"


def _date_trunc(generator: Any, node: exp.DateTrunc) -> str:
    return f"DATE_TRUNC('{unit(node)}', {_day(generator, node.this)})"


def _timestamp_trunc(generator: Any, node: exp.TimestampTrunc) -> str:
    return f"DATE_TRUNC('{unit(node)}', {generator.sql(node, 'this')})"


def _concat_ws(generator: Any, node: exp.ConcatWs) -> str:
    separator, *values = node.expressions
    has_array = any(each.is_type(exp.DType.ARRAY) for each in values)
    if len(values) == 1 or not has_array:
        spelled = [
            generator.sql(each)
            if len(values) == 1 or each.is_string
            else f"CAST({generator.sql(each)} AS VARCHAR)"
            for each in values
        ]
        return f"CONCAT_WS({', '.join([generator.sql(separator), *spelled])})"
    return generator.concatws_base(node)


def _regexp_extract(generator: Any, node: exp.RegexpExtract) -> str:
    value, pattern = generator.sql(node, "this"), generator.sql(node, "expression")
    group = generator.sql(node, "group") or "1"
    found = f"REGEXP_EXTRACT({value}, {pattern}, {group})"
    return f"COALESCE({found}, IF({value} IS NULL, NULL, ''))"


def _array_sort(generator: Any, node: exp.ArraySort) -> str:
    value = generator.sql(node, "this")
    if node.args.get("nulls_first") is None and node.args.get("asc") is None:
        by = generator.sql(node, "expression")
        return f"ARRAY_SORT({value}{', ' + by if by else ''})"
    ascending = node.args.get("asc")
    is_up = not (isinstance(ascending, exp.Boolean) and not ascending.this)
    order = _NULLS_FIRST.format(first="-1" if is_up else "1", less="-1" if is_up else "1")
    return f"ARRAY_SORT({value}, {order})"


def _reduce(generator: Any, node: exp.Reduce) -> str:
    finish = generator.sql(node, "finish") or "__s -> __s"
    parts = [generator.sql(node, name) for name in ("this", "initial", "merge")]
    return f"REDUCE({', '.join(parts)}, {finish})"


def _slice(generator: Any, node: exp.ArraySlice) -> str:
    parts = [generator.sql(node, name) for name in ("this", "start", "end")]
    return f"SLICE({', '.join(parts)})"


def _version(generator: Any, node: exp.Version) -> str:
    value = generator.sql(node, "expression")
    if node.name == "TIMESTAMP":
        return f"FOR TIMESTAMP AS OF CAST({value} AS TIMESTAMP(6) WITH TIME ZONE)"
    return f"FOR VERSION AS OF {value}"


def _json(generator: Any, node: exp.JSONExtract | exp.JSONExtractScalar) -> str:
    """Scalars as text, objects and arrays as JSON; Trino has a function for each."""
    value, path = generator.sql(node, "this"), generator.sql(node, "expression")
    whole = f"JSON_FORMAT(JSON_EXTRACT({value}, {path}))"
    return f"COALESCE(JSON_EXTRACT_SCALAR({value}, {path}), NULLIF({whole}, 'null'))"


def _bracket(generator: Any, node: exp.Bracket) -> str:
    """A key that a map lacks gives null, as in Databricks; Trino's brackets fail."""
    (index, *more) = node.expressions
    if not more and (index.is_string or index.is_type(*exp.DataType.TEXT_TYPES)):
        return f"ELEMENT_AT({generator.sql(node, 'this')}, {generator.sql(index)})"
    if not more and node.this.is_type(exp.DType.MAP):
        return f"ELEMENT_AT({generator.sql(node, 'this')}, {generator.sql(index)})"
    return generator.bracket_base(node)


def _cast(generator: Any, node: exp.Cast) -> str:
    """A struct gets its names from the type it is cast to."""
    if isinstance(node.this, exp.Struct) and node.to.is_type(exp.DType.STRUCT):
        values = [
            each.expression if isinstance(each, exp.PropertyEQ) else each.unalias()
            for each in node.this.expressions
        ]
        row = f"ROW({', '.join(map(generator.sql, values))})"
        return f"CAST({row} AS {generator.sql(node.to)})"
    return generator.cast_base(node)


def _initcap(generator: Any, node: exp.Initcap) -> str:
    words = f"SPLIT({generator.sql(node, 'this')}, ' ')"
    word = "CONCAT(UPPER(SUBSTR(__w, 1, 1)), LOWER(SUBSTR(__w, 2)))"
    return f"ARRAY_JOIN(TRANSFORM({words}, __w -> {word}), ' ')"


def _text(generator: Any, node: exp.Expr) -> str:
    value = generator.sql(node, "this")
    is_binary = node.this is not None and node.this.is_type(exp.DType.BINARY, exp.DType.VARBINARY)
    return value if is_binary else f"TO_UTF8({value})"


def _hex(generator: Any, node: exp.Hex) -> str:
    value = generator.sql(node, "this")
    if node.this.is_type(*exp.DataType.INTEGER_TYPES):
        return f"UPPER(TO_BASE({value}, 16))"
    return f"TO_HEX(TO_UTF8({value}))" if node.this.is_type(*_TEXT) else f"TO_HEX({value})"


_TEXT = exp.DataType.TEXT_TYPES
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def _next_day(generator: Any, node: exp.NextDay) -> str:
    name = node.expression.name.upper()[:2] if node.expression.is_string else ""
    if name not in _DAYS:
        raise refused("next_day", "name the day by a literal, e.g. 'MON'", node)
    day, wanted = _day(generator, node.this), _DAYS.index(name) + 1
    return f"DATE_ADD('DAY', ({wanted} - DAY_OF_WEEK({day}) + 13) % 7 + 1, {day})"


def _substring_index(generator: Any, node: exp.SubstringIndex) -> str:
    value, mark, count = (generator.sql(node, part) for part in ("this", "delimiter", "count"))
    parts = f"SPLIT({value}, {mark})"
    last = f"SLICE({parts}, GREATEST({count}, -CARDINALITY({parts})), ABS({count}))"
    return f"ARRAY_JOIN(IF({count} >= 0, SLICE({parts}, 1, GREATEST({count}, 0)), {last}), {mark})"


def _local_time(generator: Any, node: exp.AtTimeZone) -> str:
    moment = f"WITH_TIMEZONE({generator.sql(node, 'this')}, 'UTC')"
    return f"CAST(AT_TIMEZONE({moment}, {generator.sql(node, 'zone')}) AS TIMESTAMP(6))"


def _from_local_time(generator: Any, node: exp.FromTimeZone) -> str:
    moment = f"WITH_TIMEZONE({generator.sql(node, 'this')}, {generator.sql(node, 'zone')})"
    return f"CAST(AT_TIMEZONE({moment}, 'UTC') AS TIMESTAMP(6))"


def _sha2(generator: Any, node: exp.SHA2) -> str:
    bits = node.text("length") or "256"
    bits = "256" if bits == "0" else bits
    if bits not in ("256", "512"):
        raise refused(f"sha2(…, {bits})", "Trino has 256 and 512", node)
    return f"LOWER(TO_HEX(SHA{bits}({_text(generator, node)})))"


def _like(generator: Any, node: exp.Like | exp.ILike) -> str:
    """`LIKE ANY (…)` is spelled out; Trino has no ILIKE."""
    is_any, is_all = isinstance(node.expression, exp.Any), isinstance(node.expression, exp.All)
    sign = "NOT LIKE" if node.args.get("negate") else "LIKE"
    if not is_any and not is_all:
        value, pattern = generator.sql(node, "this"), generator.sql(node, "expression")
        if isinstance(node, exp.ILike):
            return f"LOWER({value}) {sign} LOWER({pattern})"
        return f"{value} {sign} {pattern}"
    patterns = node.expression.this.unnest()
    each = [
        type(node)(this=node.this.copy(), expression=p.copy(), negate=node.args.get("negate"))
        for p in patterns.expressions
    ]
    joined = exp.or_(*each) if is_any else exp.and_(*each)
    return f"({generator.sql(joined)})"


def _sample(generator: Any, node: exp.TableSample) -> str:
    percent = node.args.get("percent")
    if percent is None or node.args.get("seed") is not None:
        raise refused("TABLESAMPLE", "Trino samples by PERCENT only, without a seed", node)
    return f" TABLESAMPLE BERNOULLI ({generator.sql(percent)})"


def _exact(generator: Any, node: exp.Expr) -> str:
    name = "median" if isinstance(node, exp.Median) else "percentile"
    raise refused(name, "Trino has no exact one; use percentile_approx", node)


def _within_group(generator: Any, node: exp.WithinGroup) -> str:
    if isinstance(node.this, exp.PercentileCont | exp.PercentileDisc):
        # sqlglot would take the approximate one.
        return _exact(generator, node.this)
    return TrinoGenerator.withingroup_sql(generator, node)


def _seeded(generator: Any, node: exp.Rand) -> str:
    if node.this is not None:
        raise refused("rand(seed)", "the engine's generator takes no seed; use rand()", node)
    return "RAND()"


def _unknown(name: str, advice: str) -> Spelling:
    def refuse(generator: Any, node: exp.Expr) -> str:
        raise refused(name, f"Trino has nothing like it; {advice}", node)

    return refuse


def _placeholder(generator: Any, node: exp.Placeholder) -> str:
    return f":{node.name}" if node.this else "?"


def _type(generator: Any, node: exp.DataType) -> str:
    """Microseconds, as Iceberg and Databricks have them; Trino's own default is milliseconds."""
    if node.is_type(exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ) and not node.expressions:
        return "TIMESTAMP(6) WITH TIME ZONE"
    if node.is_type(exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ) and not node.expressions:
        return "TIMESTAMP(6)"
    return generator.type_base(node)


def _exists(generator: Any, node: exp.Exists) -> str:
    """A subquery, or a test of an array's elements."""
    if node.args.get("expression") is None:
        return f"EXISTS({generator.sql(node, 'this')})"
    value, test = generator.sql(node, "this"), generator.sql(node, "expression")
    return f"(ANY_MATCH({value}, {test}))"


_TRANSFORMS: dict[Any, Spelling] = {
    **TrinoGenerator.TRANSFORMS,
    exp.AddMonths: _add_months,
    exp.Any: form("BOOL_OR({this})"),
    exp.ArrayAgg: collected("ARRAY[]"),
    exp.ArrayAppend: form("({this} || {expression})"),
    exp.ArrayPrepend: form("({expression} || {this})"),
    exp.ArrayCompact: form("FILTER({this}, __e -> __e IS NOT NULL)"),
    exp.ArraySlice: _slice,
    exp.ArraySort: _array_sort,
    exp.ArrayUniqueAgg: collected("ARRAY[]"),
    exp.Ascii: form("CODEPOINT(CAST(SUBSTR({this}, 1, 1) AS VARCHAR(1)))"),
    exp.AtTimeZone: _local_time,
    exp.Bracket: _bracket,
    exp.Cast: _cast,
    exp.ConcatWs: _concat_ws,
    exp.Contains: form("(STRPOS({this}, {expression}) > 0)"),
    exp.DataType: _type,
    exp.DateDiff: _date_diff,
    exp.DateTrunc: _date_trunc,
    exp.EndsWith: form("(SUBSTR({this}, -LENGTH({expression})) = {expression})"),
    exp.EqualNull: form("({this} IS NOT DISTINCT FROM {expression})"),
    exp.Exists: _exists,
    exp.Filter: filtered,
    exp.FromJson: from_json,
    exp.FromTimeZone: _from_local_time,
    exp.Hex: _hex,
    exp.ILike: _like,
    exp.Initcap: _initcap,
    exp.JSONExtract: _json,
    exp.JSONExtractScalar: _json,
    exp.LastDay: lambda self, node: f"LAST_DAY_OF_MONTH({_day(self, node.this)})",
    exp.Like: _like,
    exp.MD5: lambda self, node: f"LOWER(TO_HEX(MD5({_text(self, node)})))",
    exp.MapContainsKey: form("CONTAINS(MAP_KEYS({this}), {key})"),
    exp.Median: _exact,
    exp.MonthsBetween: _months_between,
    exp.Nanvl: form("IF(IS_NAN({this}), {expression}, {this})"),
    exp.NextDay: _next_day,
    exp.Placeholder: _placeholder,
    exp.Quantile: _exact,
    exp.Rand: _seeded,
    exp.Reduce: _reduce,
    exp.RegexpExtract: _regexp_extract,
    exp.Repeat: form("ARRAY_JOIN(REPEAT({this}, {times}), '')"),
    exp.SafeAdd: form("TRY({this} + {expression})"),
    exp.SafeMultiply: form("TRY({this} * {expression})"),
    exp.SafeSubtract: form("TRY({this} - {expression})"),
    exp.SHA: lambda self, node: f"LOWER(TO_HEX(SHA1({_text(self, node)})))",
    exp.SHA2: _sha2,
    exp.StrToUnix: _str_to_unix,
    exp.SubstringIndex: _substring_index,
    exp.TableSample: _sample,
    exp.TimestampDiff: _elapsed,
    exp.TimestampTrunc: _timestamp_trunc,
    exp.ToBase64: lambda self, node: f"TO_BASE64({_text(self, node)})",
    exp.ToChar: _unknown("to_char", "use date_format or format_string"),
    exp.TsOrDsAdd: _date_add,
    exp.UnixMillis: form("CAST(FLOOR(TO_UNIXTIME({this}) * 1000) AS BIGINT)"),
    exp.UnixSeconds: form("CAST(FLOOR(TO_UNIXTIME({this})) AS BIGINT)"),
    exp.Version: _version,
    exp.WithinGroup: _within_group,
}


class TrinoForm(TrinoGenerator):
    """Spells a tree of Databricks SQL for Trino; markers stay `:name`."""

    TRANSFORMS = _TRANSFORMS

    concatws_base = TrinoGenerator.concatws_sql
    bracket_base = TrinoGenerator.bracket_sql
    cast_base = TrinoGenerator.cast_sql
    type_base = TrinoGenerator.datatype_sql

    def anonymous_sql(self, expression: exp.Anonymous) -> str:
        """See base class."""
        if expression.name.upper() == "PRINTF":
            return self.func("FORMAT", *expression.expressions)
        return call(self, expression, FUNCTIONS) or super().anonymous_sql(expression)


DIALECT = Trino()
