"""`openlake runs`: look at runs, start, follow, cancel and repair them, read what they left."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from control.cli.client import Api, connect
from control.cli.evidence import evidence
from control.cli.follow import Follower
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from control.cli.picture import draw, duration, mark, read_run, word
from control.cli.replay import compare, replay
from control.cli.transactions import drop_branch, transaction, transaction_line
from spec.errors import Invalid, NotFound
from spec.ids import is_task_run, run_of

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Look at runs; submit, follow, cancel and repair them.",
)
app.command("evidence")(evidence)
app.command("replay")(replay)
app.command("compare")(compare)
app.command("transaction")(transaction)
app.command("drop-branch")(drop_branch)

RunId = Annotated[int, typer.Argument(help="As `openlake runs list` shows it.")]
Follow = Annotated[bool, typer.Option(help="Stay until the run has ended.")]


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
    """Show a run and its tasks as they stand; of a for-each task's run its iterations."""
    api = connect()
    run = read_run(api, run_id)
    if output is Output.json:
        print_json(run)
        return
    console.print(draw(run))
    if line := transaction_line(api, run_of(run_id)):
        console.print(f"[dim]{line}[/]")


@app.command("follow")
def follow_run(run_id: RunId, output: OutputOption = Output.text) -> None:
    """Stay with a run until it has ended; fails when the run fails."""
    finish(connect(), run_id, output)


@app.command("cancel")
def cancel_run(run_id: RunId) -> None:
    """Ask a run, or the run of one task, to stop; what it has started is ended.

    [dim]Example: openlake runs cancel 1048577[/dim]
    """
    connect().post("/api/2.2/jobs/runs/cancel", {"run_id": run_id})
    what = "task run" if is_task_run(run_id) else "run"
    console.print(f"[green]✓[/] {what} {run_id} was asked to stop")


@app.command("repair")
def repair_run(
    run_id: RunId,
    task: Annotated[
        list[str] | None, typer.Option(help="Run this task again; again for more.")
    ] = None,
    all_failed: Annotated[
        bool, typer.Option("--all-failed", help="Run all that did not succeed; the default.")
    ] = False,
    dependents: Annotated[
        bool, typer.Option("--dependents", help="Also what depends on them.")
    ] = False,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="name=value of a job parameter; again for more."),
    ] = None,
    original_settings: Annotated[
        bool,
        typer.Option(
            "--original-settings",
            help="Take the settings that the run began with, not the job's settings of now.",
        ),
    ] = False,
    follow: Follow = True,
    output: OutputOption = Output.text,
) -> None:
    """Run the failed tasks of an ended run again, or those named; what went well is kept.

    [dim]Example: openlake runs repair 1048576 --task clean --dependents -p month=2[/dim]
    """
    if task and all_failed:
        raise Invalid("give --task or --all-failed, not both")
    api = connect()
    body: dict[str, Any] = {
        "run_id": run_id,
        "rerun_tasks": task or [],
        "rerun_all_failed_tasks": not task,
        "rerun_dependent_tasks": dependents,
        "job_parameters": parse_parameters(parameter or []),
        "openlake_settings": "ORIGINAL" if original_settings else "CURRENT",
    }
    past = read_run(api, run_id).get("repair_history", [])
    if past and past[-1].get("id"):
        body["latest_repair_id"] = past[-1]["id"]
    repair_id = api.post("/api/2.2/jobs/runs/repair", body)["repair_id"]
    if follow:
        finish(api, run_id, output)
    elif output is Output.json:
        print_json({"run_id": run_id, "repair_id": repair_id})
    else:
        console.print(f"[green]✓[/] repair {repair_id} of run {run_id}")


@app.command("submit")
def submit_run(
    file: Annotated[
        Path, typer.Argument(help="YAML or JSON: run_name, tasks, …", exists=True, dir_okay=False)
    ],
    follow: Follow = True,
    output: OutputOption = Output.text,
) -> None:
    """Run tasks that are no job, once, and follow them; fails when the run fails.

    [dim]Example: openlake runs submit once.yml --no-follow[/dim]
    """
    from spec.run_files import load_run

    request = load_run(file.read_text("utf-8"), str(file))
    api = connect()
    body = request.model_dump(mode="json", exclude_none=True, exclude_unset=True)
    run_id = int(api.post("/api/2.2/jobs/runs/submit", body)["run_id"])
    if follow:
        finish(api, run_id, output)
    elif output is Output.json:
        print_json({"run_id": run_id})
    else:
        console.print(f"run {run_id}")


@app.command("settings")
def get_settings(
    run_id: RunId,
    execution: Annotated[
        int | None, typer.Option(help="0 is the original, n the n-th repair; else the newest.")
    ] = None,
    output: OutputOption = Output.text,
) -> None:
    """Show the settings that a run uses, whatever has become of its job since.

    [dim]Example: openlake runs settings 1048576 --execution 0[/dim]
    """
    used = connect().get(f"/api/openlake/1.0/runs/{run_id}/settings", execution=execution)
    if output is Output.json:
        print_json(used)
        return
    version = f", version {used['job_version']}" if used.get("job_version") else ""
    console.print(f"[bold]run {run_id}[/] of job {used['job_id']}{version}")
    console.print(f"[dim]settings {used['settings_hash']}[/]")
    print_json(used["settings"])
    table = quiet_table("file", "sha256")
    for path, sha256 in sorted(used["files"].items()):
        table.add_row(path, sha256[:12])
    console.print(table)


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
    # One that waits has an id already, but has left nothing.
    begun = [each for each in tasks if each.get("run_id") and each.get("start_time")]
    made = [each for each in begun if each["task_key"] == (task or keys[0])]
    if not made:
        raise NotFound(f"run {run_id} has no attempt of a task '{task or keys[0]}' yet")
    return int(max(made, key=lambda each: each.get("attempt_number", 0))["run_id"])


def parse_parameters(given: list[str]) -> dict[str, str]:
    """Return `name=value` texts as a map.

    Raises:
        Invalid: one of them has no equals sign.
    """
    pairs = [each.partition("=") for each in given]
    for name, equals, _ in pairs:
        if not equals:
            raise Invalid(f"the parameter '{name}' is not written as name=value")
    return {name: value for name, _, value in pairs}


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
