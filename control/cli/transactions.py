"""`openlake runs transaction` and `drop-branch`: the catalog branch on which a run works."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from control.cli.client import Api, connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from spec.errors import NotFound

RunId = Annotated[int, typer.Argument(help="As `openlake runs list` shows it.")]


def transaction(run_id: RunId, output: OutputOption = Output.text) -> None:
    """Show the transaction of a run: its branch, what landed on it, what was published.

    [dim]Example: openlake runs transaction 1048576[/dim]
    """
    found = connect().get(f"/api/openlake/1.0/runs/{run_id}/transaction")
    if output is Output.json:
        print_json(found)
    else:
        _draw(found)


def drop_branch(
    run_id: RunId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    output: OutputOption = Output.text,
) -> None:
    """Drop the kept branch of a run that has ended; what it did not publish is lost.

    [dim]Example: openlake runs drop-branch 1048576 --yes[/dim]
    """
    if not yes:
        typer.confirm(f"Drop what run {run_id} wrote and did not publish?", abort=True, err=True)
    found = connect().post(f"/api/openlake/1.0/runs/{run_id}/transaction/drop", {})
    if output is Output.json:
        print_json(found)
    else:
        console.print(f"[green]✓[/] the branch {found['branch']} is dropped")


def transaction_line(api: Api, run_id: int) -> str | None:
    """Return how a run's transaction stands; None for a run that is none."""
    try:
        found = api.get(f"/api/openlake/1.0/runs/{run_id}/transaction")
    except NotFound:
        return None
    return f"transaction {found['state']} on branch {found['branch']}{_until(found)}"


def _draw(found: dict[str, Any]) -> None:
    console.print(f"[bold]{found['state']}[/]  branch {found['branch']}{_until(found)}")
    if message := found.get("message"):
        console.print(escape(message))
    published = found.get("tables", [])
    if published:
        table = quiet_table("published", "snapshot", "task")
        for each in published:
            table.add_row(each["table"], each.get("snapshot_id", ""), each["task_key"])
        console.print(table)
    attempts = found.get("attempts", [])
    if not attempts:
        console.print("No attempt has worked on it yet.")
        return
    table = quiet_table("task", "task_run_id", "branch of the attempt", "landed")
    for each in attempts:
        landed = ", ".join(each.get("tables", []))
        table.add_row(each["task_key"], str(each["task_run_id"]), each["state"], landed)
    console.print(table)


def _until(found: dict[str, Any]) -> str:
    if found.get("dropped_at"):
        return ", dropped"
    if "drop_after" not in found:
        return ""
    moment = datetime.fromisoformat(found["drop_after"]).astimezone(UTC)
    return f", kept until {moment:%Y-%m-%d %H:%M} UTC"
