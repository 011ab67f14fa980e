"""The interactive prompt of `openlake sql`."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import ThreadedCompleter
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments import lexers
from rich.markup import escape

from activities.sql.statements import split
from control.cli.output import console, errors, quiet_table, say_error
from control.cli.sql_terminal.completion import SqlCompleter
from control.cli.sql_terminal.names import Names
from control.cli.sql_terminal.session import Cancelled, Order, Session, SqlFailed, choose
from control.cli.sql_terminal.showing import TABLE_ROWS, say_failure, show, waiting
from control.cli.sql_terminal.writing import Form, sink_of, write
from spec.errors import EngineRejected, OpenLakeError

_FORMS = (Form.table, Form.json, Form.csv)
_HELP = (
    ("SELECT …;", "run SQL; a statement ends with a semicolon and may have many lines"),
    ("\\d [TABLE]", "list tables, or the columns of one"),
    ("\\w [WAREHOUSE]", "list warehouses, or use another one"),
    ("\\o [FORM]", "show answers as table, json or csv"),
    ("\\q", "leave; so does Ctrl-D"),
    ("\\?", "this help"),
    ("Ctrl-C", "stop the statement that runs, or clear the line"),
    ("Tab", "complete; ↑ and Ctrl-R go back in the history"),
)


class Prompt:
    """Reads statements and commands until it is left."""

    def __init__(
        self, session: Session, base: Order, form: Form, *, history: History | None = None
    ) -> None:
        """See class.

        Args:
            session: Where statements run.
            base: Parameters, catalog, schema, branch and limit of every statement.
            form: How answers are shown at first.
            history: Of what was typed; a file of the user by default.
        """
        self._session = session
        self._base = base
        self._form = form
        self._names = Names(session.api, base.catalog)
        self._lines: PromptSession[str] = PromptSession(
            message=lambda: f"{self._session.warehouse.name}> ",
            prompt_continuation=lambda width, number, wrapped: " " * max(0, width - 3) + "-> ",
            lexer=_lexer(),
            completer=ThreadedCompleter(
                SqlCompleter(
                    self._names,
                    dialect=lambda: self._session.warehouse.reads,
                    schema=base.schema,
                    commands=self._offered,
                )
            ),
            complete_while_typing=False,
            multiline=Condition(self._goes_on),
            history=history or _history(),
            key_bindings=_keys(),
            enable_history_search=True,
        )

    def run(self) -> None:
        """Read and do until `\\q` or Ctrl-D."""
        where = self._session.warehouse
        console.print(
            f"[bold]OpenLake SQL[/] on warehouse [cyan]{escape(where.name)}[/] ({where.engine})."
            " End a statement with [bold];[/]  [dim]\\? is help, \\q leaves[/]"
        )
        while True:
            try:
                text = self._lines.prompt().strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if text == "\\q":
                return
            try:
                self._do(text)
            except OpenLakeError as error:
                say_error(error.message)
            except KeyboardInterrupt:
                say_error("stopped")

    def _goes_on(self) -> bool:
        """Tell whether Enter begins a new line: there is SQL without its semicolon."""
        text = self._lines.default_buffer.text.strip()
        return bool(text) and not text.startswith("\\") and not self._is_whole(text)

    def _is_whole(self, text: str) -> bool:
        if not text.endswith(";"):
            return False
        try:
            split(text, self._session.warehouse.reads)
        except EngineRejected:
            # Within an open quote a semicolon ends nothing.
            return False
        return True

    def _do(self, text: str) -> None:
        if text.startswith("\\"):
            command, _, rest = text.partition(" ")
            self._command(command, rest.strip().rstrip(";"))
            return
        for statement in split(text, self._session.warehouse.reads):
            if not self._statement(statement.text):
                return

    def _statement(self, text: str) -> bool:
        limit = self._base.limit or (TABLE_ROWS if self._form is Form.table else None)
        try:
            with waiting() as told:
                answer = self._session.run(replace(self._base, text=text, limit=limit), told)
        except SqlFailed as error:
            say_failure(error.message, text)
            return False
        except Cancelled as error:
            say_error(error.message)
            return False
        if self._form is Form.table:
            show(answer, paged=True)
        else:
            with sink_of(None) as sink:
                write(answer, self._form, sink)
        return True

    def _command(self, command: str, rest: str) -> None:
        match command:
            case "\\?" | "\\h":
                _help()
            case "\\d":
                self._describe(rest)
            case "\\w":
                self._warehouse(rest)
            case "\\o":
                self._output(rest)
            case _:
                say_error(f"there is no command '{command}'; \\? lists them")

    def _describe(self, table: str) -> None:
        if table:
            full_name = self._names.full_name(table, self._base.schema)
            if full_name is None:
                say_error(f"write schema.table; '{table}' has no schema")
                return
            columns = self._names.columns(full_name)
            if not columns:
                say_error(f"there is no table '{full_name}'")
                return
            shown = quiet_table("column", "type")
            for column in columns:
                shown.add_row(escape(column.name), escape(column.type))
            console.print(shown)
            return
        shown = quiet_table("schema", "table")
        catalog = self._names.catalog
        for schema in self._names.schemas(catalog):
            for name in self._names.tables(catalog, schema):
                shown.add_row(escape(schema), escape(name))
        if shown.row_count:
            console.print(shown)
        else:
            errors.print(f"[dim]The catalog {escape(catalog)} has no tables yet.[/]")

    def _warehouse(self, wanted: str) -> None:
        if wanted:
            self._session.warehouse = choose(self._session.api, wanted)
            return
        for each in self._warehouses():
            console.print(escape(each))

    def _output(self, wanted: str) -> None:
        forms = {form.value: form for form in _FORMS}
        if wanted in forms:
            self._form = forms[wanted]
        else:
            say_error(f"answers are shown as {', '.join(forms)}; now as {self._form.value}")

    def _warehouses(self) -> list[str]:
        found = self._session.api.get("/api/2.0/sql/warehouses").get("warehouses", [])
        return [each["name"] for each in found]

    def _offered(self, line: str) -> Iterable[str] | None:
        command, space, _ = line.partition(" ")
        if not space:
            return [each.split()[0] for each, _ in _HELP if each.startswith("\\")]
        match command:
            case "\\o":
                return [form.value for form in _FORMS]
            case "\\w":
                return self._warehouses()
            case "\\d":
                catalog = self._names.catalog
                return [
                    f"{schema}.{table}"
                    for schema in self._names.schemas(catalog)
                    for table in self._names.tables(catalog, schema)
                ]
            case _:
                return None


def _help() -> None:
    shown = quiet_table("write", "to")
    for written, meaning in _HELP:
        shown.add_row(escape(written), escape(meaning))
    console.print(shown)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:  # pyright: ignore[reportUnusedFunction]
        event.current_buffer.validate_and_handle()

    return keys


def _history() -> History:
    """Return the user's history; what was typed is nobody else's to read."""
    path = Path.home() / ".local" / "state" / "openlake" / "sql_history"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_APPEND, 0o600))
        path.chmod(0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)


def _lexer() -> PygmentsLexer:
    found: Any = lexers
    return PygmentsLexer(found.SqlLexer)
