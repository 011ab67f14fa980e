"""How Databricks SQL is refused: with the construct's name, its place, and what to do instead."""

from sqlglot import exp

from spec.errors import EngineRejected


def refused(construct: str, reason: str, at: exp.Expr | None = None) -> EngineRejected:
    """Return the error for a construct.

    Args:
        construct: As a person would write it, e.g. `VACUUM`.
        reason: Why not, and what to do instead.
        at: What was written; its place is told where the parser knows it.
    """
    place = "" if at is None else _place(at)
    return EngineRejected(f"Databricks SQL: {construct}{place}: {reason}", construct=construct)


def _place(node: exp.Expr) -> str:
    for each in node.walk():
        line, column = each.meta.get("line"), each.meta.get("col")
        if line is not None and column is not None:
            return f" (line {line}, column {column})"
    return ""
