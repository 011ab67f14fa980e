"""`openlake runs`: look at runs, follow and cancel them, read their logs."""

import sys
from typing import Annotated, Any

import typer

from control.cli.client import Api, connect
from control.cli.follow import Follower, draw, duration, mark, word
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from spec.errors import Invalid, NotFound

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Look at runs, follow and cancel them.",
)

RunId = Annotated[int, typer.Argument(help="As `openlake runs list` shows it.")]


@app.command("list")
def list_runs(
    job_id: Annotated[int | None, typer.Option(help="Only runs of this job.")] = None,
    active: Annotated[bool, typer.Option("--active", help="Only runs under way.")] = False,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 20,
    output: OutputOption = Output.text,
) -> None:
    """List runs, newest first.

    [dim]Example: openlake runs list --active[/dim]
    """
    query: dict[str, Any] = {"job_id": job_id, "active_only": "true" if active else None}
    runs = list(connect().pages("/api/2.2/jobs/runs/list", "runs", limit, **query))
    if output is Output.json:
        print_json(runs)
        return
    if not runs:
        console.print("No runs. `openlake jobs run JOB_ID` makes one.")
        return
    table = quiet_table("", "run_id", "job", "state", "duration", "by")
    for run in runs:
        row = (str(run["run_id"]), run["run_name"], word(run), duration(run))
        table.add_row(mark(run), *row, run["creator_user_name"])
    console.print(table)


@app.command("get")
def get_run(run_id: RunId, output: OutputOption = Output.text) -> None:
    """Show a run and its tasks as they stand."""
    run = connect().get("/api/2.2/jobs/runs/get", run_id=run_id)
    if output is Output.json:
        print_json(run)
    else:
        console.print(draw(run))


@app.command("follow")
def follow_run(run_id: RunId, output: OutputOption = Output.text) -> None:
    """Stay with a run until it has ended; fails when the run fails."""
    finish(connect(), run_id, output)


@app.command("cancel")
def cancel_run(run_id: RunId) -> None:
    """Ask a run to stop; what it has started is ended."""
    connect().post("/api/2.2/jobs/runs/cancel", {"run_id": run_id})
    console.print(f"[green]✓[/] run {run_id} was asked to stop")


@app.command("logs")
def show_logs(
    run_id: RunId,
    task: Annotated[str | None, typer.Option(help="The task's key, if there are several.")] = None,
) -> None:
    """Print the whole log of a task: of its latest attempt, or of the task run named.

    [dim]Example: openlake runs logs 1048576 --task clean[/dim]
    """
    api = connect()
    for piece in api.text(f"/api/openlake/1.0/task-runs/{_task_run(api, run_id, task)}/logs"):
        sys.stdout.write(piece)


@app.command("output")
def get_output(
    run_id: RunId, task: Annotated[str | None, typer.Option(help="The task's key.")] = None
) -> None:
    """Print as JSON what a task left: result, rows, error."""
    api = connect()
    print_json(api.get("/api/2.2/jobs/runs/get-output", run_id=_task_run(api, run_id, task)))


def _task_run(api: Api, run_id: int, task: str | None) -> int:
    run = api.get("/api/2.2/jobs/runs/get", run_id=run_id)
    tasks: list[dict[str, Any]] = run.get("tasks", [])
    if any(each.get("run_id") == run_id for each in tasks):
        return run_id
    keys = sorted({each["task_key"] for each in tasks})
    if task is None and len(keys) > 1:
        raise Invalid(f"run {run_id} has several tasks; choose one with --task: {', '.join(keys)}")
    made = [each for each in tasks if each.get("run_id") and each["task_key"] == (task or keys[0])]
    if not made:
        raise NotFound(f"run {run_id} has no attempt of a task '{task or keys[0]}' yet")
    return int(max(made, key=lambda each: each.get("attempt_number", 0))["run_id"])


def finish(api: Api, run_id: int, output: Output = Output.text) -> dict[str, Any]:
    """Follow a run to its end and return it.

    Raises:
        typer.Exit: with code 1 when the run did not succeed.
    """
    run = Follower(api, run_id).follow(show=output is Output.text)
    if output is Output.json:
        print_json(run)
    if run["state"].get("result_state") not in ("SUCCESS", "SUCCESS_WITH_FAILURES"):
        raise typer.Exit(1)
    return run
