"""`openlake fs`: files of volumes, of DBFS and of the workspace, and those of this machine."""

import sys
from typing import Annotated

import typer

from control.cli.client import connect
from control.cli.file_places import Entry, Place, place_of
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from spec.errors import Invalid

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Files: /Volumes/… in volumes, dbfs:/… in DBFS, /Workspace/… in the workspace; any other"
    " path is one of this machine.",
)

Where = Annotated[str, typer.Argument(help="E.g. /Volumes/lakehouse/shop/raw/prices.csv.")]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="With all a folder holds.")]


@app.command("ls")
def ls(path: Where, output: OutputOption = Output.text) -> None:
    """List a folder.

    [dim]Example: openlake fs ls /Volumes/lakehouse/shop/raw[/dim]
    """
    from datetime import UTC, datetime

    found = list(place_of(connect(), path).entries())
    if output is Output.json:
        print_json([each.__dict__ for each in found])
        return
    if not found:
        console.print("The folder is empty.")
        return
    table = quiet_table("name", "bytes", "written")
    for each in found:
        at = datetime.fromtimestamp(each.modified_ms / 1000, UTC)
        written = f"{at:%Y-%m-%d %H:%M:%S} UTC" if each.modified_ms else ""
        size = "" if each.is_folder or each.size_bytes is None else f"{each.size_bytes:,}"
        table.add_row(f"{each.name}/" if each.is_folder else each.name, size, written)
    console.print(table)


@app.command("cat")
def cat(path: Where) -> None:
    """Write a file to standard output.

    [dim]Example: openlake fs cat dbfs:/notes.txt[/dim]
    """
    for piece in place_of(connect(), path).read():
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


@app.command("cp")
def cp(
    source: Where,
    target: Annotated[str, typer.Argument(help="A file, or a folder that is there.")],
    recursive: Recursive = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    output: OutputOption = Output.text,
) -> None:
    """Copy a file, or a folder with --recursive; from anywhere to anywhere.

    [dim]Example: openlake fs cp prices.csv /Volumes/lakehouse/shop/raw/prices.csv[/dim]
    """
    api = connect()
    start, end = place_of(api, source), place_of(api, target)
    if start.is_folder():
        if not recursive:
            raise Invalid(f"'{source}' is a folder; give --recursive to copy all it holds")
        copied = _copy_folder(start, end, overwrite)
    else:
        (entry,) = start.entries()
        into = end.child(entry.name) if target.endswith("/") or end.is_folder() else end
        _copy_file(start, into, entry, overwrite)
        copied = 1
    if output is Output.json:
        print_json({"copied": copied})
    else:
        console.print(f"[green]✓[/] {copied} file{'s' if copied != 1 else ''} copied")


def _copy_file(source: Place, target: Place, entry: Entry, overwrite: bool) -> None:
    body, size = source.read(), entry.size_bytes
    if size is None:
        content = b"".join(body)
        body, size = iter((content,)), len(content)
    target.write(body, size, overwrite=overwrite)


def _copy_folder(source: Place, target: Place, overwrite: bool) -> int:
    target.make()
    copied = 0
    for each in source.entries():
        start, end = source.child(each.name), target.child(each.name)
        if each.is_folder:
            copied += _copy_folder(start, end, overwrite)
        else:
            _copy_file(start, end, each, overwrite)
            copied += 1
    return copied


@app.command("mkdir")
def mkdir(path: Where, output: OutputOption = Output.text) -> None:
    """Make a folder and those above it.

    [dim]Example: openlake fs mkdir /Volumes/lakehouse/shop/raw/2026[/dim]
    """
    place_of(connect(), path).make()
    _done(output, path, "made")


@app.command("rm")
def rm(path: Where, recursive: Recursive = False, output: OutputOption = Output.text) -> None:
    """Delete a file, or a folder with --recursive.

    [dim]Example: openlake fs rm -r dbfs:/tmp[/dim]
    """
    place_of(connect(), path).delete(recursive=recursive)
    _done(output, path, "deleted")


def _done(output: Output, path: str, said: str) -> None:
    if output is Output.json:
        print_json({"path": path})
    else:
        console.print(f"[green]✓[/] {path} {said}", markup=True, soft_wrap=True)
