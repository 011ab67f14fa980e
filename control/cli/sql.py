"""`openlake sql`: a statement, a file of statements, or the interactive prompt."""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from activities.sql.statements import split
from control.cli.client import Api, connect
from control.cli.output import say_error
from control.cli.sql_terminal.session import (
    Answer,
    Cancelled,
    Order,
    Session,
    SqlFailed,
    Told,
    Warehouse,
    choose,
)
from control.cli.sql_terminal.showing import TABLE_ROWS, say_failure, show, waiting
from control.cli.sql_terminal.writing import Form, sink_of, write
from spec.errors import EngineRejected, Invalid
from spec.statements import Parameter, check_parameter, scalar_type

STOPPED = 130
"""The exit code after Ctrl-C, as shells have it."""

WarehouseOption = Annotated[
    str | None,
    typer.Option(
        "--warehouse",
        "-w",
        envvar="OPENLAKE_WAREHOUSE",
        help="Name or id; unset, the first that runs, else `duckdb`.",
    ),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Write there instead of to standard output.")
]
FormOption = Annotated[
    Form | None, typer.Option("--output", "-o", help="`table` for people, else for programs.")
]
LimitOption = Annotated[
    int | None,
    typer.Option(help=f"Rows at most; of a table {TABLE_ROWS:,} unless you say more.", min=1),
]


def sql(
    statement: Annotated[
        str | None, typer.Argument(help="Unset, standard input; on a terminal, a prompt.")
    ] = None,
    warehouse: WarehouseOption = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read statements from a file; `-` is stdin.")
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            help="name=value or name=value:TYPE for `:name`; name:TYPE is NULL. Again for more.",
        ),
    ] = None,
    catalog: Annotated[str | None, typer.Option(help="Of names without one.")] = None,
    schema: Annotated[str | None, typer.Option(help="Of names without one.")] = None,
    branch: Annotated[
        str | None, typer.Option(help="Read the kept branch of a run instead of main.")
    ] = None,
    output: FormOption = None,
    out: OutOption = None,
    limit: LimitOption = None,
) -> None:
    """Run SQL on a warehouse and show its answer; without SQL, begin a prompt.

    Several statements are run one after another up to the first that fails; as JSON, CSV or
    Parquet the answer of the last one is written.

    Exit codes: 0 all went well, 1 a statement failed, 2 the command was wrong, 130 Ctrl-C: the
    statement was stopped at the engine.

    [dim]Example: openlake sql "SELECT * FROM shop.orders WHERE day = :d" -p d=2024-02-29:DATE[/dim]
    """
    parameters = parameters_of(param or [])
    text = _text(statement, file)
    form = form_of(output, out, interactive=text is None)
    api = connect()
    session = Session(api, _chosen(api, warehouse))
    base = Order("", parameters, catalog=catalog, schema=schema, branch=branch, limit=limit)
    if text is None:
        from control.cli.sql_terminal.prompt import Prompt

        Prompt(session, base, form).run()
        return
    _run_all(session, base, _statements(text, session.warehouse), form, out)


def _text(statement: str | None, file: Path | None) -> str | None:
    if statement is not None and file is not None:
        raise typer.BadParameter("give the SQL as an argument or with --file, not both")
    if statement is not None:
        return statement
    if file is not None and str(file) != "-":
        try:
            return file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"'{file}' cannot be read: {error}") from None
    return None if file is None and sys.stdin.isatty() else sys.stdin.read()


def form_of(output: Form | None, out: Path | None, *, interactive: bool) -> Form:
    """Return how answers are wanted; the ending of a file says it too.

    Raises:
        BadParameter: the options do not fit together.
    """
    if out is None:
        form = output or Form.table
        if form is Form.parquet and (interactive or sys.stdout.isatty()):
            raise typer.BadParameter("Parquet is no text for a terminal; add --out FILE")
        return form
    if interactive:
        raise typer.BadParameter("--out needs a statement")
    endings = {f".{form}": form for form in (Form.json, Form.csv, Form.parquet)}
    form = output or endings.get(out.suffix.lower())
    if form is None or form is Form.table:
        raise typer.BadParameter("say with --output whether to write json, csv or parquet")
    if not out.parent.is_dir():
        raise typer.BadParameter(f"there is no folder '{out.parent}'")
    return form


def _chosen(api: Api, wanted: str | None) -> Warehouse:
    try:
        return choose(api, wanted)
    except Invalid as error:
        raise typer.BadParameter(error.message) from None


def _statements(text: str, warehouse: Warehouse) -> list[str]:
    try:
        found = [each.text for each in split(text, warehouse.reads)]
    except EngineRejected:
        # The engine says better what is wrong.
        return [text]
    if not found:
        raise typer.BadParameter("there is no SQL to run")
    return found


def parameters_of(given: list[str]) -> tuple[dict[str, Any], ...]:
    """Read `name=value`, `name=value:TYPE` and `name:TYPE`, which is NULL.

    Raises:
        BadParameter: one is none of these, or its value is not of its type.
    """
    return tuple(_parameter(each) for each in given)


def _parameter(text: str) -> dict[str, Any]:
    named, equals, value = text.partition("=")
    rest, colon, word = (value if equals else named).rpartition(":")
    kind = _type_of(word) if colon else None
    if not equals:
        if kind is None:
            raise typer.BadParameter(
                f"'{text}' is no parameter: write name=value, name=value:TYPE, or name:TYPE for"
                " NULL"
            )
        return {"name": rest, "type": kind, "value": None}
    found = Parameter(
        name=named, value=value if kind is None else rest, type="STRING" if kind is None else kind
    )
    try:
        check_parameter(found)
    except Invalid as error:
        raise typer.BadParameter(error.message) from None
    return found.model_dump()


def _type_of(word: str) -> str | None:
    """Return the type that stands behind a value; None when it is a part of the value."""
    try:
        scalar_type(word)
    except Invalid:
        return None
    return word


def _run_all(
    session: Session, base: Order, statements: list[str], form: Form, out: Path | None
) -> None:
    """Run statements one after another; the last one's answer is what is written."""
    limit = base.limit or (TABLE_ROWS if form is Form.table else None)
    for number, text in enumerate(statements, 1):
        order = replace(base, text=text, limit=limit)
        is_last = number == len(statements)
        finish(partial(session.run, order), text, form, out, written=is_last)


def finish(
    run: Callable[[Told], Answer], text: str, form: Form, out: Path | None, *, written: bool = True
) -> None:
    """Run a statement and show or write its answer.

    Args:
        run: Does it.
        text: Of the statement, to show where it is wrong.
        form: How its answer is wanted.
        out: The file to write; standard output when unset.
        written: Whether its answer is wanted, unless as a table.

    Raises:
        Exit: it did not succeed; the code is that of the help.
    """
    try:
        with waiting() as told:
            answer = run(told)
        if form is Form.table:
            show(answer)
        elif written:
            _write(answer, form, out)
    except SqlFailed as error:
        say_failure(error.message, text)
        raise typer.Exit(1) from None
    except Cancelled as error:
        say_error(error.message)
        raise typer.Exit(STOPPED) from None


def _write(answer: Answer, form: Form, out: Path | None) -> None:
    try:
        with sink_of(out) as sink:
            write(answer, form, sink)
    except BrokenPipeError:
        # Whoever read our output has seen enough; and nothing more can be said to them.
        sys.stderr.close()
        raise typer.Exit(0) from None
    except OSError as error:
        say_error(f"'{out or 'standard output'}' cannot be written: {error}")
        raise typer.Exit(1) from None
