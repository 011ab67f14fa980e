"""`openlake runs replay` and `compare`: what would the run write today, and does it differ?"""

import sys
from typing import Annotated, Any

import typer

from control.cli.client import Api, connect
from control.cli.follow import Follower
from control.cli.output import Output, OutputOption, console, print_json, quiet_table, say_error
from control.cli.picture import latest_attempts

RunId = Annotated[int, typer.Argument(help="As `openlake runs list` shows it.")]


def replay(
    run_id: RunId,
    follow: Annotated[bool, typer.Option(help="Stay until the tables have been compared.")] = True,
    output: OutputOption = Output.text,
) -> None:
    """Run a run again on the tables it saw, on a scratch branch, and compare what both wrote.

    Settings, files and parameters are the run's own; nothing is published, nobody is notified.
    Exit code 1: the outputs differ, or the replay failed.

    [dim]Example: openlake runs replay 1048576[/dim]
    """
    api = connect()
    started = api.post(f"/api/openlake/1.0/runs/{run_id}/replay", {})
    _end(api, int(started["run_id"]), follow, output)


def compare(
    run_id: RunId,
    with_run_id: Annotated[int, typer.Argument(help="The other run.")],
    output: OutputOption = Output.text,
) -> None:
    """Compare the tables that two runs wrote, whatever the order of their rows.

    Exit code 1: they differ.

    [dim]Example: openlake runs compare 1048576 2097152[/dim]
    """
    api = connect()
    task = {
        "task_key": "compare",
        "compare_task": {"run_id": str(run_id), "with_run_id": str(with_run_id)},
    }
    settings = {"run_name": f"compare runs {run_id} and {with_run_id}", "tasks": [task]}
    started = api.post("/api/2.2/jobs/runs/submit", settings)
    _end(api, int(started["run_id"]), True, output)


def _end(api: Api, run_id: int, follow: bool, output: Output) -> None:
    if not follow:
        if output is Output.json:
            print_json({"run_id": run_id})
        else:
            console.print(f"[green]✓[/] run {run_id} was started")
        return
    run = Follower(api, run_id).follow(show=output is Output.text)
    rows, error = _verdicts(api, run)
    if output is Output.json:
        print_json({"run_id": run_id, "error": error, "tables": rows})
    else:
        if rows:
            table = quiet_table(*rows[0])
            for row in rows:
                table.add_row(*(cell or "" for cell in row.values()))
            console.print(table)
        if error is not None:
            say_error(error)
    if error is not None:
        sys.exit(1)


def _verdicts(api: Api, run: dict[str, Any]) -> tuple[list[dict[str, str | None]], str | None]:
    """Return a row for each table, and why the run did not succeed, if so."""
    for task in reversed(latest_attempts(run)):
        if task["state"]["life_cycle_state"] != "TERMINATED":
            continue
        left = api.get("/api/2.2/jobs/runs/get-output", run_id=task["run_id"])
        answer = left.get("sql_output", {}).get("query_output", {})
        columns: list[str] = answer.get("columns", [])
        rows: list[list[str | None]] = answer.get("rows", [])
        return [dict(zip(columns, row, strict=False)) for row in rows], left.get("error")
    return [], str(run["state"].get("state_message") or "the run did not succeed")
