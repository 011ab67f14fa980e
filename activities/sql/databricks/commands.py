"""Statements that sqlglot does not take apart: `USE`, `SHOW`, `DESCRIBE`, `OPTIMIZE` and others."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlglot.tokenizer_core import Token, TokenType

from activities.sql.databricks import catalog_queries, reading
from activities.sql.databricks.catalog_queries import Named, Queries, Session
from activities.sql.databricks.refusal import refused
from spec.errors import EngineRejected
from spec.tasks import Engine

Translation = Callable[["Words", Session, Engine], str]

_NO_EFFECT = "SELECT 1 WHERE 1 = 0"
"""What a statement that only hints at performance becomes."""


@dataclass
class Words:
    """The tokens of a statement, read one after another."""

    tokens: list[Token]
    at: int = 0

    def take(self, *words: str) -> str | None:
        """Read the next word if it is one of these."""
        if self.at < len(self.tokens) and self.tokens[self.at].text.upper() in words:
            self.at += 1
            return self.tokens[self.at - 1].text.upper()
        return None

    def name(self, what: str) -> Named:
        """Read a name of up to three parts."""
        parts: list[str] = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.token_type in (TokenType.STRING, TokenType.SEMICOLON):
                break
            parts.append(token.text)
            self.at += 1
            if self.at == len(self.tokens) or self.tokens[self.at].token_type is not TokenType.DOT:
                break
            self.at += 1
        if not parts or len(parts) > 3:
            raise self.stuck(what)
        return Named(tuple(parts))

    def string(self) -> str | None:
        """Read a string."""
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.token_type is TokenType.STRING:
                self.at += 1
                return token.text
        return None

    def end(self, what: str) -> None:
        """Make sure that nothing follows.

        Raises:
            EngineRejected: something does.
        """
        if self.at < len(self.tokens):
            raise self.stuck(what)

    def stuck(self, what: str) -> EngineRejected:
        """Return the error for a statement that cannot be read on."""
        if self.at == len(self.tokens):
            return refused(what, "it ends too early")
        token = self.tokens[self.at]
        place = f"line {token.line}, column {token.col}"
        return refused(what, f"{token.text!r} at {place} is not known here")


def translated(text: str, session: Session, engine: Engine) -> str | None:
    """Return the statement for the engine, or None when it is no such statement.

    Raises:
        EngineRejected: it cannot be translated.
    """
    words = Words(reading.tokens(text))
    first = words.tokens[0].text.upper() if words.tokens else ""
    translation = _BY_FIRST.get(first)
    if translation is None:
        return None
    words.at = 1
    return translation(words, session, engine)


def entered(text: str, session: Session) -> Session:
    """Return the session after a statement: only `USE` changes it."""
    words = Words(reading.tokens(text))
    return session if words.take("USE") is None else _target(words, session)


def _target(words: Words, session: Session) -> Session:
    if words.take("CATALOG"):
        name = words.string() or words.name("USE CATALOG").parts[0]
        words.end("USE CATALOG")
        return Session(name, "default")
    words.take("SCHEMA", "DATABASE")
    text = words.string()
    named = Named((text,)) if text else words.name("USE")
    words.end("USE")
    if len(named.parts) > 2:
        raise refused("USE", "give a schema, or a catalog and a schema")
    return named.schema(session)


def _use(words: Words, session: Session, engine: Engine) -> str:
    return f"USE {_target(words, session).sql}"


def _show(words: Words, session: Session, engine: Engine) -> str:
    what = words.take("CATALOGS", "SCHEMAS", "DATABASES", "TABLES", "VIEWS", "COLUMNS")
    queries = catalog_queries.of(engine)
    if what == "CATALOGS":
        return queries.catalogs(_pattern(words, "SHOW CATALOGS"))
    if what in ("SCHEMAS", "DATABASES"):
        where = words.name("SHOW SCHEMAS") if words.take("FROM", "IN") else None
        catalog = where.parts[-1] if where else session.catalog
        return queries.schemas(catalog, _pattern(words, "SHOW SCHEMAS"))
    if what in ("TABLES", "COLUMNS") and (inside := _catalogs(words)) is not None:
        return _searched(words, inside, queries, what)
    if what in ("TABLES", "VIEWS"):
        where = words.name(f"SHOW {what}") if words.take("FROM", "IN") else None
        inside = where.schema(session) if where else session
        pattern = _pattern(words, f"SHOW {what}")
        return (
            queries.tables(inside, pattern) if what == "TABLES" else queries.views(inside, pattern)
        )
    if what == "COLUMNS":
        return queries.columns(_table(words, session, "SHOW COLUMNS"))
    if words.take("CREATE"):
        words.take("TABLE")
        return queries.creation(words.name("SHOW CREATE TABLE").table(session))
    if words.take("TBLPROPERTIES"):
        table = words.name("SHOW TBLPROPERTIES").table(session)
        words.end("SHOW TBLPROPERTIES")
        return queries.properties(table)
    raise words.stuck("SHOW")


def _catalogs(words: Words) -> tuple[str, ...] | None:
    """Read `IN CATALOG name` or `IN ALL CATALOGS`: one catalog, or none for all of them."""
    start = words.at
    if words.take("FROM", "IN"):
        if words.take("ALL") and words.take("CATALOGS"):
            return ()
        if words.take("CATALOG") and words.at < len(words.tokens):
            token = words.tokens[words.at]
            if token.token_type is not TokenType.DOT and token.text.upper() != "LIKE":
                return words.name("SHOW … IN CATALOG").parts[:1]
    words.at = start
    return None


def _searched(words: Words, inside: tuple[str, ...], queries: Queries, what: str) -> str:
    """Read what drivers list: tables or columns `[SCHEMA LIKE s] [TABLE LIKE t] [LIKE n]`."""
    catalog = inside[0] if inside else None
    schema = _like(words) if words.take("SCHEMA") else ""
    if what == "TABLES":
        return queries.tables_of(catalog, schema, _pattern(words, "SHOW TABLES IN CATALOG"))
    if catalog is None:
        raise refused("SHOW COLUMNS IN ALL CATALOGS", "name one catalog")
    table = _like(words) if words.take("TABLE") else ""
    name = _pattern(words, "SHOW COLUMNS IN CATALOG")
    return queries.columns_of(catalog, schema, table, name)


def _like(words: Words) -> str:
    if words.take("LIKE") is None or (given := words.string()) is None:
        raise words.stuck("SHOW … LIKE")
    return _expression(given)


def _table(words: Words, session: Session, what: str) -> tuple[str, str, str]:
    if words.take("IN", "FROM") is None:
        raise words.stuck(what)
    named = words.name(what)
    if words.take("IN", "FROM"):
        inside = words.name(what).schema(session)
        named = Named((inside.catalog, inside.schema, named.parts[-1]))
    words.end(what)
    return named.table(session)


def _pattern(words: Words, what: str) -> str:
    """Return what names must match, as a regular expression; empty when anything does."""
    words.take("LIKE")
    given = words.string()
    words.end(what)
    return "" if given is None else _expression(given)


def _expression(given: str) -> str:
    parts = ["".join(".*" if c == "*" else re.escape(c) for c in p) for p in given.split("|")]
    return f"(?i)^({'|'.join(parts)})$"


def _describe(words: Words, session: Session, engine: Engine) -> str:
    queries = catalog_queries.of(engine)
    if words.take("HISTORY"):
        table = words.name("DESCRIBE HISTORY").table(session)
        words.end("DESCRIBE HISTORY")
        return queries.history(table)
    kind = words.tokens[words.at].text.upper() if words.at < len(words.tokens) else ""
    following = words.tokens[words.at + 1 :]
    if kind in _UNKNOWN_KINDS and following and following[0].token_type is not TokenType.DOT:
        raise refused(f"DESCRIBE {kind}", "only tables can be described")
    words.take("TABLE")
    extended = words.take("EXTENDED", "FORMATTED") is not None
    table = words.name("DESCRIBE").table(session)
    words.end("DESCRIBE")
    return queries.description(table, extended)


_UNKNOWN_KINDS = ("CATALOG", "SCHEMA", "DATABASE", "FUNCTION", "QUERY", "DETAIL", "VOLUME")


def _optimize(words: Words, session: Session, engine: Engine) -> str:
    named = words.name("OPTIMIZE").table(session)
    if engine is not Engine.TRINO:
        reason = "DuckDB cannot rewrite files; use a Trino warehouse or a maintenance task"
        raise refused("OPTIMIZE", reason)
    if words.take("ZORDER"):
        raise refused(
            "OPTIMIZE … ZORDER BY", "Iceberg tables here have no such order; leave it out"
        )
    if words.take("WHERE"):
        raise refused("OPTIMIZE … WHERE", "leave the condition out: the whole table is compacted")
    words.end("OPTIMIZE")
    return f"ALTER TABLE {catalog_queries.spelled(named)} EXECUTE optimize"


def _analyze(words: Words, session: Session, engine: Engine) -> str:
    if words.take("TABLE") is None:
        raise words.stuck("ANALYZE")
    named = words.name("ANALYZE TABLE").table(session)
    if engine is Engine.TRINO:
        return f"ANALYZE {catalog_queries.spelled(named)}"
    # DuckDB reads the statistics that Iceberg's own files hold; there are no others to gather.
    return _NO_EFFECT


def _without_effect(words: Words, session: Session, engine: Engine) -> str:
    """Caching and refreshing only hint at performance: tables are read as they are now."""
    words.take("LAZY")
    if words.take("TABLE") is None:
        raise words.stuck(words.tokens[0].text.upper())
    words.take("IF")
    words.take("EXISTS")
    words.name(words.tokens[0].text.upper())
    if words.take("AS", "OPTIONS"):
        raise refused("CACHE TABLE … AS", "nothing is cached; create a table")
    return _NO_EFFECT


def _refusing(construct: str, reason: str) -> Translation:
    def refuse(words: Words, session: Session, engine: Engine) -> str:
        raise refused(construct, reason)

    return refuse


_BY_FIRST: dict[str, Translation] = {
    "ANALYZE": _analyze,
    "BEGIN": _refusing("BEGIN", "there are no SQL scripts and transactions over statements"),
    "CACHE": _without_effect,
    "COMMENT": _refusing("COMMENT ON", "comments are given when a table is created"),
    "COMMIT": _refusing("COMMIT", "every statement is a transaction of its own"),
    "COPY": _refusing("COPY INTO", "upload the file, or read it in a Spark or Python task"),
    "DECLARE": _refusing("DECLARE", "there are no session variables; use named parameters"),
    "DESC": _describe,
    "DESCRIBE": _describe,
    "EXECUTE": _refusing("EXECUTE IMMEDIATE", "write the statement itself"),
    "EXPLAIN": _refusing("EXPLAIN", "use the engine's own dialect for it"),
    "FSCK": _refusing("FSCK REPAIR TABLE", "Iceberg tables need none"),
    "GRANT": _refusing("GRANT", "permissions are given by the API"),
    "MSCK": _refusing("MSCK REPAIR TABLE", "Iceberg tables need none"),
    "OPTIMIZE": _optimize,
    "REFRESH": _without_effect,
    "REORG": _refusing("REORG TABLE", "use OPTIMIZE, or a maintenance task"),
    "RESET": _refusing("RESET", "there are no session settings"),
    "RESTORE": _refusing("RESTORE TABLE", "create the table anew from the snapshot you want"),
    "REVOKE": _refusing("REVOKE", "permissions are taken by the API"),
    "SET": _refusing("SET", "there are no session settings and variables; use named parameters"),
    "SHOW": _show,
    "UNCACHE": _without_effect,
    "USE": _use,
    "VACUUM": _refusing(
        "VACUUM", "unused files are removed by a maintenance task, which looks at all branches"
    ),
}
