"""Forms of SQL that one engine has and another lacks, recognised so that a driver can help."""

import logging
from dataclasses import dataclass

from sqlglot import Dialect, exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

# It tells of every statement that it keeps as text; that is expected here.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

Query = exp.Query
"""A statement that only reads."""


def is_repeatable(tree: exp.Expr | None) -> bool:
    """Tell whether running the statement twice is the same as once, by its form alone."""
    return isinstance(tree, Query) or bool(tree is not None and tree.args.get("exists"))


@dataclass(frozen=True)
class TableCreation:
    """`CREATE [OR REPLACE] TABLE [IF NOT EXISTS] name … AS query`."""

    table: exp.Table
    replace: bool
    if_not_exists: bool
    query: str
    """As written, parameters spelled for the engine."""
    options: tuple[str, ...]
    """Table properties the statement gives, e.g. a partitioning."""


def parse(text: str, dialect: str) -> exp.Expr | None:
    """Return the statement's tree, or None when sqlglot does not know its form."""
    try:
        tree = parse_one(text, dialect=dialect)
    except SqlglotError:
        return None
    return None if isinstance(tree, exp.Command) else tree


def table_creation(text: str, dialect: str) -> TableCreation | None:
    """Return what the statement creates, or None when it is another kind of statement."""
    tree = parse(text, dialect)
    if not isinstance(tree, exp.Create) or tree.kind != "TABLE" or tree.expression is None:
        return None
    table = tree.this
    properties = tree.args.get("properties")
    options: list[exp.Expr] = properties.expressions if properties is not None else []
    if not isinstance(table, exp.Table) or any(
        isinstance(option, exp.TemporaryProperty) for option in options
    ):
        return None
    return TableCreation(
        table=table,
        replace=bool(tree.args.get("replace")),
        if_not_exists=bool(tree.args.get("exists")),
        query=_after_as(text, dialect),
        options=tuple(option.sql(dialect=dialect) for option in options),
    )


def _after_as(text: str, dialect: str) -> str:
    """Return the text after the first AS that is in no brackets."""
    depth = 0
    for token in Dialect.get_or_raise(dialect).tokenize(text):
        if token.token_type in (TokenType.L_PAREN, TokenType.L_BRACKET):
            depth += 1
        elif token.token_type in (TokenType.R_PAREN, TokenType.R_BRACKET):
            depth -= 1
        elif token.token_type is TokenType.ALIAS and depth == 0:
            return text[token.end + 1 :].strip()
    raise AssertionError("a CREATE TABLE that has a query has an AS")
