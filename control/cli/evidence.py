"""`openlake runs evidence`: export all that a run did as one document, and check one."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from control.cli.client import connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from spec.errors import Invalid
from spec.evidence import verify


def evidence(
    run_id: Annotated[
        int | None, typer.Argument(help="As `openlake runs list` shows it.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write it to this file; else it is printed.", dir_okay=False)
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            "--verify", help="Check such a file instead, without asking anybody.", dir_okay=False
        ),
    ] = None,
    output: OutputOption = Output.text,
) -> None:
    """Export what a run was made from and all it did, with inputs, outputs, logs and lineage.

    The document carries its own SHA-256; --verify finds any change made to it since.

    [dim]Example: openlake runs evidence 1048576 --out run.json[/dim]
    """
    if (run_id is None) == (check is None):
        raise Invalid("give a run's id, or --verify with a file")
    if check is not None:
        _tell(_verified(check), output)
        return
    pieces = connect().text(f"/api/openlake/1.0/runs/{run_id}/evidence")
    if out is None:
        for piece in pieces:
            sys.stdout.write(piece)
        sys.stdout.write("\n")
        return
    draft = out.with_name(f".{out.name}.part")
    with draft.open("w", encoding="utf-8") as file:
        file.writelines(pieces)
    _verified(draft)
    draft.replace(out)
    console.print(f"[green]✓[/] evidence of run {run_id} in {out}", soft_wrap=True)


def _verified(path: Path) -> dict[str, Any]:
    try:
        return verify(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise Invalid(f"{path} is no JSON document: {error}") from error


def _tell(document: dict[str, Any], output: Output) -> None:
    run = document["run"]
    if output is Output.json:
        facts = ("sha256", "made_at", "made_by", "openlake_version", "final")
        print_json({"run_id": run["run_id"], **{name: document[name] for name in facts}})
        return
    console.print(f"[green]✓[/] unchanged: run {run['run_id']} of '{run['run_name']}'")
    table = quiet_table("", "")
    for name, value in (
        ("ended as", run["result"] if document["final"] else f"{run['life']} (not ended yet)"),
        ("task runs", len(document["task_runs"])),
        ("executions", len(document["executions"])),
        ("made", f"{document['made_at']} by {document['made_by']}"),
        ("sha256", document["sha256"]),
    ):
        table.add_row(name, str(value))
    console.print(table)
