"""How a function of Databricks is spelled for an engine: by templates, most of them."""

import re
from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any

from sqlglot import exp
from sqlglot.generator import Generator

from activities.sql.databricks.refusal import refused

Spelling = Callable[[Any, Any], str]
"""What sqlglot asks to spell a node: (generator, node) → SQL."""

_FORMAT_NODES = (
    exp.TimeToStr,
    exp.StrToTime,
    exp.StrToUnix,
    exp.UnixToStr,
    exp.TsOrDsToDate,
    exp.StrToDate,
)
_PATTERN = re.compile(r"%-?[A-Za-z](?:strict)?")
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_UNITS = {
    **dict.fromkeys(("YEAR", "YYYY", "YY"), "YEAR"),
    "QUARTER": "QUARTER",
    **dict.fromkeys(("MONTH", "MM", "MON"), "MONTH"),
    "WEEK": "WEEK",
    **dict.fromkeys(("DAY", "DD"), "DAY"),
    "HOUR": "HOUR",
    "MINUTE": "MINUTE",
    "SECOND": "SECOND",
    "MILLISECOND": "MILLISECOND",
}

SHARED = {
    "BIGINT": "CAST({0} AS BIGINT)",
    "BTRIM": "TRIM({0})",
    "DECIMAL": "CAST({0} AS DECIMAL(10, 0))",
    "EVERY": "BOOL_AND({0})",
    "FLOAT": "CAST({0} AS REAL)",
    "ISNOTNULL": "({0} IS NOT NULL)",
    "ISNULL": "({0} IS NULL)",
    "NULLIFZERO": "NULLIF({0}, 0)",
    "PMOD": "((({0}) % ({1}) + ({1})) % ({1}))",
    "SMALLINT": "CAST({0} AS SMALLINT)",
    "SOME": "BOOL_OR({0})",
    "TINYINT": "CAST({0} AS TINYINT)",
    "TRY_TO_DATE": "TRY_CAST({0} AS DATE)",
    "ZEROIFNULL": "COALESCE({0}, 0)",
}
"""Functions that sqlglot has no node for, where both engines spell them alike."""


def form(template: str) -> Spelling:
    """Spell a node by a template that names its arguments, e.g. `({this} IS NULL)`.

    An argument that the template does not name is refused.
    """
    named = {name for _, name, _, _ in Formatter().parse(template)}

    def spell(generator: Generator, node: exp.Expr) -> str:
        for name, value in node.args.items():
            if value and name not in named:
                raise refused(node.sql("databricks"), f"its {name} is not known here", node)
        return template.format_map(_Arguments(generator, node))

    return spell


def call(generator: Generator, node: exp.Anonymous, templates: Mapping[str, str]) -> str | None:
    """Spell a function that sqlglot has no node for; None when there is no template."""
    name = node.name.upper()
    if name in _REFUSED:
        raise refused(node.name.lower(), _REFUSED[name], node)
    template = templates.get(name)
    if template is None:
        return None
    arguments = [generator.sql(each) for each in node.expressions]
    try:
        return template.format(*arguments)
    except IndexError:
        reason = f"{len(arguments)} arguments are not enough"
        raise refused(node.name.lower(), reason, node) from None


def unit(node: exp.Expr) -> str:
    """Return a unit of `trunc` and `date_trunc` as every engine knows it.

    Raises:
        EngineRejected: it is not a literal, or is unknown.
    """
    given = node.args.get("unit")
    name = given.name.upper() if isinstance(given, exp.Literal | exp.Var) else ""
    if name not in _UNITS:
        known = ", ".join(dict.fromkeys(_UNITS.values()))
        raise refused("date_trunc", f"give the unit as a literal, one of {known}", node)
    return _UNITS[name]


def settle_formats(tree: exp.Expr) -> None:
    """Make the date patterns of a tree plain text and specifiers, in place.

    Raises:
        EngineRejected: a pattern is no literal, or has a letter that engines do not share.
    """
    for node in tree.find_all(*_FORMAT_NODES):
        given = node.args.get("format")
        if given is None:
            continue
        if not isinstance(given, exp.Literal):
            raise refused("A date pattern", "it must be a literal", node)
        plain = _QUOTED.sub(lambda found: _unmapped(found[1]), given.name)
        letters = re.sub(r"[TZ]", "", _PATTERN.sub("", plain))
        if re.search(r"[A-Za-z']", letters):
            reason = "uses a letter that cannot be translated; known are y M d H h m s S a D E"
            raise refused(f"The date pattern {given.name!r}", reason, node)
        given.set("this", plain)


_OTHERWISE = "engines compute it otherwise; use md5, sha1 or sha2"
_REFUSED = {"HASH": _OTHERWISE, "XXHASH64": _OTHERWISE, "SCHEMA_OF_JSON": "no engine has it"}


def from_json(generator: Any, node: exp.Expr) -> str:
    """Refuse it: engines have a function of this name that does something else."""
    raise refused("from_json", "use get_json_object, or column:path", node)


def collected(empty: str) -> Spelling:
    """Spell `collect_list` and its like: without nulls; nothing gathers to an empty array.

    Args:
        empty: The engine's empty array.
    """

    def spell(generator: Generator, node: exp.Expr) -> str:
        made = _gathered(generator, node)
        inside = isinstance(node.parent, exp.Window | exp.Filter)
        return made if inside else f"COALESCE({made}, {empty})"

    return spell


def filtered(generator: Generator, node: exp.Filter) -> str:
    """Spell an aggregate's filter; what gathers has one already."""
    gathers = isinstance(node.this, exp.ArrayAgg | exp.ArrayUniqueAgg)
    if not gathers:
        return generator.filter_sql(node)
    condition = generator.sql(node.expression, "this")
    return f"{_gathered(generator, node.this).removesuffix(')')} AND ({condition}))"


def _gathered(generator: Generator, node: exp.Expr) -> str:
    value, order = node.this, ""
    if isinstance(value, exp.Order):
        order = generator.sql(exp.Order(expressions=value.expressions))
        value = value.this
    distinct = isinstance(node, exp.ArrayUniqueAgg) or isinstance(value, exp.Distinct)
    if isinstance(value, exp.Distinct):
        (value,) = value.expressions
    text = generator.sql(value)
    word = "DISTINCT " if distinct else ""
    return f"ARRAY_AGG({word}{text}{order}) FILTER (WHERE {text} IS NOT NULL)"


class _Arguments(dict[str, str]):
    def __init__(self, generator: Generator, node: exp.Expr) -> None:
        super().__init__()
        self._generator = generator
        self._node = node

    def __missing__(self, name: str) -> str:
        return self._generator.sql(self._node, name)


def _unmapped(text: str) -> str:
    """Undo the mapping of letters within quotes: `'T'` is a T, as `'Z'` is a Z."""
    text = {"%z": "Z", "%Z": "z"}.get(text, text)
    if text not in ("T", "Z", "") and re.search(r"[A-Za-z%]", text):
        return f"'{text}'"
    return text
