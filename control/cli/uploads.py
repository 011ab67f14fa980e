"""`openlake tables upload`: a file of this machine becomes rows of a table."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.progress import DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from control.cli.client import Api, connect
from control.cli.follow import Follower
from control.cli.output import Output, OutputOption, console, print_json, quiet_table, say_error
from spec.errors import Invalid
from spec.loads import FileFormat

_PIECE = 1 << 20


def upload(
    file: Annotated[
        Path, typer.Argument(help="A CSV, JSON or Parquet file; CSV and JSON may be .gz.")
    ],
    table: Annotated[str, typer.Argument(help="schema.table; made anew unless told otherwise.")],
    append: Annotated[bool, typer.Option("--append", help="Add to the rows it has.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace them.")] = False,
    kind: Annotated[
        FileFormat | None, typer.Option("--format", "-f", help="Unset, the file's name tells.")
    ] = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", "-t", help="column=TYPE, e.g. price=DECIMAL(10,2); again for more."),
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Between the fields of a CSV file.")] = None,
    header: Annotated[
        bool, typer.Option("--header/--no-header", help="The first line names the columns.")
    ] = True,
    null: Annotated[str | None, typer.Option(help="The text that stands for NULL.")] = None,
    encoding: Annotated[str | None, typer.Option(help="utf-8, utf-16 or latin-1.")] = None,
    date_format: Annotated[str | None, typer.Option(help="E.g. %d.%m.%Y.")] = None,
    skip: Annotated[int, typer.Option(help="Lines to pass over at the beginning.", min=0)] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check every row and show the columns; load nothing.")
    ] = False,
    output: OutputOption = Output.text,
) -> None:
    """Load a file into a table: all of its rows, or none.

    Types are found out; bad rows are shown with their lines. Exit code 1: nothing was loaded.

    [dim]Example: openlake tables upload prices.csv shop.prices --type 'price=DECIMAL(10,2)'[/dim]
    """
    if append and overwrite:
        raise Invalid("give only one of --append and --overwrite")
    if not file.is_file():
        raise Invalid(f"there is no file '{file}'")
    csv = {
        "delimiter": {"\\t": "\t", "tab": "\t"}.get(delimiter or "", delimiter),
        "header": None if header else False,
        "null": null,
        "encoding": encoding,
        "date_format": date_format,
        "skip": skip or None,
    }
    given = {name: value for name, value in csv.items() if value is not None}
    request = {
        "table": table,
        "mode": "append" if append else "overwrite" if overwrite else "create",
        "columns": dict(_pair(each) for each in types or []),
        "dry_run": dry_run,
        **({"format": kind.value} if kind else {}),
        **({"csv": given} if given else {}),
    }
    api = connect()
    kept = _send(api, file, show=output is Output.text)
    path = f"/api/openlake/1.0/uploads/{kept['upload_id']}/load"
    run_id = int(api.post(path, request)["run_id"])
    run = Follower(api, run_id).follow(show=output is Output.text)
    _tell(api, run, output)


def _pair(text: str) -> tuple[str, str]:
    name, equals, kind = text.partition("=")
    if not equals or not name.strip() or not kind.strip():
        raise Invalid(f"--type is column=TYPE, not '{text}'")
    return name.strip(), kind.strip()


def _send(api: Api, file: Path, *, show: bool) -> dict[str, Any]:
    """Upload the file, a piece at a time, with a bar on a terminal."""
    size = file.stat().st_size
    columns = (TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn())
    bar = Progress(*columns, console=console, transient=True)
    with bar, file.open("rb") as source:
        bar.disable = not (show and console.is_terminal)
        task = bar.add_task(f"upload {file.name}", total=size)

        def pieces(source: IO[bytes]) -> Iterator[bytes]:
            while piece := source.read(_PIECE):
                bar.advance(task, len(piece))
                yield piece

        return api.send("/api/openlake/1.0/uploads", pieces(source), size, name=file.name)


def _tell(api: Api, run: dict[str, Any], output: Output) -> None:
    (task, *_) = sorted(run["tasks"], key=lambda each: -each["attempt_number"])
    left = api.get("/api/2.2/jobs/runs/get-output", run_id=task["run_id"])
    rows: list[list[str | None]] = (
        left.get("sql_output", {}).get("query_output", {}).get("rows", [])
    )
    error = left.get("error")
    if output is Output.json:
        print_json({"run_id": run["run_id"], "error": error, "rows": rows})
    elif error is None:
        shown = quiet_table("column", "type")
        for row in rows:
            shown.add_row(*(cell or "" for cell in row))
        console.print(shown)
    else:
        shown = quiet_table("line", "column", "problem", "text")
        for row in rows[:20]:
            shown.add_row(*(cell or "" for cell in row))
        if rows:
            console.print(shown)
        say_error(error)
    if error is not None:
        sys.exit(1)
