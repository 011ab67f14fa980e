"""Completes what is being typed at the prompt."""

import re
from collections.abc import Callable, Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from control.cli.sql_terminal.names import Names, words_of

_WORD = re.compile(r"[\w.`\"]*\Z")
_TABLE_NEXT = re.compile(
    r"\b(?:from|join|into|update|table|describe|desc|merge\s+into|exists)\s+(?:[\w.`\"]+\s*,\s*)*"
    r"[\w.`\"]*\Z",
    re.IGNORECASE,
)
_USED = re.compile(
    r"\b(?:from|join|into|update)\s+([\w.`\"]+)(?:\s+(?:as\s+)?(?!on\b|where\b|join\b|set\b|group\b"
    r"|order\b|limit\b|left\b|right\b|inner\b|cross\b|full\b|using\b|values\b|select\b)(\w+))?",
    re.IGNORECASE,
)


class SqlCompleter(Completer):
    """Offers tables where a table stands next, columns of the tables in use, and words."""

    def __init__(
        self,
        names: Names,
        *,
        dialect: Callable[[], str],
        schema: str | None,
        commands: Callable[[str], Iterable[str] | None],
    ) -> None:
        """See class.

        Args:
            names: The catalog's.
            dialect: Returns the one of the warehouse in use, in sqlglot's word.
            schema: Of table names without one.
            commands: Returns what may follow in a line that begins with a backslash.
        """
        self._names = names
        self._dialect = dialect
        self._schema = schema
        self._commands = commands

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """See base class."""
        before = document.text_before_cursor
        if before.lstrip().startswith("\\"):
            word = before.rsplit(" ", 1)[-1]
            yield from _starting(word, self._commands(before.lstrip()) or ())
            return
        found = _WORD.search(before)
        word = found.group() if found else ""
        statement = document.text.rpartition(";")[2] or document.text
        if "." in word:
            scope, _, last = word.rpartition(".")
            yield from _starting(last, self._inside(scope, statement))
            return
        if _TABLE_NEXT.search(before):
            yield from _starting(word, self._tables())
            return
        if not word:
            return
        yield from _starting(word, self._columns_in_use(statement))
        upper = word.isupper()
        yield from _starting(
            word, (each if upper else each.lower() for each in words_of(self._dialect()))
        )

    def _tables(self) -> Iterator[str]:
        catalog = self._names.catalog
        if self._schema is not None:
            yield from self._names.tables(catalog, self._schema)
        yield from self._names.schemas(catalog)
        yield from self._names.catalogs()

    def _inside(self, scope: str, statement: str) -> Iterator[str]:
        """Yield what may follow a dot."""
        parts = [part.strip('`"') for part in scope.split(".")]
        for table, alias in _USED.findall(statement):
            if len(parts) == 1 and parts[0] in (alias, table.rpartition(".")[2]):
                yield from self._columns(table)
                return
        catalog = self._names.catalog
        if len(parts) == 1 and parts[0] in self._names.catalogs():
            yield from self._names.schemas(parts[0])
        elif len(parts) == 1:
            yield from self._names.tables(catalog, parts[0])
        elif len(parts) == 2 and parts[0] in self._names.catalogs():
            yield from self._names.tables(parts[0], parts[1])

    def _columns_in_use(self, statement: str) -> Iterator[str]:
        for table, alias in _USED.findall(statement):
            if alias:
                yield alias
            yield from self._columns(table)

    def _columns(self, table: str) -> Iterator[str]:
        full_name = self._names.full_name(table, self._schema)
        if full_name is not None:
            yield from (column.name for column in self._names.columns(full_name))


def _starting(word: str, offered: Iterable[str]) -> Iterator[Completion]:
    seen: set[str] = set()
    for each in offered:
        if each not in seen and each.lower().startswith(word.lower()) and each != word:
            seen.add(each)
            yield Completion(each, start_position=-len(word))
